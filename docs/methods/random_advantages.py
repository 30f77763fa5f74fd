"""Advantages from random numbers: what updates of MC-GRPO's size do to a policy when they mean nothing.

A claim that an estimator made a policy better or worse needs this control beside it, at as many states.

Parameters
----------
noise_seed : of the random numbers; any whole number
"""

import numpy as np

from planners.learning.estimates import group_normal

SAMPLING = "groups"
PARAMS = {"noise_seed": 0}
OPTIONS = {}


def advantage(batch, params):
    """Return random numbers, normal within their groups."""
    updates = batch.memory.setdefault("updates", np.zeros(1))
    updates += 1
    rng = np.random.default_rng([int(params["noise_seed"]), int(updates[0])])
    return group_normal(rng.normal(size=len(batch.at)), batch.group, batch.options["ddof"], batch.options["epsilon"])
