"""The Monte-Carlo critic with a learned policy in its rollouts: values of that policy, where ProAct has those of chance.

An extension of ours: with the policy that learns in the rollouts, learning from them is approximate policy iteration.
"""

from typing import Any, NamedTuple

import numpy as np

from games.process import apply, draw, effective, goal
from games.world import Instance
from planners.critic.monte_carlo import Critic, _prospect, make_critic, prospect, simulate
from planners.evaluator import value
from planners.policies.catalogue import POLICY
from planners.policies.files import kept_learned
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


def critic_of(
    instance: Instance, rollouts: int, steps: int = 0, discount: float = 0.0, policy: str = "all", learned: str = "",
    repeat_first: bool = False,
) -> Any:  # fmt: skip
    """Return the critic of `planners.critic.monte_carlo.make_critic`, its rollouts by a `learned` policy if one is named.

    Parameters
    ----------
    learned : str
        A run of ``gameplan train``, or a file in it; it takes the place of `policy`.

    Raises
    ------
    UsageError
        For a parameter that makes no sense, or if there is no such policy or it is for another world.
    GameplanError
        If it is damaged.
    """
    critic = make_critic(instance.model, rollouts, steps, discount, policy, repeat_first)
    return with_policy(critic, kept_learned(learned, POLICY, instance)) if learned else critic


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

    def _replace(self, steps: int) -> "_PythonCritic":
        return _PythonCritic(self.rollouts, steps, self.discount, self.repeat_first, self.policy)

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
