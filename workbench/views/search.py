"""What a planner searched before a decision: the tree of MCTS and FLARE by actions, or the states that a best-first one opened."""

import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from games.dispatch import suited
from games.errors import UsageError
from games.world import Instance, World
from planners.episode import step
from planners.flare import tree as flare_tree
from planners.search import best_first_search, portfolio, tree
from planners.search.record import children

MOST = 40  # nodes of a tree that are kept, those visited most
DEEPEST = 12


@dataclass
class Searched:
    """What is known of a sequence of actions: simulations that began so, their mean value, and what followed."""

    action: str
    visits: int
    value: float
    below: list["Searched"] = field(default_factory=list)


@dataclass(frozen=True)
class Expanded:
    """A best-first search: `states` (n, width) that it has seen, the root first; which it `opened`; their g and h (n, 2); its plan.

    `plan` has places of states.
    """

    states: np.ndarray
    opened: np.ndarray
    costs: np.ndarray
    plan: list[int]


Statistics = Iterable[tuple[int, int, float, Any]]  # of every action: its id, visits, sum of returns, and the places it leads to


def searched(world: World, instance: Instance, planner: Any, state: np.ndarray) -> Searched | Expanded:
    """Return what `planner` has searched before its last decision, taken in `state`.

    Raises
    ------
    UsageError
        If it keeps neither a tree nor a list of states.
    """
    found = getattr(planner, "tree", None)
    if isinstance(found, tree.Tree):
        return _grow(world, instance, state, [0], lambda places: _mcts(found, places))
    if isinstance(found, flare_tree.Tree):
        share = float(getattr(planner, "share", 0.0))
        return _grow(world, instance, state, [0], lambda places: _flare(found, places, share))
    kept = getattr(planner, "search", None)
    if isinstance(kept, best_first_search.Search):
        return _expanded(kept)
    if isinstance(kept, portfolio.Turns):
        return _all_expanded(instance, state, kept)
    name = getattr(planner, "name", "this planner")
    raise UsageError(f"{name} keeps nothing of its search that could be drawn; mcts, proact, flare and astar with their kin do")


def _mcts(found: tree.Tree, places: Sequence[int]) -> Statistics:
    for node in places:
        for edge in range(int(found.first_edge[node]), int(found.first_edge[node] + found.edge_count[node])):
            if found.visits[edge]:
                after = [int(n) for n in children(found, edge)]
                yield int(found.action[edge]), int(found.visits[edge]), float(found.totals[edge]), after


def _flare(found: Any, places: Sequence[int], share: float) -> Statistics:
    for node in places:
        for k in range(int(found.widths[node])):
            visits = int(found.visits[node, k])
            if visits:
                value = (1.0 - share) * float(found.means[node, k]) + share * float(found.tops[node, k])
                after = [int(found.children[node, k])] if found.children[node, k] >= 0 else []
                yield int(found.acts[node, k]), visits, visits * value, after


def _grow(
    world: World, instance: Instance, state: np.ndarray, root: Sequence[int], look: Callable[[Sequence[int]], Statistics]
) -> Searched:
    """Return the tree by actions: outcomes of chance are put together; of all sequences the most visited ones are kept."""
    model, certain = instance.model, instance.model.outcomes == 0
    move, order = suited(step, model), itertools.count()
    top = Searched("", 0, float("nan"))
    waiting: list[tuple[int, int, Searched, Sequence[int], np.ndarray, int]] = []

    def unfold(node: Searched, places: Sequence[int], at: np.ndarray, depth: int) -> None:
        sums: dict[int, list[Any]] = {}
        for action, visits, total, after in look(places):
            known = sums.setdefault(action, [0, 0.0, []])
            known[0] += visits
            known[1] += total
            known[2] += after
        for action, (visits, total, after) in sums.items():
            below = Searched(world.action_name(instance, at if certain else state, action), visits, total / visits)
            then = at.copy()
            if certain:
                move(model, then, action, np.zeros(1, np.uint64))
            heapq.heappush(waiting, (-visits, next(order), below, after, then, depth + 1))
            node.below.append(below)

    unfold(top, root, state.copy(), 0)
    top.visits = sum(each.visits for each in top.below)
    kept = {id(top)}
    while waiting and len(kept) <= MOST:
        _, _, node, after, at, depth = heapq.heappop(waiting)
        kept.add(id(node))
        if after and depth < DEEPEST:
            unfold(node, after, at, depth)
    _prune(top, kept)
    return top


def _prune(node: Searched, kept: set[int]) -> None:
    node.below = sorted((each for each in node.below if id(each) in kept), key=lambda each: -each.visits)
    for each in node.below:
        _prune(each, kept)


def _expanded(search: Any) -> Expanded:
    nodes = search.nodes
    count = int(nodes.filled[best_first_search.NODES])
    plan, node = [], int(search.node)
    if search.status == best_first_search.SOLVED:
        while node >= 0:
            plan.append(node)
            node = int(nodes.links[node, 0])
    return Expanded(nodes.states[:count].copy(), nodes.shut[:count] == 1, nodes.costs[:count].copy(), plan[::-1])


def _all_expanded(instance: Instance, state: np.ndarray, turns: portfolio.Turns) -> Expanded:
    """Return what the searches of a portfolio have seen, those from the goals too, and the plan, whose states come last."""
    move, here, passed = suited(step, instance.model), state.copy(), [state.copy()]
    for action in turns.line():
        move(instance.model, here, action, np.zeros(1, np.uint64))
        passed.append(here.copy())
    each = [_expanded(search) for search in turns.searches.values()]
    seen = sum(len(one.states) for one in each)
    return Expanded(
        np.concatenate([*(one.states for one in each), np.array(passed)]),
        np.concatenate([*(one.opened for one in each), np.zeros(len(passed), np.bool_)]),
        np.concatenate([*(one.costs for one in each), np.zeros((len(passed), 2))]),
        list(range(seen, seen + len(passed))) if turns.found else [],
    )
