"""PPO: turns of environments that go on, a learned value, generalised advantages as they are (Schulman et al. 2017).

delta_t = r_t + gamma (1 - d_t) V_{t+1} - V_t;   A_t = delta_t + gamma lambda (1 - d_t) A_{t+1}

Parameters
----------
discount : gamma of the returns, a turn; from 0 to 1
lambda : of the generalised advantages, 0 for one step, 1 for whole returns; from 0 to 1
"""

import numpy as np

from planners.learning.batch import Batch
from planners.learning.methods.step_ppo import advantage as normal_advantage

TITLE = "proximal policy optimisation with a learned value"
REFERENCE = "Schulman et al. 2017, arXiv 1707.06347"
SAMPLING = "turns"
NEEDS = ("value",)
PARAMS: dict = {"discount": 0.99, "lambda": 0.95}
BOUNDS = dict.fromkeys(PARAMS, (0.0, 1.0))
OPTIONS: dict = {"clip": 0.2}


def advantage(batch: Batch, params: dict) -> np.ndarray:
    """Return the advantage of every row, normalised over the batch as is usual."""
    return normal_advantage(batch, params)
