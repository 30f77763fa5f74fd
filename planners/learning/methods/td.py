"""TD(0) on afterstates: the value of an afterstate moves towards the reward and the value of the afterstate that came next.

Parameters
----------
rate : share of the error that a step takes away; above 0
and those of planners.learning.afterstates
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from games.params import Value
from games.world import Instance
from planners.learning import afterstates
from planners.learning.afterstates import AfterstateLearner, adjust

TITLE = "TD(0) on afterstates, an n-tuple network; the 2048 family"
REFERENCE = "Szubert & Jaskowski 2014"
PARAMS: dict[str, Value] = {"rate": 0.1, **afterstates.PARAMS}


class Td(NamedTuple):
    """The rule with its rate: a step of 1 would remove the whole error of a board's value."""

    rate: float


@adjust.of(Td)
def _adjust(rule, weights, rows, begin, end, error):
    step = np.float32(rule.rate / (end - begin)) * error
    for k in range(begin, end):
        weights[rows[k], 0] += step


def learner(instance: Instance, value_params: Mapping[str, Any], params: Mapping[str, Any], seed: int) -> AfterstateLearner:
    """Return a learner of this method at its beginning.

    Raises
    ------
    UsageError
        For another world than one of the 2048 family, or parameters that make no sense.
    """
    return afterstates.make("td", Td(float(params["rate"])), 1, instance, value_params, int(params["restart"]), seed)
