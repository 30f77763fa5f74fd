"""The lower bound of Sokoban: the cheapest way to give every box a goal of its own, under lone-box push distances.

Up to `SMALL` boxes by dynamic programming over sets of goals; beyond, by shortest augmenting paths (Kuhn 1955, in the form of
Jonker & Volgenant 1987), where a push changes one row only: the parent's matching is kept and one row is assigned again. The
distance from a cell to a goal is ``far[at + boxes * cell + goal]``: that of the board, or one of `games.sokoban.walls`.
"""

import numpy as np

from games.jit import lean
from games.sokoban.bits import lowest
from games.sokoban.board import FAR

SMALL = 6
_ONES = np.array([bin(k).count("1") for k in range(1 << SMALL)], np.int64)


@lean
def notes_size(boxes):
    """Return how many int64 numbers the functions below need as scratch and memory."""
    return 2 + (1 << SMALL) + 9 * (boxes + 1)


@lean
def matching(board, boxes, notes, far, at):
    """Return the least sum of push distances over all assignments of `boxes` to goals, `FAR` or more if there is none.

    Leaves in `notes` (`notes_size` numbers) what `matching_after` needs.
    """
    _prepare(board, boxes, notes, far, at)
    n = board.boxes
    if n <= SMALL:
        return _small(far, at, n, notes)
    return _total(far, at, notes[2 : n + 2], n, notes[2 + n + 2 * (n + 1) :])


@lean
def forget(notes):
    """Say that `notes` hold nothing of the boxes that `matching_after` will be asked about."""
    notes[0] = -1


@lean
def matching_after(board, boxes, before, after, notes, far, at):
    """Return `matching` of `boxes` once the one in cell `before` is in cell `after`.

    `notes` keeps what is known of `boxes`, so it serves all their pushes; `forget` it when they change.
    """
    if notes[0] < 0:
        _prepare(board, boxes, notes, far, at)
    i = 0
    while notes[2 + i] != before:
        i += 1
    notes[2 + i] = after
    if board.boxes <= SMALL:
        total = _small(far, at, board.boxes, notes)
    else:
        total = _reassigned(far, at, board.boxes, i, after, notes)
    notes[2 + i] = before
    return total


@lean
def _prepare(board, boxes, notes, far, at):
    """Note the cells of `boxes`, from ``notes[2]``, and a matching of them if it will be needed."""
    notes[0], n = 1, 0
    for k in range(board.words):
        word = boxes[k]
        while word != 0:
            notes[2 + n] = 64 * k + lowest(word)
            word &= word - 1
            n += 1
    if n > SMALL:
        _assign_all(far, at, notes[2 : n + 2], n, notes)


@lean
def _reassigned(far, at, n, i, after, notes):
    """Return the least cost once box `i` is in cell `after`, from the noted matching, which is kept."""
    cells, m = notes[2 : n + 2], n + 1
    base, copy = 2 + n, 2 + n + 3 * m
    for j in range(3 * m):
        notes[copy + j] = notes[base + j]
    u, v, row_of = notes[copy : copy + m], notes[copy + m : copy + 2 * m], notes[copy + 2 * m : copy + 3 * m]
    i += 1
    least = 1 << 40
    for j in range(1, m):
        if row_of[j] == i:
            row_of[j] = 0
        least = min(least, far[at + n * after + j - 1] - v[j])
    u[i] = least
    _assign(far, at, cells, i, n, u, v, row_of, notes[copy + 3 * m :])
    return _total(far, at, cells, n, row_of)


@lean
def _assign_all(far, at, cells, n, notes):
    """Assign all rows, prices and matching going into `notes` behind the cells."""
    m = n + 1
    u, v, row_of = notes[2 + n : 2 + n + m], notes[2 + n + m : 2 + n + 2 * m], notes[2 + n + 2 * m : 2 + n + 3 * m]
    for j in range(m):
        u[j], v[j], row_of[j] = 0, 0, 0
    for i in range(1, m):
        _assign(far, at, cells, i, n, u, v, row_of, notes[2 + n + 6 * m :])


@lean
def _small(far, at, n, notes):
    """Return the least cost, by dynamic programming over the sets of goals already taken by the first boxes."""
    if n == 4:
        return _four(far, at, notes)
    last, best = (1 << n) - 1, n + 2
    for taken in range(1, last + 1):
        notes[best + taken] = 1 << 40
    notes[best] = 0
    for taken in range(last):
        cell, cost = notes[2 + _ONES[taken]], notes[best + taken]
        if cost < FAR:
            for j in range(n):
                if taken >> j & 1 == 0:
                    more = best + (taken | 1 << j)
                    notes[more] = min(notes[more], cost + far[at + n * cell + j])
    return notes[best + last]


@lean
def _four(far, at, notes):
    """Return the least cost for four boxes: the first two take one of six pairs of goals, the others the rest."""
    a, b, c, d = at + 4 * notes[2], at + 4 * notes[3], at + 4 * notes[4], at + 4 * notes[5]
    a0, a1, a2, a3 = far[a], far[a + 1], far[a + 2], far[a + 3]
    b0, b1, b2, b3 = far[b], far[b + 1], far[b + 2], far[b + 3]
    c0, c1, c2, c3 = far[c], far[c + 1], far[c + 2], far[c + 3]
    d0, d1, d2, d3 = far[d], far[d + 1], far[d + 2], far[d + 3]
    return min(
        min(a0 + b1, a1 + b0) + min(c2 + d3, c3 + d2),
        min(a0 + b2, a2 + b0) + min(c1 + d3, c3 + d1),
        min(a0 + b3, a3 + b0) + min(c1 + d2, c2 + d1),
        min(a1 + b2, a2 + b1) + min(c0 + d3, c3 + d0),
        min(a1 + b3, a3 + b1) + min(c0 + d2, c2 + d0),
        min(a2 + b3, a3 + b2) + min(c0 + d1, c1 + d0),
    )


@lean
def _assign(far, at, cells, i, n, u, v, row_of, work):
    """Assign row `i` (from 1) by a shortest augmenting path; prices `u`, `v` and the matching `row_of` are changed in place."""
    m = n + 1
    slack, way, used = work[:m], work[m : 2 * m], work[2 * m : 3 * m]
    for j in range(m):
        slack[j], used[j] = 1 << 40, 0
    row_of[0] = i
    j0 = 0
    while True:
        used[j0] = 1
        row, delta, j1 = row_of[j0], 1 << 40, 0
        cell, price = cells[row - 1], u[row]
        for j in range(1, m):
            if used[j] == 0:
                reduced = far[at + n * cell + j - 1] - price - v[j]
                if reduced < slack[j]:
                    slack[j], way[j] = reduced, j0
                if slack[j] < delta:
                    delta, j1 = slack[j], j
        for j in range(m):
            if used[j] == 1:
                u[row_of[j]] += delta
                v[j] -= delta
            else:
                slack[j] -= delta
        j0 = j1
        if row_of[j0] == 0:
            break
    while j0 != 0:
        row_of[j0] = row_of[way[j0]]
        j0 = way[j0]


@lean
def _total(far, at, cells, n, row_of):
    total = 0
    for j in range(1, n + 1):
        total += far[at + n * cells[row_of[j] - 1] + j - 1]
    return total
