"""Learned values as evaluators and as leaves of searches: ``value:PATH`` names a run of ``gameplan train`` or a file in it."""

from typing import Any, NamedTuple

import numpy as np

from games.dispatch import operation
from games.errors import UsageError
from games.process import potential, potential_scale
from games.world import Instance
from planners.evaluator import evaluate, value
from planners.policies.catalogue import VALUE
from planners.policies.files import kept_learned
from planners.policies.policy import worth, worth_after

SPREAD = 5.0  # of the world's unit of reward (`games.process.potential_scale`): what makes a trajectory look good, 0.73 after 0.5


class LearnedValue(NamedTuple):
    """A learned value, `learned`, as an evaluator: V(s) as it is, a trajectory in [0, 1] by what it gained and leads to."""

    learned: Any


@value.of(LearnedValue)
def _value(evaluator, model, state, rng, cost):
    return worth(evaluator.learned, model, state)


@evaluate.of(LearnedValue)
def _evaluate(evaluator, model, trajectory, length, rng, cost):
    """Compared with what the root is worth; judged before the last chance event, so that no luck is in it."""
    ahead = -worth(evaluator.learned, model, trajectory.states[0])
    for t in range(length):
        ahead += trajectory.rewards[t]
    if length > 0:
        ahead += worth_after(evaluator.learned, model, trajectory.afters[length - 1])
    else:
        ahead += worth(evaluator.learned, model, trajectory.states[0])
    return 1.0 / (1.0 + np.exp(-ahead / (SPREAD * potential_scale(model))))


@operation
def at_horizon(leaves, model, root, after, weight):
    """Return what an afterstate counts where a search that began at `root` ends: `weight` of the world's heuristic, or a value."""
    return weight * potential(model, root, after)


@at_horizon.of(LearnedValue)
def _learned_at_horizon(leaves, model, root, after, weight):
    return worth_after(leaves.learned, model, after)


def make_evaluator(instance: Instance, argument: str = "") -> LearnedValue:
    """Return the learned value in the run or file that `argument` names, as an evaluator.

    Raises
    ------
    UsageError
        If none is named or there is none, or it is for another world.
    """
    if not argument:
        raise UsageError("the evaluator value needs a file: value:RUN, a run of 'gameplan train', or --value RUN")
    record = kept_learned(argument, VALUE, instance)
    if not isinstance(record, tuple):
        return PythonValue(record)  # type: ignore[return-value]
    return LearnedValue(record)


class PythonValue:
    """A learned value written in Python as an evaluator."""

    def __init__(self, learned: Any) -> None:
        self.learned = learned

    def value(self, model: Any, state: np.ndarray, rng: np.ndarray, cost: np.ndarray) -> float:
        """See `planners.evaluator.value`."""
        return float(worth(self.learned, model, state))

    def evaluate(self, model: Any, trajectory: Any, length: int, rng: np.ndarray, cost: np.ndarray) -> float:
        """See `planners.evaluator.evaluate`."""
        return float(_evaluate(self, model, trajectory, length, rng, cost))
