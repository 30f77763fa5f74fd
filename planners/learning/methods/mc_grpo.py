"""MC-GRPO: several actions in one state, judged by the Monte-Carlo critic, which follows no policy that learns.

x_i = Q_MC(s, a_i)
at least two distinct actions:   A_i = (x_i - mean x) / (std x + epsilon)
all equal to a:                  A = (Q_MC(s, a) - mean_b Q_MC(s, b)) / std_b Q_MC(s, b)   over all actions b

Where impossible actions are offered too, they count as one action with one value, as in ProAct's 2048 (not so in its Sokoban, where
ddof is 0).

Parameters
----------
merge : whether all actions of a turn without effect count as one
"""

import numpy as np

from planners.learning.batch import Batch
from planners.learning.estimates import all_alike, group_normal

TITLE = "group-relative advantages of Monte-Carlo action values"
REFERENCE = "ProAct, arXiv 2602.05327"
SAMPLING = "groups"
PARAMS: dict = {"merge": True}
OPTIONS: dict = {}


def advantage(batch: Batch, params: dict) -> np.ndarray:
    """Return the advantage of every row."""
    q, label = batch.ask.critic_actions(), batch.chosen
    if params["merge"] and batch.options["listed"]:
        q, label = merged(q, batch.ask.useful(), batch)
    x, ddof = q[batch.at, batch.chosen], batch.options["ddof"]
    among = group_normal(x, batch.group, ddof, batch.options["epsilon"])
    turns, places = np.nonzero(np.isfinite(q))
    among_all = np.zeros(q.shape)
    among_all[turns, places] = group_normal(q[turns, places], turns, ddof, 0.0)
    return np.where(all_alike(label, batch.group), among_all[batch.at, batch.chosen], among)


def merged(q: np.ndarray, useful: np.ndarray, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Return `q` with one value for all actions of a turn without effect, and the rows' actions, -1 for each of those."""
    useless = np.isfinite(q) & ~useful
    first = q[np.arange(len(q)), useless.argmax(axis=1)]
    return np.where(useless, first[:, None], q), np.where(useful[batch.at, batch.chosen], batch.chosen, -1)
