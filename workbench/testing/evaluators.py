"""What every evaluator keeps to: finite worths, trajectories left alone, the same worth for the same end, compiled as in Python."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from games.dispatch import plain, suited
from games.jit import njit
from games.params import Value
from games.process import apply, draw, effective, score
from games.random import below, stream
from games.world import Instance
from games.worlds import load_world
from planners.budget import new_cost
from planners.evaluator import Trajectory, ended, evaluate, new_trajectory, value
from planners.parts.evaluators import make_evaluator

STEPS = 6  # of a trajectory
TRIES = 20  # trajectories
CLOSE = 1e-9  # compiled sums may be in another order


@njit
def _walk(model, trajectory, rng):
    """Fill a trajectory with play at random; return how many steps hold."""
    actions = np.empty(model.actions, np.int64)
    for t in range(len(trajectory.actions)):
        count = effective(model, trajectory.states[t], actions)
        if count == 0 or ended(model, trajectory.states[t]):
            return t
        action = actions[below(rng, count)]
        trajectory.actions[t], trajectory.afters[t] = action, trajectory.states[t]
        trajectory.rewards[t] = apply(model, trajectory.afters[t], action)
        trajectory.scores[t] = score(model, trajectory.states[t], action, trajectory.afters[t], trajectory.rewards[t])
        trajectory.states[t + 1] = trajectory.afters[t]
        draw(model, trajectory.states[t + 1], rng)
    return len(trajectory.actions)


@njit
def _judge(evaluator, model, trajectory, length, rng, cost, found):
    """Write R(tau) and V of the end of a trajectory."""
    found[0] = evaluate(evaluator, model, trajectory, length, rng, cost)
    found[1] = value(evaluator, model, trajectory.states[length], rng, cost)


class EvaluatorSuite:
    """Suite of one evaluator in one world.

    It judges ends that planners may ask about: those of play at random from the starts of two instances.

    Attributes
    ----------
    evaluator : str
        A kind, ``kind:argument``, or a path.
    world : str
        Catalogue name or path.
    options : mapping
        Values for options of the world.
    """

    evaluator: str
    world: str
    options: Mapping[str, Value] = {}

    def instances(self) -> list[Instance]:
        """Return the instances in which it judges."""
        world = load_world(self.world, self.options)
        return [world.instance(seed) for seed in range(min(2, len(world) or 2))]

    def make(self, instance: Instance) -> Any:
        """Return a new evaluator for an instance."""
        return make_evaluator(instance, self.evaluator)

    def trajectories(self, instance: Instance) -> list[tuple[Trajectory, int]]:
        """Return trajectories at random, with how many steps of each hold; ends that planners know without asking are left out."""
        found, rng = [], stream("suite of evaluators", instance.name)
        for _ in range(TRIES):
            trajectory = new_trajectory(STEPS, len(instance.start))
            trajectory.states[0] = instance.start
            count = suited(_walk, instance.model)(instance.model, trajectory, rng)
            found += [(trajectory, length) for length in range(count + 1) if not _over(instance, trajectory.states[length])]
        return found

    def judged(self, evaluator: Any, instance: Instance, trajectory: Trajectory, length: int, kernel: Any = None) -> np.ndarray:
        """Return R and V that `evaluator` gives, checked for what all evaluators keep to."""
        before, cost, found = [array.copy() for array in trajectory], new_cost(), np.zeros(2)
        judge = kernel or suited(_judge, instance.model, evaluator)
        judge(evaluator, instance.model, trajectory, length, stream("worth", length), cost, found)
        assert np.isfinite(found).all(), f"{self.evaluator} says {found[0]} and {found[1]} of a trajectory and its end: say numbers"
        assert all((a == b).all() for a, b in zip(before, trajectory, strict=True)), f"{self.evaluator} changes what it judges"
        assert (cost >= 0).all(), f"{self.evaluator}: a cost is only counted up, not {cost}"
        return found

    def range(self) -> tuple[float, float]:
        """Return the least and the greatest worth R of the trajectories."""
        worths = [
            self.judged(evaluator, instance, *each)[0]
            for instance in self.instances() for evaluator in [self.make(instance)] for each in self.trajectories(instance)
        ]  # fmt: skip
        return (min(worths), max(worths)) if worths else (0.0, 0.0)

    def test_says_the_same_of_the_same(self) -> None:
        """Asked again with the same numbers, and asked of another of its kind."""
        for instance in self.instances():
            one, other = self.make(instance), self.make(instance)
            for trajectory, length in self.trajectories(instance):
                found = self.judged(one, instance, trajectory, length)
                for again in (one, other):
                    same = np.array_equal(found, self.judged(again, instance, trajectory, length))
                    assert same, f"{self.evaluator} says another worth of the same end: its only chance is the rng that it is given"

    def test_is_compiled_to_what_it_says_in_python(self) -> None:
        """Records only: the same functions as plain Python."""
        for instance in self.instances():
            evaluator = self.make(instance)
            if not isinstance(evaluator, tuple) or not isinstance(instance.model, tuple):
                continue
            slow = plain(_judge)
            for trajectory, length in self.trajectories(instance)[:10]:
                found = self.judged(evaluator, instance, trajectory, length)
                there = self.judged(evaluator, instance, trajectory, length, slow)
                assert np.allclose(found, there, CLOSE, CLOSE), f"{self.evaluator}: compiled it says {found}, in Python {there}"


def _over(instance: Instance, state: np.ndarray) -> bool:
    return bool(suited(_ended, instance.model)(instance.model, state))


@njit
def _ended(model, state):
    return ended(model, state)
