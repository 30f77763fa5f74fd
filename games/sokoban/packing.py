"""How far a position has come, for searches that try each kind in turn: goals filled in a good order, parts of the floor.

The order is that of a packing seen backwards: all goals hold boxes, and one after the other is pulled away by a player from outside
to where some box stood at the start, the others being walls, the nearest first. What is taken away last is filled first. To take
one away never hinders the rest, so the order needs no search. Source of the idea: the features of Shoham & Schaeffer 2020, "The
FESS algorithm: a feature based approach to single-agent search".
"""

import numpy as np

from games.jit import embedded, lean, njit
from games.sokoban.bits import cells_of, flip, has, lowest
from games.sokoban.board import FAR, Board, reach, reach_word, sides

PARTS = 6  # of the floor that are told apart


@lean
def _place(board):
    return board.zobrist + 2 * board.cells


@njit
def write_order(board: Board, boxes: np.ndarray, player: int) -> None:
    """Write the order of the goals for a level's start to the table of `board`."""
    n, table = board.boxes, board.table
    left, goals = table[board.goals : board.goals + board.words].copy(), np.empty(n, np.int64)
    cells_of(left, board.words, goals)
    outside, found = np.empty(board.words, np.int64), np.empty(board.words, np.int64)
    origin = np.empty(n + 1, np.int64)
    cells_of(boxes, board.words, origin)
    origin[n] = player
    for k in range(n - 1, -1, -1):
        outside[:] = 0
        for cell in origin:
            if not has(left, 0, cell) and not has(outside, 0, cell):
                reach(board, left, cell, found)
                outside |= found
        best, least = -1, 4 * FAR
        for j in range(n):
            if has(left, 0, goals[j]):
                flip(left, 0, goals[j])
                far = _away(board, left, goals[j], outside, boxes)
                flip(left, 0, goals[j])
                if far >= FAR:  # not yet, or only together with others: the nearest of these
                    for cell in origin[:n]:
                        far = min(far, FAR + table[board.pushes + n * cell + j])
                if far < least:
                    best, least = j, far
        flip(left, 0, goals[best])
        table[_place(board) + k] = goals[best]


@embedded
def _away(board, walls, goal_cell, outside, boxes):
    """Return the fewest pulls of a lone box from a goal to a cell of `boxes`, by a player in `outside`; `FAR` if none do."""
    near = board.table
    side = sides(board, walls)
    found, queue = np.full(4 * board.cells, FAR, np.int32), np.empty(4 * board.cells, np.int32)
    head, tail = 0, 0
    for d in range(4):
        x = near[4 * goal_cell + d]
        if x >= 0 and has(outside, 0, x):
            node = 4 * goal_cell + side[4 * goal_cell + d]
            if found[node] == FAR:
                found[node], queue[tail] = 0, node
                tail += 1
    while head < tail:
        box, group, far = queue[head] >> 2, queue[head] & 3, found[queue[head]]
        head += 1
        if far > 0 and has(boxes, 0, box):
            return far
        for d in range(4):
            if side[4 * box + d] != group:
                continue
            before = near[4 * box + d]
            if near[4 * before + d] < 0 or has(walls, 0, near[4 * before + d]):
                continue
            node = 4 * before + side[4 * before + d]
            if found[node] == FAR:
                found[node], queue[tail] = far + 1, node
                tail += 1
    return FAR


@embedded
def progress(board, boxes):
    """Return a number for how many goals are filled, from the first of the order on, and then for the parts of the floor."""
    packed, at = 0, _place(board)
    while packed < board.boxes and has(boxes, 0, board.table[at + packed]):
        packed += 1
    return PARTS * packed + min(_parts(board, boxes), PARTS) - 1


@embedded
def _parts(board, boxes):
    """Return into how many parts, at least 1, the boxes divide the floor."""
    table, count = board.table, 0
    if board.words == 1:
        left = np.uint64(table[board.floor] & ~boxes[0])
        east, west, columns = np.uint64(table[board.east]), np.uint64(table[board.west]), np.uint64(board.columns)
        while left != np.uint64(0):
            left &= ~reach_word(left, east, west, columns, lowest(np.int64(left)))
            count += 1
        return max(1, count)
    seen, stack = np.empty(board.words, np.int64), np.empty(board.cells, np.int32)
    for k in range(board.words):
        seen[k] = ~(table[board.floor + k] & ~boxes[k])
    for cell in range(board.cells):
        if has(seen, 0, cell):
            continue
        count += 1
        flip(seen, 0, cell)
        stack[0], top = cell, 1
        while top > 0:
            top -= 1
            here = stack[top]
            for d in range(4):
                x = table[4 * here + d]
                if x >= 0 and not has(seen, 0, x):
                    flip(seen, 0, x)
                    stack[top] = x
                    top += 1
    return max(1, count)
