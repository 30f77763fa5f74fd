"""Sokoban by pushes: a state is the box set and the player's region, an action one push; the walk to it is implied.

A state is `Board.words` words of box bits and the player's cell: the smallest cell of the region, or, when walks are counted, the
exact one. An action is ``4 * cell + direction`` for the box pushed. Source of the abstraction: Junghanns & Schaeffer 2001.
"""

from typing import NamedTuple

import numpy as np

from games.jit import embedded, lean, njit
from games.process import (
    apply,
    bound,
    by_pushes,
    change,
    cost,
    critic_convention,
    dead,
    distance,
    feature,
    goal,
    key,
    legal,
    lost,
    notes,
    playout,
    potential,
    promising,
    push_playout,
    ready,
    rivals,
    score,
    stage,
    successors,
)
from games.sokoban.bits import any_of, flip, has, lowest
from games.sokoban.board import (
    FAR,
    Board,
    Compiled,
    all_on_goals,
    board_key,
    first_reached,
    frozen,
    held_word,
    on_dead_cell,
    on_goals,
    reach,
    reach_word,
    steps_word,
    walk_distances,
)
from games.sokoban.corrals import to_push, to_push_word
from games.sokoban.dominance import standing_elsewhere
from games.sokoban.matching import forget, matching_after, notes_size
from games.sokoban.packing import progress, write_order
from games.sokoban.playouts import pushes_of, random_pushes
from games.sokoban.values import STEP, lower_bound, push_reward, state_value, step_score
from games.sokoban.walls import bound_after, clear, walls_size

# What is proven dead: nothing, boxes on dead cells, frozen boxes too. With corrals, pushes that can wait are not searched; with
# walls, frozen boxes on goals are in the way of the bound's distances.
OFF, SQUARES, FREEZE, CORRALS, WALLS = range(5)
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
    level: Compiled, deadlocks: int = WALLS, minimise: str = "pushes", prune: bool = False
) -> tuple[SokobanPushes, np.ndarray]:
    """Return the model and start state of a compiled level.

    Parameters
    ----------
    deadlocks : int
        `OFF`, `SQUARES`, `FREEZE`, `CORRALS` or `WALLS`; corrals only tell lost positions where walks are counted.
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
    """Return the lower bound of a box set (`games.sokoban.values.lower_bound`), for callers in Python."""
    return lower_bound(board, boxes)


@njit
def start_on_goals(board, boxes):
    """Return how many boxes stand on goals, for callers in Python."""
    return on_goals(board, boxes)


@legal.of(SokobanPushes)
def _legal(model, state, actions):
    board = model.board
    if all_on_goals(board, state):
        return 0
    found = np.empty(board.words, np.int64)
    reach(board, state, state[board.words], found)
    return pushes_of(board, state, found, model.landing, actions)


@promising.of(SokobanPushes)
def _promising(model, state, actions):
    count, board = legal(model, state, actions), model.board
    if model.deadlocks < CORRALS or model.exact or count == 0:
        return count
    found, todo, kept = np.empty(board.words, np.int64), np.empty(board.words, np.int64), 0
    reach(board, state, state[board.words], found)
    to_push(board, state, found, todo)
    for k in range(count):
        if has(todo, 0, actions[k] >> 2):
            actions[kept] = actions[k]
            kept += 1
    return kept if kept > 0 else count


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
    return on_dead_cell(model.board, state) or (model.deadlocks >= FREEZE and frozen(model.board, state))


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
    return model.push_cost * lower_bound(model.board, state)


@cost.of(SokobanPushes)
def _cost(model, state, action):
    if model.walk_cost == 0.0:
        return model.push_cost
    board = model.board
    steps, queue = np.empty(board.cells, np.int32), np.empty(board.cells, np.int32)
    walk_distances(board, state, state[board.words], steps, queue)
    return model.push_cost + model.walk_cost * steps[board.table[action ^ 1]]


@lost.of(SokobanPushes)
def _lost(model, discount, steps):
    return STEP * steps if discount == 1.0 else STEP * (1.0 - discount**steps) / (1.0 - discount)


@critic_convention.of(SokobanPushes)
def _critic_convention(model):
    return 0.95, 60, 1


@notes.of(SokobanPushes)
def _notes(model):
    board = model.board
    first = notes_size(board.boxes) + 2 * max(64, board.cells)
    numbers = np.empty(first + (walls_size(board) if model.deadlocks == WALLS else 0), np.int64)
    if model.deadlocks == WALLS:
        clear(board, numbers[first:])
    return numbers


@successors.of(SokobanPushes)
def _successors(model, state, notes, actions, costs, states, keys):
    forget(notes)
    landing = model.landing if model.deadlocks == OFF else model.board.live
    if model.board.words == 1:
        return _in_one_word(model, state, notes, landing, actions, costs, states, keys)
    return _in_words(model, state, notes, landing, actions, costs, states, keys)


@embedded
def _in_words(model, state, notes, landing, actions, costs, states, keys):
    """Write the pushes in `state` but for those that freeze boxes off goals, their costs, states and keys; return how many.

    The end of `notes` is for the steps of the walks.
    """
    board, words, kept = model.board, model.board.words, 0
    found, steps = np.empty(words, np.int64), notes[notes_size(board.boxes) :]
    if model.walk_cost == 0.0:
        reach(board, state, state[words], found)
    else:
        walk_distances(board, state, state[words], steps, steps[board.cells :])
        found[:] = 0
        for cell in range(board.cells):
            if steps[cell] >= 0:
                flip(found, 0, cell)
    waiting, todo = model.deadlocks >= CORRALS, np.empty(words, np.int64)
    if waiting:
        to_push(board, state, found, todo)
        waiting = not model.exact or not any_of(todo)  # where walks count, only lost positions are known
    for k in range(pushes_of(board, state, found, landing, actions)):
        if waiting and not has(todo, 0, actions[k] >> 2):
            continue
        cell, ahead, child = actions[k] >> 2, board.table[actions[k]], states[kept]
        child[:] = state
        flip(child, 0, cell)
        flip(child, 0, ahead)
        if model.deadlocks < FREEZE or not frozen(board, child):
            child[words] = cell if model.exact else first_reached(board, child, cell)
            actions[kept], keys[kept] = actions[k], board_key(board, child, child[words])
            costs[kept] = model.push_cost
            if model.walk_cost != 0.0:
                costs[kept] += model.walk_cost * steps[board.table[actions[kept] ^ 1]]
            kept += 1
    return kept


@lean
def _in_one_word(model, state, notes, landing, actions, costs, states, keys):
    """Do as `_in_words` for boards of one word, in local numbers."""
    board, table, columns, one = model.board, model.board.table, np.uint64(model.board.columns), np.uint64(1)
    east, west, floor = np.uint64(table[board.east]), np.uint64(table[board.west]), np.uint64(table[board.floor])
    fast_h, fast_v, goals = np.uint64(table[board.fast_h]), np.uint64(table[board.fast_v]), np.uint64(table[board.goals])
    freeze, exact, boxes, kept = model.deadlocks >= FREEZE, model.exact, np.uint64(state[0]), 0
    steps = notes[notes_size(board.boxes) :]
    if model.walk_cost == 0.0:
        found = reach_word(floor & ~boxes, east, west, columns, state[1])
    else:
        beside = ((boxes & east) << one) | ((boxes & west) >> one) | (boxes << columns) | (boxes >> columns)
        found = steps_word(floor & ~boxes, east, west, columns, state[1], beside, steps)
    free = np.uint64(table[landing]) & ~boxes
    up, down = (found >> columns) & (free << columns), (found << columns) & (free >> columns)
    left, right = ((found & west) >> one) & ((free & east) << one), ((found & east) << one) & ((free & west) >> one)
    on, at = board.zobrist, board.zobrist + board.cells
    here = np.int64(board_key(board, state, state[1])) ^ table[at + state[1]]
    movable = np.int64(boxes & (up | down | left | right))
    if model.deadlocks >= CORRALS:
        todo = np.int64(to_push_word(board, boxes, found))
        if not exact or todo == 0:
            movable &= todo
    while movable != 0:
        cell = lowest(movable)
        box = np.uint64(movable & -movable)
        movable &= movable - 1
        for direction in range(4):
            able = (up if direction == 0 else down) if direction < 2 else (left if direction == 2 else right)
            if able & box == np.uint64(0):
                continue
            action = 4 * cell + direction
            ahead = table[action]
            after = boxes ^ box ^ (one << np.uint64(ahead))
            if freeze and held_word(after, fast_h, fast_v, east, west, columns) & ~goals != np.uint64(0):
                continue
            player = cell if exact else lowest(np.int64(reach_word(floor & ~after, east, west, columns, cell)))
            states[kept, 0], states[kept, 1] = np.int64(after), player
            actions[kept], keys[kept] = action, np.uint64(here ^ table[on + cell] ^ table[on + ahead] ^ table[at + player])
            costs[kept] = model.push_cost
            if model.walk_cost != 0.0:
                costs[kept] += model.walk_cost * steps[table[action ^ 1]]
            kept += 1
    return kept


@rivals.of(SokobanPushes)
def _rivals(model, state, notes, keys, costs):
    if model.walk_cost == 0.0:
        return 0
    return standing_elsewhere(model.board, state, model.walk_cost, notes[notes_size(model.board.boxes) :], keys, costs)


@bound.of(SokobanPushes)
def _bound(model, state, action, after, notes):
    board = model.board
    if model.deadlocks == WALLS:
        kept = notes[notes_size(board.boxes) + 2 * max(64, board.cells) :]
        h = bound_after(board, state, action, after, notes, kept)
    else:
        h = matching_after(board, state, action >> 2, board.table[action], notes, board.table, board.pushes)
    return np.inf if h >= FAR else model.push_cost * h


@ready.of(SokobanPushes)
def _ready(model, roots):
    words = model.board.words
    write_order(model.board, roots[0, :words].copy(), int(roots[0, words]))


@feature.of(SokobanPushes)
def _feature(model, state):
    return on_goals(model.board, state)


@stage.of(SokobanPushes)
def _stage(model, state):
    return progress(model.board, state)


@change.of(SokobanPushes)
def _change(model, previous, action):
    return previous < 0 or model.board.table[previous] != action >> 2


@playout.of(SokobanPushes)
def _playout(model, state, steps, discount, rng):
    return _random(model, state, model.landing, steps, discount, rng)


@by_pushes.of(SokobanPushes)
def _by_pushes(model):
    return True


@push_playout.of(SokobanPushes)
def _push_playout(model, state, steps, discount, rng):
    return _random(model, state, model.board.live, steps, discount, rng)


@embedded
def _random(model, state, landing, steps, discount, rng):
    board = model.board
    total, done = random_pushes(board, state, landing, steps, discount, rng)
    if not model.exact:
        state[board.words] = first_reached(board, state, state[board.words])
    return total, done
