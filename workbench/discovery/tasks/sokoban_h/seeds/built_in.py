"""The bound that ships: the cheapest way to give every box a goal of its own (`games.sokoban.matching`)."""

from solvers.rule import njit

PARAMS = {"weight": 1.0}


@njit
def square_value(nearest, mean, furthest, walls, corridor, goal, goals_beside, steps, boxes, params):
    """Return the weight of a box on a square."""
    return 0.0


@njit
def bound_weight(boxes, squares, params):
    """Return the multiple of the matching lower bound that is added."""
    return params.weight
