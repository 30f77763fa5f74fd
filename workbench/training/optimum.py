"""The best score that can be had, where it can be worked out: what the score of a training run is to be compared with."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from games.dispatch import suited
from games.process import enumerable
from games.random import stream
from games.world import Instance
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.episode import step
from planners.parts.exact import solve

EXPANSIONS = 200_000  # of the search for a solution


def optimum(instances: Iterable[Instance], stop: Callable[[], bool] = lambda: False) -> float | None:
    """Return the mean over `instances` of the best possible score, by chance its expectation; None where one is not known.

    It is what the world says of an instance, or what A* finds where the world says that a shortest solution has the best score, or
    comes of dynamic programming where all states can be listed and the score is the sum of the rewards.
    """
    found: list[float] = []
    for instance in instances:
        best = None if stop() else _of(instance)
        if best is None:
            return None
        found.append(best)
    return float(np.mean(found)) if found else None


def _of(instance: Instance) -> float | None:
    world: Any = instance.world
    known = world.optimum(instance) if hasattr(world, "optimum") else None
    if known is not None:
        return float(known)
    if hasattr(world, "searched"):
        return _of_solution(instance, world)
    if not instance.model.outcomes and enumerable(instance.model):
        solution = solve(instance)
        return float(solution.values(instance.horizon)[0][solution.number(instance.start)])
    return None


def _of_solution(instance: Instance, world: Any) -> float | None:
    """Return the score of a shortest solution that is short enough; None if there is none, or it was not found."""
    problem, played = world.searched(instance)
    planner = find_planner("astar")
    planner.begin(problem, stream("optimum"))
    plan = planner.decide(problem.start, None, Budget(expansions=EXPANSIONS))
    if plan.action is None:
        return None
    actions = played(plan.line)
    if instance.horizon is not None and len(actions) > instance.horizon:
        return None
    model, chance, state = instance.model, stream("optimum"), instance.start.copy()
    move, states, rewards = suited(step, model), [state.copy()], []
    for action in actions:
        rewards.append(float(move(model, state, action, chance)))
        states.append(state.copy())
    return float(world.outcome(instance, states, actions, rewards)["score"])
