"""Best of n: independent rollouts, the best of which decides. The sampling baseline at equal numbers of evaluations.

Parameters
----------
n : rollouts of a decision, where the budget does not say; at least 1
H : steps of a rollout; at least 1
and those of planners.parts.assembly
"""

from typing import NamedTuple

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


class Tally(NamedTuple):
    """What rollouts have found of the actions that they began with.

    Attributes
    ----------
    tried : (actions,) int64
        The first ``leader[0]`` of them: the actions, in the order in which they came up.
    best : (actions,) float64
        The largest value of a trajectory that began with each.
    counts : (actions,) int64
        Trajectories that began with each.
    leader : (2,) int64
        How many actions there are, and the index of the first one that led to the best of all.
    """

    tried: np.ndarray
    best: np.ndarray
    counts: np.ndarray
    leader: np.ndarray


@njit
def sample(problem, root, steps, trajectory, tally, n, rng, cost, limit):
    """Roll out `n` trajectories of `steps` steps over the candidates, uniformly drawn; return how many the limit allowed.

    `tally` (`Tally`) and `cost` go on in place; `trajectory` is worked in.
    """
    model, proposal, evaluator = problem
    tried, best, counts, leader = tally
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
        self.problem = self.parts.problem(instance)
        self.sample = suited(sample, *self.problem)
        self.trajectory = new_trajectory(self.H, self.model.width)
        size = self.model.actions
        self.tally = Tally(np.zeros(size, np.int64), np.zeros(size), np.zeros(size, np.int64), np.zeros(2, np.int64))

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """See `Planner`; a unit is a rollout."""
        cost, limit, tally = new_cost(), budget.limits(), self.tally
        steps = self.H if steps_left is None else min(self.H, steps_left)
        tally.leader[:] = 0
        units = spend(
            lambda n: self.sample(self.problem, state, steps, self.trajectory, tally, n, self.rng, cost, limit),
            budget, self.n, cost,
        )  # fmt: skip
        seen, chosen = tally.leader.tolist()
        if not seen:
            return Decision(None, cost, units, note="no legal action, or no step left")
        rows = zip(tally.tried[:seen].tolist(), tally.best[:seen].tolist(), tally.counts[:seen].tolist(), strict=True)
        return Decision(int(tally.tried[chosen]), cost, units, tuple(ActionValue(*row) for row in rows))


def make(name: str, n: int, H: int, **params: Value) -> BestOfN:
    """Return the planner with these `PARAMS`."""
    return BestOfN(name, parts_of(params), n, H)
