"""Where training plays: the environments side by side, the episodes under way in them, and how they come back from a checkpoint."""

from collections.abc import Callable

import numpy as np

from games.process import apply, draw
from games.random import stream, unit
from games.world import Instance
from planners.learning.batch import Batch

RECENT = 100  # episodes whose mean score is told


class Seats:
    """Environments in which episodes are played, one after the other in each.

    Attributes
    ----------
    environment_steps, episodes : int
        How many there were so far; whoever plays counts the steps.
    instances : list of Instance
    states : list of ndarray
        Of the episodes under way; played on in place. Both are empty where episodes are played as a whole.
    rngs : ndarray of shape (seats, 4)
        A stream of random numbers each, mutated.
    steps, scores : ndarray of shape (seats,)
        Of the episodes under way.
    """

    def __init__(self, begin: Callable[[int], Instance], count: int, seed: int, whole: bool) -> None:
        self._begin = begin
        self.environment_steps = self.episodes = 0
        self.rngs = np.array([stream("learning", seed, k) for k in range(count)])
        self._numbers = np.zeros(count, np.int64)
        self.steps = np.zeros(count, np.int64)
        self.scores = np.zeros(count)
        # How the episodes under way came to where they are, for models whose states say so in this process only.
        self._begun = self.rngs.copy()
        self._taken: list[list[int]] = [[] for _ in range(count)]
        self._recent: list[float] = []  # scores of the last episodes
        self.instances: list[Instance] = []
        self.states: list[np.ndarray] = []
        if not whole:
            for k in range(count):
                self.instances.append(self.next(k))
                self.states.append(self.instances[k].start.copy())

    def next(self, k: int) -> Instance:
        """Return the instance of the next episode in seat `k`, which begins with it."""
        self._numbers[k] += 1
        self.steps[k], self.scores[k] = 0, 0.0
        self._begun[k], self._taken[k] = self.rngs[k], []
        return self._instance(k, int(self._numbers[k]) - 1)

    def played(self, k: int, actions: list[int], gained: float) -> None:
        """Note that `actions` were played in seat `k` and earned `gained`."""
        self.steps[k] += len(actions)
        self.scores[k] += gained
        if not self._compiled():
            self._taken[k] += actions

    def over(self, k: int) -> None:
        """End the episode under way in seat `k` and begin the next one."""
        self.finished(float(self.scores[k]))
        self.instances[k] = self.next(k)
        self.states[k] = self.instances[k].start.copy()

    def finished(self, score: float) -> None:
        """Note that an episode has ended with `score`."""
        self.episodes += 1
        self._recent = [*self._recent[-(RECENT - 1) :], score]

    def give_up(self, batch: Batch) -> None:
        """Begin a new episode where the one under way is hopeless."""
        for k in range(len(self.states)):
            last = np.flatnonzero(batch.sequence == k)[-1]
            if batch.hopeless[last] and self.steps[k] > 0:  # else the episode has ended, and the next one begun
                self.over(k)

    def score(self) -> float:
        """Return the mean score of the last episodes, NaN before the first has ended."""
        return float(np.mean(self._recent)) if self._recent else float("nan")

    def state(self) -> dict[str, np.ndarray]:
        """Return what a checkpoint keeps."""
        found = {
            "rngs": self.rngs.copy(), "numbers": self._numbers.copy(),
            "steps": self.steps.copy(), "scores": self.scores.copy(), "recent": np.array(self._recent, np.float64),
        }  # fmt: skip
        if self.states and self._compiled():
            found["states"] = stacked([state[None] for state in self.states])
        elif self.states:
            taken = np.array([action for actions in self._taken for action in actions], np.int64)
            found |= {"begun": self._begun.copy(), "taken": taken}
        return found

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on where `state` was taken."""
        self.rngs[:], self._numbers[:], self.steps[:] = arrays["rngs"], arrays["numbers"], arrays["steps"]
        self.scores[:], self._recent = arrays["scores"], arrays["recent"].tolist()
        ends = np.cumsum(self.steps).tolist()
        for k in range(len(self.states)):
            instance = self.instances[k] = self._instance(k, int(self._numbers[k]) - 1)
            if "states" in arrays:
                self.states[k] = arrays["states"][k][: instance.model.width].copy()
                continue
            self._begun[k] = arrays["begun"][k]
            self._taken[k] = arrays["taken"][ends[k] - self.steps[k] : ends[k]].tolist()
            self.states[k] = _played_again(instance, self._taken[k], self._begun[k].copy())

    def _compiled(self) -> bool:
        """Return whether states mean the same in every process; those of a Python model are numbered as they are met."""
        return isinstance(self.instances[0].model, tuple)

    def _instance(self, k: int, number: int) -> Instance:
        return self._begin(k + len(self.rngs) * number)


def stacked(arrays: list[np.ndarray]) -> np.ndarray:
    """Return arrays one after the other; tables as wide as the widest, filled up with zeros."""
    if arrays[0].ndim == 1:
        return np.concatenate(arrays)
    out = np.zeros((sum(map(len, arrays)), max(array.shape[1] for array in arrays)), arrays[0].dtype)
    begin = 0
    for array in arrays:
        out[begin : begin + len(array), : array.shape[1]] = array
        begin += len(array)
    return out


def _played_again(instance: Instance, actions: list[int], rng: np.ndarray) -> np.ndarray:
    """Return the state after `actions`, given the stream of random numbers with which they were played (`play.follow`)."""
    state = instance.start.copy()
    for action in actions:
        unit(rng)  # drew the action
        apply(instance.model, state, action)
        draw(instance.model, state, rng)
    return state
