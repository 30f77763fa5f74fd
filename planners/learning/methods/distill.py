"""Distillation: the policy imitates a planner that thinks in the states the policy comes to, the value what it expects there.

loss = - sum_a p(a) log pi(a),   p = the planner's shares of visits
the value's target is the planner's value of its choice

Parameters
----------
planner : who is imitated, with its parameters, such as mcts or mcts:simulations=100, or a file of one's own
units : of the planner's budget for a decision; at least 1, or 0 for its own
fit_value : whether a value learns from the planner's values too
"""

import numpy as np

from planners.learning.batch import Batch

TITLE = "cross-entropy to what a planner chooses"
REFERENCE = "Ross, Gordon & Bagnell 2011 (DAgger); Anthony et al. 2017"
SAMPLING = "groups"
PARAMS: dict = {"planner": "mcts", "units": 0, "fit_value": False}
OPTIONS: dict = {"group": 0, "environments": 4, "turns": 8}


def needs(params: dict) -> tuple[str, ...]:
    """Return what these parameters need."""
    return ("planner", "value") if params["fit_value"] else ("planner",)


def advantage(batch: Batch, params: dict) -> np.ndarray:
    """Return the planner's probability of the action of every row."""
    chances, values = batch.ask.planner(params["planner"], params["units"])
    if params["fit_value"]:
        batch.memory["targets"] = np.where(np.isfinite(values), values, batch.ask.learned())
    batch.weight, batch.hopeless = np.ones(len(batch.at)), chances.max(axis=1) == 0.0
    return chances[batch.at, batch.chosen]


def surrogate(ratio: np.ndarray, advantage: np.ndarray, batch: Batch, params: dict) -> tuple[np.ndarray, np.ndarray]:
    """Return the cross-entropy of every row, less what the ratio does not change, and its slope in the ratio."""
    return -advantage * np.log(ratio), -advantage / ratio
