"""The Monte-Carlo critic with a learned policy in its rollouts: values of that policy, where ProAct has those of chance.

An extension of ours: with the policy that learns in the rollouts, learning from them is approximate policy iteration.
"""

from typing import Any, NamedTuple

import numpy as np

from games.process import apply, draw, effective, goal
from planners.critic.monte_carlo import Critic, _prospect, prospect, simulate
from planners.evaluator import value
from planners.policies.policy import prefer, probabilities, sampled


class LearnedCritic(NamedTuple):
    """As `planners.critic.monte_carlo.Critic`, with rollouts that draw from the softmax of a `policy` (`planners.policies`)."""

    rollouts: int
    steps: int
    discount: float
    repeat_first: bool
    policy: Any


def with_policy(critic: Critic, policy: Any) -> Any:
    """Return `critic` with rollouts that follow `policy`: a record if the policy is one."""
    kind = LearnedCritic if isinstance(policy, tuple) else _PythonCritic
    return kind(critic.rollouts, critic.steps, critic.discount, critic.repeat_first, policy)


@simulate.of(LearnedCritic)
def _simulate(critic, model, state, steps, rng):
    actions, total, factor, done = np.empty(model.actions, np.int64), 0.0, 1.0, 0
    logits, chances = np.empty(model.actions), np.empty(model.actions)
    while done < steps and not goal(model, state):
        count = effective(model, state, actions)
        if count == 0:
            break
        prefer(critic.policy, model, state, actions, count, logits)
        probabilities(logits, count, chances)
        total += factor * apply(model, state, actions[sampled(chances, count, rng)])
        draw(model, state, rng)
        factor *= critic.discount
        done += 1
    return total, done


prospect.of(LearnedCritic)(_prospect)


@value.of(LearnedCritic)
def _value(critic, model, state, rng, cost):
    return prospect(critic, model, state, 0, rng, cost)[0]


class _PythonCritic:
    """The same for a policy that is a Python object."""

    def __init__(self, rollouts: int, steps: int, discount: float, repeat_first: bool, policy: Any) -> None:
        self.rollouts, self.steps, self.discount = rollouts, steps, discount
        self.repeat_first, self.policy = repeat_first, policy

    def simulate(self, model: Any, state: np.ndarray, steps: int, rng: np.ndarray) -> tuple[float, int]:
        """See `planners.critic.monte_carlo.simulate`."""
        found: tuple[float, int] = _simulate(self, model, state, steps, rng)
        return found

    def prospect(self, model: Any, state: np.ndarray, within: int, rng: np.ndarray, cost: np.ndarray) -> tuple[float, float]:
        """See `planners.critic.monte_carlo.prospect`."""
        return _prospect(self, model, state, within, rng, cost)

    def value(self, model: Any, state: np.ndarray, rng: np.ndarray, cost: np.ndarray) -> float:
        """See `planners.evaluator.value`."""
        return _prospect(self, model, state, 0, rng, cost)[0]
