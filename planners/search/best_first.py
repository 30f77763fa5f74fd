"""A*, weighted A* and greedy best-first search: a whole plan at once, or the reason why there is none.

Parameters
----------
path_weight : weight of the cost so far in the order of expansion; at least 0
bound_weight : weight of the lower bound of what is left in the order of expansion; at least 0
expansions : of a search, where the budget does not say; at least 1
memory : megabytes of a search at most; at least 1
partial : whether it goes towards the most promising state when the budget ends, in place of giving up
"""

import numpy as np

from games.errors import UsageError
from games.world import Instance
from planners.budget import Budget, new_cost
from planners.planner import Decision
from planners.search.best_first_search import Search, Way, grown, new_nodes
from planners.search.solving import deterministic, plan

PARAMS = {"path_weight": 1.0, "bound_weight": 1.0, "expansions": 5_000_000, "memory": 1280, "partial": False}


class BestFirst:
    """See the module; a unit of the budget is one expansion. `search` is that of the last decision."""

    search: Search

    def __init__(self, name: str, path_weight: float, bound_weight: float, expansions: int, memory: int, partial: bool) -> None:
        if path_weight < 0.0 or bound_weight < 0.0:
            raise UsageError(f"{name}: weights path_weight={path_weight}, bound_weight={bound_weight} must not be negative")
        if expansions < 1 or memory < 1:
            raise UsageError(f"{name}: expansions={expansions}, memory={memory} must both be at least 1")
        self.name, self._way, self._partial, self.solves = name, Way(path_weight, bound_weight), partial, not partial
        self._expansions, self._memory = expansions, memory << 20

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
        self.search = Search(self._model, state, self._way, self._memory)
        return plan(self.search, budget, self._expansions, new_cost(), partial=self._partial)

    def warm_up(self) -> None:
        """Make larger tables, as long searches do."""
        grown(new_nodes(4, 1))


def make(name: str, path_weight: float, bound_weight: float, expansions: int, memory: int, partial: bool) -> BestFirst:
    """Return the planner (`planners.catalogue`)."""
    return BestFirst(name, path_weight, bound_weight, expansions, memory, partial)
