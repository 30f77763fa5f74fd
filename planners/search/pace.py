"""Parts of planners that search to a depth: limits in seconds as limits on work, and the decision from the values at the root."""

import numpy as np

from planners.budget import SIMULATIONS, TRANSITIONS, UNLIMITED, Budget
from planners.planner import ActionValue, Decision


class Pace:
    """How many transitions a search makes a second: a limit in seconds becomes one in transitions, which can be repeated."""

    def __init__(self) -> None:
        self._rate = 1.0

    def limits(self, budget: Budget) -> tuple[np.ndarray, bool]:
        """Return the limits of a decision, transitions among them, and whether there are any."""
        limit = budget.limits()
        limit[SIMULATIONS] = UNLIMITED  # none are made
        if budget.units is not None:
            limit[TRANSITIONS] = budget.units
        elif budget.seconds is not None:
            limit[TRANSITIONS] = max(1, int(budget.seconds * self._rate))
        return limit, bool((limit < UNLIMITED).any())

    def learn(self, transitions: int, seconds: float) -> None:
        """Note a search; the longer it took, the more it tells."""
        share = min(0.5, seconds / 2e-3)
        self._rate += share * (transitions / seconds - self._rate)


def conclude(actions: np.ndarray, values: np.ndarray, cost: np.ndarray, limit: np.ndarray) -> Decision:
    """Return the decision for the action of greatest value, the first of equals."""
    best = int(actions[np.argmax(values)])
    units = int(limit[TRANSITIONS] if limit[TRANSITIONS] < UNLIMITED else cost[TRANSITIONS])
    known = tuple(ActionValue(int(a), float(v)) for a, v in zip(actions, values, strict=True))
    return Decision(action=best, cost=cost, units=units, values=known, line=(best,))
