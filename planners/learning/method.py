"""A method of policy optimisation, as the trainer sees it: the file that says what differs, and the options that are the trainer's.

A method has ``PARAMS``, ``OPTIONS`` (its own defaults for the options below), ``TITLE``, ``REFERENCE``, ``SAMPLING`` ("turns":
environments that go on from batch to batch; "groups": the same, with several actions sampled at every turn; "episodes": whole
episodes, several from each start), ``advantage(batch, params)``, and maybe

    rewards(batch, params)                       the rewards of the rows, shaped
    mask(batch, params)                          which rows count
    surrogate(ratio, advantage, batch, params)   (loss, slope in the ratio) of every row; PPO's clipped one by default
    BOUNDS                                       of its parameters: name -> (least, most)
    NEEDS or needs(params)                       "value": a learned value; "success": a world with goals; "positive": no penalties;
                                                 "planner": its parameter of this name is a planner that plays in the world

All of them are NumPy over whole batches (`planners.learning.batch`).

Parameters
----------
environments : that go on from batch to batch; from 1 to 16,777,216
turns : of every environment in a batch; from 1 to 16,777,216
starts : of a batch of episodes; from 1 to 16,777,216
group : episodes of a start, or actions sampled at a turn; at least 1, or 0 for all actions, weighted by their probability
passes : over each batch; from 1 to 16,777,216
minibatch : turns that are learned from at once; at least 1, or 0 for the whole batch with networks, 1 with tables (16 by a
    surrogate of one's own)
clip : of the ratio, below 1 and above; at least 0
rate : of the policy, in steps of its own; at least 0
decay : updates after which the rate is a half, twice as many: a third; at least 1, or 0: it stays
normaliser : the loss is a mean over rows, over the means of sequences, or a sum divided by the constant
constant : that divides the sum; above 0
value_rate : of the learned value, in steps of its own; at least 0
value_clip : of what a value moves by, in units of value; above 0, or 0 for none
rollouts : of the critic for every value; from 1 to 16,777,216
horizon : steps of these; at least 1, or 0 for the world's own
critic_discount : gamma of these, a step; above 0, at most 1, or 0 for the world's own
rollout_policy : what they follow: uniform over actions of a kind, or the policy as it was before the update
ddof : taken from the number of what a standard deviation is of; at least 0
epsilon : added to standard deviations; at least 0
listed : whether to choose among all actions that the world lists, also those without effect
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from games.params import Value
from planners.learning.batch import Batch

OPTIONS: dict[str, Value] = {
    "environments": 16, "turns": 16, "starts": 2, "group": 8, "passes": 4, "minibatch": 0, "clip": 0.4, "rate": 0.5, "decay": 0,
    "normaliser": "constant", "constant": 1.0, "value_rate": 0.1, "value_clip": 0.0, "rollouts": 5, "horizon": 20,
    "critic_discount": 0.9, "rollout_policy": "legal", "ddof": 1, "epsilon": 1e-5, "listed": False,
}  # fmt: skip
# rollout_policy: as `planners.critic.monte_carlo.POLICIES` has them, or "learned", the policy itself as it was before the update:
# policy iteration, which is an extension of ours.
CHOICES = {"normaliser": ("token", "episode", "constant"), "rollout_policy": ("all", "legal", "pushes", "learned")}
BOUNDS = {
    **dict.fromkeys(("environments", "turns", "starts", "passes", "rollouts"), (1, 1 << 24)),
    "critic_discount": (0.0, 1.0),
    **dict.fromkeys(("group", "minibatch", "decay", "horizon", "ddof"), (0, 1 << 24)),
}  # fmt: skip
MOST_ROWS = 1 << 24  # of a batch
SAMPLINGS = ("turns", "groups", "episodes")

Hook = Callable[..., Any]


class Method(NamedTuple):
    """A method, resolved: its name, how it samples, its parameters, what it needs, and its hooks."""

    name: str
    sampling: str
    params: dict[str, Value]
    needs: tuple[str, ...]
    advantage: Hook
    rewards: Hook | None = None
    mask: Hook | None = None
    surrogate: Hook | None = None
    learner: Hook | None = None  # makes a learner that takes the trainer's place: learner(instance, value_params, params, seed)
    teacher: str | None = None  # the text of the planner that it asks, where that is a file of the user's own


def clipped(ratio: np.ndarray, advantage: np.ndarray, clip: float) -> tuple[np.ndarray, np.ndarray]:
    """Return PPO's loss ``max(-A rho, -A clip(rho, 1 - c, 1 + c))`` and its slope in rho."""
    free, held = -advantage * ratio, -advantage * np.clip(ratio, 1.0 - clip, 1.0 + clip)
    inside = free >= held
    return np.where(inside, free, held), np.where(inside, -advantage, 0.0)


def row_weights(batch: Batch, mask: np.ndarray, options: Mapping[str, Value]) -> np.ndarray:
    """Return how much each row of a batch counts in the loss, after `mask` and the normaliser of the options."""
    counted: np.ndarray = np.where(mask, batch.weight, 0.0)
    if options["normaliser"] == "constant":
        return counted * (1.0 / float(options["constant"]))
    if options["normaliser"] == "token":
        return counted * (1.0 / max(float(counted.sum()), 1e-300))
    sequence = batch.sequence[batch.at]
    totals = np.bincount(sequence, counted, minlength=len(batch.lengths))
    return counted * (1.0 / np.maximum(totals * max(int(np.count_nonzero(totals)), 1), 1e-300))[sequence]


def logit_slopes(logs: np.ndarray, at: np.ndarray, chosen: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Return ``sum_rows rates d log pi(chosen) / d logit`` (turns, actions), rows of one turn added up; 0 beyond the offered."""
    chances = np.exp(logs)
    slopes = -chances * np.bincount(at, rates, minlength=len(logs))[:, None]
    np.add.at(slopes, (at, chosen), rates)
    return slopes
