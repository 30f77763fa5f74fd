"""The floor: a legal action, uniformly drawn."""

import numpy as np

from games.dispatch import suited
from games.jit import njit
from games.params import Value
from games.process import legal
from games.random import below
from games.world import Instance
from planners.budget import Budget, new_cost
from planners.planner import Decision

PARAMS: dict[str, Value] = {}


@njit
def draw_legal(model, state, actions, rng):
    """Return a uniformly drawn legal action and the number of legal ones (0: none is drawn); `actions` is filled."""
    count = legal(model, state, actions)
    return actions[below(rng, count)] if count else np.int64(0), count


class Random:
    """Choose uniformly among all legal actions."""

    def __init__(self, name: str) -> None:
        self.name = name

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """See `Planner`."""
        self.model, self.rng, self.actions = instance.model, rng, np.zeros(instance.model.actions, np.int64)
        self.draw = suited(draw_legal, self.model)

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """See `Planner`; the budget is not used."""
        action, count = self.draw(self.model, state, self.actions, self.rng)
        if not count:
            return Decision(None, new_cost(), note="no legal action")
        return Decision(int(action), new_cost(), units=1)


def make(name: str) -> Random:
    """Return the planner."""
    return Random(name)
