"""What planning costs, and how much of it is allowed: counters that all planners fill in the same way."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from games.jit import lean

# Positions of the counters in a cost array (int64). A planner's kernel takes `cost` and adds to it in place.
COUNTERS = (
    "simulations", "expansions", "transitions", "scores", "evaluations", "proposals", "hits",
    "tokens_in", "tokens_out", "fallbacks", "questions",
)  # fmt: skip
SIMULATIONS, EXPANSIONS, TRANSITIONS, SCORES, EVALUATIONS, PROPOSALS, HITS, TOKENS_IN, TOKENS_OUT, FALLBACKS, QUESTIONS = range(11)
UNLIMITED = 1 << 62
LONGEST_SLICE = UNLIMITED  # most units between two looks at the clock; tests set it to try every boundary

# simulations: trajectories or tree descents begun; expansions: states whose successors were generated; transitions: applications of
# the model while planning; scores: local scores l(s, a); evaluations: trajectory or state values, exact ones included; proposals:
# candidate sets made; hits: evaluations that a memory answered; questions: to a language model, and of its answers those
# that could not be used are fallbacks.


@dataclass(frozen=True)
class Budget:
    """Limits of one decision. None: no limit of this kind; the planner's own number of units then ends it.

    `seconds` is wall time. Whatever the limits, at least one unit is done; they are looked at between units, of which the last may
    go beyond one: an expansion evaluates all that follows. A decision planned against the clock records how many units it had
    (`Decision.units`), and planning with ``units`` set to that number, and no seconds or infinitely many, repeats it: `repeated`
    returns that budget.
    """

    units: int | None = None
    simulations: int | None = None
    evaluations: int | None = None
    expansions: int | None = None
    seconds: float | None = None

    def repeated(self, units: int) -> "Budget":
        """Return the budget of a decision that repeats one which had this budget and came to so many `units`."""
        return replace(self, units=units, seconds=None if self.seconds is None else math.inf)

    def limits(self) -> np.ndarray:
        """Return the limits as an array like a cost array."""
        limit = np.full(len(COUNTERS), UNLIMITED, np.int64)
        for kind, index in (("simulations", SIMULATIONS), ("evaluations", EVALUATIONS), ("expansions", EXPANSIONS)):
            if getattr(self, kind) is not None:
                limit[index] = getattr(self, kind)
        return limit


def new_cost() -> np.ndarray:
    """Return counters at zero."""
    return np.zeros(len(COUNTERS), np.int64)


@lean
def spent(cost, limit):
    """Return whether any counter has reached its limit."""
    for k in range(len(cost)):  # noqa: SIM110 (numba compiles no generators)
        if cost[k] >= limit[k]:
            return True
    return False


def spend(advance: Callable[[int], int], budget: Budget, default: int, cost: np.ndarray, grain: int = 1) -> int:
    """Do units of planning until the budget is spent; return how many were done.

    Parameters
    ----------
    advance : callable
        ``advance(n)`` does up to n units (simulations, expansions, depths ...) and returns how many; fewer than n means that it is
        finished or that a counted limit was reached. What is finished with exactly n may be asked again: it does nothing then.
    budget : Budget
        Its ``units`` bound the number, its ``seconds`` the time.
    default : int
        The planner's own number of units, which holds where the budget names no limit.
    cost : array
        The counters that `advance` adds to. A limit on what the first unit did not do is none: the planner never does it.
    grain : int
        Units that are done together: only the last slice may have another number than a multiple of it.
    """
    limited = budget.limits() < UNLIMITED
    most = budget.units if budget.units is not None else UNLIMITED if limited.any() or budget.seconds is not None else default
    if budget.seconds is None or (budget.seconds == math.inf and budget.units is not None):
        if not limited.any() or budget.units is not None:
            return advance(most)
        first = advance(grain)
        if first < grain:
            return first
        return first + advance(most - grain if cost[limited].any() else max(0, default - grain))
    begin = time.perf_counter()
    done, chunk = 0, 1
    while True:
        chunk = min(-(-min(chunk, LONGEST_SLICE) // grain) * grain, most - done)
        did = advance(chunk)
        done += did
        elapsed = time.perf_counter() - begin
        left = budget.seconds - elapsed
        if did < chunk or done >= most or left <= 0.0:
            return done
        chunk = max(1, min(2 * chunk, int(0.5 * left * done / elapsed)))  # half of what is left, so as not to overshoot
