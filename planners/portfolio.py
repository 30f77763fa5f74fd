"""Several best-first searches in turn, since what is hard for one is often easy for another; the first plan found is taken.

The searches share the expansions by fixed turns, so a stopped run is repeated from the number of its expansions.
"""

import numpy as np

from games.errors import UsageError
from games.world import Instance
from planners.best_first import deterministic, given_up
from planners.best_first_search import EXHAUSTED, MEMORY, RUNNING, SOLVED, Search
from planners.budget import Budget, new_cost, spend
from planners.planner import Decision

# turn: expansions of A* before the next search has its turn; expansions: of a decision, where the budget does not say; memory: most
# megabytes of all searches together.
PARAMS = {"turn": 4000, "expansions": 5_000_000, "memory": 3072}
# Weights of path and lower bound, and the share of a turn: A*, weighted A*, greedy.
MEMBERS = ((1.0, 1.0, 1.0), (1.0, 3.0, 0.5), (0.0, 1.0, 0.5))


class Portfolio:
    """See the module; a unit of the budget is one expansion."""

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
        """See `planners.planner.Planner`; the line is the whole plan, and what cannot be solved is given up."""
        cost, limit = new_cost(), budget.limits()
        searches = [Search(self._model, state, path, bound, self._memory) for path, bound, _ in MEMBERS]
        left = [int(share * self._turn) for *_, share in MEMBERS]
        turn, last = 0, searches[0]

        def advance(n: int) -> int:
            nonlocal turn, last
            total = 0
            while total < n:
                running = [k for k, search in enumerate(searches) if search.status != MEMORY]
                if not running:
                    break
                last, wanted = searches[turn], min(n - total, left[turn])
                did = last.advance(wanted, cost, limit) if last.status != MEMORY else 0
                total, left[turn] = total + did, left[turn] - did
                if last.status == RUNNING and left[turn] > 0:
                    continue
                if last.status not in (RUNNING, MEMORY):
                    break
                left[turn] = int(MEMBERS[turn][2] * self._turn)
                turn = (turn + 1) % len(MEMBERS)
            return total

        units = spend(advance, budget, self._expansions, cost)
        if last.status == SOLVED:
            line = last.line()
            return Decision(line[0], cost, units, line=line, commit=len(line))
        return given_up(last.status if last.status == EXHAUSTED else RUNNING, cost, units)


def make(name: str, turn: int, expansions: int, memory: int) -> Portfolio:
    """Return the planner (`planners.catalogue`)."""
    return Portfolio(name, turn, expansions, memory)
