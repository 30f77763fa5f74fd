"""A Gymnasium environment as a decision process: states are saved and restored, chance is drawn from seeds of ours.

Saving is a deep copy of what the environment holds, or its own ``clone_state`` and ``restore_state``. Chance that an environment
draws inside a step decides the reward, too, but in a process `apply` says the reward before chance is drawn. So where there is
chance, a reward is owed until the next action pays it; a last action, the only one that is legal then, pays what an end still owes.
Sums of rewards are the environment's own; an episode is at most one action longer.
"""

import copy
import hashlib
import marshal
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from games.errors import GameplanError, UsageError, one_line
from games.random import next_word

MOST_STATES = 2_000_000  # of an episode's plans; each is kept
_PLAIN = (int, float, bool, str, bytes, type(None), np.float32, np.float64, np.int32, np.int64, np.bool_)
LARGEST_REWARD = 1e100
TRIALS, LONGEST = 6, 25  # walks and steps of them by which an environment is tried
_FIXED = ("P", "spec", "metadata", "observation_space", "action_space", "render_mode", "np_random", "_np_random", "_np_random_seed")


class Moment(NamedTuple):
    """A state: what was saved, what is seen, whether it is an end, the reward still owed, an action whose chance is not drawn."""

    saved: Any
    observation: Any
    ended: bool
    owed: float
    pending: int


class Simulator:
    """Steps an environment from any state.

    Parameters
    ----------
    name : str
        For messages.
    env : gymnasium.Env
        With discrete actions, and without wrappers that remember.

    Raises
    ------
    UsageError
        If it cannot be saved.
    """

    def __init__(self, name: str, env: Any) -> None:
        self.name, self._env = name, env.unwrapped
        self._own = all(callable(getattr(self._env, method, None)) for method in ("clone_state", "restore_state"))
        self.actions, self.first = int(env.action_space.n), int(env.action_space.start)
        self.chance = False

    def reset(self, seed: int) -> Moment:
        """Return the start of an episode."""
        observation, _ = self._env.reset(seed=seed)
        return Moment(self._save(), observation, False, 0.0, -1)

    def step(self, moment: Moment, action: int, seed: int) -> tuple[Moment, float]:
        """Return what follows `action` with the chance of `seed`, and the reward.

        Raises
        ------
        GameplanError
            If the environment fails.
        """
        try:
            self._restore(moment.saved)
            self._env.np_random = np.random.Generator(np.random.PCG64(seed))
            observation, reward, terminated, truncated, _ = self._env.step(self.first + action)
            gained = float(reward)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also SystemExit: an environment does not end the process
            raise GameplanError(f"{self.name} fails in a step: {type(error).__name__}: {one_line(error)}") from error
        if not abs(gained) <= LARGEST_REWARD:
            raise GameplanError(
                f"{self.name} pays {gained:g}; rewards must be finite, at most {LARGEST_REWARD:g} in size, to add up"
            )
        return Moment(self._save(), observation, bool(terminated or truncated), 0.0, -1), gained

    def shown(self, moment: Moment) -> str:
        """Return what the environment draws as text, else what is seen."""
        if self._env.render_mode != "ansi":
            return str(moment.observation)
        self._restore(moment.saved)
        return str(self._env.render())

    def try_out(self) -> None:
        """Check by random walks that the environment can be restored, and note whether there is chance in its steps.

        Raises
        ------
        UsageError
            If the same action from the same state with the same chance does not have the same outcome.
        """
        draw = np.random.default_rng(0)
        for walk in range(TRIALS):
            moment = self.reset(walk)
            for _ in range(LONGEST):
                if moment.ended:
                    break
                action = int(draw.integers(self.actions))
                outcomes = [_told(self.step(moment, action, seed)) for seed in (1, 1, 2, 3)]
                if outcomes[0] != outcomes[1]:
                    raise UsageError(
                        f"{self.name} cannot be planned in: the same action in a copy of the same state, with the same chance, had "
                        "two outcomes; it keeps state outside of itself or draws chance from elsewhere than its np_random"
                    )
                self.chance |= len(set(outcomes)) > 1
                moment, _ = self.step(moment, action, int(draw.integers(2**32)))

    def _save(self) -> Any:
        if self._own:
            return self._env.clone_state()
        try:
            return _copied({key: value for key, value in vars(self._env).items() if key not in _FIXED})
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise UsageError(
                f"{self.name} cannot be planned in: its state cannot be copied ({type(error).__name__}: {one_line(error)}), and it "
                "has no clone_state and restore_state of its own"
            ) from error

    def _restore(self, saved: Any) -> None:
        if self._own:
            self._env.restore_state(saved)
        else:
            held = vars(self._env)
            for key in [key for key in held if key not in saved and key not in _FIXED]:
                del held[key]
            held.update(_copied(saved))


class GymModel:
    """The model of one episode, in Python (`games.process`): a state is the number of a `Moment`; equal ones have one number."""

    width = 1

    def __init__(self, simulator: Simulator, chance: bool, seed: int) -> None:
        self.simulator, self.actions, self.outcomes = simulator, simulator.actions, int(chance)
        self._moments: list[Moment] = []
        self._keys: list[np.uint64] = []
        self._numbers: dict[int, int] = {}
        self.start = self._number(simulator.reset(seed))

    def moment(self, state: np.ndarray) -> Moment:
        """Return what a state stands for."""
        return self._moments[state[0]]

    def legal(self, state: np.ndarray, actions: np.ndarray) -> int:
        """See `games.process.legal`: all actions; at an end that still owes a reward the one that pays it, 0."""
        moment = self.moment(state)
        count = self.actions if not moment.ended else int(moment.owed != 0.0)
        actions[:count] = np.arange(count)
        return count

    def apply(self, state: np.ndarray, action: int) -> float:
        """See `games.process.apply`."""
        moment = self.moment(state)
        if not self.outcomes:
            after, reward = self.simulator.step(moment, int(action), 0)
            state[0] = self._number(after)
            return reward
        state[0] = self._number(moment._replace(owed=0.0, pending=-1 if moment.ended else int(action)))
        return moment.owed

    def draw(self, state: np.ndarray, rng: np.ndarray) -> None:
        """See `games.process.draw`."""
        moment = self.moment(state)
        if moment.pending >= 0:
            after, reward = self.simulator.step(moment, moment.pending, int(next_word(rng)))
            state[0] = self._number(after._replace(owed=reward))

    def chance(self, state: np.ndarray, states: np.ndarray, probabilities: np.ndarray) -> int:
        """See `games.process.chance`; an environment draws, and lists nothing.

        Raises
        ------
        UsageError
            Where there is chance.
        """
        if not self.outcomes:
            return 0
        raise UsageError(f"{self.simulator.name} draws chance and does not list it; take a planner that draws: mcts, flat")

    def key(self, state: np.ndarray) -> np.uint64:
        """See `games.process.key`: a hash of all that the environment holds, the same in every process."""
        return self._keys[state[0]]

    def potential(self, root: np.ndarray, state: np.ndarray) -> float:
        """See `games.process.potential`: nothing is known of a state."""
        return 0.5

    def outlook(self, trajectory: Any, length: int) -> float:
        """See `games.process.outlook`: by the rewards on the way, from 0 to 1."""
        total = float(np.sum(trajectory.rewards[:length]))
        return 0.5 + 0.5 * total / (1.0 + abs(total))

    def _number(self, moment: Moment) -> int:
        digest = hashlib.blake2b(digest_size=8)
        _add(digest, (moment.saved, moment.ended, moment.owed, moment.pending), len(self._moments))
        key = int.from_bytes(digest.digest(), "big")
        if key not in self._numbers:
            if len(self._moments) >= MOST_STATES:
                raise GameplanError(
                    f"{self.simulator.name}: plans have met {MOST_STATES:,} states, the most; ask for less a decision"
                )
            self._numbers[key] = len(self._moments)
            self._moments.append(moment)
            self._keys.append(np.uint64(key))
        return self._numbers[key]


def _copied(held: dict[str, Any]) -> dict[str, Any]:
    """Return a deep copy, quickly where values are plain; what several of them share is still shared."""
    found, rest, memo = {}, {}, dict[int, Any]()
    for key, value in held.items():
        if type(value) in _PLAIN:
            found[key] = value
        elif type(value) is np.ndarray and value.dtype != object:
            found[key] = memo.setdefault(id(value), value.copy())
        else:
            rest[key] = value
    return {**found, **copy.deepcopy(rest, memo)}


def _told(outcome: tuple[Moment, float]) -> str:
    """Return all of an outcome that can be compared, as a hash."""
    digest = hashlib.blake2b()
    moment, reward = outcome
    _add(digest, (moment.saved, moment.observation, moment.ended, reward), 0)
    return digest.hexdigest()


def _add(digest: Any, value: Any, fresh: int) -> None:
    """Feed `value` to a hash, whatever it is made of; what cannot be looked into is told apart by the number `fresh`."""
    digest.update(type(value).__name__.encode())
    if type(value) in (list, tuple):
        with suppress(ValueError):  # of plain values only, as nearly all are
            digest.update(marshal.dumps(value, 2))
            return
    if isinstance(value, np.ndarray) and value.dtype != object:
        digest.update(f"{value.dtype}{value.shape}".encode() + value.tobytes())
    elif isinstance(value, dict):
        for key in value:
            _add(digest, (key, value[key]), fresh)
    elif isinstance(value, (list, tuple, np.ndarray)):
        digest.update(str(len(value)).encode())
        for each in value:
            _add(digest, each, fresh)
    elif isinstance(value, (set, frozenset)):
        _add(digest, sorted(value, key=repr), fresh)
    elif value is None or isinstance(value, (bool, int, float, str, bytes, np.generic)):
        digest.update(repr(value).encode())
    elif hasattr(value, "__dict__"):
        _add(digest, vars(value), fresh)
    else:
        digest.update(str(fresh).encode())
