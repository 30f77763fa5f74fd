"""Corrals: parts of a board that the player cannot enter, of which some are sure to be opened by a push that is possible now.

A *corral* is a set A of regions without the player, closed by the boxes S beside it. Of the pushes of S, those do not count for
which the player would have to stand in A or in place of a box of S, or whose target is dead or holds a box of S; the others must be
possible now and lead into A. Other boxes in the way join S, other regions join A; a push that leads out to the player ends the
attempt. If S has a box off its goal or A an empty goal, then any solution pushes a box of S; until it does, A stays closed and S
stands, so its first push of S is possible now, and can be made at once without a change of the others: no other push need be tried,
and without one the position is lost. The number of pushes stays, the walk does not. Source of the idea: the PI-corral pruning of
B. Damgaard's solver YASS.
"""

import numpy as np

from games.jit import embedded, lean
from games.sokoban.bits import flip, has, lowest, ones


@lean
def _moved(cells, direction, east, west, columns):
    """Return the set of `cells` moved by one cell; what leaves the board above or below is for the caller to mask."""
    if direction == 0:
        return cells >> columns
    if direction == 1:
        return cells << columns
    if direction == 2:
        return (cells & west) >> np.uint64(1)
    return (cells & east) << np.uint64(1)


@lean
def _beside(cells, east, west, columns):
    return (cells >> columns) | (cells << columns) | ((cells & west) >> np.uint64(1)) | ((cells & east) << np.uint64(1))


@lean
def _spread(cells, free, east, west, columns):
    """Return all cells of `free` that are joined to `cells`."""
    old = np.uint64(0)
    while old != cells:
        old = cells
        cells |= _beside(cells, east, west, columns) & free
    return cells


@lean
def to_push_word(board, boxes, found):
    """Return the boxes of which one has to be pushed next, for boards of one word (uint64): all of them if nothing says otherwise.

    `found` are the cells that the player reaches. None: the position is lost.
    """
    table, zero, columns = board.table, np.uint64(0), np.uint64(board.columns)
    east, west, floor = np.uint64(table[board.east]), np.uint64(table[board.west]), np.uint64(table[board.floor])
    goals, dead = np.uint64(table[board.goals]), np.uint64(table[board.dead])
    hidden = floor & ~boxes & ~found
    chosen, fewest, untried = boxes, 1 << 20, hidden
    while untried != zero:
        seed = untried & (~untried + np.uint64(1))
        inside = _spread(seed, hidden, east, west, columns)
        untried &= ~inside
        fence = _beside(inside, east, west, columns) & boxes
        closed = True
        while True:
            boxes_more, cells_more = zero, zero
            for d in range(4):
                # Pushed boxes whose push in direction d is of account.
                able = fence & _moved(floor, d ^ 1, east, west, columns) & _moved(floor, d, east, west, columns)
                able &= ~_moved(inside | fence, d, east, west, columns) & ~_moved(fence | dead, d ^ 1, east, west, columns)
                if able == zero:
                    continue
                stand = _moved(able, d ^ 1, east, west, columns)
                boxes_more |= stand & boxes
                cells_more |= stand & hidden
                to = _moved(able & _moved(found, d, east, west, columns), d, east, west, columns)
                if to & found != zero:
                    closed = False
                    break
                boxes_more |= to & boxes
                cells_more |= to & hidden & ~inside
            if not closed or boxes_more | cells_more == zero:
                break
            if cells_more != zero:
                inside = _spread(inside | cells_more, hidden, east, west, columns)
                boxes_more |= _beside(inside, east, west, columns) & boxes
            fence |= boxes_more
        if closed and fence != boxes and (fence & ~goals) | (inside & goals) != zero:
            count = 0
            for d in range(4):
                into = _moved(inside & ~dead, d ^ 1, east, west, columns)
                count += ones(fence & _moved(found, d, east, west, columns) & into)
            if count < fewest:
                chosen, fewest = fence, count
    return chosen if fewest > 0 else zero


@embedded
def to_push(board, boxes, found, chosen):
    """Do as `to_push_word` for boards of any size: the sets `boxes` and `found` are words, and so is `chosen`, which is written."""
    table, cells, words = board.table, board.cells, board.words
    chosen[:words] = boxes[:words]
    n = 0
    region = np.zeros(cells, np.int32)  # the number of a cell's region, from 1; 0: a wall, a box, or the player's region
    stack, at = np.empty(cells, np.int32), np.empty(board.boxes, np.int32)
    regions = 0
    for k in range(words):
        word = boxes[k]
        while word != 0:
            at[n] = 64 * k + lowest(word)
            word &= word - 1
            n += 1
    for i in range(n):
        for d in range(4):
            x = table[4 * at[i] + d]
            if x < 0 or region[x] != 0 or has(found, 0, x) or has(boxes, 0, x):
                continue
            regions += 1
            region[x], stack[0], top = regions, x, 1
            while top > 0:
                top -= 1
                here = stack[top]
                for e in range(4):
                    y = table[4 * here + e]
                    if y >= 0 and region[y] == 0 and not has(boxes, 0, y):
                        region[y] = regions
                        stack[top] = y
                        top += 1
    if regions == 0:
        return
    goals_in = np.zeros(regions + 1, np.bool_)
    for k in range(words):
        word = table[board.goals + k] & ~boxes[k]
        while word != 0:
            goals_in[region[64 * k + lowest(word)]] = True
            word &= word - 1
    inside, fence = np.empty(regions + 1, np.int8), np.zeros(cells, np.int8)
    fewest = 1 << 20
    for seed in range(1, regions + 1):
        inside[:] = 0
        inside[seed] = 1
        for i in range(n):
            fence[at[i]] = 0
            for d in range(4):
                x = table[4 * at[i] + d]
                if x >= 0 and region[x] == seed:
                    fence[at[i]] = 1
        if not _closes(board, boxes, region, at, n, inside, fence):
            continue
        duty, members, count = False, 0, 0
        for r in range(1, regions + 1):
            duty |= inside[r] == 1 and goals_in[r]
        for i in range(n):
            box = at[i]
            if fence[box] == 1:
                members += 1
                duty |= not has(table, board.goals, box)
                for d in range(4):
                    stand, to = table[4 * box + (d ^ 1)], table[4 * box + d]
                    if stand >= 0 and to >= 0 and has(found, 0, stand) and region[to] > 0 and not has(table, board.dead, to):
                        count += inside[region[to]] == 1
        if duty and members < n and count < fewest:
            fewest = count
            chosen[:words] = 0
            if count > 0:
                for i in range(n):
                    if fence[at[i]] == 1:
                        flip(chosen, 0, at[i])


@embedded
def _closes(board, boxes, region, at, n, inside, fence):
    """Return whether the corral can be closed; its regions (`inside` by number) and boxes (`fence` by cell) are changed in place.

    Those that join in a round are marked 2 until it is over, so that a round does not depend on the order of the boxes.
    """
    table = board.table
    while True:
        joined = False
        for i in range(n):
            box = at[i]
            if fence[box] != 1:
                continue
            for d in range(4):
                stand, to = table[4 * box + (d ^ 1)], table[4 * box + d]
                if stand < 0 or to < 0 or has(table, board.dead, to) or fence[to] == 1 or fence[stand] == 1:
                    continue
                if region[stand] > 0:
                    if inside[region[stand]] != 1:
                        inside[region[stand]], joined = 2, True
                elif has(boxes, 0, stand):
                    fence[stand], joined = 2, True
                elif has(boxes, 0, to):
                    fence[to], joined = 2, True
                elif region[to] == 0:
                    return False
                elif inside[region[to]] != 1:
                    inside[region[to]], joined = 2, True
        if not joined:
            return True
        for i in range(n):
            for d in range(4):
                x = table[4 * at[i] + d]
                if x >= 0 and region[x] > 0 and inside[region[x]] > 0:
                    fence[at[i]] = 1
            if fence[at[i]] == 2:
                fence[at[i]] = 1
        for r in range(1, len(inside)):
            if inside[r] == 2:
                inside[r] = 1
