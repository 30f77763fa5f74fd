"""Temporal coherence on afterstates: as TD(0), with a rate of its own for every weight, which falls as its errors cancel out.

The rate of a weight is the size of the sum of its errors over the sum of their sizes: 1 while they all point the same way.

Parameters
----------
rate : share of the error that a step takes away where all errors of a weight point the same way; above 0
and those of planners.learning.afterstates
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from games.params import Value
from games.world import Instance
from planners.learning import afterstates
from planners.learning.afterstates import AfterstateLearner, adjust

TITLE = "temporal coherence on afterstates, an n-tuple network; the 2048 family"
REFERENCE = "Beal & Smith 1999; Jaskowski 2018"
PARAMS: dict[str, Value] = {"rate": 1.0, **afterstates.PARAMS}


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


def learner(instance: Instance, value_params: Mapping[str, Any], params: Mapping[str, Any], seed: int) -> AfterstateLearner:
    """Return a learner of this method at its beginning.

    Raises
    ------
    UsageError
        For another world than one of the 2048 family, or parameters that make no sense.
    """
    return afterstates.make("tc", Tc(float(params["rate"])), 3, instance, value_params, int(params["restart"]), seed)
