"""The sets of levels that heuristics are scored on, from the project's generator, and what is known of their squares."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from games.sokoban.bits import has
from games.sokoban.board import FAR, Board, compile_level, walk_distances
from games.sokoban.generator import generate
from games.sokoban.pushes import CORRALS, SokobanPushes, pushes_model

FEATURES = ("nearest", "mean", "furthest", "walls", "corridor", "goal", "goals_beside", "steps", "boxes")


class LevelSet(NamedTuple):
    """Rows, columns and boxes of generated levels, all of full difficulty; the first's seed, and the number of levels."""

    rows: int
    columns: int
    boxes: int
    first: int
    levels: int = 30


SETS = {
    "small": LevelSet(8, 8, 4, 0),
    "medium": LevelSet(8, 8, 6, 0),
    "large": LevelSet(10, 10, 8, 0),
    "small-new": LevelSet(8, 8, 4, 1000),
    "medium-new": LevelSet(9, 9, 6, 1000),
    "large-new": LevelSet(10, 10, 8, 1000),
    "crowded-new": LevelSet(9, 9, 10, 1000),
}


class Problem(NamedTuple):
    """A level to solve: model and start, the squares from which a box can reach a goal, and their features (squares, features)."""

    model: SokobanPushes
    start: np.ndarray
    squares: np.ndarray
    features: np.ndarray


@cache
def problems(name: str) -> Sequence[Problem]:
    """Return the levels of the set called `name`."""
    rows, columns, boxes, first, count = SETS[name]
    found = []
    for seed in range(first, first + count):
        level = compile_level(generate(seed, rows, columns, boxes, 1.0))
        model, start = pushes_model(level, CORRALS)  # as what is published was searched
        squares, values = features(level.board, level.player)
        found.append(Problem(model, start, squares, values))
    return tuple(found)


def width(name: str) -> int:
    """Return how many squares the largest level of a set has, walls included."""
    return max(problem.model.board.cells for problem in problems(name))


def features(board: Board, player: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the live squares, ascending, and what programs see of each (squares, `FEATURES`)."""
    pushes = board.table[board.pushes : board.pushes + board.boxes * board.cells].reshape(board.cells, board.boxes)
    near = board.table[: 4 * board.cells].reshape(board.cells, 4)
    steps = np.empty(board.cells, np.int32)
    walk_distances(board, np.zeros(board.words, np.int64), player, steps, np.empty(board.cells, np.int32))
    goals = np.array([bool(has(board.table, board.goals, cell)) for cell in range(board.cells)])
    squares = np.flatnonzero((pushes < FAR).any(axis=1))
    rows = []
    for cell in squares:
        far = pushes[cell][pushes[cell] < FAR]
        wall = near[cell] < 0
        corridor = (wall[0] and wall[1]) or (wall[2] and wall[3])
        beside = sum(goals[c] for c in near[cell] if c >= 0)
        rows.append([far.min(), far.mean(), far.max(), wall.sum(), corridor, goals[cell], beside, steps[cell], board.boxes])
    return squares, np.array(rows, np.float64)
