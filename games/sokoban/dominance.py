"""Where walks count: the same boxes, the player elsewhere. Who has arrived there cheaply enough to walk here is ahead everywhere.

All plans of one position are plans of the other, after a walk; so of two ways to push boxes to the same cells, the later is
left out when the earlier and the walk between are no dearer. Source of the idea: dominance of states, Ibaraki 1977.
"""

import numpy as np

from games.jit import lean
from games.sokoban.bits import cells_of, lowest
from games.sokoban.board import board_key, steps_word, walk_distances


@lean
def standing_elsewhere(board, state, walk_cost, steps, keys, costs):
    """Write the keys of positions that differ from `state` by a walk, and what it costs, to `keys` and `costs`; return how many.

    Only where the last push can have left the player: where he could have come from the cell behind him, a box being ahead. `steps`
    (twice as many as cells, at least 128) is scratch.
    """
    table, at, player, count = board.table, board.zobrist + board.cells, state[board.words], 0
    here = np.int64(board_key(board, state, player)) ^ table[at + player]
    if board.words > 1:
        walk_distances(board, state, player, steps, steps[board.cells :])
        boxes = steps[board.cells :]
        for k in range(cells_of(state, board.words, boxes)):
            for direction in range(4):
                cell = table[4 * boxes[k] + direction]
                behind = table[4 * cell + direction] if cell >= 0 else -1
                if behind >= 0 and steps[cell] > 0 and steps[behind] >= 0:
                    keys[count], costs[count] = np.uint64(here ^ table[at + cell]), walk_cost * steps[cell]
                    count += 1
        return count
    one, columns, boxes = np.uint64(1), np.uint64(board.columns), np.uint64(state[0])
    east, west = np.uint64(table[board.east]), np.uint64(table[board.west])
    up, down, left, right = boxes << columns, boxes >> columns, (boxes & east) << one, (boxes & west) >> one
    found = steps_word(np.uint64(table[board.floor]) & ~boxes, east, west, columns, player, up | down | left | right, steps)
    up, down = up & (found >> columns), down & (found << columns)
    left, right = left & ((found & west) >> one), right & ((found & east) << one)
    cells = np.int64(found & (up | down | left | right) & ~(one << np.uint64(player)))
    while cells != 0:
        cell = lowest(cells)
        cells &= cells - 1
        keys[count], costs[count] = np.uint64(here ^ table[at + cell]), walk_cost * steps[cell]
        count += 1
    return count
