"""Small steps that meta-strategy solvers share; strategies are joint vectors, player p's part at ``start[p]:start[p + 1]``."""

from itertools import pairwise

import numpy as np

from games.jit import embedded, lean
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
def sum_of(x):
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
def max_of(x):
    """Return the greatest entry of `x`; four running maxima, as in `sum_of`."""
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
def min_of(x):
    """Return the least entry of `x`; four running minima, as in `sum_of`."""
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
def scale_to_one(weights, out):
    """Write non-negative `weights` scaled to sum 1 to `out`; uniform if they sum to 1e-12 or less."""
    mass = sum_of(weights)
    for k in range(len(weights)):
        out[k] = weights[k] / mass if mass > 1e-12 else 1.0 / len(weights)
