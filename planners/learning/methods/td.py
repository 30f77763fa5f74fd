"""TD(0) on afterstates: the value of an afterstate moves towards the reward and the value of the afterstate that came next."""

from typing import NamedTuple

import numpy as np

from planners.learning.afterstates import adjust

REFERENCE = "Szubert & Jaskowski 2014"
PARAMS = {"rate": 0.1}


class Td(NamedTuple):
    """The rule with its rate: a step of 1 would remove the whole error of a board's value."""

    rate: float


@adjust.of(Td)
def _adjust(rule, weights, rows, begin, end, error):
    step = np.float32(rule.rate / (end - begin)) * error
    for k in range(begin, end):
        weights[rows[k], 0] += step
