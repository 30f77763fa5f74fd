"""Bitboards: a board is one uint64, four bits a cell, and what can be done with it is a few lookups and shifts.

The cell in row r and column c holds the exponent of its tile (0: empty, 1: the base tile, ...) in bits 16 r + 4 c. Boards of fewer
rows or columns lie in the top left corner of the same 4x4 layout, the rest stays empty. A cell holds at most exponent 15 (32768 in
base 2): **two tiles of exponent 15 do not merge**.

A `Shape` says which cells there are; pass `FULL` for 4x4, and the compiler folds it away. Directions are up 0, right 1, down 2,
left 3. All kernels are `games.jit.embedded`: they are compiled into the kernels that call them.
"""

from typing import NamedTuple

import numpy as np

from games.jit import embedded, njit
from games.random import below, next_word

UP, RIGHT, DOWN, LEFT = range(4)
TOP = 15  # the largest exponent of a cell


class Shape(NamedTuple):
    """The cells of a board, as numbers that kernels use (all uint64, one bit a cell at the cell's lowest bit).

    `cells` are the cells there are, `pairs_across` those with a right neighbour, `pairs_down` those with a neighbour below;
    `pad_right` and `pad_down` are the bits between the last column or row and the edge of the 4x4 layout.
    """

    cells: np.uint64
    pairs_across: np.uint64
    pairs_down: np.uint64
    pad_right: np.uint64
    pad_down: np.uint64


def shape(rows: int, columns: int) -> Shape:
    """Return the shape of a board of `rows` and `columns`, both at most 4."""

    def cells(rows: int, columns: int) -> np.uint64:
        return np.uint64(sum(1 << (16 * r + 4 * c) for r in range(rows) for c in range(columns)))

    pads = np.uint64(4 * (4 - columns)), np.uint64(16 * (4 - rows))
    return Shape(cells(rows, columns), cells(rows, columns - 1), cells(rows - 1, columns), *pads)


FULL = shape(4, 4)


def _slide_rows() -> tuple[np.ndarray, np.ndarray]:
    """Return the row tables: where a row slides (first to the left, then to the right) and the sum of its merged tiles."""
    rows = np.arange(1 << 16)
    cells = np.stack([(rows >> (4 * c)) & 15 for c in range(4)], axis=1)
    left, gains = _slide_left(cells)
    right = _slide_left(cells[:, ::-1])[0][:, ::-1]
    slides = [sum(side[:, c] << (4 * c) for c in range(4)) for side in (left, right)]
    return np.concatenate(slides).astype(np.uint16), gains.astype(np.int32)


def _slide_left(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cells = np.take_along_axis(cells, np.argsort(cells == 0, axis=1, kind="stable"), axis=1)
    gains = np.zeros(len(cells), np.int64)
    for c in range(3):
        merged = (cells[:, c] == cells[:, c + 1]) & (cells[:, c] > 0) & (cells[:, c] < TOP)
        cells[merged, c] += 1
        cells[merged, c + 1 : 3] = cells[merged, c + 2 :]
        cells[merged, 3] = 0
        gains[merged] += 1 << cells[merged, c]
    return cells, gains


SLIDES, GAINS = _slide_rows()  # frozen into the kernels that use them
_EVERY = np.uint64(0x1111111111111111)
_ROW = np.uint64(0xFFFF)


@embedded
def transpose(board):
    """Return `board` with rows and columns exchanged."""
    a = (
        (board & np.uint64(0xF0F00F0FF0F00F0F))
        | ((board & np.uint64(0x0000F0F00000F0F0)) << np.uint64(12))
        | ((board & np.uint64(0x0F0F00000F0F0000)) >> np.uint64(12))
    )
    return (
        (a & np.uint64(0xFF00FF0000FF00FF))
        | ((a & np.uint64(0x00FF00FF00000000)) >> np.uint64(24))
        | ((a & np.uint64(0x00000000FF00FF00)) << np.uint64(24))
    )


@embedded
def slide(board, direction, shape):
    """Return (board, gain) after sliding in a direction; gain is the sum of the merged tiles in base 2. Illegal: (board, 0)."""
    vertical = (direction & 1) == 0
    far = np.uint64(((direction + 1) & 2) << 15)  # right and down use the second table
    lines = transpose(board) if vertical else board
    a, b = lines & _ROW, (lines >> np.uint64(16)) & _ROW
    c, d = (lines >> np.uint64(32)) & _ROW, lines >> np.uint64(48)
    gain = GAINS[a] + GAINS[b] + GAINS[c] + GAINS[d]
    moved = (
        np.uint64(SLIDES[far | a])
        | (np.uint64(SLIDES[far | b]) << np.uint64(16))
        | (np.uint64(SLIDES[far | c]) << np.uint64(32))
        | (np.uint64(SLIDES[far | d]) << np.uint64(48))
    )
    if far != np.uint64(0):
        moved = moved >> ((shape.pad_down >> np.uint64(2)) if vertical else shape.pad_right)
    return (transpose(moved) if vertical else moved), np.int64(gain)


@embedded
def occupied(board):
    """Return the cells that hold a tile, one bit a cell."""
    half = board | (board >> np.uint64(1))
    return (half | (half >> np.uint64(2))) & _EVERY


@embedded
def count_cells(cells):
    """Return how many bits are set in a set of cells (one bit a cell), from 0 to 16."""
    pairs = (cells + (cells >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((pairs * np.uint64(0x0101010101010101)) >> np.uint64(56))


@embedded
def empty_cells(board, shape):
    """Return the number of empty cells."""
    return count_cells(~occupied(board) & shape.cells)


@embedded
def legal_mask(board, shape):
    """Return the legal directions as bits: bit d is set if sliding in direction d changes the board."""
    tiles = occupied(board)
    half = board & (board >> np.uint64(1))
    merging = tiles & ~(half & (half >> np.uint64(2)))  # the largest tile merges with nothing
    across, down = tiles >> np.uint64(4), tiles >> np.uint64(16)
    same_across = merging & ~occupied(board ^ (board >> np.uint64(4))) & shape.pairs_across
    same_down = merging & ~occupied(board ^ (board >> np.uint64(16))) & shape.pairs_down
    up = (~tiles & down & shape.pairs_down) | same_down
    right = (tiles & ~across & shape.pairs_across) | same_across
    below_ = (tiles & ~down & shape.pairs_down) | same_down
    left = (~tiles & across & shape.pairs_across) | same_across
    zero = np.uint64(0)
    return (1 if up != zero else 0) | (2 if right != zero else 0) | (4 if below_ != zero else 0) | (8 if left != zero else 0)


@embedded
def nth_cell(cells, n):
    """Return the n-th (from 0) of a set of cells, as one bit at the cell's lowest bit."""
    upto = cells * _EVERY  # in each cell: how many of the set lie at or before it (16 wraps to 0 in the last)
    other = upto ^ (np.uint64((n + 1) & 15) * _EVERY)
    found = (other - _EVERY) & ~other & (_EVERY << np.uint64(3))  # exact in its lowest bit
    return (found & (~found + np.uint64(1))) >> np.uint64(3)


@embedded
def spawn(board, shape, rng):
    """Return `board` with a new tile: each empty cell equally likely, the base tile 9 times in 10, else the one above. Exact."""
    cells = ~occupied(board) & shape.cells
    ticket = below(rng, 10 * count_cells(cells))
    cell = ticket // 10
    tile = nth_cell(cells, cell)
    return board | (tile << np.uint64(1) if ticket == 10 * cell else tile)


@embedded
def reflect(board, shape):
    """Return `board` with left and right exchanged."""
    pairs = ((board >> np.uint64(4)) & np.uint64(0x0F0F0F0F0F0F0F0F)) | ((board & np.uint64(0x0F0F0F0F0F0F0F0F)) << np.uint64(4))
    whole = ((pairs >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)) | ((pairs & np.uint64(0x00FF00FF00FF00FF)) << np.uint64(8))
    return whole >> shape.pad_right


@embedded
def flip(board, shape):
    """Return `board` with top and bottom exchanged."""
    halves = (board >> np.uint64(32)) | (board << np.uint64(32))
    whole = ((halves >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)) | (
        (halves & np.uint64(0x0000FFFF0000FFFF)) << np.uint64(16)
    )
    return whole >> shape.pad_down


@embedded
def canonical(board, shape):
    """Return the least of the images of `board` under the symmetries of the board: 8 if it is square, else 4."""
    least = board
    for turned in range(2 if shape.pad_right << np.uint64(2) == shape.pad_down else 1):
        image = transpose(board) if turned else board
        mirror = reflect(image, shape)
        least = min(least, image, mirror, flip(image, shape), flip(mirror, shape))
    return least


@embedded
def largest(board):
    """Return the largest exponent on the board."""
    top = np.uint64(0)
    while board != np.uint64(0):
        top = max(top, board & np.uint64(15))
        board = board >> np.uint64(4)
    return np.int64(top)


@embedded
def random_direction(board, shape, rng):
    """Return (board, gain) after a direction drawn uniformly from the legal ones, of which there must be one.

    A direction drawn from all four until one is legal is uniform over the legal ones.
    """
    while True:
        moved, gain = slide(board, np.int64(next_word(rng) >> np.uint64(62)), shape)
        if moved != board:
            return moved, gain


@embedded
def goes_on(board, shape):
    """Return whether a move is legal on a board with at least one tile; quick while there are empty cells."""
    return (~occupied(board) & shape.cells) != np.uint64(0) or legal_mask(board, shape) != 0


@embedded
def play_on(board, shape, steps, discount, rng):
    """Return (board, discounted gains, moves) after at most `steps` random moves from `board`, each legal one equally likely."""
    total, factor, moves = 0.0, 1.0, 0
    while moves < steps and goes_on(board, shape):
        board, gain = random_direction(board, shape, rng)
        board = spawn(board, shape, rng)
        total += factor * gain
        factor *= discount
        moves += 1
    return board, total, moves


@njit
def random_games(board, count, rng):
    """Return (scores (count), moves (count)) of 4x4 games played uniformly at random from `board` to their end, in base 2."""
    scores, moves = np.empty(count), np.empty(count, np.int64)
    for k in range(count):
        _, scores[k], moves[k] = play_on(board, FULL, np.int64(1) << 62, 1.0, rng)
    return scores, moves
