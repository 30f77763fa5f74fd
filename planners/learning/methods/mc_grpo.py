"""MC-GRPO: several actions in one state, judged by the Monte-Carlo critic, which follows no policy that learns.

x_i = Q_MC(s, a_i)
at least two distinct actions:   A_i = (x_i - mean x) / (std x + epsilon)
all equal to a:                  A = (Q_MC(s, a) - mean_b Q_MC(s, b)) / std_b Q_MC(s, b)   over all actions b
"""

import numpy as np

from planners.learning.batch import Batch
from planners.learning.estimates import all_alike, group_normal

TITLE = "group-relative advantages of Monte-Carlo action values"
REFERENCE = "ProAct, arXiv 2602.05327"
SAMPLING = "groups"
PARAMS: dict = {}
OPTIONS: dict = {}


def advantage(batch: Batch, params: dict) -> np.ndarray:
    """Return the advantage of every row."""
    q = batch.ask.critic_actions()
    x = q[batch.at, batch.chosen]
    among = group_normal(x, batch.group, batch.options["ddof"], batch.options["epsilon"])
    mean, spread = np.nanmean(q, axis=1), np.zeros(len(q))
    several = batch.counts > batch.options["ddof"]
    spread[several] = np.nanstd(q[several], axis=1, ddof=batch.options["ddof"])
    away = q - mean[:, None]
    among_all = np.where(spread[:, None] > 0.0, away / np.where(spread > 0.0, spread, 1.0)[:, None], 0.0)
    return np.where(all_alike(batch.chosen, batch.group), among_all[batch.at, batch.chosen], among)
