"""Flat Monte Carlo: rollouts for each action in turn, then the action with the greatest mean return.

With a discount below 1 and short rollouts it is the player ``argmax_a Q_MC(s, a)`` of the Monte-Carlo critic, that is, one step of
policy improvement over the rollout policy (ProAct, arXiv 2602.05327).

Parameters
----------
rollouts : for each action, where the budget does not say; at least 1
horizon : steps of a rollout; at least 1, or 0 for the world's own
discount : of the returns, a step; above 0, at most 1, or 0 for the world's own
policy : which actions rollouts draw from
learned : a policy that they follow in its place: a run of 'gameplan train', or a file in it
"""

import numpy as np

from games.dispatch import suited
from games.jit import njit
from games.process import fresh, goal, promising, terminal
from games.world import Instance
from planners.budget import EVALUATIONS, SIMULATIONS, TRANSITIONS, Budget, new_cost, spend, spent
from planners.critic.learned import critic_of
from planners.critic.monte_carlo import POLICIES, rollout
from planners.planner import ActionValue, Decision

PARAMS = {"rollouts": 100, "horizon": 0, "discount": 0.0, "policy": "all", "learned": ""}
CHOICES = {"policy": POLICIES}


@njit
def candidates(model, state, actions):
    """Write the actions worth planning for to `actions`; return how many."""
    return promising(model, state, actions)


@njit
def deal(critic, model, state, actions, rng, n, cost, limit, tallies):
    """Do up to `n` rollouts from `state`, the next action's each time, until a limit is reached; return how many.

    `tallies` (actions, 4) adds up each action's rollouts, returns, squared returns and losses; `rng` and `cost` are advanced.
    """
    current, done = np.empty_like(state), 0
    turn = np.int64(tallies[:, 0].sum())
    while done < n and (turn == 0 or not spent(cost, limit)):
        k = turn % len(actions)
        current[:] = state
        fresh(model, current)
        gained, length = rollout(critic, model, current, actions[k], rng)
        tallies[k, 0] += 1.0
        tallies[k, 1] += gained
        tallies[k, 2] += gained * gained
        if terminal(model, current) and not goal(model, current):
            tallies[k, 3] += 1.0
        cost[SIMULATIONS] += 1
        cost[EVALUATIONS] += 1
        cost[TRANSITIONS] += length
        turn += 1
        done += 1
    return done


class Flat:
    """See the module; a unit of the budget is one rollout."""

    def __init__(self, name: str, rollouts: int, horizon: int, discount: float, policy: str, learned: str = "") -> None:
        self.name = name
        self._settings = (rollouts, horizon, discount, policy, learned)

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """See `planners.planner.Planner`."""
        self._model, self._rng = instance.model, rng
        self._critic = critic_of(instance, *self._settings)
        self._candidates, self._deal = suited(candidates, instance.model), suited(deal, instance.model, self._critic)

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """See `planners.planner.Planner`."""
        actions = np.empty(self._model.actions, np.int64)
        actions = actions[: self._candidates(self._model, state, actions)]
        if not len(actions):
            return Decision(None, new_cost(), note="no legal action")
        critic = self._critic if steps_left is None else self._critic._replace(steps=min(self._critic.steps, steps_left))
        tallies, cost, limit = np.zeros((len(actions), 4)), new_cost(), budget.limits()

        def advance(n: int) -> int:
            return self._deal(critic, self._model, state, actions, self._rng, n, cost, limit, tallies)

        units = spend(advance, budget, critic.rollouts * len(actions), cost)
        return Decision(cost=cost, units=units, **summary(actions, tallies))


def summary(actions: np.ndarray, tallies: np.ndarray) -> dict:
    """Return `action`, `line` and `values` of a decision from the tallies of `deal`; without a rollout an action has no value."""
    visits, totals, squares, losses = tallies.T
    with np.errstate(invalid="ignore", divide="ignore"):
        means = totals / visits
        spreads = np.sqrt(np.maximum(squares - totals * means, 0.0) / (visits - 1.0))
        risks = losses / visits
    best = int(actions[np.nanargmax(means)])
    values = tuple(
        ActionValue(int(a), float(m), int(n), float(s) if n > 1 else float("nan"), float(r))
        for a, m, n, s, r in zip(actions, means, visits, spreads, risks, strict=True)
    )
    return {"action": best, "line": (best,), "values": values}


def make(name: str, rollouts: int, horizon: int, discount: float, policy: str, learned: str) -> Flat:
    """Return the planner; `horizon` and `discount` of 0 stand for the world's own."""
    return Flat(name, rollouts, horizon, discount, policy, learned)
