"""Best of n: independent rollouts, the best of which decides. The sampling baseline at equal numbers of evaluations.

Parameters
----------
n : rollouts of a decision, where the budget does not say; at least 1
H : steps of a rollout; at least 1
and those of planners.parts.assembly
"""

import numpy as np

from games.dispatch import suited
from games.jit import njit
from games.params import Value
from games.process import apply, draw, terminal
from games.random import below
from games.world import Instance
from planners.budget import SIMULATIONS, TRANSITIONS, Budget, new_cost, spend, spent
from planners.evaluator import appraise, ended, new_trajectory
from planners.parts import assembly
from planners.parts.assembly import Parts, parts_of
from planners.parts.proposals import propose
from planners.planner import ActionValue, Decision

PARAMS: dict[str, Value] = {"n": 16, "H": 3, **assembly.PARAMS}


@njit
def sample(model, proposal, evaluator, root, steps, trajectory, tried, best, counts, leader, n, rng, cost, limit):
    """Roll out `n` trajectories of `steps` steps over the candidates, uniformly drawn; return how many the limit allowed.

    In place: ``tried[:leader[0]]``, the first actions so far, the `best` value and the `counts` of the trajectories that began
    with each; ``leader[1]``, the index of the first one that led to the best of all. `trajectory` is worked in.
    """
    menu, look = np.empty(model.actions, np.int64), np.empty(model.actions)
    trajectory.states[0] = root
    for done in range(n):
        if spent(cost, limit):
            return done
        cost[SIMULATIONS] += 1
        d = 0
        while d < steps and not (ended(model, trajectory.states[d]) if d > 0 else terminal(model, root)):
            count = propose(proposal, model, trajectory.states[d], rng, menu, look, cost)
            j = below(rng, count)
            trajectory.actions[d], trajectory.scores[d] = menu[j], look[j]
            state = trajectory.states[d + 1]
            state[:] = trajectory.states[d]
            trajectory.rewards[d] = apply(model, state, menu[j])
            trajectory.afters[d] = state
            draw(model, state, rng)
            cost[TRANSITIONS] += 1
            d += 1
        value = appraise(evaluator, model, trajectory, d, rng, cost)
        if d == 0:
            continue
        a = 0
        while a < leader[0] and tried[a] != trajectory.actions[0]:
            a += 1
        if a == leader[0]:
            tried[a], best[a], counts[a] = trajectory.actions[0], -np.inf, 0
            leader[0] += 1
        counts[a] += 1
        best[a] = max(best[a], value)
        if best[a] > best[leader[1]]:
            leader[1] = a
    return n


class BestOfN:
    """Roll out `n` times to depth `H`, uniformly over the candidates; take the first action of the best trajectory."""

    def __init__(self, name: str, parts: Parts, n: int = 16, H: int = 3) -> None:
        self.name, self.parts, self.n, self.H = name, parts, max(1, n), max(1, H)

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """See `Planner`."""
        self.model, self.rng = instance.model, rng
        self.proposal, self.evaluator = self.parts.proposal(instance), self.parts.evaluator(instance)
        self.sample = suited(sample, self.model, self.proposal, self.evaluator)
        self.trajectory = new_trajectory(self.H, self.model.width)
        self.tried, self.best = np.zeros(self.model.actions, np.int64), np.zeros(self.model.actions)
        self.counts, self.leader = np.zeros(self.model.actions, np.int64), np.zeros(2, np.int64)

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """See `Planner`; a unit is a rollout."""
        cost, limit = new_cost(), budget.limits()
        steps = self.H if steps_left is None else min(self.H, steps_left)
        self.leader[:] = 0
        units = spend(
            lambda n: self.sample(
                self.model, self.proposal, self.evaluator, state, steps, self.trajectory, self.tried, self.best, self.counts,
                self.leader, n, self.rng, cost, limit,
            ),
            budget, self.n, cost,
        )  # fmt: skip
        seen, chosen = self.leader.tolist()
        if not seen:
            return Decision(None, cost, units, note="no legal action, or no step left")
        rows = zip(self.tried[:seen].tolist(), self.best[:seen].tolist(), self.counts[:seen].tolist(), strict=True)
        return Decision(int(self.tried[chosen]), cost, units, tuple(ActionValue(*row) for row in rows))


def make(name: str, n: int, H: int, **params: Value) -> BestOfN:
    """Return the planner with these `PARAMS`."""
    return BestOfN(name, parts_of(params), n, H)
