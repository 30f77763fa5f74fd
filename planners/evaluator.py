"""Evaluators: what a trajectory or a state is worth. Operations on a record that says how; planners know nothing else of it.

Goals and dead states are not asked for: a planner gives a trajectory that ends in one its exact value (`games.process.exact`),
before any memory or evaluator. Evaluators that numba cannot compile are Python objects with methods of these names, and planners
then run uncompiled.
"""

from typing import NamedTuple

import numpy as np

from games.dispatch import operation
from games.jit import embedded
from games.process import dead, exact, terminal
from planners.budget import EVALUATIONS


class Trajectory(NamedTuple):
    """A simulated run of up to T steps, from the root of a plan to wherever it was cut.

    `states` (T + 1, width), the root first; `afters` (T, width), the afterstates, equal to the next states in a deterministic
    world; `actions`, `rewards` and `scores` (T), the last the local scores l(s, a). How many steps of it hold is told apart.
    """

    states: np.ndarray
    afters: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    scores: np.ndarray


class Batch(NamedTuple):
    """Several trajectories: the arrays of `Trajectory` with one more axis in front, and how many steps of each hold."""

    all_states: np.ndarray
    all_afters: np.ndarray
    all_actions: np.ndarray
    all_rewards: np.ndarray
    all_scores: np.ndarray
    lengths: np.ndarray


@operation
def evaluate(evaluator, model, trajectory, length, rng, cost):
    """Return R(tau), the value of the first `length` steps of a `Trajectory` as a whole, in [0, 1] unless the world says otherwise.

    The trajectory is not mutated; `rng` is advanced and `cost` counted up by evaluators that simulate.
    """
    raise NotImplementedError


@operation
def value(evaluator, model, state, rng, cost):
    """Return V(s), the expected return still to come from `state`, in the units of the world's rewards."""
    raise NotImplementedError


@operation
def evaluate_all(evaluator, model, batch, chosen, count, values, rng, cost):
    """Write R(tau) of the trajectories ``chosen[:count]`` of a `Batch` to the same places of `values`.

    One after the other by default; evaluators behind an endpoint ask for all at once.
    """
    for k in range(count):
        b = chosen[k]
        trajectory = Trajectory(
            batch.all_states[b], batch.all_afters[b], batch.all_actions[b], batch.all_rewards[b], batch.all_scores[b]
        )
        values[b] = evaluate(evaluator, model, trajectory, batch.lengths[b], rng, cost)


@embedded
def ended(model, state):
    """Return whether a simulation stops in `state`: nothing can be done, or it is proven lost."""
    return terminal(model, state) | dead(model, state)  # no branch, with which numba would count references


@embedded
def appraise(evaluator, model, trajectory, length, rng, cost):
    """Return the value of a trajectory, exact if it ends in a terminal or dead state, and count it."""
    cost[EVALUATIONS] += 1
    if ended(model, trajectory.states[length]):
        return exact(model, trajectory.states[length])
    return evaluate(evaluator, model, trajectory, length, rng, cost)


def new_trajectory(steps: int, width: int) -> Trajectory:
    """Return an empty trajectory for up to `steps` steps of states of `width` words."""
    return Trajectory(
        np.zeros((steps + 1, width), np.int64),
        np.zeros((steps, width), np.int64),
        np.zeros(steps, np.int64),
        np.zeros(steps),
        np.zeros(steps),
    )


def new_batch(size: int, steps: int, width: int) -> Batch:
    """Return `size` empty trajectories for up to `steps` steps of states of `width` words."""
    return Batch(
        np.zeros((size, steps + 1, width), np.int64),
        np.zeros((size, steps, width), np.int64),
        np.zeros((size, steps), np.int64),
        np.zeros((size, steps)),
        np.zeros((size, steps)),
        np.zeros(size, np.int64),
    )
