"""The best score that can be had, where it can be worked out: what the score of a training run is to be compared with."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from games.game2048 import exact as boards
from games.game2048.model import Small2048, shape_of
from games.graphs.model import GraphModel
from games.random import stream
from games.sokoban.pushes import FREEZE, pushes_model
from games.sokoban.worlds import SokobanWorld, pushes_lurd
from games.world import Instance
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.parts.exact import solve

EXPANSIONS = 200_000  # of the search for the solution of a level


def optimum(instances: Iterable[Instance], stop: Callable[[], bool] = lambda: False) -> float | None:
    """Return the mean over `instances` of the best possible score, by chance its expectation; None where one is not known.

    Known are graphs (dynamic programming), Sokoban levels that A* solves within their limit of steps, and boards of 2048 of at most
    six cells.
    """
    found: list[float] = []
    solutions: dict[int, boards.Solution] = {}
    for instance in instances:
        best = None if stop() else _of(instance, solutions)
        if best is None:
            return None
        found.append(best)
    return float(np.mean(found)) if found else None


def _of(instance: Instance, solutions: dict[int, boards.Solution]) -> float | None:
    model = instance.model
    if isinstance(model, GraphModel):
        solution = solve(instance)
        return float(solution.values(instance.horizon)[0][solution.number(instance.start)])
    if isinstance(instance.world, SokobanWorld):
        return _of_level(instance, instance.world)
    if isinstance(model, Small2048) and instance.horizon is None and boards.count_ones(shape_of(model).cells) <= boards.MOST_CELLS:
        if id(model) not in solutions:
            solutions[id(model)] = boards.solve(model)
        return float(np.nanmax(boards.action_values(model, solutions[id(model)], instance.start)))
    return None


def _of_level(instance: Instance, world: SokobanWorld) -> float | None:
    """Return the score of a solution that is short enough; None if there is none, or it was not found."""
    level = instance.extra["compiled"]
    model, start = pushes_model(level, FREEZE, "pushes" if world.actions == "pushes" else "moves")
    planner = find_planner("astar")
    planner.begin(replace(instance, model=model, start=start), stream("optimum"))
    plan = planner.decide(start, None, Budget(expansions=EXPANSIONS))
    if plan.action is None:
        return None
    steps = len(plan.line) if world.actions == "pushes" else len(pushes_lurd(level, plan.line))
    if instance.horizon is not None and steps > instance.horizon:
        return None
    return float(level.board.boxes) if world.count_boxes else 1.0
