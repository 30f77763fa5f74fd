"""Exhaustive search of small levels, for verdicts that must be right: solvable, unsolvable, or too large to say."""

import numpy as np

from games.jit import embedded, njit
from games.process import bound, distance, goal, key, notes, successors

SOLVABLE, UNSOLVABLE, UNDECIDED = range(3)


@embedded
def first_seen(table, word):
    """Put `word` into the hash table (a power of two of uint64, 0: empty); return whether it was not there."""
    word |= np.uint64(1)
    mask = np.uint64(len(table) - 1)
    place = (word ^ (word >> np.uint64(32))) & mask
    while table[place] != np.uint64(0):
        if table[place] == word:
            return False
        place = (place + np.uint64(1)) & mask
    table[place] = word
    return True


@njit
def verdict(model, start, most):
    """Return whether a goal can be reached from `start`: SOLVABLE, UNSOLVABLE, or UNDECIDED after `most` states."""
    places = 16
    while places < 2 * (most + model.actions):
        places *= 2
    table, stack = np.zeros(places, np.uint64), np.empty((most + model.actions + 1, model.width), np.int64)
    actions, prices, kept = np.empty(model.actions, np.int64), np.empty(model.actions), notes(model)
    after, keys = np.empty((model.actions + 1, model.width), np.int64), np.empty(model.actions, np.uint64)
    state, top, seen = start.copy(), 1, 1
    stack[0] = start
    first_seen(table, key(model, start))
    while top > 0:
        top -= 1
        state[:] = stack[top]
        if goal(model, state):
            return SOLVABLE
        for k in range(successors(model, state, kept, actions, prices, after, keys)):
            if first_seen(table, keys[k]):
                seen += 1
                if seen > most:
                    return UNDECIDED
                if bound(model, state, actions[k], after[k], kept) < np.inf:
                    stack[top] = after[k]
                    top += 1
    return UNSOLVABLE


@njit
def nearest(model, start, depths, most):
    """Return the least lower bound (depths + 1) over all states exactly 0, 1, ... actions after `start`.

    0 from the depth on at which a goal is reached, infinite where every line is proven dead, NaN from where a depth has more than
    `most` states.
    """
    least = np.full(depths + 1, np.nan)
    places = 16
    while places < 2 * (most + model.actions):
        places *= 2
    table = np.zeros(places, np.uint64)
    now, later = np.empty((most, model.width), np.int64), np.empty((most, model.width), np.int64)
    actions, prices, kept = np.empty(model.actions, np.int64), np.empty(model.actions), notes(model)
    after, keys = np.empty((model.actions + 1, model.width), np.int64), np.empty(model.actions, np.uint64)
    now[0], count = start, 1
    least[0] = distance(model, start)
    for depth in range(1, depths + 1):
        if least[depth - 1] == 0.0:
            least[depth] = 0.0
            continue
        table[:] = np.uint64(0)
        best, filled = np.inf, 0
        for i in range(count):
            for k in range(successors(model, now[i], kept, actions, prices, after, keys)):
                if first_seen(table, keys[k]):
                    if filled == most:
                        return least
                    h = bound(model, now[i], actions[k], after[k], kept)
                    if h < np.inf:
                        later[filled] = after[k]
                        filled += 1
                        best = min(best, h)
        least[depth], count = best, filled
        now, later = later, now
    return least
