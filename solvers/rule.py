"""The vocabulary of update rules: the one project module that a rule file may import.

A rule works on one player's whole table. `R`, `r`, `S`, `sigma` are flat float64 arrays over the player's (infoset, action)
pairs, `infosets` says where each infoset's pairs lie, and t counts iterations from 1.
"""

from typing import NamedTuple

import numpy as np

from games.jit import njit

__all__ = ["Infosets", "add_to_average", "discount", "njit", "normalise", "regret_matching"]


class Infosets(NamedTuple):
    """One player's infosets in canonical order: pairs ``first[i]:first[i] + count[i]`` belong to infoset i."""

    first: np.ndarray
    count: np.ndarray
    player: int


@njit
def discount(t, exponent):
    """Return t^exponent / (t^exponent + 1), the discount of DCFR (Brown & Sandholm 2019)."""
    power = float(t) ** exponent
    return power / (power + 1.0) if power < np.inf else 1.0


@njit
def normalise(sigma, infosets):
    """Scale the non-negative weights in `sigma` to sum to 1 at every infoset, in place; uniform where all are zero."""
    first, count = infosets.first, infosets.count
    for i in range(len(first)):
        begin = first[i]
        end = begin + count[i]
        total = 0.0
        for k in range(begin, end):
            total += sigma[k]
        if total > 0.0:
            for k in range(begin, end):  # division, not a shared inverse: x / x is exactly 1, and ties stay ties
                sigma[k] /= total
        else:
            for k in range(begin, end):
                sigma[k] = 1.0 / count[i]


@njit
def regret_matching(sigma, R, infosets):
    """Write RM(R) to `sigma`: the positive part of `R`, normalised; uniform where no entry is positive (Hart & Mas-Colell 2000)."""
    for k in range(len(sigma)):
        sigma[k] = max(R[k], 0.0)
    normalise(sigma, infosets)


@njit
def add_to_average(S, sigma, reach, infosets, keep, weight):
    """Set ``S = keep * S + weight * reach * sigma`` in place, with one own reach per infoset.

    Growing weights t^gamma overflow in long runs; keep = ((t - 1) / t)^gamma with weight 1 gives the same normalised average.
    """
    first, count = infosets.first, infosets.count
    for i in range(len(first)):
        w = weight * reach[i]
        for k in range(first[i], first[i] + count[i]):
            S[k] = keep * S[k] + w * sigma[k]
