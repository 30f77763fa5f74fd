"""How fast environments step from Python: the Gymnasium ones, beside OpenSpiel's 2048 and others where they are installed."""

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

STEPS = 50_000


def count() -> int:
    """Return how many things `run` will tell of."""
    return len(_OURS | _PEERS)


def run(*, repeats: int = 5, tell: Callable[[str], None]) -> dict[str, Any]:
    """Return steps a CPU second of every environment, the best of `repeats`, with random legal actions; or why there is none."""
    record: dict[str, Any] = {}
    for name, make in _OURS.items() | _PEERS.items():
        tell(f"environments: {name}")
        try:
            steps = make()
        except ImportError as error:
            record[name] = {"reason": f"not installed: {error}"}
            continue
        record[name] = {"steps_per_second": max(_rate(steps) for _ in range(repeats))}
    return dict(sorted(record.items(), key=lambda item: -item[1].get("steps_per_second", 0.0)))


def _rate(steps: Callable[[int], None]) -> float:
    count = 1000
    while True:  # peers are a thousand times slower than others: measure for about half a second
        begin = time.process_time()
        steps(count)
        seconds = time.process_time() - begin
        if seconds > 0.2 or count >= STEPS:
            return count / seconds
        count = min(STEPS, 4 * count)


def _gymnasium(name: str, **options: Any) -> Callable[[int], None]:
    gymnasium = importlib.import_module("gymnasium")
    importlib.import_module("games.gymnasium_envs")
    env = gymnasium.make(f"gameplan/{name}", disable_env_checker=True, **options).unwrapped
    env.reset(seed=0)
    env.step(0)

    def steps(count: int) -> None:
        actions = np.random.default_rng(0).integers(4, size=count).tolist()
        for action in actions:
            _, _, ended, truncated, _ = env.step(action)
            if ended or truncated:
                env.reset()

    return steps


def _open_spiel() -> Callable[[int], None]:
    pyspiel = importlib.import_module("pyspiel")
    game = pyspiel.load_game("2048")

    def steps(count: int) -> None:
        rng = np.random.default_rng(0)
        state, done = game.new_initial_state(), 0
        while done < count:
            if state.is_terminal():
                state = game.new_initial_state()
            elif state.is_chance_node():
                outcomes, probabilities = zip(*state.chance_outcomes(), strict=True)
                state.apply_action(outcomes[int(np.searchsorted(np.cumsum(probabilities), rng.random()))])
            else:
                actions = state.legal_actions()
                state.apply_action(actions[int(rng.random() * len(actions))])
                done += 1

    return steps


def _gymnasium_2048() -> Callable[[int], None]:
    gymnasium = importlib.import_module("gymnasium")
    importlib.import_module("gymnasium_2048")
    env = gymnasium.make("gymnasium_2048/TwentyFortyEight-v0").unwrapped
    env.reset(seed=0)

    def steps(count: int) -> None:
        for action in np.random.default_rng(0).integers(4, size=count).tolist():
            if env.step(action)[2]:
                env.reset()

    return steps


def _jumanji() -> Callable[[int], None]:
    jax, jumanji = importlib.import_module("jax"), importlib.import_module("jumanji")
    env = jumanji.make("Game2048-v1")
    return _scan(jax, env.reset, lambda state, action: env.step(state, action)[0], lambda state: state.action_mask)


def _pgx() -> Callable[[int], None]:
    jax, pgx = importlib.import_module("jax"), importlib.import_module("pgx")
    env = pgx.make("2048")
    return _scan(jax, env.init, env.step, lambda state: state.legal_action_mask)


def _scan(jax: Any, reset: Any, step: Any, mask: Any) -> Callable[[int], None]:
    """Return random play of 64 games at once, compiled by jax."""
    batch = 64

    def one(carry: Any, _: Any) -> Any:
        states, key = carry
        key, sub = jax.random.split(key)
        logits = jax.numpy.where(jax.vmap(mask)(states), 0.0, -1e9)
        actions = jax.random.categorical(sub, logits)
        return (jax.vmap(step)(states, actions), key), None

    @jax.jit
    def play(states: Any, key: Any) -> Any:
        return jax.lax.scan(one, (states, key), None, length=100)[0]

    states = jax.vmap(reset)(jax.random.split(jax.random.PRNGKey(0), batch))
    states = states[0] if isinstance(states, tuple) and len(states) == 2 else states
    jax.block_until_ready(play(states, jax.random.PRNGKey(1)))

    def steps(count: int) -> None:
        for _ in range(max(1, count // (100 * batch))):
            jax.block_until_ready(play(states, jax.random.PRNGKey(1)))

    return steps


_OURS: dict[str, Callable[[], Callable[[int], None]]] = {
    "Game2048-v0": lambda: _gymnasium("Game2048-v0"),
    "Sokoban-v0": lambda: _gymnasium("Sokoban-v0"),
}
_PEERS: dict[str, Callable[[], Callable[[int], None]]] = {
    "OpenSpiel 2048 (Python loop)": _open_spiel,
    "gymnasium-2048": _gymnasium_2048,
    "jumanji Game2048, batch of 64": _jumanji,
    "pgx 2048, batch of 64": _pgx,
}
