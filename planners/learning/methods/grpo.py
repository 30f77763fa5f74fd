"""GRPO on episodes: group-relative advantages, the same for every turn of an episode (Shao et al. 2024, arXiv 2402.03300).

A_it = (R_i - mean R) / (std R + epsilon)
"""

import numpy as np

from planners.learning.batch import Batch
from planners.learning.estimates import group_normal

TITLE = "episodes from one start, compared with each other"
REFERENCE = "Shao et al. 2024, arXiv 2402.03300"
SAMPLING = "episodes"
PARAMS: dict = {}
OPTIONS: dict = {"normaliser": "episode"}


def advantage(batch: Batch, params: dict) -> np.ndarray:
    """Return the advantage of every row."""
    groups = np.zeros(len(batch.lengths), np.int64)
    groups[batch.sequence[batch.at]] = batch.group
    normal = group_normal(batch.returns(), groups, batch.options["ddof"], batch.options["epsilon"])
    return normal[batch.sequence[batch.at]]
