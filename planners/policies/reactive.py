"""A policy plays by itself, without search: the greatest preference, or a draw from the softmax of all.

Where there is no chance, the greatest preference leads round in circles for ever as soon as a state comes again. So what was done
in a state is remembered for the episode, and done again only after everything else there, in the order of preferences.

Parameters
----------
file : what plays: a run of 'gameplan train', or a policy in a file
temperature : of the softmax that actions are drawn from, 1 as it learned; at least 0, which takes the greatest preference
memory : whether it avoids, with temperature 0 in worlds without chance, what it did in a state before
"""

from typing import Any

import numpy as np

from games.dispatch import suited
from games.errors import UsageError
from games.jit import njit
from games.process import effective
from games.world import Instance
from planners.budget import EVALUATIONS, Budget, new_cost
from planners.planner import ActionValue, Decision
from planners.policies.catalogue import POLICY, Learned
from planners.policies.files import load_learned
from planners.policies.policy import favourite, prefer, probabilities, sampled

PARAMS = {"file": "", "temperature": 0.0, "memory": True}


@njit
def choose(policy, model, state, temperature, rng, actions, chances):
    """Return (how many actions have an effect, the place of the chosen one); written: the actions and their probabilities."""
    count = effective(model, state, actions)
    if count == 0:
        return 0, 0
    logits = np.empty(model.actions)
    prefer(policy, model, state, actions, count, logits)
    if temperature > 0.0:
        for k in range(count):
            logits[k] /= temperature
    probabilities(logits, count, chances)
    return count, sampled(chances, count, rng) if temperature > 0.0 else favourite(logits, count)


class Reactive:
    """See the module; a unit of the budget is one evaluation of the policy, which always suffices."""

    def __init__(self, name: str, learned: Learned | str, temperature: float, memory: bool = True) -> None:
        if not 0.0 <= temperature < np.inf:
            raise UsageError(f"{name}: temperature={temperature} is not possible; it is at least 0, which means no chance")
        self.name, self._given, self._temperature, self._memory = name, learned, temperature, memory and temperature == 0.0

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """See `planners.planner.Planner`."""
        if isinstance(self._given, str):
            self._given = load_learned(self._given, POLICY, instance)
        self._policy: Any = self._given.record
        self._model, self._rng = instance.model, rng
        self._kernel = suited(choose, instance.model, self._policy)
        self._taken: dict[bytes, list[int]] = {}  # how often each action was, in the order in which they are offered

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """See `planners.planner.Planner`."""
        actions, chances = np.empty(self._model.actions, np.int64), np.empty(self._model.actions)
        count, best = self._kernel(self._policy, self._model, state, self._temperature, self._rng, actions, chances)
        cost = new_cost()
        if count == 0:
            return Decision(None, cost, note="no legal action")
        cost[EVALUATIONS] += 1
        if self._memory and not self._model.outcomes:
            taken = self._taken.setdefault(state.tobytes(), [0] * count)
            best = min(range(count), key=lambda k: (taken[k], -chances[k]))
            taken[best] += 1
        values = tuple(ActionValue(int(actions[k]), float(chances[k])) for k in range(count))
        return Decision(int(actions[best]), cost, 1, values)


def make(name: str, file: str, temperature: float, memory: bool) -> Reactive:
    """Return the planner.

    Raises
    ------
    UsageError
        If no file is named, or there is none.
    """
    if not file:
        raise UsageError(f"{name}: name what plays: --policy RUN, a run of 'gameplan train' or a file in it")
    return Reactive(name, file, temperature, memory)
