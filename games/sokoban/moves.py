"""Sokoban by moves: the Boxoban environment (up, down, left, right) and ProAct's (walk and push as actions of their own).

A state is `Board.words` words of box bits, the player's cell, and the number of boxes off goals. Actions are 0 up, 1 down, 2 left,
3 right; with `explicit` actions these only walk, and 4 to 7 only push. An impossible action changes nothing and costs a step.
Sources: Guez et al. 2018, "An investigation of model-free planning" (Boxoban); Yu et al., arXiv 2602.05327 (ProAct).
"""

from typing import NamedTuple

import numpy as np

from games.jit import embedded
from games.process import (
    apply,
    by_pushes,
    critic_convention,
    dead,
    distance,
    effective,
    goal,
    key,
    legal,
    lost,
    playout,
    potential,
    push_playout,
    score,
    unlisted,
)
from games.random import below, next_word
from games.sokoban.bits import flip, has
from games.sokoban.board import Board, Compiled, board_key, frozen, on_dead_cell, on_goals
from games.sokoban.playouts import random_pushes
from games.sokoban.pushes import FREEZE, OFF, start_bound, start_on_goals
from games.sokoban.values import ON_GOAL, SOLVED, STEP, lower_bound, state_value, step_score

UP, DOWN, LEFT, RIGHT = range(4)
NAMES = ("up", "down", "left", "right", "push up", "push down", "push left", "push right", "format error")
FORMAT_ERROR = 8  # an answer that could not be read; where all actions are legal it is one more that changes nothing


class SokobanMoves(NamedTuple):
    """The model (`games.process`). Reward an action: -0.1, +1 and -1 for a box put on and taken off a goal, +10 when all are on.

    `masked`: only actions that change something are legal, otherwise all are; `checks` is what `dead` proves
    (`games.sokoban.pushes`); `start_h` is the start's lower bound, at least 1.
    """

    width: int
    actions: int
    outcomes: int
    yard: Board
    explicit: bool
    masked: bool
    checks: int
    start_h: float


def moves_model(
    level: Compiled, explicit: bool = False, masked: bool = True, deadlocks: int = FREEZE
) -> tuple[SokobanMoves, np.ndarray]:
    """Return the model and start state of a compiled level; the parameters are those of `SokobanMoves`."""
    board = level.board
    state = np.empty(board.words + 2, np.int64)
    state[:-2] = level.boxes
    state[-2] = level.player
    state[-1] = board.boxes - start_on_goals(board, level.boxes)
    h0 = max(1.0, float(start_bound(board, level.boxes)))
    return SokobanMoves(len(state), 8 if explicit else 4, 0, board, explicit, masked, deadlocks, h0), state


@embedded
def step(model, state, action):
    """Do `action`, possible or not; return the cell that a pushed box came from and the cell it went to, -1 if none was pushed."""
    yard = model.yard
    direction = action & 3
    here = yard.table[4 * state[yard.words] + direction]
    if here < 0 or action == FORMAT_ERROR:
        return -1, -1
    if not has(state, 0, here):
        if action >= 4:
            return -1, -1
        state[yard.words] = here
        return -1, -1
    ahead = yard.table[4 * here + direction]
    if ahead < 0 or (model.explicit and action < 4) or has(state, 0, ahead):
        return -1, -1
    flip(state, 0, here)
    flip(state, 0, ahead)
    state[yard.words] = here
    return here, ahead


@embedded
def possible(yard, state, action, explicit):
    """Return whether `action` changes `state`."""
    direction = action & 3
    here = yard.table[4 * state[yard.words] + direction]
    if here < 0:
        return False
    if not has(state, 0, here):
        return action < 4
    ahead = yard.table[4 * here + direction]
    return ahead >= 0 and not has(state, 0, ahead) and (action >= 4 or not explicit)


@embedded
def write_actions(model, state, masked, actions):
    """Write the actions to `actions`, if `masked` those that change something; return how many. None in a solved state."""
    count = 0
    if state[model.yard.words + 1] == 0:
        return 0
    for action in range(model.actions):
        if not masked or possible(model.yard, state, action, model.explicit):
            actions[count] = action
            count += 1
    return count


@legal.of(SokobanMoves)
def _legal(model, state, actions):
    return write_actions(model, state, model.masked, actions)


@effective.of(SokobanMoves)
def _effective(model, state, actions):
    return write_actions(model, state, True, actions)


@unlisted.of(SokobanMoves)
def _unlisted(model, action):
    return action == FORMAT_ERROR and not model.masked


@apply.of(SokobanMoves)
def _apply(model, state, action):
    cell, ahead = step(model, state, action)
    reward = STEP
    if cell >= 0:
        yard = model.yard
        was, now = has(yard.table, yard.goals, cell), has(yard.table, yard.goals, ahead)
        if was and not now:
            state[yard.words + 1] += 1
            reward -= ON_GOAL
        elif now and not was:
            state[yard.words + 1] -= 1
            reward += ON_GOAL
            if state[yard.words + 1] == 0:
                reward += SOLVED
    return reward


@goal.of(SokobanMoves)
def _goal(model, state):
    return state[model.yard.words + 1] == 0


@dead.of(SokobanMoves)
def _dead(model, state):
    if model.checks == OFF:
        return False
    return on_dead_cell(model.yard, state) or (model.checks >= FREEZE and frozen(model.yard, state))


@key.of(SokobanMoves)
def _key(model, state):
    return board_key(model.yard, state, state[model.yard.words])


@score.of(SokobanMoves)
def _score(model, state, action, after, reward):
    return step_score(model.yard, state, after)


@potential.of(SokobanMoves)
def _potential(model, root, state):
    return state_value(model.yard, state, model.start_h)


@distance.of(SokobanMoves)
def _distance(model, state):
    return lower_bound(model.yard, state)


@lost.of(SokobanMoves)
def _lost(model, discount, steps):
    return STEP * steps if discount == 1.0 else STEP * (1.0 - discount**steps) / (1.0 - discount)


@critic_convention.of(SokobanMoves)
def _critic_convention(model):
    return 0.95, 200, 1


@playout.of(SokobanMoves)
def _playout(model, state, steps, discount, rng):
    # One loop over local arrays: what a call hands over in counted references costs several times a move.
    table, words, goals, explicit = model.yard.table, model.yard.words, model.yard.goals, model.explicit
    player, off, total, factor, done, word = state[words], state[words + 1], 0.0, 1.0, 0, np.uint64(0)
    actions, bits = np.empty(8, np.int64), np.uint64(3 if explicit else 2)
    while done < steps and off > 0:
        if model.masked:
            count = 0
            for action in range(model.actions):
                here = table[4 * player + (action & 3)]
                if here < 0:
                    continue
                if (state[here >> 6] >> (here & 63)) & 1 == 0:
                    fits = action < 4
                else:
                    ahead = table[4 * here + (action & 3)]
                    fits = ahead >= 0 and (state[ahead >> 6] >> (ahead & 63)) & 1 == 0 and (action >= 4 or not explicit)
                if fits:
                    actions[count] = action
                    count += 1
            if count == 0:
                break
            action = actions[below(rng, count)]
        else:
            if done & 15 == 0:
                word = next_word(rng)
            action = np.int64(word & np.uint64(7 if explicit else 3))  # type: ignore[assignment]
            word >>= bits
        done += 1
        reward, here = STEP, table[4 * player + (action & 3)]
        here = here if here >= 0 else player  # no branch: walls are met too often to be predicted
        if (state[here >> 6] >> (here & 63)) & 1 == 0:
            player = here if action < 4 else player
        elif action >= 4 or not explicit:
            ahead = table[4 * here + (action & 3)]
            if ahead >= 0 and (state[ahead >> 6] >> (ahead & 63)) & 1 == 0:
                state[here >> 6] ^= np.int64(1) << (here & 63)
                state[ahead >> 6] ^= np.int64(1) << (ahead & 63)
                change = (table[goals + (ahead >> 6)] >> (ahead & 63) & 1) - (table[goals + (here >> 6)] >> (here & 63) & 1)
                player = here
                off -= change
                reward += ON_GOAL * change
                if off == 0:
                    reward += SOLVED
        total += factor * reward
        factor *= discount
    state[words], state[words + 1] = player, off
    return total, done


@by_pushes.of(SokobanMoves)
def _by_pushes(model):
    return True


@push_playout.of(SokobanMoves)
def _push_playout(model, state, steps, discount, rng):
    yard = model.yard
    total, done = random_pushes(yard, state, yard.live, steps, discount, rng)
    state[yard.words + 1] = yard.boxes - on_goals(yard, state)
    return total, done
