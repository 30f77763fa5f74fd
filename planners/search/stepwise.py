"""Planners that weigh the next few steps: greedy and lookahead-j, by local scores or by the trajectory evaluator.

Parameters
----------
j : further steps that are weighed after the first; at least 0
by : what decides, the sum of local scores or the evaluator's value of the trajectory
and those of planners.parts.assembly
"""

import numpy as np

from games.dispatch import suited
from games.jit import njit
from games.params import Value
from games.process import apply, draw
from games.world import Instance
from planners.budget import TRANSITIONS, Budget, new_cost
from planners.evaluator import appraise, ended, new_trajectory
from planners.parts import assembly
from planners.parts.assembly import Parts, parts_of
from planners.parts.proposals import propose
from planners.planner import ActionValue, Decision

PARAMS: dict[str, Value] = {"j": 0, "by": "score", **assembly.PARAMS, "proposal": "all"}
CHOICES = {"by": ("score", "value")}


@njit
def weigh(problem, root, steps, by_value, found, best, candidates, values, rng, cost):
    """Weigh every candidate action by the best of what can follow it; return (number of candidates, index of the best).

    For each first action the continuation with the largest sum of local scores over `steps` steps in all is sought among all
    sequences of candidates. The action is worth that sum or, `by_value`, the evaluator's value of that trajectory. Ties go to
    the first. `candidates` and `values` (``model.actions``) are filled; `found` and `best` are trajectories to work in. A
    stochastic world is sampled once along each sequence.
    """
    model, proposal, evaluator = problem
    menus, looks = np.empty((steps, model.actions), np.int64), np.empty((steps, model.actions))
    counts, places, sums = np.zeros(steps, np.int64), np.zeros(steps, np.int64), np.zeros(steps + 1)
    found.states[0] = root
    best.states[0] = root
    menu, look = menus[0], looks[0]
    number = propose(proposal, model, root, rng, menu, look, cost)
    chosen = 0
    for a in range(number):
        candidates[a] = menus[0, a]
        top, length, d = -np.inf, 0, 0
        counts[0], places[0] = a + 1, a
        while d >= 0:
            if places[d] == counts[d]:
                d -= 1
                continue
            j = places[d]
            places[d] += 1
            action, total = menus[d, j], sums[d] + looks[d, j]
            found.actions[d], found.scores[d] = action, looks[d, j]
            last = d + 1 == steps
            if last and total <= top:
                continue
            if by_value or steps > 1:
                state = found.states[d + 1]
                state[:] = found.states[d]
                found.rewards[d] = apply(model, state, action)
                found.afters[d] = state
                draw(model, state, rng)
                if not last:
                    cost[TRANSITIONS] += 1
                    if not ended(model, state):
                        d += 1
                        sums[d], places[d] = total, 0
                        counts[d] = propose(proposal, model, state, rng, menus[d], looks[d], cost)
                        continue
            if total > top:
                top, length = total, d + 1
                best.states[: length + 1] = found.states[: length + 1]
                best.afters[:length] = found.afters[:length]
                best.actions[:length] = found.actions[:length]
                best.rewards[:length] = found.rewards[:length]
                best.scores[:length] = found.scores[:length]
        if length == steps and (by_value or steps > 1):
            cost[TRANSITIONS] += 1
        values[a] = appraise(evaluator, model, best, length, rng, cost) if by_value else top
        if values[a] > values[chosen]:
            chosen = a
    return number, chosen


class Lookahead:
    """Choose the action with the best `j` further steps: greedy for j = 0, by local scores ("score") or trajectories ("value")."""

    def __init__(self, name: str, parts: Parts, j: int = 0, by: str = "score") -> None:
        self.name, self.parts, self.j, self.by = name, parts, max(0, j), by

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """See `Planner`."""
        self.model, self.rng = instance.model, rng
        self.problem = self.parts.problem(instance)
        self.weigh = suited(weigh, *self.problem)
        self.found, self.best = (new_trajectory(self.j + 1, self.model.width) for _ in range(2))
        self.candidates, self.values = np.zeros(self.model.actions, np.int64), np.zeros(self.model.actions)

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """See `Planner`; the budget is not used."""
        cost = new_cost()
        steps = self.j + 1 if steps_left is None else max(1, min(self.j + 1, steps_left))
        count, chosen = self.weigh(
            self.problem, state, steps, self.by == "value", self.found, self.best, self.candidates, self.values, self.rng, cost
        )  # fmt: skip
        if not count:
            return Decision(None, cost, note="no legal action")
        pairs = zip(self.candidates[:count].tolist(), self.values[:count].tolist(), strict=True)
        return Decision(int(self.candidates[chosen]), cost, units=1, values=tuple(ActionValue(a, v, 1) for a, v in pairs))


def make(name: str, j: int, by: str, **params: Value) -> Lookahead:
    """Return the planner with these `PARAMS`."""
    return Lookahead(name, parts_of(params), j, by)
