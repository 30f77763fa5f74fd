"""Exact planners for small deterministic worlds: the best return over the next H steps, or to the end of the episode.

Parameters
----------
H : steps that are planned; at least 1, or 0 to the end of the episode
gamma : discount of a step; above 0, at most 1
step_cost : what every step costs, in units of reward; at least 0
repeat_penalty : what a step to a state seen before in the episode costs, in units of reward; at least 0
objective : what is maximised, the sum of rewards or the exact value of the state in which the episode ends
"""

import numpy as np

from games.errors import UsageError
from games.params import Value
from games.world import Instance
from planners.budget import EXPANSIONS, Budget, new_cost
from planners.parts.exact import TOLERANCE, backup, solve
from planners.planner import ActionValue, Decision

PARAMS: dict[str, Value] = {"H": 0, "gamma": 1.0, "step_cost": 0.0, "repeat_penalty": 0.0, "objective": "rewards"}
CHOICES = {"objective": ("rewards", "goals")}


class RecedingHorizon:
    """Execute the first action of the best plan for `H` steps, at each step anew; ties go to the nearer goal, then to the order.

    The plan maximises the sum of rewards discounted by `gamma`, less `step_cost` a step, less `repeat_penalty` for each step to a
    state that the episode has already visited. A constant H may put a goal off for ever; these are the cures.
    """

    def __init__(self, name: str, H: int, gamma: float, step_cost: float, repeat_penalty: float, objective: str) -> None:
        if H < 0:
            raise UsageError(f"{name}: H={H} is not possible; the least is 0, which stands for the end of the episode")
        self.name, self.H, self.gamma, self.objective = name, H, gamma, objective
        self.step_cost, self.repeat_penalty = step_cost, repeat_penalty

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """See `Planner`.

        Raises
        ------
        UsageError
            If the world is stochastic or too large.
        """
        self.solution = solve(instance, self.objective)
        self.seen = np.zeros(len(self.solution.graph.states), np.bool_)
        self.plain = self.gamma == 1.0 and self.step_cost == 0.0 and self.repeat_penalty == 0.0

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """See `Planner`; the budget is not used."""
        graph, cost = self.solution.graph, new_cost()
        s = self.solution.number(state)
        self.seen[s] = True
        edges = slice(graph.first[s], graph.first[s + 1])
        if edges.start == edges.stop:
            return Decision(None, cost, note="no legal action")
        steps = min((n for n in (self.H or None, steps_left) if n is not None), default=None)
        if steps == 0:
            return Decision(None, cost, note="no step left")
        v, d, gain = *self._layer(steps), self._gain()
        target = graph.target[edges]
        q, remote = gain[edges] + self.gamma * v[target], d[target]
        best = q >= q.max() - TOLERANCE
        chosen = int(np.flatnonzero(best & (remote == remote[best].min()))[0])
        cost[EXPANSIONS] += len(graph.states)
        actions = graph.actions[edges].tolist()
        return Decision(actions[chosen], cost, 1, tuple(ActionValue(a, x) for a, x in zip(actions, q.tolist(), strict=True)))

    def _gain(self) -> np.ndarray:
        graph = self.solution.graph
        gain: np.ndarray = graph.gain - self.step_cost - self.repeat_penalty * self.seen[graph.target]
        return gain

    def _layer(self, steps: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the values of all states and the steps to a goal, after the first of `steps` steps."""
        graph = self.solution.graph
        if self.plain:
            return self.solution.values(None if steps is None else steps - 1)
        layer = np.zeros(len(graph.states)), np.where(graph.goals, 0.0, np.inf)
        for _ in range(len(graph.states) if steps is None else steps - 1):
            layer = backup(graph.first, graph.target, self._gain(), *layer, self.gamma)
        return layer


def make(name: str, **params: Value) -> RecedingHorizon:
    """Return the planner with these `PARAMS`."""
    return RecedingHorizon(name, **params)  # type: ignore[arg-type]
