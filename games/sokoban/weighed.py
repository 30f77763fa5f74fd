"""Sokoban by pushes under any additive estimate: a weight for a box on each square, and a multiple of the matching lower bound.

A state's distance is the sum of its boxes' weights plus `matching` times the lower bound, at least 0. It need not be a bound, so
best-first search with it finds solutions, not shortest ones. Squares from which no goal can be reached stay infinite.
"""

from typing import NamedTuple

import numpy as np

from games.jit import embedded
from games.process import bound, cost, distance, goal, key, notes, successors
from games.sokoban import pushes
from games.sokoban.bits import lowest
from games.sokoban.board import FAR, Board, on_dead_cell
from games.sokoban.matching import matching_after
from games.sokoban.pushes import SokobanPushes
from games.sokoban.values import lower_bound


class WeighedPushes(NamedTuple):
    """A `SokobanPushes` model with an estimate: `weights` (cells) and `matching`."""

    width: int
    actions: int
    outcomes: int
    board: Board
    landing: int
    deadlocks: int
    push_cost: float
    walk_cost: float
    exact: bool
    h0: float
    weights: np.ndarray
    matching: float


def weighed(model: SokobanPushes, weights: np.ndarray, matching: float) -> WeighedPushes:
    """Return `model` with the estimate given by `weights` (cells, float64) and `matching`."""
    return WeighedPushes(*model, weights, matching)


for _operation, _implementation in (
    (goal, pushes._goal),
    (key, pushes._key),
    (cost, pushes._cost),
    (notes, pushes._notes),
    (successors, pushes._successors),
):
    _operation.of(WeighedPushes)(_implementation)


@embedded
def _sum(model, boxes):
    """Return the sum of the weights of `boxes`."""
    total = 0.0
    for k in range(model.board.words):
        word = boxes[k]
        while word != 0:
            total += model.weights[64 * k + lowest(word)]
            word &= word - 1
    return total


@distance.of(WeighedPushes)
def _distance(model, state):
    if on_dead_cell(model.board, state):
        return np.inf
    total = _sum(model, state)
    if model.matching != 0.0:
        total += model.matching * lower_bound(model.board, state)
    return max(0.0, total)


@bound.of(WeighedPushes)
def _bound(model, state, action, after, notes):
    total = _sum(model, after)
    if model.matching != 0.0:
        board = model.board
        h = matching_after(board, state, action >> 2, board.table[action], notes, board.table, board.pushes)
        if h >= FAR:
            return np.inf
        total += model.matching * h
    return max(0.0, total)
