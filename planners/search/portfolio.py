"""Several best-first searches in turn, since what is hard for one is often easy for another; the first plan found is taken.

A* has the first turn, so a plan of an easy problem is a cheapest one. Where the world can be searched backwards
(`games.process.reversed_of`), half of the searches go from the goals to the state, and where two of them meet there is a plan. The
searches share the expansions by fixed turns, so a stopped run is repeated from the number of its expansions.

Parameters
----------
turn : expansions of A* before the other searches have their turns, which are about a quarter of that; at least 2
expansions : of a decision, where the budget does not say; at least 1
memory : megabytes of all searches together at most; at least 1
improve : whether the plan is shortened as long as the budget lasts and it pays
"""

from typing import Any, NamedTuple

import numpy as np

from games.dispatch import suited
from games.errors import UsageError
from games.jit import njit
from games.process import apply, cost, goal, legal, ready, reversed_of
from games.world import Instance
from planners.budget import Budget, new_cost
from planners.planner import Decision
from planners.search.best_first_search import MEMORY, MET, RUNNING, SOLVED, Search, Way, grown, new_nodes
from planners.search.shortening import Shortening, passed
from planners.search.solving import deterministic, plan

PARAMS = {"turn": 4000, "expansions": 5_000_000, "memory": 1024, "improve": False}


class Member(NamedTuple):
    """A search of the portfolio: its name, whether it goes backwards, its order, and its share of the turns.

    It looks new states up in the table of the member `partner`, which goes the other way.
    """

    name: str
    backwards: bool
    way: Way
    share: float
    partner: str = ""


# Measured on Sokoban, where stages count goals filled in order, features any; the shares are of a quarter of the first turn.
ASTAR = Member("astar", False, Way(1.0, 1.0), 0.5, "backwards by features")
BOTH_WAYS = (
    ASTAR,
    Member("changes by stages", False, Way(1.0, 1.0, True, True, by_stage=True), 1.0, "backwards by features"),
    Member("backwards by features", True, Way(1.0, 3.0, False, True), 0.6, "changes by stages"),
    Member("features", False, Way(0.0, 1.0, False, True), 0.4, "backwards by features"),
    Member("stages", False, Way(0.0, 1.0, False, True, by_stage=True), 0.8, "backwards by features"),
    Member("backwards", True, Way(1.0, 3.0, False, False, True), 0.6, "changes"),
    Member("changes", False, Way(1.0, 1.0, True), 0.6, "backwards"),
    Member("backwards by changes", True, Way(1.0, 1.0, True), 0.4, "changes"),
)
FORWARDS = (
    ASTAR,
    Member("changes by features", False, Way(1.0, 1.0, True, True), 0.6),
    Member("features", False, Way(0.0, 1.0, False, True), 0.5),
    Member("changes", False, Way(1.0, 1.0, True), 0.6),
    Member("greedy", False, Way(0.0, 1.0), 0.5),
)


@njit
def priced(model, state, line):
    """Return the cost of the actions `line` from `state`, -1 if one is not legal or they do not lead to a goal."""
    total, here, actions = 0.0, state.copy(), np.empty(model.actions, np.int64)
    for action in line:
        known = False
        for k in range(legal(model, here, actions)):
            known |= actions[k] == action
        if not known:
            return -1.0
        total += cost(model, here, action)
        apply(model, here, action)
    return total if goal(model, here) else -1.0


class Turns:
    """The searches of a portfolio, in turns; a `planners.search.solving.SlicedSearch`.

    They start from `state`; `searches` has those that have begun, by member; `found` says which found the plan, and `optimal`
    whether it is proven to be a cheapest one. To `improve` a plan that is not, it is shortened before the searches are over.
    """

    def __init__(self, model: Any, state: np.ndarray, turn: int, memory: int, improve: bool = False) -> None:
        self._model, self.state, self._round, self._memory = model, state, max(1, turn // 4), memory
        self._backwards = reversed_of(model, state)
        self.members = FORWARDS if self._backwards is None else BOTH_WAYS
        self.searches: dict[Member, Search] = {}
        self._turn, self._left, self.status = 0, turn, RUNNING
        self.found, self.optimal, self._line = "", False, tuple[int, ...]()
        self._improve = improve
        self._shorter: Shortening | None = None
        self._begin(self.members[0])

    def _begin(self, member: Member) -> None:
        model, roots = self._backwards if member.backwards else (self._model, self.state)
        self.searches[member] = Search(model, roots, member.way, self._memory)
        for one, search in self.searches.items():
            search.meet(next((other for two, other in self.searches.items() if two.name == one.partner), None))

    def advance(self, n: int, cost: np.ndarray, limit: np.ndarray) -> int:
        """See `planners.search.solving.SlicedSearch`; one search that ends decides, memory only where it is that of all."""
        total = 0
        while self._shorter is None:
            member = self.members[self._turn]
            search = self.searches[member]
            if search.status != MEMORY:
                search.memory = self._memory - sum(other.size() for other in self.searches.values() if other is not search)
                did = search.advance(min(n - total, self._left), cost, limit)
                total, self._left = total + did, self._left - did
            self.status = search.status
            if search.status in (SOLVED, MET):
                self.status = SOLVED if self._take(member, search) else RUNNING
                search.status = self.status
                if self._shorter is not None:
                    break
            if self.status not in (RUNNING, MEMORY) or self._full():
                return total
            if self.status == RUNNING and self._left > 0:
                if total >= n:
                    return total
                continue
            self._turn = (self._turn + 1) % len(self.members)
            member = self.members[self._turn]
            self._left = max(1, int(member.share * self._round))
            if member not in self.searches:
                self._begin(member)
        shorter = self._shorter
        total += shorter.advance(n - total, cost, limit)
        self._line, self.status = shorter.line, RUNNING
        self.optimal = self._proven(shorter.price)
        if shorter.done or self.optimal:
            self.status = SOLVED
        return total

    def _proven(self, price: float) -> bool:
        first = self.searches[self.members[0]]
        return first.status == SOLVED or price <= first.least() + 1e-9 * max(1.0, price)

    def _full(self) -> bool:
        return len(self.searches) == len(self.members) and all(search.status == MEMORY for search in self.searches.values())

    def _take(self, member: Member, search: Search) -> bool:
        """Keep the plan that `search` has found; return False if two states of one key met, so that there is none."""
        line, self.found = search.line(), member.name
        if search.status == MET:
            partner = next(other for other in self.members if other.name == member.partner)
            there = self.searches[partner].line(int(search.nodes.filled[-1]))
            one, two = (there, line) if member.backwards else (line, there)
            line, self.found = one + two[::-1], f"{member.name} and {partner.name}"
        elif member.backwards:
            line = line[::-1]
        price = float(suited(priced, self._model)(self._model, self.state, np.array(line, np.int64)))
        if price < 0.0:
            self.found = ""
            return False
        self._line, self.optimal = line, self._proven(price)
        if self._improve and not self.optimal:
            room = self._memory - sum(other.size() for other in self.searches.values())
            self._shorter = Shortening(self._model, self.state, line, price, max(room, self._memory // 4))
        return True

    def line(self) -> tuple[int, ...]:
        """Return the plan."""
        return self._line


class Portfolio:
    """See the module; a unit of the budget is one expansion. `search` is that of the last decision."""

    solves = True
    search: Turns

    def __init__(self, name: str, turn: int, expansions: int, memory: int, improve: bool) -> None:
        if turn < 2 or expansions < 1 or memory < 1:
            raise UsageError(f"{name}: turn={turn}, expansions={expansions}, memory={memory} must be at least 2, 1 and 1")
        self.name, self._turn, self._expansions, self._memory, self._improve = name, turn, expansions, memory << 20, improve

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
        self.search = Turns(self._model, state, self._turn, self._memory, self._improve)
        return plan(self.search, budget, self._expansions, new_cost())

    def warm_up(self) -> None:
        """Make larger tables, and use what long searches do, those from the goals among them."""
        for by_feature in (False, True):
            grown(new_nodes(4, 1, by_feature))
        model, state, line = self._model, self.search.state, np.zeros(0, np.int64)
        suited(priced, model)(model, state, line)
        suited(passed, model)(model, state, line, state.reshape(1, -1).copy())
        ready(model, state.reshape(1, -1))
        backwards = reversed_of(model, state)
        if backwards is not None:
            there, roots = backwards
            Search(there, roots, ASTAR.way, 1 << 20).advance(1, new_cost(), Budget().limits())


def make(name: str, turn: int, expansions: int, memory: int, improve: bool) -> Portfolio:
    """Return the planner (`planners.catalogue`)."""
    return Portfolio(name, turn, expansions, memory, improve)
