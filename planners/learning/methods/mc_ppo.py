"""MC-PPO: Step-PPO with values that are mixed with, or replaced by, those of the Monte-Carlo critic.

Vbar = (1 - w) V_phi + w V_MC;   A_t = bn(r_t + gamma (1 - d_t) Vbar_{t+1} - Vbar_t)   (lambda = 0)
the value's target is A_t + Vbar_t, before bn

Parameters
----------
w : share of the Monte-Carlo critic in the values; from 0 to 1
discount : gamma of the returns, a turn; from 0 to 1
lambda : of the generalised advantages, 0 for one step, 1 for whole returns; from 0 to 1
"""

import numpy as np

from planners.learning.batch import Batch
from planners.learning.estimates import batch_normal
from planners.learning.methods.step_ppo import estimate

TITLE = "PPO on single turns with Monte-Carlo values"
REFERENCE = "ProAct, arXiv 2602.05327"
SAMPLING = "turns"
PARAMS: dict = {"w": 1.0, "discount": 0.9, "lambda": 0.0}
BOUNDS = dict.fromkeys(PARAMS, (0.0, 1.0))
OPTIONS: dict = {}


def needs(params: dict) -> tuple[str, ...]:
    """Return what these parameters need."""
    return ("value",) if params["w"] < 1.0 else ()


def advantage(batch: Batch, params: dict) -> np.ndarray:
    """Return the advantage of every row."""
    w = params["w"]

    def value(turns: np.ndarray | None = None, *, after: bool = False) -> np.ndarray:
        if w == 0.0:
            return batch.ask.learned(turns, after=after)
        rolled = batch.ask.critic(turns, after=after)
        return rolled if w == 1.0 else (1.0 - w) * batch.ask.learned(turns, after=after) + w * rolled

    here = value()
    raw = estimate(batch, here, batch.following(here, value), params["discount"], params["lambda"])
    batch.memory["targets"] = raw + here
    return batch_normal(raw, None, batch.options["ddof"], batch.options["epsilon"])
