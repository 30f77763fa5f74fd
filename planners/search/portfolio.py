"""Several best-first searches in turn, since what is hard for one is often easy for another; the first plan found is taken.

The searches share the expansions by fixed turns, so a stopped run is repeated from the number of its expansions.

Parameters
----------
turn : expansions of A* before the next search has its turn; at least 1
expansions : of a decision, where the budget does not say; at least 1
memory : megabytes of all searches together at most; at least 1
"""

from typing import Any

import numpy as np

from games.errors import UsageError
from games.world import Instance
from planners.budget import Budget, new_cost
from planners.planner import Decision
from planners.search.best_first_search import MEMORY, RUNNING, Search, grown, new_nodes
from planners.search.solving import deterministic, plan

PARAMS = {"turn": 4000, "expansions": 5_000_000, "memory": 3072}
# Weights of path and lower bound, and the share of a turn: A*, weighted A*, greedy.
MEMBERS = ((1.0, 1.0, 1.0), (1.0, 3.0, 0.5), (0.0, 1.0, 0.5))


class Turns:
    """The searches of `MEMBERS` from one root, in turns; a `planners.search.solving.SlicedSearch`."""

    def __init__(self, model: Any, state: np.ndarray, turn: int, memory: int) -> None:
        self._searches = [Search(model, state, path, bound, memory) for path, bound, _ in MEMBERS]
        self._shares = [int(share * turn) for *_, share in MEMBERS]
        self._turn, self._left, self.status = 0, self._shares[0], RUNNING

    def advance(self, n: int, cost: np.ndarray, limit: np.ndarray) -> int:
        """See `planners.search.solving.SlicedSearch`; one search that ends decides, memory only where it is that of all."""
        total = 0
        while True:
            search = self._searches[self._turn]
            if search.status != MEMORY:
                did = search.advance(min(n - total, self._left), cost, limit)
                total, self._left = total + did, self._left - did
            self.status = search.status
            if search.status not in (RUNNING, MEMORY) or all(other.status == MEMORY for other in self._searches):
                return total
            if search.status == RUNNING and self._left > 0:
                return total
            self._turn = (self._turn + 1) % len(MEMBERS)
            self._left = self._shares[self._turn]

    def line(self) -> tuple[int, ...]:
        """Return the plan of the search whose turn it is."""
        return self._searches[self._turn].line()


class Portfolio:
    """See the module; a unit of the budget is one expansion."""

    solves = True

    def __init__(self, name: str, turn: int, expansions: int, memory: int) -> None:
        if turn < 2 or expansions < 1 or memory < 1:
            raise UsageError(f"{name}: turn={turn}, expansions={expansions}, memory={memory} must be at least 2, 1 and 1")
        self.name, self._turn, self._expansions, self._memory = name, turn, expansions, (memory << 20) // len(MEMBERS)

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """See `planners.planner.Planner`.

        Raises
        ------
        UsageError
            In a world with chance.
        """
        deterministic(self.name, instance)
        self._model = instance.model

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """See `planners.planner.Planner`; the line is the whole plan; without one the status says why."""
        return plan(Turns(self._model, state, self._turn, self._memory), budget, self._expansions, new_cost())

    def warm_up(self) -> None:
        """Make larger tables, as long searches do."""
        grown(new_nodes(4, 1))


def make(name: str, turn: int, expansions: int, memory: int) -> Portfolio:
    """Return the planner (`planners.catalogue`)."""
    return Portfolio(name, turn, expansions, memory)
