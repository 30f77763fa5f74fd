"""A generator of Sokoban levels by reverse play: solvable by construction, seeded, with a dial for difficulty.

A room is carved by a random walk, boxes are put on goals and pulled away at random; the position furthest from the goals, measured
by how often the pulled box changed times how far the boxes are (Schrader 2018, gym-sokoban), becomes the start.
"""

import numpy as np

from games.errors import UsageError
from games.jit import njit
from games.random import below, stream
from games.sokoban.board import compile_level
from games.sokoban.levels import Level
from games.sokoban.worlds import pushes_lurd

_TRIES = 200  # rooms carved before giving up


def generate(seed: int, rows: int = 8, columns: int = 8, boxes: int = 3, difficulty: float = 0.5) -> Level:
    """Return the level of `seed`, with a solution.

    Parameters
    ----------
    seed : int
        Other seeds give unrelated levels.
    rows, columns : int
        Of the room within the walls, 3 to 60 each.
    boxes : int
        At least 1.
    difficulty : float
        0: a few pulls; 1: the best of 40 long games of pulls.

    Raises
    ------
    UsageError
        For sizes out of range, or boxes that do not fit.
    """
    if not (3 <= rows <= 60 and 3 <= columns <= 60 and boxes >= 1 and 0.0 <= difficulty <= 1.0):
        raise UsageError(
            f"a level of {rows} by {columns} with {boxes} boxes and difficulty {difficulty} cannot be made; "
            "legal are 3 to 60 rows and columns, at least 1 box, difficulty 0 to 1"
        )
    rng = stream("sokoban level", seed, rows, columns, boxes, str(float(difficulty)))
    pulls, games = 4 + int(150 * difficulty), 1 + int(39 * difficulty)
    trail = np.empty(pulls, np.int64)
    for _ in range(_TRIES):
        floor = np.zeros((rows + 2, columns + 2), np.bool_)
        _carve(floor, max(4 * boxes, 3 * rows * columns // 5), rng)
        goals, start = np.empty(boxes, np.int64), np.empty(boxes + 1, np.int64)
        count = _reverse(floor.ravel(), columns + 2, games, rng, goals, start, trail)
        if count > 0:
            return _level(floor, goals, start, trail[:count], seed)
    raise UsageError(f"{boxes} boxes do not fit into rooms of {rows} by {columns}; ask for fewer boxes or more room")


def _level(floor: np.ndarray, goals: np.ndarray, start: np.ndarray, trail: np.ndarray, seed: int) -> Level:
    """Return the level with boxes at ``start[:-1]``, the player at ``start[-1]``; `trail` are the pulls that led there."""
    symbols = np.where(floor, " ", "#").ravel()
    symbols[goals] = "."
    for cell in start[:-1]:
        symbols[cell] = "*" if symbols[cell] == "." else "$"
    symbols[start[-1]] = "+" if symbols[start[-1]] == "." else "@"
    level = Level(tuple("".join(row) for row in symbols.reshape(floor.shape)), f"seed {seed}")
    compiled, columns = compile_level(level), floor.shape[1]
    pushes = [4 * compiled.cell(*divmod(int(pull) >> 2, columns)) + (int(pull) & 3) for pull in trail[::-1]]
    return Level(level.rows, level.title, solution=pushes_lurd(compiled, pushes))


@njit
def _carve(floor, wanted, rng):
    """Carve a connected room of about `wanted` cells into `floor` (inside its border) by a random walk, in place."""
    rows, columns = floor.shape
    r, c = 1 + below(rng, rows - 2), 1 + below(rng, columns - 2)
    wanted, count, direction = min(wanted, (rows - 2) * (columns - 2)), 0, below(rng, 4)
    while count < wanted:
        if not floor[r, c]:
            floor[r, c] = True
            count += 1
        if below(rng, 2) == 0:
            direction = below(rng, 4)
        y = r + (1 if direction == 1 else -1 if direction == 0 else 0)
        x = c + (1 if direction == 3 else -1 if direction == 2 else 0)
        if 1 <= y < rows - 1 and 1 <= x < columns - 1:
            r, c = y, x
        else:
            direction = below(rng, 4)


@njit
def _reverse(floor, columns, games, rng, goals, start, trail):
    """Put boxes on random goals and pull; return how many pulls led to `start` (boxes, then player), 0 if no game moved every box.

    `goals` (boxes), `start` (boxes + 1) and `trail` (``4 * cell + direction`` of the pushes that undo the pulls) are written.
    """
    boxes, cells = len(goals), len(floor)
    free = np.flatnonzero(floor)
    if len(free) < 3 * boxes + 2:
        return 0
    for k in range(boxes + 1):  # the first of a shuffle: goals, then the player
        j = k + below(rng, len(free) - k)
        free[k], free[j] = free[j], free[k]
    goals[:] = free[:boxes]
    steps = np.array([-columns, columns, -1, 1])
    at, occupied, reached = np.empty(boxes, np.int64), np.empty(cells, np.bool_), np.empty(cells, np.bool_)
    stack, choices, pulled = np.empty(cells, np.int64), np.empty(4 * boxes, np.int64), np.empty(len(trail), np.int64)
    best, count = 0, 0
    for _ in range(games):
        at[:] = goals
        occupied[:] = False
        for cell in at:
            occupied[cell] = True
        player, last, changes = free[boxes], -1, 0
        for t in range(len(trail)):
            reached[:] = False
            reached[player], stack[0], top = True, player, 1
            while top > 0:
                top -= 1
                here = stack[top]
                for step in steps:
                    x = here + step
                    if floor[x] and not occupied[x] and not reached[x]:
                        reached[x] = True
                        stack[top] = x
                        top += 1
            n = 0
            for k in range(boxes):
                for d in range(4):
                    one, two = at[k] + steps[d], at[k] + 2 * steps[d]
                    if reached[one] and floor[two] and not occupied[two]:
                        choices[n] = 4 * k + d
                        n += 1
            if n == 0:
                break
            choice = choices[below(rng, n)]
            k, d = choice >> 2, choice & 3
            occupied[at[k]] = False
            at[k] += steps[d]
            occupied[at[k]] = True
            player = at[k] + steps[d]
            pulled[t] = 4 * at[k] + (d ^ 1)
            changes += k != last
            last = k
            far, moved = 0, True
            for b in range(boxes):
                off = abs(at[b] // columns - goals[b] // columns) + abs(at[b] % columns - goals[b] % columns)
                far += off
                moved &= off > 0
            if moved and far * changes > best:
                best, count = far * changes, t + 1
                trail[:count] = pulled[:count]
                start[:boxes], start[boxes] = at, player
    return count
