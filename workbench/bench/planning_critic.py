"""How fast the Monte-Carlo critic and the planners on top of it run: CPU seconds, the best of several repeats."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from games.random import stream
from games.world import World
from games.worlds import load_world
from planners.budget import SIMULATIONS, TRANSITIONS, Budget, new_cost
from planners.catalogue import find_planner
from planners.critic.monte_carlo import Critic, make_critic, state_value
from planners.episode import play

REPEATS = 5
BOARDS = ("2048", "2048-proact")


def count() -> int:
    """Return how many things `run` will tell of."""
    return len(BOARDS) + 1


def run(*, repeats: int = REPEATS, tell: Callable[[str], None]) -> dict[str, Any]:
    """Return rates and times as one record: rollouts of 2048 from mid-game boards, the critic on Sokoban, moves of each planner."""
    record: dict[str, Any] = {"repeats": repeats}
    for name in BOARDS:
        tell(f"critic: {name}")
        world = load_world(name)
        boards = mid_game(world)
        record[name] = {
            "rollouts": rollout_rate(world, boards, repeats),
            "flat-critic": move_cost(world, boards, "flat-critic", {"rollouts": 100, "horizon": 60, "discount": 0.9}, repeats),
            "flat": move_cost(world, boards, "flat", {"rollouts": 100}, repeats),
            "mcts": move_cost(world, boards, "mcts", {"simulations": 400}, repeats),
            "proact": move_cost(world, boards, "proact", {"simulations": 400}, repeats),
        }
    tell("critic: sokoban-proact")
    world = load_world("sokoban-proact")
    record["sokoban-proact"] = {"rollouts": rollout_rate(world, [world.instance(0).start], repeats, 200)}
    return record


def mid_game(world: World, games: int = 2, moves: tuple[int, ...] = (400, 600, 800, 1000)) -> list[np.ndarray]:
    """Return boards of a 2048 world after so many moves of a quick player."""
    found = []
    for seed in range(games):
        planner = find_planner("flat-critic", {"rollouts": 30, "horizon": 20})
        episode = play(world.instance(seed), planner, Budget(), seed=seed, steps=max(moves))
        found += [episode.states[move] for move in moves if move < len(episode.states)]
    return found


def rollout_rate(world: World, states: list[np.ndarray], repeats: int, steps: int = 1_000_000) -> dict[str, float]:
    """Return rollouts and transitions a CPU second, undiscounted, from `states` of instance 0 to the end or for `steps`."""
    model = world.instance(0).model
    critic: Critic = make_critic(model, 2000, steps, 1.0)
    state_value(critic, model, states[0], 0)
    best = {"rollouts_per_second": 0.0, "transitions_per_second": 0.0}
    for repeat in range(repeats):
        begin = time.process_time()
        done = sum(state_value(critic, model, state, repeat).steps for state in states)
        seconds = time.process_time() - begin
        best["rollouts_per_second"] = max(best["rollouts_per_second"], critic.rollouts * len(states) / seconds)
        best["transitions_per_second"] = max(best["transitions_per_second"], done / seconds)
    return best


def move_cost(world: World, states: list[np.ndarray], name: str, params: dict[str, Any], repeats: int) -> dict[str, float]:
    """Return CPU milliseconds, simulations and transitions of a decision of a planner, averaged over `states` of instance 0."""
    planner = find_planner(name, params)
    planner.begin(world.instance(0), stream("bench", name))
    planner.decide(states[0], None, Budget())
    best, costs = np.inf, new_cost() / 1.0
    for _ in range(repeats):
        begin = time.process_time()
        costs = np.mean([planner.decide(state, None, Budget()).cost for state in states], axis=0)
        best = min(best, (time.process_time() - begin) / len(states))
    return {
        "milliseconds": 1e3 * best,
        "simulations": float(costs[SIMULATIONS]),
        "transitions": float(costs[TRANSITIONS]),
        "transitions_per_second": float(costs[TRANSITIONS]) / best,
    }
