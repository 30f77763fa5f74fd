"""Step-GRPO: several actions in one state, judged by their own reward alone.

x_i = r(s, a_i);   A_i = bn(gn(x)_i);   groups that all chose alike are left out of the loss
"""

import numpy as np

from planners.learning.batch import Batch
from planners.learning.estimates import all_alike, batch_normal, group_normal

TITLE = "group-relative advantages of immediate rewards"
REFERENCE = "ProAct, arXiv 2602.05327"
SAMPLING = "groups"
PARAMS: dict = {}
OPTIONS: dict = {}


def mask(batch: Batch, params: dict) -> np.ndarray:
    """Return which rows count."""
    return ~all_alike(batch.chosen, batch.group)


def advantage(batch: Batch, params: dict) -> np.ndarray:
    """Return the advantage of every row."""
    normal = group_normal(batch.rewards, batch.group, batch.options["ddof"], batch.options["epsilon"])
    return batch_normal(normal, mask(batch, params), batch.options["ddof"], batch.options["epsilon"])
