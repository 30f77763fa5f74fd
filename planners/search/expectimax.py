"""Expectimax: the best action if chance is averaged and every later action is the best too, down to a depth.

The value of an afterstate is the mean over its chance events of the best action's reward plus the value of what follows; at the
horizon stands the world's heuristic. Values of afterstates are kept in a table with the depth that was left, and where no line
was cut off by the horizon they hold for every depth, so small worlds are solved exactly. In worlds without chance this is plain
depth-limited search. On the 4x4 board of 2048 `planners.search.expectimax_2048` takes over, which knows bitboards.

Budgets are met by searching to depth 1, 2, 3 ... until one is spent; the last depth that was completed decides. A unit is one
transition. For a limit in seconds the planner measures how many transitions it makes a second and allows itself as many.

Parameters
----------
depth : actions to look ahead; from 1 to 256, or 0 for as many as the budget or, on the 4x4 board of 2048, the board calls for
weight : what the heuristic counts at the horizon, in multiples of the world's own scale; at least 0
table : entries of the transposition table, as a power of 2; from 1 to 26, or 0 for none (on the 4x4 board for 16)
chance : probability below which lines are cut off without a budget, on the 4x4 board of 2048; above 0, at most 1
value : a learned value in place of the heuristic: a run of 'gameplan train', or a file in it
"""

import time
from typing import Any, NamedTuple

import numpy as np

from games.dispatch import suited
from games.errors import UsageError
from games.game2048.model import Full2048
from games.jit import embedded, njit
from games.process import apply, chance, dead, effective, goal, key, potential_scale
from games.world import Instance
from planners.budget import EVALUATIONS, EXPANSIONS, HITS, TRANSITIONS, UNLIMITED, Budget, new_cost, spent
from planners.parts.learned import LearnedValue, at_horizon
from planners.parts.table import find, insert, new_table
from planners.planner import Decision
from planners.policies.catalogue import VALUE
from planners.policies.files import kept_learned
from planners.search.expectimax_2048 import Expectimax2048, in_base_two, is_of_afterstates
from planners.search.pace import Pace, conclude

PARAMS = {"depth": 0, "weight": 1.0, "table": 16, "chance": 0.04, "value": ""}
DEFAULT_DEPTH, DEEPEST = 3, 256
EXACT = 1 << 30  # depth of an entry whose value does not depend on the depth
STOPPED, ENTRIES = range(2)  # flags of a search: a limit was met; how many entries the table has


class Search(NamedTuple):
    """The working memory of a search to at most D actions: the table, and for every depth one of what the recursion needs."""

    keys: np.ndarray
    slots: np.ndarray
    depths: np.ndarray
    means: np.ndarray
    flags: np.ndarray
    successors: np.ndarray  # (D, outcomes or 1, width)
    probabilities: np.ndarray  # (D, outcomes or 1)
    choices: np.ndarray  # (D, actions)
    followers: np.ndarray  # (D, width)
    weight: float
    leaves: Any


def new_search(model: Any, depth: int, table: int, weight: float, leaves: Any) -> Search:
    """Return working memory for searches to `depth` in the world of `model` with 2**table entries (none if it is 0)."""
    entries = 1 << table if table else 0
    outcomes = max(1, model.outcomes)
    return Search(
        *new_table(max(1, entries)),
        np.zeros(entries, np.int32),
        np.zeros(entries),
        np.zeros(2, np.int64),
        np.zeros((depth, outcomes, model.width), np.int64),
        np.zeros((depth, outcomes)),
        np.zeros((depth, model.actions), np.int64),
        np.zeros((depth, model.width), np.int64),
        weight,
        leaves,
    )


@embedded
def after_value(search, model, root, after, depth, cost, limit):
    """Return the value of an afterstate with `depth` actions still to look ahead, and whether no horizon was met below it."""
    ended = model.outcomes == 0 and (goal(model, after) or dead(model, after))
    if ended or (depth == 0 and search.weight == 0.0):
        return 0.0, ended
    if depth == 0:
        cost[EVALUATIONS] += 1
        return at_horizon(search.leaves, model, root, after, search.weight), False
    place, code = np.int64(0), np.uint64(0)
    if len(search.means) > 0:
        code = key(model, after)
        place = find(search.keys, search.slots, code)
        if search.slots[place] >= 0:
            known = search.depths[search.slots[place]]
            if known in (depth, EXACT):
                cost[HITS] += 1
                return search.means[search.slots[place]], known == EXACT
    if spent(cost, limit):
        search.flags[STOPPED] = 1
        return 0.0, False
    states, probabilities, actions = search.successors[depth - 1], search.probabilities[depth - 1], search.choices[depth - 1]
    follower = search.followers[depth - 1]
    count = chance(model, after, states, probabilities)
    if count == 0:
        states[0], probabilities[0], count = after, 1.0, 1
    mean, closed = 0.0, True
    for k in range(count):
        best = 0.0
        legal_count = effective(model, states[k], actions)
        cost[EXPANSIONS] += 1
        for j in range(legal_count):
            follower[:] = states[k]
            reward = apply(model, follower, actions[j])
            cost[TRANSITIONS] += 1
            value, whole = after_value(search, model, root, follower, depth - 1, cost, limit)
            closed = closed and whole
            if j == 0 or reward + value > best:
                best = reward + value
        mean += probabilities[k] * best
    if search.flags[STOPPED] == 0 and len(search.means) > 0:
        place = find(search.keys, search.slots, code)  # the search below has filled other places
        number = np.int64(search.slots[place])
        if number < 0:
            if search.flags[ENTRIES] == len(search.means):  # full: begin anew, what is still needed comes back first
                search.slots[:] = -1
                search.flags[ENTRIES] = 0
                place = find(search.keys, search.slots, code)
            number = search.flags[ENTRIES]
            search.flags[ENTRIES] += 1
            insert(search.keys, search.slots, place, code, number)
        search.depths[number], search.means[number] = EXACT if closed else depth, mean
    return mean, closed


@njit
def look_ahead(search, model, state, actions, first, last, cost, limit, values):
    """Write the values of `actions` at the greatest depth from `first` to `last` that the limits allow to `values`.

    `first` is searched whatever the limits. Return (depth reached, whether no horizon was met: then it is exact).
    """
    after, found, reached, closed = np.empty_like(state), np.empty(len(actions)), 0, False
    boundless = np.full_like(limit, UNLIMITED)
    search.slots[:] = -1
    search.flags[:] = 0
    for depth in range(first, last + 1):
        closed = True
        for k in range(len(actions)):
            after[:] = state
            reward = apply(model, after, actions[k])
            cost[TRANSITIONS] += 1
            value, whole = after_value(search, model, state, after, depth - 1, cost, boundless if depth == first else limit)
            found[k] = reward + value
            closed = closed and whole
        cost[EXPANSIONS] += 1
        if search.flags[STOPPED] == 1:
            return reached, False
        values[:], reached = found, depth
        if closed or (spent(cost, limit)):
            break
    return reached, closed


@njit
def options(model, state, actions):
    """Write the actions worth searching to `actions`; return how many."""
    return effective(model, state, actions)


class Expectimax:
    """See the module."""

    def __init__(self, name: str, depth: int, weight: float, table: int, chance: float, value: str = "") -> None:
        self.name, self._depth, self._weight, self._table, self._chance = name, depth, weight, table, chance
        self._value = value
        self._engine: Any = None

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """See `planners.planner.Planner`; the search itself draws nothing."""
        value = kept_learned(self._value, VALUE, instance) if self._value else None
        if isinstance(instance.model, Full2048) and self._weight > 0.0 and (value is None or is_of_afterstates(value)):
            self._engine = Expectimax2048(self._depth, self._table, self._chance, in_base_two(value, instance.model.scale))
        else:
            self._engine = Engine(instance.model, self._depth, self._table, self._weight, value)
        for _ in range(2):  # the first call may compile, the second tells how fast the search is
            self._engine.pace = Pace()
            self._engine.decide(instance.start, 3, Budget())

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """See `planners.planner.Planner`."""
        return self._engine.decide(state, steps_left, budget)


class Engine:
    """The search in any world."""

    def __init__(self, model: Any, depth: int, table: int, weight: float, value: Any = None) -> None:
        self.pace, self._model, self._depth = Pace(), model, depth
        self._search = new_search(model, depth or DEEPEST, table, weight * potential_scale(model), _leaves(value))
        self._look_ahead = suited(look_ahead, model) if value is None else suited(look_ahead, model, value)
        self._options = suited(options, model)

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """Return the decision in `state`; see `planners.planner.Planner`."""
        limit, limited = self.pace.limits(budget)
        actions, cost = np.empty(self._model.actions, np.int64), new_cost()
        actions = actions[: self._options(self._model, state, actions)]
        if not len(actions):
            return Decision(None, cost, note="no legal action")
        values = np.zeros(len(actions))
        depth = self._depth or (DEEPEST if limited else DEFAULT_DEPTH)
        depth = min(depth, steps_left or depth)
        begin = time.perf_counter()
        first = 1 if limited else depth
        self._look_ahead(self._search, self._model, state, actions, first, depth, cost, limit, values)
        self.pace.learn(int(cost[TRANSITIONS]), time.perf_counter() - begin)
        return conclude(actions, values, cost, limit)


def _leaves(value: Any) -> Any:
    return None if value is None else LearnedValue(value)


def make(name: str, depth: int, weight: float, table: int, chance: float, value: str) -> Expectimax:
    """Return the planner.

    Raises
    ------
    UsageError
        For a depth, table or chance out of range.
    """
    for parameter, number, most in (("depth", depth, DEEPEST), ("table", table, 26)):
        if not 0 <= number <= most:
            raise UsageError(f"{name}: {parameter}={number} is not possible; legal: 0 to {most}")
    if not 0.0 < chance <= 1.0:
        raise UsageError(f"{name}: chance={chance} is not possible; legal: above 0, up to 1")
    return Expectimax(name, depth, weight, table, chance, value)
