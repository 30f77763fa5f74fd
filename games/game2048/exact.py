"""2048 on small boards, solved: the value of every board that can occur, by dynamic programming.

A move adds 2 or 4 to the sum of the tiles, so boards are solved from the largest sum down. Boards are kept once for all their
symmetries: 110 on 2x2 cells and 21,752 on 2x3, counted before each move from two spawned tiles on.
"""

from typing import NamedTuple

import numpy as np

from games.errors import GameplanError
from games.game2048.board import canonical, count_cells, legal_mask, nth_cell, occupied, slide
from games.game2048.model import Full2048, ProAct2048, Small2048, shape_of
from games.jit import embedded, njit

MOST_CELLS = 6  # 2x4 cells already have 19 million boards


def is_small(model: Small2048) -> bool:
    """Return whether the board of `model` has few enough cells for `solve`."""
    return bool(count_ones(shape_of(model).cells) <= MOST_CELLS)


class Solution(NamedTuple):
    """The values of all boards: `solved_boards` (n, uint64) ascending, the least of each class; `solved_values` (n)."""

    solved_boards: np.ndarray
    solved_values: np.ndarray


def solve(model: Small2048) -> Solution:
    """Return the expected score still to come under best play, V*, of every board that can occur.

    Raises
    ------
    GameplanError
        If there are too many, or under ProAct's rules.
    """
    if isinstance(model, ProAct2048):
        raise GameplanError("exact values exist under the standard rules; the best play under ProAct's is the same")
    cells = 16 if isinstance(model, Full2048) else int(count_ones(model.shape.cells))
    if cells > MOST_CELLS:
        raise GameplanError(f"exact values exist for boards of at most {MOST_CELLS} cells, not {cells}; play 2048-2x2 or 2048-2x3")
    shape = model.shape
    frontier = np.unique(_spawns(np.unique(_spawns(np.zeros(1, np.uint64), shape)), shape))
    seen = frontier
    while len(frontier):
        frontier = np.setdiff1d(_spawns(_slides(frontier, shape), shape), seen)
        seen = np.union1d(seen, frontier)
    values = np.zeros(len(seen))
    _fill(model, seen, values, np.argsort(-_sums(seen), kind="stable"))
    return Solution(seen, values)


def action_values(model: Small2048, solution: Solution, state: np.ndarray) -> np.ndarray:
    """Return Q* of the four directions in `state`, NaN where illegal."""
    values = np.full(4, np.nan)
    _action_values(model, solution, state.view(np.uint64)[0], values)
    return values


@embedded
def look_up(solution, board, shape):
    """Return V* of `board`, which must be one that can occur before a move."""
    return solution.solved_values[np.searchsorted(solution.solved_boards, canonical(board, shape))]


@embedded
def after_value(solution, board, shape):
    """Return the expectation of V* over the spawns on the afterstate `board`."""
    cells = ~occupied(board) & shape.cells
    count = count_cells(cells)
    total = 0.0
    for k in range(count):
        tile = nth_cell(cells, k)
        total += 0.9 * look_up(solution, board | tile, shape)
        total += 0.1 * look_up(solution, board | (tile << np.uint64(1)), shape)
    return total / count


@njit
def count_ones(cells):
    """Return the number of cells in a set of cells."""
    return count_cells(cells)


@njit
def _spawns(boards, shape):
    """Return the boards, the least of each class, that spawns on `boards` lead to."""
    found, n = np.empty(32 * len(boards), np.uint64), 0
    for board in boards:
        cells = ~occupied(board) & shape.cells
        for k in range(count_cells(cells)):
            tile = nth_cell(cells, k)
            found[n] = canonical(board | tile, shape)
            found[n + 1] = canonical(board | (tile << np.uint64(1)), shape)
            n += 2
    return found[:n]


@njit
def _slides(boards, shape):
    """Return the afterstates that moves on `boards` lead to."""
    found, n = np.empty(4 * len(boards), np.uint64), 0
    for board in boards:
        for direction in range(4):
            after, _ = slide(board, direction, shape)
            if after != board:
                found[n] = after
                n += 1
    return found[:n]


@njit
def _sums(boards):
    """Return the sum of the tiles of each board."""
    sums = np.zeros(len(boards), np.int64)
    for k in range(len(boards)):
        board = boards[k]
        while board != np.uint64(0):
            sums[k] += (1 << np.int64(board & np.uint64(15))) & ~1
            board = board >> np.uint64(4)
    return sums


@njit
def _fill(model, boards, values, order):
    solution, found, shape = Solution(boards, values), np.empty(4), shape_of(model)
    for k in order:
        if legal_mask(boards[k], shape) != 0:
            _action_values_of(model, solution, boards[k], found)
            values[k] = np.nanmax(found)


@embedded
def _action_values_of(model, solution, board, values):
    for direction in range(4):
        after, gain = slide(board, direction, shape_of(model))
        values[direction] = np.nan
        if after != board:
            values[direction] = gain * model.scale + after_value(solution, after, shape_of(model))


@njit
def _action_values(model, solution, board, values):
    _action_values_of(model, solution, board, values)
