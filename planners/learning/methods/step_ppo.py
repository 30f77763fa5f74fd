"""Step-PPO: turns of environments that go on, a learned value, generalised advantage estimation.

delta_t = r_t + gamma (1 - d_t) V_{t+1} - V_t
A_t     = delta_t + gamma lambda (1 - d_t) A_{t+1}
the value's target is A_t + V_t;   the policy uses bn(A)

Parameters
----------
discount : gamma of the returns, a turn; from 0 to 1
lambda : of the generalised advantages, 0 for one step, 1 for whole returns; from 0 to 1
"""

import numpy as np

from planners.learning.batch import Batch
from planners.learning.estimates import batch_normal, generalised

TITLE = "PPO on single turns with a learned value"
REFERENCE = "ProAct, arXiv 2602.05327; Schulman et al. 2017, arXiv 1707.06347"
SAMPLING = "turns"
NEEDS = ("value",)
# ProAct's own are 0.9 and 0.95, and more passes. A table learns fastest from these: 14,376 and 16,959 points of 2048 after a CPU
# minute (docs/stages.md), against 8,986 with lambda = 0.95, batches of 16 turns and four passes.
PARAMS: dict = {"discount": 0.99, "lambda": 0.5}
BOUNDS = dict.fromkeys(PARAMS, (0.0, 1.0))
OPTIONS: dict = {"turns": 64, "passes": 1, "value_rate": 0.3}


def values(batch: Batch, params: dict) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of the states of all turns and of those after them."""
    here = batch.ask.learned()
    return here, batch.following(here, batch.ask.learned)


def advantage(batch: Batch, params: dict) -> np.ndarray:
    """Return the advantage of every row; `batch.memory` gets the value's targets."""
    here, after = values(batch, params)
    raw = estimate(batch, here, after, params["discount"], params["lambda"])
    batch.memory["targets"] = raw + here
    return batch_normal(raw, None, batch.options["ddof"], batch.options["epsilon"])


def estimate(batch: Batch, here: np.ndarray, after: np.ndarray, discount: float, lam: float) -> np.ndarray:
    """Return the advantages of all turns, given values of the states before and after them."""
    rewards, now, later, over = (batch.by_sequence(x) for x in (batch.rewards, here, after, batch.over))
    return batch.of_turns(generalised(rewards, now, later, over, batch.by_sequence(batch.cut, True), discount, lam))
