"""Boards: what never changes in a level, in one array, and the kernels that every Sokoban model uses.

Cells are numbered row by row over the bounding box of the player's area; everything else is wall, boxes outside the area included
(they stand on goals and cannot be reached). Directions are 0 up, 1 down, 2 left, 3 right; ``direction ^ 1`` is the opposite.
"""

from typing import NamedTuple

import numpy as np

from games.jit import embedded, lean, njit
from games.random import mix
from games.sokoban.bits import flip, has, lowest
from games.sokoban.levels import Level

FAR = 1 << 20  # push distance of a cell from which a goal cannot be reached


class Board(NamedTuple):
    """A level's walls and goals, compiled: places in the array `table`, which holds everything (records of many arrays are slow).

    The table begins with the neighbours: ``table[4 * cell + direction]``, -1 at a wall. `floor`, `goals`, `dead`, `live`, `east`,
    `west`, `fast_h`, `fast_v` are places of sets of `words` words (`games.sokoban.bits`): `dead` are the cells from which a box
    reaches no goal even alone, `live` the others, `east` and `west` all cells but those of the last and first column, `fast_h` and
    `fast_v` those where a box can never be moved along a row or column, whatever other boxes do, without entering dead cells.
    ``table[pushes + boxes * cell + goal]`` is the fewest pushes that bring a lone box to a goal, `FAR` if none do; `zobrist` the
    place of one random word a cell for boxes, then for the player. At the end there is room for the goals in the order in which
    they are best filled (`games.sokoban.packing`).
    """

    columns: int
    words: int
    boxes: int
    cells: int
    floor: int
    goals: int
    dead: int
    live: int
    east: int
    west: int
    fast_h: int
    fast_v: int
    pushes: int
    zobrist: int
    table: np.ndarray


class Compiled(NamedTuple):
    """A board with the level's start (box words, player's cell) and where its cell 0 lies in the level's rows."""

    board: Board
    boxes: np.ndarray
    player: int
    top: int
    left: int

    def place(self, cell: int) -> tuple[int, int]:
        """Return the (row, column) of `cell` in the level's rows."""
        return self.top + cell // self.board.columns, self.left + cell % self.board.columns

    def cell(self, row: int, column: int) -> int:
        """Return the cell at a (row, column) of the level's rows."""
        return (row - self.top) * self.board.columns + column - self.left


def compile_level(level: Level) -> Compiled:
    """Return the board and start of a checked `level`."""
    area = level.area
    top, left = min(r for r, _ in area), min(c for _, c in area)
    rows, columns = max(r for r, _ in area) - top + 1, max(c for _, c in area) - left + 1
    cells = rows * columns
    words = (cells + 63) // 64
    floor, goals, boxes, player = np.zeros(cells, np.bool_), [], [], 0
    for r, c in area:
        cell, symbol = (r - top) * columns + c - left, level.rows[r][c]
        floor[cell] = True
        if symbol in ".+*":
            goals.append(cell)
        if symbol in "$*":
            boxes.append(cell)
        if symbol in "@+":
            player = cell
    sets = 4 * cells
    pushes = sets + 8 * words
    zobrist = pushes + cells * len(goals)
    table = np.zeros(zobrist + 2 * cells + len(goals), np.int64)
    board = Board._make((columns, words, len(goals), cells, *range(sets, pushes, words), pushes, zobrist, table))
    _fill(board, floor, np.array(sorted(goals), np.int64))
    return Compiled(board, packed(boxes, words), player, top, left)


def packed(cells: list[int], words: int) -> np.ndarray:
    """Return the set of the given cells as `words` words."""
    sets = np.zeros(words, np.uint64)
    for cell in cells:
        sets[cell >> 6] |= np.uint64(1) << np.uint64(cell & 63)
    return sets.view(np.int64)


@njit
def _fill(board, floor, goal_cells):
    """Fill the table of `board` in place."""
    table, cells, columns = board.table, board.cells, board.columns
    table[: 4 * cells] = -1
    for c in range(cells):
        if floor[c]:
            if c >= columns and floor[c - columns]:
                table[4 * c] = c - columns
            if c + columns < cells and floor[c + columns]:
                table[4 * c + 1] = c + columns
            if c % columns > 0 and floor[c - 1]:
                table[4 * c + 2] = c - 1
            if c % columns < columns - 1 and floor[c + 1]:
                table[4 * c + 3] = c + 1
    for goal_cell in goal_cells:
        flip(table, board.goals, goal_cell)
    pushes = table[board.pushes : board.pushes + cells * board.boxes].reshape(cells, board.boxes)
    push_distances(board, np.zeros(board.words, np.int64), goal_cells, pushes)
    dead = np.ones(cells, np.bool_)
    for c in range(cells):
        for g in range(len(goal_cells)):
            if table[board.pushes + board.boxes * c + g] < FAR:
                dead[c] = False
                break
    for c in range(cells):
        if floor[c]:
            flip(table, board.floor, c)
            flip(table, board.dead if dead[c] else board.live, c)
            for axis in range(2):
                a, b = table[4 * c + 2 - 2 * axis], table[4 * c + 3 - 2 * axis]
                if a < 0 or b < 0 or (dead[a] and dead[b]):
                    flip(table, board.fast_v if axis else board.fast_h, c)
        if c % columns < columns - 1:
            flip(table, board.east, c)
        if c % columns > 0:
            flip(table, board.west, c)
        table[board.zobrist + c] = np.int64(mix(np.uint64(2 * c + 1)))
        table[board.zobrist + cells + c] = np.int64(mix(np.uint64(2 * c + 2)))


@embedded
def sides(board, walls):
    """Return, by ``4 * cell + direction``, the first direction whose neighbour is joined to this one's around a box in the cell.

    -1 where there is no neighbour, or no cell. The cells of the set `walls` are no neighbours, and have none.
    """
    near, cells = board.table, board.cells
    side = np.full(4 * cells, -1, np.int32)
    seen, queue = np.full(cells, -1, np.int32), np.empty(cells, np.int32)
    for c in range(cells):
        if has(walls, 0, c):
            continue
        for d in range(4):
            x = near[4 * c + d]
            if x < 0 or side[4 * c + d] >= 0 or has(walls, 0, x):
                continue
            mark, head, tail, left = 4 * c + d, 0, 1, 0
            for e in range(d + 1, 4):
                x = near[4 * c + e]
                left += x >= 0 and side[4 * c + e] < 0 and not has(walls, 0, x)
            queue[0] = near[4 * c + d]
            seen[queue[0]] = mark
            while head < tail and left > 0:  # neighbours are mostly near each other, so nearest cells come first
                here = queue[head]
                head += 1
                for e in range(4):
                    x = near[4 * here + e]
                    if x >= 0 and x != c and seen[x] != mark and not has(walls, 0, x):
                        seen[x] = mark
                        queue[tail] = x
                        tail += 1
                        for f in range(4):
                            left -= near[4 * c + f] == x
            for e in range(d, 4):
                x = near[4 * c + e]
                if x >= 0 and seen[x] == mark and side[4 * c + e] < 0:
                    side[4 * c + e] = d
    return side


@embedded
def push_distances(board, walls, goal_cells, pushes):
    """Write the fewest pushes from each cell to each goal for a lone box, the player walking around it, to `pushes` (cells, goals).

    No box or player enters the cells of the set `walls`; a goal among them is reached from itself alone.
    """
    near, cells = board.table, board.cells
    side = sides(board, walls)
    pushes[:] = FAR
    found, queue = np.empty(4 * cells, np.int32), np.empty(4 * cells, np.int32)
    for g in range(len(goal_cells)):
        found[:] = FAR
        head, tail = 0, 0
        for d in range(4):
            if side[4 * goal_cells[g] + d] == d:
                queue[tail] = 4 * goal_cells[g] + d
                found[queue[tail]] = 0
                tail += 1
        pushes[goal_cells[g], g] = 0
        while head < tail:
            box, group, far = queue[head] >> 2, queue[head] & 3, found[queue[head]] + 1
            head += 1
            for d in range(4):  # the last push came from the side d of the box, where the player now stands
                if side[4 * box + d] != group:
                    continue
                before = near[4 * box + d]
                if near[4 * before + d] < 0 or has(walls, 0, near[4 * before + d]):
                    continue
                node = 4 * before + side[4 * before + d]
                if found[node] == FAR:
                    found[node] = far
                    queue[tail] = node
                    tail += 1
                    pushes[before, g] = min(pushes[before, g], far)


@lean
def reach_word(free, east, west, columns, player):
    """Return the cells of `free` that are joined to `player`, for boards of one word (uint64)."""
    one = np.uint64(1)
    old, new = np.uint64(0), one << np.uint64(player)
    while old != new:
        old = new
        new |= ((new & east) << one) & free
        new |= ((new & west) >> one) & free
        new |= ((new << columns) | (new >> columns)) & free
    return new


@lean
def steps_word(free, east, west, columns, player, wanted, steps):
    """Do as `reach_word`, and write the steps to each cell of `wanted` that is reached to `steps`."""
    one, depth = np.uint64(1), 0
    new = one << np.uint64(player)
    seen = new
    while new != np.uint64(0):
        word = np.int64(new & wanted)
        while word != 0:
            steps[lowest(word)] = depth
            word &= word - 1
        depth += 1
        new = (((new & east) << one) | ((new & west) >> one) | (new << columns) | (new >> columns)) & free & ~seen
        seen |= new
    return seen


@embedded
def reach(board, boxes, player, found):
    """Write the cells that the player can walk to, `boxes` being in the way, to the set `found`."""
    table = board.table
    if board.words == 1:
        free = np.uint64(table[board.floor] & ~boxes[0])
        found[0] = np.int64(
            reach_word(free, np.uint64(table[board.east]), np.uint64(table[board.west]), np.uint64(board.columns), player)
        )
        return
    found[: board.words] = 0
    stack, top = np.empty(board.cells, np.int32), 1
    stack[0] = player
    flip(found, 0, player)
    while top > 0:
        top -= 1
        here = stack[top]
        for d in range(4):
            x = table[4 * here + d]
            if x >= 0 and not has(boxes, 0, x) and not has(found, 0, x):
                flip(found, 0, x)
                stack[top] = x
                top += 1


@embedded
def first_reached(board, boxes, player):
    """Return the smallest cell that the player can walk to."""
    found = np.empty(board.words, np.int64)
    reach(board, boxes, player, found)
    k = 0
    while found[k] == 0:
        k += 1
    return 64 * k + lowest(found[k])


@lean
def walk_distances(board, boxes, player, steps, queue):
    """Write the steps of the shortest walk to every cell to `steps`, -1 where there is none; `queue` (cells) is scratch."""
    table = board.table
    steps[: board.cells] = -1
    steps[player], queue[0] = 0, player
    head, tail = 0, 1
    while head < tail:
        here = queue[head]
        head += 1
        for d in range(4):
            x = table[4 * here + d]
            if x >= 0 and steps[x] < 0 and not has(boxes, 0, x):
                steps[x] = steps[here] + 1
                queue[tail] = x
                tail += 1


@lean
def on_goals(board, boxes):
    """Return how many boxes stand on goals."""
    n = 0
    for k in range(board.words):
        word = boxes[k] & board.table[board.goals + k]
        while word != 0:
            word &= word - 1
            n += 1
    return n


@lean
def all_on_goals(board, boxes):
    """Return whether every box stands on a goal."""
    if board.words == 1:  # a loop would cost more than all else
        return boxes[0] & ~board.table[board.goals] == 0
    off = np.int64(0)
    for k in range(board.words):
        off |= boxes[k] & ~board.table[board.goals + k]
    return off == 0


@lean
def on_dead_cell(board, boxes):
    """Return whether some box stands where it can reach no goal even alone."""
    dead = np.int64(0)
    for k in range(board.words):
        dead |= boxes[k] & board.table[board.dead + k]
    return dead != 0


@lean
def held_word(boxes, fast_h, fast_v, east, west, columns):
    """Return the boxes that can never move again (see `frozen`), for boards of one word (uint64)."""
    one, held, old = np.uint64(1), boxes, np.uint64(0)
    while held != old:
        old = held
        held &= fast_h | ((old & east) << one) | ((old & west) >> one)
        held &= fast_v | (old << columns) | (old >> columns)
    return held


@embedded
def hold(board, boxes, left):
    """Write the boxes that can never move again to the set `left`.

    Assume that no box can move, then let go every box that could be moved along a row or a column if only those still held were in
    the way, until nothing changes: what is still held is held for good.
    """
    table, columns = board.table, board.columns
    if board.words == 1:
        east, west = np.uint64(table[board.east]), np.uint64(table[board.west])
        fast_h, fast_v = np.uint64(table[board.fast_h]), np.uint64(table[board.fast_v])
        left[0] = np.int64(held_word(np.uint64(boxes[0]), fast_h, fast_v, east, west, np.uint64(columns)))
        return
    left[:] = boxes[: board.words]
    changed = True
    while changed:
        changed = False
        for k in range(board.words):
            word = left[k]
            while word != 0:
                cell = 64 * k + lowest(word)
                word &= word - 1
                if not (has(table, board.fast_h, cell) or has(left, 0, cell - 1) or has(left, 0, cell + 1)) or not (
                    has(table, board.fast_v, cell) or has(left, 0, cell - columns) or has(left, 0, cell + columns)
                ):
                    flip(left, 0, cell)
                    changed = True


@embedded
def frozen(board, boxes):
    """Return whether boxes that can never move again (`hold`) include one off its goal (a freeze deadlock)."""
    left = np.empty(board.words, np.int64)
    hold(board, boxes, left)
    return not all_on_goals(board, left)


@lean
def board_key(board, boxes, player):
    """Return the Zobrist key of a box set and a player's cell."""
    h = board.table[board.zobrist + board.cells + player]
    for k in range(board.words):
        word = boxes[k]
        while word != 0:
            h ^= board.table[board.zobrist + 64 * k + lowest(word)]
            word &= word - 1
    return np.uint64(h)
