"""The lower bound where some boxes can never move again: they are walls to the others, and each keeps the goal that it stands on.

A goal that they shut off shows at once, as a position without a matching. The distances for a set of such boxes are worked out when
it is first met and kept, as many as there is room for, in the scratch numbers of a search.
"""

import numpy as np

from games.jit import embedded, lean
from games.sokoban.bits import cells_of, lowest
from games.sokoban.board import hold, push_distances
from games.sokoban.matching import matching, matching_after, notes_size

ROOM = 1 << 21  # numbers of a search for distances
MOST = 256  # sets whose distances are kept, a power of two


@lean
def _kept_sets(board):
    """Return for how many sets of boxes distances are kept: a power of two, none where there is no room for two."""
    most = MOST
    while most > 1 and most * board.cells * board.boxes > ROOM:
        most >>= 1
    return most if most > 1 else 0


@lean
def walls_size(board):
    """Return how many int64 numbers `clear` and `bound_after` need, besides those of `games.sokoban.matching`."""
    return 1 + notes_size(board.boxes) + _kept_sets(board) * (1 + board.cells * board.boxes)


@lean
def clear(board, kept):
    """Make the numbers `kept` hold no distances, in place."""
    for k in range(_kept_sets(board)):
        kept[1 + notes_size(board.boxes) + k] = 0


@embedded
def bound_after(board, state, action, after, notes, kept):
    """Return the lower bound on the pushes from `after`, which follows `state` by the push `action`; `FAR` or more if it is lost.

    `notes` are those of `games.sokoban.matching`, to be forgotten when `state` changes; `kept` are changed in place.
    """
    before, cell, keys = action >> 2, board.table[action], 1 + notes_size(board.boxes)
    sets, held = _kept_sets(board), np.empty(board.words, np.int64)
    if sets == 0:
        return matching_after(board, state, before, cell, notes, board.table, board.pushes)
    if notes[0] < 0:
        kept[0] = _place(board, held, _held_key(board, state, held), kept, -1)
    here = kept[0]
    key = _held_key(board, after, held)
    if key == (0 if here < 0 else kept[keys + here]):
        if here < 0:
            return matching_after(board, state, before, cell, notes, board.table, board.pushes)
        return matching_after(board, state, before, cell, notes, kept, _distances(board, here))
    there = _place(board, held, key, kept, here)
    other = kept[1 : 1 + notes_size(board.boxes)]
    if there < 0:
        return matching(board, after, other, board.table, board.pushes)
    return matching(board, after, other, kept, _distances(board, there))


@lean
def _distances(board, place):
    """Return where the distances of a place begin in the kept numbers."""
    return 1 + notes_size(board.boxes) + _kept_sets(board) + place * board.cells * board.boxes


@embedded
def _held_key(board, boxes, held):
    """Write the boxes that never move again to the set `held`; return a number for it, 0 if there are none."""
    hold(board, boxes, held)
    key = np.int64(0)
    for k in range(board.words):
        word = held[k]
        while word != 0:
            key ^= board.table[board.zobrist + 64 * k + lowest(word)]
            word &= word - 1
    return key


@embedded
def _place(board, held, key, kept, spared):
    """Return the place of the set `held`, -1 for no boxes; its distances are made if need be, but not in the place `spared`."""
    if key == 0:
        return -1
    keys, place = 1 + notes_size(board.boxes), key & (_kept_sets(board) - 1)
    if kept[keys + place] != key:
        other = place ^ 1
        if kept[keys + other] == key:
            return other
        if place == spared or (kept[keys + place] != 0 and kept[keys + other] == 0 and other != spared):
            place = other
        kept[keys + place] = key
        goal_cells = np.empty(board.boxes, np.int64)
        cells_of(board.table[board.goals :], board.words, goal_cells)
        begin, size = _distances(board, place), board.cells * board.boxes
        push_distances(board, held, goal_cells, kept[begin : begin + size].reshape(board.cells, board.boxes))
    return place
