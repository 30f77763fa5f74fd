"""Traj-GRPO: whole episodes from one start, compared by their undiscounted returns.

R_i = sum_t r_it;   A_it = bn(gn(R)_i) for every turn t of episode i
"""

import numpy as np

from planners.learning.batch import Batch
from planners.learning.estimates import batch_normal, group_normal

TITLE = "group-relative advantages of whole episodes"
REFERENCE = "ProAct, arXiv 2602.05327"
SAMPLING = "episodes"
PARAMS: dict = {}
OPTIONS: dict = {}


def advantage(batch: Batch, params: dict) -> np.ndarray:
    """Return the advantage of every row."""
    groups = np.zeros(len(batch.lengths), np.int64)
    groups[batch.sequence[batch.at]] = batch.group
    normal = group_normal(batch.returns(), groups, batch.options["ddof"], batch.options["epsilon"])
    return batch_normal(normal[batch.sequence[batch.at]], None, batch.options["ddof"], batch.options["epsilon"])
