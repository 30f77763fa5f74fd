"""Tuples of cells: which cells the look-ups of an n-tuple network read, and how a board's symmetries share them.

A tuple is written as its cells in hexadecimal, counted by rows of four from 0, the top left: "0123" is the first row. Every tuple
is read once for each image of the board under its symmetries, 8 for a square board, 4 for another. If a symmetry maps a tuple of at
most four cells to itself (a row to the same row backwards), the same cells are read once only, and what they hold counts as the
least of its readings: mirrored contents share one weight.
"""

import numpy as np

from games.errors import UsageError, did_you_mean

# Names of sets -> tuples. Sets for boards of other shapes are those of the cells they have.
SETS: dict[str, tuple[str, ...]] = {
    "4x6": ("012345", "456789", "012456", "45689a"),
    "8x6": ("012345", "456789", "012456", "45689a", "012569", "012567", "01259a", "01456a"),
    "17x4": ("0123", "4567", "0145", "1256", "569a"),
    "3x3": ("012456", "01245", "0148", "4569"),
}
PIECES = 3  # most runs of neighbouring cells in a tuple
SHARED = 4  # most cells of a tuple whose mirrored contents share a weight

# Columns of a table of look-ups: three pieces, a shift and a mask each; the first weight of the tuple; how many images are read;
# and 1 + where its part of the table of least readings begins, 0 if there is none.
FIRST, IMAGES, LEAST, COLUMNS = range(2 * PIECES, 2 * PIECES + 4)


def usual(rows: int, columns: int) -> str:
    """Return the set that is taken for a board of this shape unless one is named, as a text for `parse_tuples`."""
    if (rows, columns) == (4, 4):
        return "4x6"
    if (rows, columns) == (3, 3):
        return "3x3"
    wide, high = min(columns, 3), min(rows, 2)  # rectangles of two rows and three columns, lying and standing
    shapes = {(high, wide), (min(rows, 3), min(columns, 2))}
    turns, found, seen = images(rows, columns), [], set()
    for height, width in sorted(shapes):
        for r in range(rows - height + 1):
            for c in range(columns - width + 1):
                cells = [4 * (r + i) + c + j for i in range(height) for j in range(width)]
                if frozenset(cells) not in seen:
                    seen |= {frozenset(turn[cells].tolist()) for turn in turns}
                    found.append("".join(f"{cell:x}" for cell in cells))
    return "-".join(found)


def parse_tuples(text: str, rows: int, columns: int) -> list[list[int]]:
    """Return the cells of each tuple of a set: a name in `SETS`, or tuples joined by "-", such as 0123-4567.

    Raises
    ------
    UsageError
        If the name is unknown, or a tuple has a cell twice, a cell that the board lacks, or too many runs of cells.
    """
    tuples = []
    for word in SETS.get(text, tuple(text.split("-"))):
        if not word or not set(word) <= set("0123456789abcdef"):
            raise UsageError(
                f"there is no set of tuples {text!r}{did_you_mean(text, list(SETS))}; legal: {', '.join(SETS)}, or tuples of cells "
                "in hexadecimal such as 0123-4567"
            )
        cells = [int(digit, 16) for digit in word]
        outside = [cell for cell in cells if cell // 4 >= rows or cell % 4 >= columns]
        if outside:
            raise UsageError(
                f"tuples={text}: the tuple {word} reads cell {outside[0]:x}, which a board of {rows}x{columns} cells lacks; "
                "cells are counted by rows of four"
            )
        if len(set(cells)) < len(cells) or len(cells) > 7 or len(pieces_of(cells)) > PIECES:
            raise UsageError(
                f"tuples={text}: the tuple {word} is not possible; a tuple has at most 7 cells, each once, in at most {PIECES} "
                "runs of neighbours"
            )
        tuples.append(cells)
    return tuples


def pieces_of(cells: list[int]) -> list[tuple[int, int]]:
    """Return (shift, mask) of each run of neighbouring cells: their sum over a board is the index of what the tuple holds."""
    runs: list[list[int]] = []
    for place, cell in enumerate(cells):
        if runs and cell == runs[-1][0] + runs[-1][2]:
            runs[-1][2] += 1
        else:
            runs.append([cell, place, 1])
    return [(4 * (cell - place) % 64, ((1 << 4 * length) - 1) << 4 * place) for cell, place, length in runs]


def images(rows: int, columns: int) -> list[np.ndarray]:
    """Return, for each image of a board in the order in which `planners.policies.ntuple` makes them, the cell behind every cell.

    Turned boards come first, so that the first 1, 2 or 4 images reach every place of a tuple that is its own mirror image.
    """
    grid = np.array([[4 * r + c for c in range(columns)] for r in range(rows)])
    if rows != columns:
        found = [grid, grid[::-1, ::-1], grid[:, ::-1], grid[::-1]]
    else:
        turned = grid.T
        found = [grid, turned[:, ::-1], grid[::-1, ::-1], turned[::-1], grid[:, ::-1], grid[::-1], turned, turned[::-1, ::-1]]
    full = []
    for image in found:
        cells = np.arange(16)
        cells[grid.ravel()] = image.ravel()
        full.append(cells)
    return full


def look_ups(tuples: list[list[int]], rows: int, columns: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return (table (tuples, columns as above, uint64), least readings (uint16), number of weights) of a set."""
    table, readings, first = np.zeros((len(tuples), COLUMNS), np.uint64), [np.zeros(0, np.uint16)], 0
    turns = images(rows, columns)
    for t, cells in enumerate(tuples):
        for p, (shift, mask) in enumerate(pieces_of(cells)):
            table[t, 2 * p], table[t, 2 * p + 1] = shift, mask
        table[t, FIRST], table[t, IMAGES] = first, len(turns)
        first += 16 ** len(cells)
        places = [frozenset(turn[cells].tolist()) for turn in turns]
        different = len(set(places))
        if len(cells) <= SHARED and different < len(turns) and len(set(places[:different])) == different:
            table[t, IMAGES], table[t, LEAST] = different, 1 + sum(map(len, readings))
            own = [turn for turn, place in zip(turns, places, strict=True) if place == places[0]]
            readings.append(_least(cells, own))
    return table, np.concatenate(readings), first


def _least(cells: list[int], turns: list[np.ndarray]) -> np.ndarray:
    """Return the least reading of every content of a tuple under the `turns` that map it to itself."""
    held = np.arange(16 ** len(cells))
    least = held.copy()
    for turn in turns:
        reading = np.zeros_like(held)
        for place, cell in enumerate(turn[cells].tolist()):
            reading |= (held >> 4 * cells.index(cell) & 15) << 4 * place
        least = np.minimum(least, reading)
    return least.astype(np.uint16)
