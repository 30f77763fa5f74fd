"""Small steps that meta-strategy solvers share; strategies are joint vectors, player p's part at ``start[p]:start[p + 1]``."""

from itertools import pairwise

import numpy as np

from games.jit import embedded, lean, njit
from solvers.psro.core import dot
from solvers.psro.meta_game import MetaGame, payoff_vector, refresh


def split(strategies: np.ndarray, meta: MetaGame) -> list[np.ndarray]:
    """Return the players' parts of a joint vector."""
    cuts = meta.start.tolist()
    return [strategies[a:b].copy() for a, b in pairwise(cuts)]


@embedded
def uniform(meta):
    """Return the joint vector of uniform strategies."""
    strategies = np.empty(meta.start[-1])
    for player in range(len(meta.sizes)):
        strategies[meta.start[player] : meta.start[player + 1]] = 1.0 / meta.sizes[player]
    return strategies


@lean
def all_payoffs(strategies, meta, out):
    """Write every player's payoff vector against the others' `strategies` to `out` (joint vector)."""
    for player in range(len(meta.sizes)):
        refresh(player, strategies, meta)
    for player in range(len(meta.sizes)):
        payoff_vector(player, meta, out[meta.start[player] : meta.start[player + 1]])


@lean
def total(x):
    """Return the sum of `x`; four running sums, so that no addition waits for the one before."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    whole = len(x) - len(x) % 4
    for k in range(0, whole, 4):
        a += x[k]
        b += x[k + 1]
        c += x[k + 2]
        d += x[k + 3]
    for k in range(whole, len(x)):
        a += x[k]
    return (a + b) + (c + d)


@lean
def largest(x):
    """Return the greatest entry of `x`; four running maxima, as in `total`."""
    a, b, c, d = x[0], x[0], x[0], x[0]
    whole = len(x) - len(x) % 4
    for k in range(0, whole, 4):
        a = max(a, x[k])
        b = max(b, x[k + 1])
        c = max(c, x[k + 2])
        d = max(d, x[k + 3])
    for k in range(whole, len(x)):
        a = max(a, x[k])
    return max(max(a, b), max(c, d))


@lean
def smallest(x):
    """Return the least entry of `x`; four running minima, as in `total`."""
    a, b, c, d = x[0], x[0], x[0], x[0]
    whole = len(x) - len(x) % 4
    for k in range(0, whole, 4):
        a = min(a, x[k])
        b = min(b, x[k + 1])
        c = min(c, x[k + 2])
        d = min(d, x[k + 3])
    for k in range(whole, len(x)):
        a = min(a, x[k])
    return min(min(a, b), min(c, d))


@lean
def normalise(weights, out):
    """Write non-negative `weights` scaled to sum 1 to `out`; uniform if they sum to 1e-12 or less."""
    mass = total(weights)
    for k in range(len(weights)):
        out[k] = weights[k] / mass if mass > 1e-12 else 1.0 / len(weights)


@njit
def regret_average(meta, steps, floor, weighted, optimistic):
    """Return the time average of simultaneous regret matching; with `floor` regrets are cut at zero as they come.

    `weighted` weighs step t by t; `optimistic` adds the last regrets once more as a prediction of the next.
    """
    strategies = uniform(meta)
    regrets = np.zeros(len(strategies))
    values = np.empty(len(strategies))
    positive = np.empty(len(strategies))
    average = np.zeros(len(strategies))
    for t in range(1, steps + 1):
        average += (t if weighted else 1.0) * strategies
        all_payoffs(strategies, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            mean = dot(strategies[a:b], values[a:b])
            for k in range(a, b):
                r = values[k] - mean
                regrets[k] += r
                if floor:
                    regrets[k] = max(regrets[k], 0.0)
                positive[k] = max(regrets[k] + r if optimistic else regrets[k], 0.0)
            normalise(positive[a:b], strategies[a:b])
    return average / (steps * (steps + 1) / 2.0 if weighted else steps)
