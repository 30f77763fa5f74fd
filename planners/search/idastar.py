"""IDA*: depth-first searches under a rising bound on g + h, in little memory, with a table of states seen in each round.

Source: Korf 1985, "Depth-first iterative-deepening"; the table: Reinefeld & Marsland 1994.

Parameters
----------
expansions : of a search, where the budget does not say; at least 1
depth : longest plan, in actions; at least 1
table : states of a round that are remembered, rounded up to a power of 2; at least 1
"""

from typing import Any, NamedTuple

import numpy as np

from games.dispatch import suited
from games.errors import UsageError
from games.jit import njit
from games.process import bound, distance, goal, successors
from games.world import Instance
from planners.budget import EVALUATIONS, EXPANSIONS, HITS, TRANSITIONS, Budget, new_cost, spent
from planners.planner import Decision
from planners.search.best_first_search import DEPTH as TOO_DEEP
from planners.search.best_first_search import EXHAUSTED, LIMITED, RUNNING, SOLVED, new_notes
from planners.search.solving import deterministic, plan

PARAMS = {"expansions": 5_000_000, "depth": 400, "table": 1 << 18}
DEPTH, ROUND, CUT = range(3)  # positions in Stack.at
BOUND, NEXT = range(2)  # positions in Stack.bounds
ROUNDING = 1e-9  # sums of costs in another order differ by less


class Stack(NamedTuple):
    """A depth-first search that can be stopped: by depth the children (states, actions, g, h, keys), in order of h.

    `path` (depth, 2) has the number of children at a depth and how many were taken. `table_keys` and `table` (places, 2) hold the
    round in which a state was last seen and the g it had.
    """

    children: np.ndarray
    actions: np.ndarray
    values: np.ndarray
    child_keys: np.ndarray
    path: np.ndarray
    table_keys: np.ndarray
    table: np.ndarray
    at: np.ndarray
    bounds: np.ndarray


def new_stack(depth: int, actions: int, width: int, places: int) -> Stack:
    """Return an empty stack for plans of up to `depth` actions and a table of `places`, a power of two."""
    return Stack(
        np.empty((depth, actions + 1, width), np.int64),
        np.empty((depth, actions), np.int64),
        np.empty((depth, actions, 2)),
        np.empty((depth, actions), np.uint64),
        np.zeros((depth, 2), np.int64),
        np.zeros(places, np.uint64),
        np.zeros((places, 2)),
        np.array([-1, 0, 0], np.int64),
        np.array([-1.0, 0.0]),
    )


@njit
def deepen(model, stack, root, kept, n, cost, limit):
    """Expand up to `n` states in place; return (how many, status). The plan is ``stack.actions[d, stack.path[d, 1] - 1]``."""
    children, actions, values, keys, path, at, bounds = (
        stack.children, stack.actions, stack.values, stack.child_keys, stack.path, stack.at, stack.bounds,
    )  # fmt: skip
    prices, mask, done = np.empty(model.actions), np.uint64(len(stack.table) - 1), 0
    if bounds[BOUND] < 0.0:
        if goal(model, root):
            return done, SOLVED
        bounds[NEXT] = distance(model, root)
    while True:
        depth = at[DEPTH]
        if depth < 0:  # a round is over
            if bounds[NEXT] == np.inf:
                return done, TOO_DEEP if at[CUT] == 1 else EXHAUSTED
            state, g = root, 0.0
        else:
            k = path[depth, 1]
            if k == path[depth, 0]:
                at[DEPTH] -= 1
                continue
            state, g = children[depth, k], values[depth, k, 0]
            f = g + values[depth, k, 1]
            place = np.int64((keys[depth, k] ^ (keys[depth, k] >> np.uint64(32))) & mask)
            known = stack.table_keys[place] == keys[depth, k] and stack.table[place, 0] == at[ROUND]
            if f > bounds[BOUND] + ROUNDING:
                path[depth, 1] += 1
                bounds[NEXT] = min(bounds[NEXT], f)
                continue
            if known and stack.table[place, 1] <= g:
                path[depth, 1] += 1
                cost[HITS] += 1
                continue
            if goal(model, state):
                path[depth, 1] += 1
                return done, SOLVED
            if depth + 1 == len(path):
                path[depth, 1] += 1
                at[CUT] = 1
                continue
        if done == n:
            return done, RUNNING
        if spent(cost, limit):
            return done, LIMITED
        if depth < 0:
            bounds[BOUND], bounds[NEXT] = bounds[NEXT], np.inf
            at[ROUND] += 1
        else:
            path[depth, 1] += 1
            stack.table_keys[place], stack.table[place, 0], stack.table[place, 1] = keys[depth, k], at[ROUND], g
        depth += 1
        at[DEPTH] = depth
        count = successors(model, state, kept, actions[depth], prices, children[depth], keys[depth])
        done += 1
        cost[EXPANSIONS] += 1
        cost[TRANSITIONS] += count
        cost[EVALUATIONS] += count
        for k in range(count):
            values[depth, k, 0] = g + prices[k]
            values[depth, k, 1] = bound(model, state, actions[depth, k], children[depth, k], kept)
        for k in range(1, count):  # insertion sort by h
            for j in range(k, 0, -1):
                if values[depth, j - 1, 1] <= values[depth, j, 1]:
                    break
                swap(children[depth], j)
                for column in range(2):
                    x = values[depth, j, column]
                    values[depth, j, column], values[depth, j - 1, column] = values[depth, j - 1, column], x
                a, b = actions[depth, j], keys[depth, j]
                actions[depth, j], keys[depth, j] = actions[depth, j - 1], keys[depth, j - 1]
                actions[depth, j - 1], keys[depth, j - 1] = a, b
        path[depth, 0], path[depth, 1] = count, 0


@njit
def swap(rows, j):
    """Exchange rows `j` - 1 and `j` in place."""
    for i in range(rows.shape[1]):
        x = rows[j, i]
        rows[j, i], rows[j - 1, i] = rows[j - 1, i], x


class Deepening:
    """One search from one root; a `planners.search.solving.SlicedSearch`."""

    def __init__(self, model: Any, state: np.ndarray, depth: int, places: int) -> None:
        self._stack, self._model, self._state, self.status = (
            new_stack(depth, model.actions, model.width, places),
            model,
            state,
            RUNNING,
        )
        self._notes, self._deepen = suited(new_notes, model)(model), suited(deepen, model)

    def advance(self, n: int, cost: np.ndarray, limit: np.ndarray) -> int:
        """See `planners.search.solving.SlicedSearch`."""
        done, self.status = self._deepen(self._model, self._stack, self._state, self._notes, n, cost, limit)
        return int(done)

    @property
    def optimal(self) -> bool:
        """Whether the plan is a cheapest one: none was cut off by the depth."""
        return int(self._stack.at[CUT]) == 0

    def line(self) -> tuple[int, ...]:
        """Return the actions of the plan, once it is solved."""
        actions, path = self._stack.actions, self._stack.path
        return tuple(int(actions[d, path[d, 1] - 1]) for d in range(int(self._stack.at[DEPTH]) + 1))


class IdaStar:
    """See the module; a unit of the budget is one expansion."""

    solves = True

    def __init__(self, name: str, expansions: int, depth: int, table: int) -> None:
        if expansions < 1 or depth < 1 or not 1 <= table <= 1 << 28:
            raise UsageError(
                f"{name}: expansions={expansions}, depth={depth}, table={table}: at least 1 each, table up to {1 << 28}"
            )
        self.name, self._expansions, self._depth, self._places = name, expansions, depth, 1 << (table - 1).bit_length()

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
        return plan(Deepening(self._model, state, self._depth, self._places), budget, self._expansions, new_cost())


def make(name: str, expansions: int, depth: int, table: int) -> IdaStar:
    """Return the planner (`planners.catalogue`)."""
    return IdaStar(name, expansions, depth, table)
