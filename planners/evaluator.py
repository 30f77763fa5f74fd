"""Evaluators: what a trajectory or a state is worth. Operations on a record that says how; planners know nothing else of it.

Goals and dead states are not asked for: a planner gives a trajectory that ends in one its exact value (`games.process.exact`),
before any memory or evaluator. Evaluators that numba cannot compile are Python objects with methods of these names, and planners
then run uncompiled.
"""

from games.dispatch import operation


@operation
def evaluate(evaluator, model, states, actions, length, rng, cost):
    """Return R(tau), the value in [0, 1] of a trajectory as a whole.

    `states` (at least length + 1, width), the root first, and `actions` (at least `length`) are not mutated; `rng` is advanced and
    `cost` counted up by evaluators that simulate.
    """
    raise NotImplementedError


@operation
def value(evaluator, model, state, rng, cost):
    """Return V(s), the expected return still to come from `state`, in the units of the world's rewards."""
    raise NotImplementedError
