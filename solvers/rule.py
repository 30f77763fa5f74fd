"""The vocabulary of rules: the one project module that a rule file may import.

A CFR rule works on one player's whole table. `R`, `r`, `S`, `sigma` are flat float64 arrays over the player's (infoset, action)
pairs, `infosets` says where each infoset's pairs lie, and t counts iterations from 1.

A meta-strategy solver of PSRO works on the compiled meta-game and on joint vectors of mixed strategies, see
`solvers.psro.meta_game`: `refresh` takes over a player's strategy, `payoff_vector` and `all_payoffs` read payoffs. Solvers in
Python speed up their inner loops with `kernel`, which is cached on disk.
"""

import math
from typing import NamedTuple

import numpy as np

from games.errors import GameplanError
from games.jit import embedded as njit
from games.jit import njit as kernel
from solvers.psro.core import dot
from solvers.psro.dynamics import all_payoffs, max_of, min_of, scale_to_one, sum_of, uniform
from solvers.psro.maximin import maximin
from solvers.psro.meta_game import payoff_vector, refresh
from solvers.psro.unrestricted import check_constant_sum

__all__ = [
    "GameplanError",
    "Infosets",
    "add_to_average",
    "all_payoffs",
    "check_constant_sum",
    "discount",
    "dot",
    "ema",
    "exponentiate",
    "flushed",
    "highest_in",
    "kernel",
    "largest_in",
    "largest_regrets",
    "lowest_in",
    "max_of",
    "maximin",
    "mean_in",
    "min_of",
    "njit",
    "normalise",
    "payoff_vector",
    "positive_in",
    "raise_to",
    "ramp",
    "refresh",
    "regret_matching",
    "safe_divide",
    "safe_exp",
    "safe_log1p",
    "safe_power",
    "safe_sqrt",
    "scale_to_one",
    "sum_of",
    "uniform",
]

_LOG2_E = 1.0 / math.log(2.0)
_LN2_HIGH, _LN2_LOW = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")  # their sum is ln 2
_ROUNDER = 1.5 * 2.0**52  # adding it leaves the nearest integer in the low bits
_TILE = 512
_TAYLOR = tuple(1.0 / math.factorial(k) for k in range(14))


class Infosets(NamedTuple):
    """One player's infosets in canonical order: pairs ``first[i]:first[i] + count[i]`` belong to infoset i."""

    first: np.ndarray
    count: np.ndarray  # type: ignore[assignment]
    player: int


@njit
def discount(t, exponent):
    """Return t^exponent / (t^exponent + 1), the discount of DCFR (Brown & Sandholm 2019)."""
    power = np.float64(t) ** exponent  # float64 overflows to inf where Python's own numbers raise
    return power / (power + 1.0) if power < np.inf else 1.0


@njit
def ramp(t, duration):
    """Return t / duration, at most 1: the schedules of AOD-CFR."""
    return min(1.0, t / duration) if duration > 0.0 else 1.0


@njit
def ema(average, x, rate):
    """Return the exponential moving average after x: ``(1 - rate) * average + rate * x``."""
    return (1.0 - rate) * average + rate * x


@njit
def flushed(x):
    """Return x, or 0 where |x| < 1e-200: what fades by a factor ends below all normal numbers, where arithmetic is slow."""
    return x if abs(x) >= 1e-200 else 0.0


@njit
def safe_divide(x, y):
    """Return x / y; 0 where y is nearly 0."""
    return x / y if abs(y) > 1e-12 else 0.0


@njit
def safe_power(x, exponent):
    """Return sign(x) |x|^exponent within 1e300; 0 for x = 0. Exponents 0.5, 1, 1.5 and 2 are cheap."""
    size = np.float64(abs(x))
    if size == 0.0:
        return 0.0
    if exponent == 1.0:
        value = size
    elif exponent == 2.0:
        value = size * size
    elif exponent == 0.5:
        value = np.sqrt(size)
    elif exponent == 1.5:
        value = size * np.sqrt(size)
    else:
        value = size**exponent
    bounded = min(value, 1e300)
    return bounded if x > 0.0 else -bounded


@njit
def safe_exp(x):
    """Return e^x; x counts as -700 or 700 beyond."""
    return math.exp(min(max(x, -700.0), 700.0))


@njit
def safe_log1p(x):
    """Return sign(x) log(1 + |x|)."""
    return math.log1p(x) if x >= 0.0 else -math.log1p(-x)


@njit
def safe_sqrt(x):
    """Return sign(x) sqrt(|x|)."""
    return math.sqrt(x) if x >= 0.0 else -math.sqrt(-x)


@njit
def largest_in(x, infosets, i):
    """Return max |x| over the actions of infoset i."""
    found = 0.0
    for k in range(infosets.first[i], infosets.first[i] + infosets.count[i]):
        found = max(found, abs(x[k]))
    return found


@njit
def highest_in(x, infosets, i):
    """Return max x over the actions of infoset i."""
    found = x[infosets.first[i]]
    for k in range(infosets.first[i] + 1, infosets.first[i] + infosets.count[i]):
        found = max(found, x[k])
    return found


@njit
def lowest_in(x, infosets, i):
    """Return min x over the actions of infoset i."""
    found = x[infosets.first[i]]
    for k in range(infosets.first[i] + 1, infosets.first[i] + infosets.count[i]):
        found = min(found, x[k])
    return found


@njit
def mean_in(x, infosets, i):
    """Return the mean of x over the actions of infoset i."""
    total = 0.0
    for k in range(infosets.first[i], infosets.first[i] + infosets.count[i]):
        total += x[k]
    return total / infosets.count[i]


@njit
def positive_in(x, infosets, i):
    """Return the sum of the positive parts of x over the actions of infoset i."""
    total = 0.0
    for k in range(infosets.first[i], infosets.first[i] + infosets.count[i]):
        total += max(x[k], 0.0)
    return total


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
        if total == 0.0:
            for k in range(begin, end):
                sigma[k] = 1.0 / count[i]
        else:  # by division, not by a shared inverse: x / x is exactly 1, and ties stay ties; NaN stays NaN and is found
            for k in range(begin, end):
                sigma[k] /= total


@njit
def regret_matching(sigma, R, infosets):
    """Write RM(R) to `sigma`: the positive part of `R`, normalised; uniform where no entry is positive (Hart & Mas-Colell 2000)."""
    for k in range(len(sigma)):
        sigma[k] = 0.0 if R[k] <= 0.0 else R[k]
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


@njit
def largest_regrets(r, infosets, out):
    """Write max |r| over each infoset's actions to `out` (infosets)."""
    first, count = infosets.first, infosets.count
    for i in range(len(first)):
        m = 0.0
        for k in range(first[i], first[i] + count[i]):
            m = max(m, abs(r[k]))
        out[i] = m


@njit
def raise_to(x, exponent):
    """Replace every entry of `x`, all non-negative, by its power; 0.5 and 1.5 go by square roots, which are far cheaper."""
    if exponent == 1.5:
        for k in range(len(x)):
            x[k] *= math.sqrt(x[k])
    elif exponent == 0.5:
        for k in range(len(x)):
            x[k] = math.sqrt(x[k])
    else:
        for k in range(len(x)):
            x[k] = x[k] ** exponent


@njit
def exponentiate(x):
    """Replace every entry of `x` by its exponential, to within 2 units in the last place; x counts as -700 or 700 beyond.

    A quarter of the time of ``math.exp`` in a loop: e^x = 2^n e^f with |f| <= ln 2 / 2, in steps that the compiler vectorises.
    """
    scale = np.empty(_TILE)
    bits = scale.view(np.int64)
    c = _TAYLOR
    for begin in range(0, len(x), _TILE):  # in tiles that stay in the first-level cache from one step to the next
        y = x[begin : begin + _TILE]
        for k in range(len(y)):
            y[k] = min(max(y[k], -700.0), 700.0)
            scale[k] = y[k] * _LOG2_E + _ROUNDER
        for k in range(len(y)):
            n = scale[k] - _ROUNDER
            f = (y[k] - n * _LN2_HIGH) - n * _LN2_LOW
            f2 = f * f
            f4 = f2 * f2
            low = (c[0] + c[1] * f) + (c[2] + c[3] * f) * f2 + ((c[4] + c[5] * f) + (c[6] + c[7] * f) * f2) * f4
            high = (c[8] + c[9] * f) + (c[10] + c[11] * f) * f2 + (c[12] + c[13] * f) * f4
            y[k] = low + high * (f4 * f4)
        for k in range(len(y)):
            bits[k] = (bits[k] + 1023) << 52  # the bits of 2^n
        for k in range(len(y)):
            y[k] *= scale[k]
