"""REINFORCE: the return that followed, less the mean of what followed the same turn of other episodes (Williams 1992).

A_it = G_it - mean_j G_jt,   G_it = r_it + gamma G_i,t+1;   the loss is -A log pi

Parameters
----------
discount : gamma of the returns, a turn; from 0 to 1
"""

import numpy as np

from planners.learning.batch import Batch

TITLE = "policy gradient of returns"
REFERENCE = "Williams 1992"
SAMPLING = "episodes"
PARAMS: dict = {"discount": 1.0}
BOUNDS = dict.fromkeys(PARAMS, (0.0, 1.0))
OPTIONS: dict = {"passes": 1}


def advantage(batch: Batch, params: dict) -> np.ndarray:
    """Return the advantage of every row."""
    gained = batch.by_sequence(batch.rewards)
    found, ahead = np.zeros_like(gained), np.zeros(len(gained))
    for t in range(gained.shape[1] - 1, -1, -1):
        ahead = gained[:, t] + params["discount"] * ahead
        found[:, t] = ahead
    alive = batch.by_sequence(np.ones(len(batch.at)))
    return batch.of_turns(found - (alive * found).sum(axis=0) / alive.sum(axis=0))


def surrogate(ratio: np.ndarray, advantage: np.ndarray, batch: Batch, params: dict) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss of every row and its slope in the ratio: -A rho, whose gradient at rho = 1 is that of -A log pi."""
    return -advantage * ratio, -advantage
