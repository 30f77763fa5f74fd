"""Sokoban backwards: from the solved position, boxes are pulled to where they stood at the start.

States and their keys are those of `games.sokoban.pushes`, and an action is named by the push that it undoes, so a line from a root
to a state, read from its end, is a plan from that state on. There is a root for every part of the board that the player may be in
once all is solved. Source of the idea: Takes 2008, "Sokoban: reversed solving".
"""

from typing import Any, NamedTuple

import numpy as np

from games.jit import embedded, njit
from games.process import (
    apply,
    bound,
    change,
    dead,
    distance,
    feature,
    goal,
    key,
    legal,
    notes,
    reversed_of,
    successors,
)
from games.sokoban.bits import cells_of, flip, has
from games.sokoban.board import FAR, Board, all_on_goals, board_key, first_reached, on_dead_cell, on_goals, reach, sides
from games.sokoban.matching import forget, matching_after, notes_size
from games.sokoban.pushes import SokobanPushes
from games.sokoban.values import lower_bound


class SokobanPulls(NamedTuple):
    """The model (`games.process`), without rewards.

    In the table of `board` the goals are where the boxes stood, distances are of lone boxes pulled there, and cells are dead from
    which none can be pulled to any. `region` is the first cell of the player's region at the start; a pull costs `pull_cost`.
    """

    width: int
    actions: int
    outcomes: int
    board: Board
    region: int
    pull_cost: float


@reversed_of.of(SokobanPushes)
def _reversed_of(model: SokobanPushes, state: np.ndarray) -> Any:
    if model.exact:
        return None
    words = model.board.words
    board = model.board._replace(table=model.board.table.copy())
    roots = np.empty((board.cells, model.width), np.int64)
    count = _turn(board, state, roots)
    return SokobanPulls(model.width, model.actions, 0, board, int(state[words]), model.push_cost), roots[:count].copy()


@njit
def _turn(board, start, roots):
    """Make the table of `board` one of pulls to `start`, in place; write the solved positions to `roots`; return how many."""
    table, words, cells, n = board.table, board.words, board.cells, board.boxes
    solved, left = table[board.goals : board.goals + words].copy(), table[board.floor : board.floor + words].copy()
    left &= ~solved
    free, count, found = np.empty(cells, np.int64), 0, np.empty(words, np.int64)
    for k in range(cells_of(left, words, free)):
        if has(left, 0, free[k]):
            reach(board, solved, free[k], found)
            roots[count, :words], roots[count, words] = solved, free[k]
            left &= ~found
            count += 1
    table[board.goals : board.goals + words] = start[:words]
    _pull_distances(board, start)
    for k in range(words):
        table[board.dead + k], table[board.live + k] = 0, 0
    for cell in range(cells):
        if has(table, board.floor, cell):
            far = True
            for j in range(n):
                far &= table[board.pushes + n * cell + j] >= FAR
            flip(table, board.dead if far else board.live, cell)
    return count


@embedded
def _pull_distances(board, start):
    """Write the fewest pushes of a lone box from each cell of `start` to each cell to the table, whatever side the player is on."""
    near, cells, n = board.table, board.cells, board.boxes
    side, origin = sides(board, np.zeros(board.words, np.int64)), np.empty(cells, np.int64)
    pushes = near[board.pushes : board.pushes + cells * n].reshape(cells, n)
    pushes[:] = FAR
    found, queue = np.empty(4 * cells, np.int32), np.empty(4 * cells, np.int32)
    for j in range(cells_of(start, board.words, origin)):
        found[:] = FAR
        head, tail = 0, 0
        for d in range(4):
            if side[4 * origin[j] + d] == d:
                queue[tail] = 4 * origin[j] + d
                found[queue[tail]] = 0
                tail += 1
        pushes[origin[j], j] = 0
        while head < tail:
            box, group, far = queue[head] >> 2, queue[head] & 3, found[queue[head]] + 1
            head += 1
            for d in range(4):
                ahead = near[4 * box + d]
                if ahead < 0 or side[4 * box + (d ^ 1)] != group:
                    continue
                node = 4 * ahead + side[4 * ahead + (d ^ 1)]
                if found[node] == FAR:
                    found[node] = far
                    queue[tail] = node
                    tail += 1
                    pushes[ahead, j] = min(pushes[ahead, j], far)


@embedded
def _pulls_of(board, state, found, landing, actions):
    """Write the pulls that the player can make from the region `found`, onto cells of the set at `landing`; return how many."""
    table, count = board.table, 0
    cells = np.empty(board.boxes, np.int64)
    for k in range(cells_of(state, board.words, cells)):
        for direction in range(4):
            cell = table[4 * cells[k] + (direction ^ 1)]
            if cell < 0 or not has(found, 0, cell) or not has(table, landing, cell):
                continue
            behind = table[4 * cell + (direction ^ 1)]
            if behind >= 0 and not has(state, 0, behind):
                actions[count] = 4 * cell + direction
                count += 1
    return count


@embedded
def _pull(board, state, action):
    """Undo the push `action`, in place."""
    flip(state, 0, board.table[action])
    flip(state, 0, action >> 2)
    state[board.words] = first_reached(board, state, board.table[action ^ 1])


@legal.of(SokobanPulls)
def _legal(model, state, actions):
    if goal(model, state):
        return 0
    found = np.empty(model.board.words, np.int64)
    reach(model.board, state, state[model.board.words], found)
    return _pulls_of(model.board, state, found, model.board.floor, actions)


@apply.of(SokobanPulls)
def _apply(model, state, action):
    _pull(model.board, state, action)
    return 0.0


@goal.of(SokobanPulls)
def _goal(model, state):
    return state[model.board.words] == model.region and all_on_goals(model.board, state)


@dead.of(SokobanPulls)
def _dead(model, state):
    return on_dead_cell(model.board, state)


@key.of(SokobanPulls)
def _key(model, state):
    return board_key(model.board, state, state[model.board.words])


@distance.of(SokobanPulls)
def _distance(model, state):
    return model.pull_cost * lower_bound(model.board, state)


@notes.of(SokobanPulls)
def _notes(model):
    return np.empty(notes_size(model.board.boxes), np.int64)


@successors.of(SokobanPulls)
def _successors(model, state, notes, actions, costs, states, keys):
    forget(notes)
    board, words = model.board, model.board.words
    table, at, found = board.table, board.zobrist + board.cells, np.empty(board.words, np.int64)
    reach(board, state, state[words], found)
    here = np.int64(board_key(board, state, state[words])) ^ table[at + state[words]]
    count = _pulls_of(board, state, found, board.live, actions)
    for k in range(count):
        action, child = actions[k], states[k]
        child[:] = state
        _pull(board, child, action)
        moved = table[board.zobrist + (action >> 2)] ^ table[board.zobrist + table[action]]
        keys[k], costs[k] = np.uint64(here ^ moved ^ table[at + child[words]]), model.pull_cost
    return count


@bound.of(SokobanPulls)
def _bound(model, state, action, after, notes):
    board = model.board
    h = matching_after(board, state, board.table[action], action >> 2, notes, board.table, board.pushes)
    return np.inf if h >= FAR else model.pull_cost * h


@feature.of(SokobanPulls)
def _feature(model, state):
    return on_goals(model.board, state)


@change.of(SokobanPulls)
def _change(model, previous, action):
    return previous < 0 or model.board.table[action] != previous >> 2
