"""The records that the sampling kernels take, and the pieces that both walks share."""

from typing import NamedTuple

import numpy as np

from games.jit import lean
from games.random import unit

unit = lean(unit)


class Tables(NamedTuple):
    """All that lasts from one iteration to the next.

    `R`, `S` (pairs of all players): sums of sampled regrets and of sampled policies. `baseline` (players, pairs): what the pairs
    were worth to each player on average; (1, 1) without baselines. `aged` (pairs, 2): at an infoset's first pair, how far the
    logarithms of the two discounts had come at its last change; (1, 2) where nothing is discounted. `age` (2,): how far they
    are now. `rng` (4,) uint64: the stream of random numbers. `touched` (1,) int64: nodes visited so far.
    """

    R: np.ndarray
    S: np.ndarray
    baseline: np.ndarray
    aged: np.ndarray
    age: np.ndarray
    rng: np.ndarray
    touched: np.ndarray


class Path(NamedTuple):
    """Scratch: what a walk knows of the decisions on its way, the first index in each.

    `node`, `taken` (depth,) int64: where, and which action; `reach` (depth, 3): reaches and sampling probabilities; `sigma`,
    `worth` (depth, actions): the policy there, and the values of the actions.
    """

    node: np.ndarray
    taken: np.ndarray
    reach: np.ndarray
    sigma: np.ndarray
    worth: np.ndarray


class Setting(NamedTuple):
    """Parameters as kernels take them; `baseline` is the step of running averages, 0 for no baselines."""

    linear: bool
    discounted: bool
    alpha: float
    beta: float
    gamma: float
    baseline: float
    epsilon: float


@lean
def match_regrets(R, begin, count, sigma, row):
    """Write the policy that regret matching makes of the regrets of an infoset to ``sigma[row]``."""
    total = 0.0
    for k in range(count):
        total += max(R[begin + k], 0.0)
    if total > 0.0:
        for k in range(count):
            sigma[row, k] = max(R[begin + k], 0.0) / total
    else:
        for k in range(count):
            sigma[row, k] = 1.0 / count


@lean
def draw_action(rng, sigma, row, count, epsilon):
    """Return an action drawn from ``sigma[row]``, mixed with the uniform policy by `epsilon`; one only is no draw."""
    if count == 1:
        return 0
    u = unit(rng)
    last = 0
    total = 0.0
    for k in range(count):
        p = epsilon / count + (1.0 - epsilon) * sigma[row, k]
        total += p
        if u < total:
            return k
        if p > 0.0:
            last = k
    return last  # rounding: the probabilities sum to a little less than 1


@lean
def draw_chance(rng, chance, begin, count):
    """Return an outcome drawn from the distribution whose rows in `chance` begin there, by bisection; one only is no draw."""
    if count == 1:
        return 0
    u = unit(rng)
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) // 2
        if u < chance[begin + middle, 1]:
            high = middle
        else:
            low = middle + 1
    return low


@lean
def make_old(tables, begin, count):
    """Discount the regrets of an infoset by what it has missed since its last change."""
    positive = np.exp(tables.age[0] - tables.aged[begin, 0])
    negative = np.exp(tables.age[1] - tables.aged[begin, 1])
    for k in range(begin, begin + count):
        tables.R[k] *= positive if tables.R[k] > 0.0 else negative
    tables.aged[begin, 0] = tables.age[0]
    tables.aged[begin, 1] = tables.age[1]


@lean
def weight_of_regrets(t, setting):
    """Return how much the regrets of iteration t count."""
    return float(t) if setting.linear else 1.0


@lean
def weight_of_policy(t, setting):
    """Return how much the policy of iteration t counts."""
    if setting.discounted:
        return float(t) ** setting.gamma
    return float(t) if setting.linear else 1.0


@lean
def end_iteration(t, tables, setting):
    """Let the discounts of iteration t come due."""
    if setting.discounted:
        tables.age[0] -= np.log1p(float(t) ** -setting.alpha)  # log(t^a / (t^a + 1))
        tables.age[1] -= np.log1p(float(t) ** -setting.beta)
