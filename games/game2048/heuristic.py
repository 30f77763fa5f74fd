"""How good a 2048 board looks: a sum over its rows and columns, each looked up in a table.

A line is worth more the more empty cells and mergeable neighbours it has, and less the more its tiles rise and fall (measured on
powers of the exponents, in the better of the two directions) and the more tiles it holds that could have been merged away (a power
of the exponents again). These are the features in common use since the 2014 expectimax players; the weights are our own.
"""

import numpy as np

from games.game2048.board import transpose
from games.jit import embedded

# Found by random search on whole games: at chance=0.125 they average 129,000, the weights usual since 2014 84,000.
EMPTY, MERGE = 480.0, 740.0
DISORDER, DISORDER_POWER = 17.4, 3.28
CLUTTER, CLUTTER_POWER = 13.15, 3.16
BASE = 200_000.0  # of a line: a lost board, worth 0, is worse than any living one


def line_values(
    empty: float, merge: float, disorder: float, disorder_power: float, clutter: float, clutter_power: float
) -> np.ndarray:
    """Return the worth of each of the 65536 lines (float32) under the given weights."""
    lines = np.arange(1 << 16)
    cells = np.stack([(lines >> (4 * c)) & 15 for c in range(4)], axis=1)
    height = cells.astype(np.float64) ** disorder_power
    steps = np.diff(height, axis=1)
    falls, rises = np.maximum(-steps, 0.0).sum(axis=1), np.maximum(steps, 0.0).sum(axis=1)
    value = BASE + empty * (cells == 0).sum(axis=1) - disorder * np.minimum(falls, rises)
    value -= clutter * (cells.astype(np.float64) ** clutter_power).sum(axis=1)
    return (value + merge * _merges(cells)).astype(np.float32)


def _merges(cells: np.ndarray) -> np.ndarray:
    """Return how many tiles stand beside an equal one, empty cells between them aside, counting a run of n as n."""
    packed = np.take_along_axis(cells, np.argsort(cells == 0, axis=1, kind="stable"), axis=1)
    equal = (np.diff(packed, axis=1) == 0) & (packed[:, 1:] > 0)
    starts = equal & ~np.pad(equal, ((0, 0), (1, 0)))[:, :-1]
    return equal.sum(axis=1) + starts.sum(axis=1)


LINES = line_values(EMPTY, MERGE, DISORDER, DISORDER_POWER, CLUTTER, CLUTTER_POWER)  # frozen into the kernels that use it


@embedded
def half_worth(board, lines=None):
    """Return the worth of the rows of `board` (float32)."""
    table = LINES if lines is None else lines
    row = np.uint64(0xFFFF)
    a, b = board & row, (board >> np.uint64(16)) & row
    c, d = (board >> np.uint64(32)) & row, board >> np.uint64(48)
    return (table[a] + table[b]) + (table[c] + table[d])


@embedded
def worth(board, lines=None):
    """Return how good `board` looks (float32): the worth of its rows and columns, positive in all but hopeless cases.

    `lines` (65536, float32) stands in for `LINES`. The compiler knows whether there is one: what is frozen costs a tenth less.
    """
    return half_worth(board, lines) + half_worth(transpose(board), lines)
