"""2048 as a decision process: three records, one set of operations on bitboards (`games.game2048.board`).

A state's first word is the board. The afterstate is the board after the slide and before the spawn. In `ProAct2048` the second
word counts the turns in a row that left the board unchanged, and only turns that changed it are followed by a spawn.
"""

from typing import NamedTuple

import numpy as np

from games.dispatch import operation
from games.game2048.board import FULL, Shape, count_cells, legal_mask, nth_cell, occupied, play_on, shape, slide, spawn
from games.game2048.heuristic import worth
from games.jit import embedded
from games.process import (
    apply,
    chance,
    critic_convention,
    draw,
    effective,
    fresh,
    key,
    legal,
    playout,
    potential,
    potential_scale,
    score,
    terminal,
    unlisted,
)
from games.random import below, mix

STUCK = 10  # turns in a row without a change that end a game of ProAct's
FORMAT_ERROR = 4  # action of ProAct2048 beside its four directions: an answer that could not be read
SPREAD = 5_000.0  # a board whose worth has grown by so much has potential 0.73, after 0.5


class Full2048(NamedTuple):
    """The standard rules on 4x4 cells, the shape compiled in; rewards are the merged tiles in base 2 times `scale`."""

    width: int
    actions: int
    outcomes: int
    scale: float


class Small2048(NamedTuple):
    """The standard rules on a board of any shape."""

    width: int
    actions: int
    outcomes: int
    shape: Shape
    scale: float


class ProAct2048(NamedTuple):
    """ProAct's rules (arXiv 2602.05327): illegal moves are actions; the order of actions is up, down, left, right, format error.

    A move that changes nothing earns -1, a format error -10; `stuck` such turns in a row end the game. `legal` lists the four
    directions, legal or not; the format error is for players that answer in text.
    """

    width: int
    actions: int
    outcomes: int
    shape: Shape
    scale: float
    stuck: int


def make_model(rows: int, columns: int, base: int, proact: bool) -> Full2048 | Small2048 | ProAct2048:
    """Return the model of a board with tiles of `base`, 2 base, 4 base ..., under the standard rules or ProAct's."""
    outcomes, scale = 2 * rows * columns, base / 2
    if proact:
        return ProAct2048(2, 4, outcomes, shape(rows, columns), scale, STUCK)
    if (rows, columns) == (4, 4):
        return Full2048(1, 4, outcomes, scale)
    return Small2048(1, 4, outcomes, shape(rows, columns), scale)


@operation
def shape_of(model):
    """Return the shape of the model's board."""
    return model.shape


@shape_of.of(Full2048)
def _full_shape(model):
    return FULL


@operation
def direction_of(model, action):
    """Return the direction of the board in which `action`, which is one of the four moves, slides."""
    return action


@direction_of.of(ProAct2048)
def _proact_direction(model, action):
    return 2 * action if action < 2 else 7 - 2 * action


@embedded
def _write_legal(mask, actions):
    count = 0
    for direction in range(4):
        if mask >> direction & 1:
            actions[count] = direction
            count += 1
    return count


@embedded
def _write_spawns(board, shape, boards, probabilities):
    cells = ~occupied(board) & shape.cells
    count = count_cells(cells)
    for k in range(count):
        tile = nth_cell(cells, k)
        boards[2 * k, 0], probabilities[2 * k] = board | tile, 0.9 / count
        boards[2 * k + 1, 0], probabilities[2 * k + 1] = board | (tile << np.uint64(1)), 0.1 / count
    return 2 * count


@embedded
def _compare(before, board):
    return 1.0 / (1.0 + np.exp((np.float64(worth(before)) - np.float64(worth(board))) / SPREAD))


def _legal(model, state, actions):
    return _write_legal(legal_mask(state.view(np.uint64)[0], shape_of(model)), actions)


def _apply(model, state, action):
    boards = state.view(np.uint64)
    board, gain = slide(boards[0], action, shape_of(model))
    boards[0] = board
    return gain * model.scale


def _draw(model, state, rng):
    boards = state.view(np.uint64)
    boards[0] = spawn(boards[0], shape_of(model), rng)


def _chance(model, state, states, probabilities):
    return _write_spawns(state.view(np.uint64)[0], shape_of(model), states.view(np.uint64), probabilities)


def _terminal(model, state):
    return legal_mask(state.view(np.uint64)[0], shape_of(model)) == 0


def _playout(model, state, steps, discount, rng):
    boards = state.view(np.uint64)
    board, total, done = play_on(boards[0], shape_of(model), steps, discount, rng)
    boards[0] = board
    return model.scale * total, done


def _key(model, state):
    return mix(state.view(np.uint64)[0])


def _score(model, state, action, after, reward):
    return min(1.0, np.log2(1.0 + max(0.0, reward)) / 16.0)


def _potential(model, root, state):
    return _compare(root.view(np.uint64)[0], state.view(np.uint64)[0])


for _class in (Full2048, Small2048):
    legal.of(_class)(_legal)
    apply.of(_class)(_apply)
    draw.of(_class)(_draw)
    chance.of(_class)(_chance)
    terminal.of(_class)(_terminal)
    playout.of(_class)(_playout)
    key.of(_class)(_key)


def _critic_convention(model):
    return 0.9, 60, 0


def _potential_scale(model):
    return 1000.0 * model.scale


for _any in (Full2048, Small2048, ProAct2048):
    critic_convention.of(_any)(_critic_convention)
    score.of(_any)(_score)
    potential.of(_any)(_potential)
    potential_scale.of(_any)(_potential_scale)


@legal.of(ProAct2048)
def _proact_legal(model, state, actions):
    if terminal(model, state):
        return 0
    for action in range(4):
        actions[action] = action
    return 4


@apply.of(ProAct2048)
def _proact_apply(model, state, action):
    boards = state.view(np.uint64)
    if action != FORMAT_ERROR:
        board, gain = slide(boards[0], direction_of(model, action), model.shape)
        if board != boards[0]:
            boards[0], state[1] = board, 0
            return gain * model.scale
    state[1] += 1
    return -10.0 if action == FORMAT_ERROR else -1.0


@draw.of(ProAct2048)
def _proact_draw(model, state, rng):
    if state[1] == 0:
        boards = state.view(np.uint64)
        boards[0] = spawn(boards[0], model.shape, rng)


@chance.of(ProAct2048)
def _proact_chance(model, state, states, probabilities):
    if state[1] > 0:
        states[0], probabilities[0] = state, 1.0
        return 1
    states[:, 1] = 0
    return _write_spawns(state.view(np.uint64)[0], model.shape, states.view(np.uint64), probabilities)


@terminal.of(ProAct2048)
def _proact_terminal(model, state):
    return state[1] >= model.stuck or legal_mask(state.view(np.uint64)[0], model.shape) == 0


@unlisted.of(ProAct2048)
def _proact_unlisted(model, action):
    return action == FORMAT_ERROR


@effective.of(ProAct2048)
def _proact_effective(model, state, actions):
    mask = 0 if state[1] >= model.stuck else legal_mask(state.view(np.uint64)[0], model.shape)
    count = 0
    for action in range(4):
        if mask >> direction_of(model, action) & 1:
            actions[count] = action
            count += 1
    return count


@fresh.of(ProAct2048)
def _proact_fresh(model, state):
    state[1] = 0


@playout.of(ProAct2048)
def _proact_playout(model, state, steps, discount, rng):
    boards = state.view(np.uint64)
    board, stuck, total, factor, done = boards[0], state[1], 0.0, 1.0, 0
    while done < steps and stuck < model.stuck and legal_mask(board, model.shape) != 0:
        action = below(rng, 4)
        moved, gain = slide(board, direction_of(model, action), model.shape)
        if moved == board:
            stuck += 1
            total -= factor
        else:
            board, stuck = np.uint64(spawn(np.uint64(moved), model.shape, rng)), 0  # a Python int where this is not compiled
            total += factor * (gain * model.scale)
        factor *= discount
        done += 1
    boards[0], state[1] = board, stuck
    return total, done
