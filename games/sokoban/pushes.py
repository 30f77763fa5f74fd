"""Sokoban by pushes: a state is the box set and the player's region, an action one push; the walk to it is implied.

A state is `Board.words` words of box bits and the player's cell: the smallest cell of the region, or, when walks are counted, the
exact one. An action is ``4 * cell + direction`` for the box pushed. Source of the abstraction: Junghanns & Schaeffer 2001.
"""

from typing import NamedTuple

import numpy as np

from games.jit import embedded, njit
from games.process import apply, cost, dead, distance, goal, key, legal, potential, score
from games.sokoban.bits import cells_of, flip, has
from games.sokoban.board import (
    Board,
    Compiled,
    all_on_goals,
    board_key,
    first_reached,
    frozen,
    on_dead_cell,
    on_goals,
    reach,
    walk_distances,
)
from games.sokoban.values import bound, push_reward, state_value, step_score

OFF, SQUARES, FREEZE = range(3)  # what counts as proven dead: nothing, boxes on dead cells, frozen boxes too
COSTS = {"pushes": (1.0, 0.0), "moves": (1.0 + 2.0**-13, 1.0), "pushes-moves": (1.0 + 2.0**-20, 2.0**-20)}


class SokobanPushes(NamedTuple):
    """The model (`games.process`). Reward a push: -0.1, +1 and -1 for a box put on and taken off a goal, +10 when all are on.

    `landing` is the place in the table of the set of cells onto which pushes are offered; `deadlocks` says what `dead` proves; a
    push costs `push_cost` plus `walk_cost` for every step of the walk to it; `exact` keeps the player's cell; `h0` is the start's
    lower bound, at least 1.
    """

    width: int
    actions: int
    outcomes: int
    board: Board
    landing: int
    deadlocks: int
    push_cost: float
    walk_cost: float
    exact: bool
    h0: float


def pushes_model(
    level: Compiled, deadlocks: int = FREEZE, minimise: str = "pushes", prune: bool = False
) -> tuple[SokobanPushes, np.ndarray]:
    """Return the model and start state of a compiled level.

    Parameters
    ----------
    deadlocks : int
        `OFF`, `SQUARES` or `FREEZE`.
    minimise : str
        A key of `COSTS`: what `cost` counts. ``moves`` breaks ties by pushes, ``pushes-moves`` by moves; both keep the player's
        exact cell, ``pushes`` its region.
    prune : bool
        Do not even offer pushes onto dead cells.
    """
    board, exact = level.board, minimise != "pushes"
    state = np.empty(board.words + 1, np.int64)
    state[:-1] = level.boxes
    state[-1] = level.player if exact else _first_reached(board, level.boxes, level.player)
    landing = board.live if prune else board.floor
    actions = 4 * board.boxes
    h0 = max(1.0, float(start_bound(board, level.boxes)))
    return SokobanPushes(len(state), actions, 0, board, landing, deadlocks, *COSTS[minimise], exact, h0), state


@njit
def _first_reached(board, boxes, player):
    return first_reached(board, boxes, player)


@njit
def start_bound(board, boxes):
    """Return the lower bound of a box set (`games.sokoban.values.bound`), for callers in Python."""
    return bound(board, boxes)


@njit
def start_on_goals(board, boxes):
    """Return how many boxes stand on goals, for callers in Python."""
    return on_goals(board, boxes)


@embedded
def pushes_of(board, boxes, found, landing, actions):
    """Write the pushes from the region `found` onto cells of `landing`, by box, then direction; return how many."""
    table, count = board.table, 0
    cells = np.empty(board.boxes, np.int64)
    for k in range(cells_of(boxes, board.words, cells)):
        cell = cells[k]
        for direction in range(4):
            behind, ahead = table[4 * cell + (direction ^ 1)], table[4 * cell + direction]
            if behind >= 0 and ahead >= 0 and has(found, 0, behind) and has(table, landing, ahead) and not has(boxes, 0, ahead):
                actions[count] = 4 * cell + direction
                count += 1
    return count


@legal.of(SokobanPushes)
def _legal(model, state, actions):
    board = model.board
    if all_on_goals(board, state):
        return 0
    found = np.empty(board.words, np.int64)
    reach(board, state, state[board.words], found)
    return pushes_of(board, state, found, model.landing, actions)


@apply.of(SokobanPushes)
def _apply(model, state, action):
    board = model.board
    cell = action >> 2
    ahead = board.table[action]
    flip(state, 0, cell)
    flip(state, 0, ahead)
    state[board.words] = cell if model.exact else first_reached(board, state, cell)
    return push_reward(board, state, cell, ahead)


@goal.of(SokobanPushes)
def _goal(model, state):
    return all_on_goals(model.board, state)


@dead.of(SokobanPushes)
def _dead(model, state):
    if model.deadlocks == OFF:
        return False
    return on_dead_cell(model.board, state) or (model.deadlocks == FREEZE and frozen(model.board, state))


@key.of(SokobanPushes)
def _key(model, state):
    return board_key(model.board, state, state[model.board.words])


@score.of(SokobanPushes)
def _score(model, state, action, after, reward):
    return step_score(model.board, state, after)


@potential.of(SokobanPushes)
def _potential(model, root, state):
    return state_value(model.board, state, model.h0)


@distance.of(SokobanPushes)
def _distance(model, state):
    return model.push_cost * bound(model.board, state)


@cost.of(SokobanPushes)
def _cost(model, state, action):
    if model.walk_cost == 0.0:
        return model.push_cost
    board = model.board
    steps, queue = np.empty(board.cells, np.int32), np.empty(board.cells, np.int32)
    walk_distances(board, state, state[board.words], steps, queue)
    return model.push_cost + model.walk_cost * steps[board.table[action ^ 1]]
