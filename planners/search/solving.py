"""Searches for a whole plan, run in slices within a budget, and what it means when they end without one."""

from typing import Protocol

import numpy as np

from games.errors import UsageError
from games.world import Instance
from planners.budget import EXPANSIONS, Budget, spend, spent
from planners.planner import Decision
from planners.search.best_first_search import DEPTH, EXHAUSTED, MEMORY, SOLVED
from planners.status import BUDGET, GIVEN_UP, TIME_LIMIT, UNSOLVABLE
from planners.status import SOLVED as AT_GOAL

ENDS = (SOLVED, EXHAUSTED, MEMORY, DEPTH)  # of a search that has nothing more to do


class SlicedSearch(Protocol):
    """A search that can be stopped and continued; `status` is where it stands (`planners.search.best_first_search`).

    `optimal` says whether its plan is proven to be a cheapest one. One of several searches may have `found`, the name of that which
    found the plan, empty as long as there is none; once there is one it may go on, for a better one.
    """

    status: int

    @property
    def optimal(self) -> bool:
        """See above."""

    def advance(self, n: int, cost: np.ndarray, limit: np.ndarray) -> int:
        """Expand up to `n` more states, adding to `cost` up to `limit`; return how many. `status` may be final with exactly `n`."""

    def line(self) -> tuple[int, ...]:
        """Return the actions of the plan found, or to the most promising state."""


def plan(search: SlicedSearch, budget: Budget, default: int, cost: np.ndarray, *, partial: bool = False) -> Decision:
    """Return the whole plan that `search` finds within `budget`, or a decision without an action whose status says why not.

    A search that has ended is never asked to go on, however its end lies to that of a slice.

    Parameters
    ----------
    default : int
        Expansions where the budget does not say.
    cost : array
        Counters (`planners.budget`), added to.
    partial : bool
        Take the way to the most promising state where limits end the search first.
    """
    limit = budget.limits()
    units = spend(lambda n: 0 if search.status in ENDS else search.advance(n, cost, limit), budget, default, cost)
    found = getattr(search, "found", "")
    solved = search.status == SOLVED or bool(found)
    line = search.line() if solved or (partial and search.status != EXHAUSTED) else ()
    if line:
        optimal = search.optimal if solved else None
        return Decision(line[0], cost, units, line=line, commit=len(line), optimal=optimal, member=found)
    status, reason = _why(search.status, budget, bool(spent(cost, limit)))
    return Decision(None, cost, units, status=status, note=f"{reason} after {cost[EXPANSIONS]} expansions")


def _why(status: int, budget: Budget, counted: bool) -> tuple[str, str]:
    if status == SOLVED:
        return AT_GOAL, "nothing is left to do"
    if status == EXHAUSTED:
        return UNSOLVABLE, "exhausted"
    if status == MEMORY:
        return GIVEN_UP, "memory limit reached"
    if status == DEPTH:
        return GIVEN_UP, "no plan of this depth"
    if counted:
        return BUDGET, "limit reached"
    if budget.seconds is not None:
        return TIME_LIMIT, "stopped"
    return (BUDGET, "limit reached") if budget.units is not None else (GIVEN_UP, "the planner's own limit reached")


def deterministic(name: str, instance: Instance) -> None:
    """Check that a search may plan in the world of `instance`.

    Raises
    ------
    UsageError
        In a world with chance.
    """
    if instance.model.outcomes:
        raise UsageError(
            f"{name} plans without chance, and {instance.name} has chance events; take expectimax, mcts or proact there"
        )
