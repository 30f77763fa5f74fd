"""Temporal coherence on afterstates: as TD(0), with a rate of its own for every weight, which falls as its errors cancel out.

The rate of a weight is the size of the sum of its errors over the sum of their sizes: 1 while they all point the same way.
"""

from typing import NamedTuple

import numpy as np

from planners.learning.afterstates import adjust

REFERENCE = "Beal & Smith 1999; Jaskowski 2018"
PARAMS = {"rate": 1.0}


class Tc(NamedTuple):
    """The rule with its rate, which every weight's own is a share of."""

    rate: float


@adjust.of(Tc)
def _adjust(rule, weights, rows, begin, end, error):
    step, size = np.float32(rule.rate / (end - begin)) * error, abs(error)
    for k in range(begin, end):
        row = rows[k]
        balance, total = weights[row, 1], weights[row, 2]
        weights[row, 0] += step * (abs(balance) / total) if total > np.float32(0.0) else step
        weights[row, 1] = balance + error
        weights[row, 2] = total + size
