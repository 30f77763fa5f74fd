"""What a search tree says about its root: values, spread, risk, best lines and follow-ups of every action, small enough to keep."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from planners.planner import ActionValue
from planners.search.tree import NODES, Tree


class FollowUp(NamedTuple):
    """An action after an action, over all outcomes seen of the first: passages, and mean return from the second on."""

    action: int
    visits: int
    value: float


@dataclass(frozen=True)
class ActionRecord:
    """One action at the root.

    `value` is the mean discounted return of its simulations, `sd` their standard deviation, `least` and `most` the extremes, `gain`
    the mean immediate reward, `risk` the share lost within the planner's `within` steps; `line` the most visited line, beginning
    with the action (in a stochastic world through the outcomes seen most often), `follow_ups` the most visited next actions.
    """

    action: int
    visits: int
    value: float
    sd: float
    least: float
    most: float
    gain: float
    risk: float
    line: tuple[int, ...]
    follow_ups: tuple[FollowUp, ...]


@dataclass(frozen=True)
class SearchRecord:
    """A decision as its tree saw it.

    `actions` are sorted, the most visited first, ties by value: `chosen` and `runner_up` are the first two (None if there is one).
    `gap` is the difference of their values and `gap_error` its standard error.
    """

    state: np.ndarray
    simulations: int
    actions: tuple[ActionRecord, ...]

    @property
    def chosen(self) -> ActionRecord:
        """The action taken."""
        return self.actions[0]

    @property
    def runner_up(self) -> ActionRecord | None:
        """The second best."""
        return self.actions[1] if len(self.actions) > 1 else None

    @property
    def gap(self) -> float:
        """How much better the chosen action looks than the runner-up."""
        return self.actions[0].value - self.actions[1].value if len(self.actions) > 1 else float("inf")

    @property
    def gap_error(self) -> float:
        """The standard error of `gap`, as if simulations were independent."""
        return float(np.sqrt(sum(a.sd**2 / max(1, a.visits) for a in self.actions[:2])))


def root_edges(tree: Tree) -> range:
    """Return the edges of the root."""
    return range(int(tree.edge_count[0]))


def root_actions(tree: Tree) -> tuple[ActionValue, ...]:
    """Return value, visits, spread and risk of each action at the root, in the order of action ids."""
    found = []
    for e in root_edges(tree):
        n = int(tree.visits[e])
        mean, risk = (tree.totals[e] / n, tree.risks[e] / n) if n else (np.nan, np.nan)
        found.append(ActionValue(int(tree.action[e]), float(mean), n, spread(tree, e), float(risk)))
    return tuple(sorted(found))


def spread(tree: Tree, edge: int) -> float:
    """Return the standard deviation of the returns of `edge`, NaN below two."""
    n, total = int(tree.visits[edge]), float(tree.totals[edge])
    if n < 2:
        return float("nan")
    return float(np.sqrt(max(0.0, tree.squares[edge] - total * total / n) / (n - 1)))


def children(tree: Tree, edge: int) -> np.ndarray:
    """Return the nodes that `edge` led to: one in a deterministic world, every outcome seen in a stochastic one."""
    if tree.child[edge] >= 0:
        return tree.child[edge : edge + 1]
    return np.flatnonzero(tree.parent[: tree.filled[NODES]] == edge)


def follow_ups(tree: Tree, edge: int, most: int = 3) -> tuple[FollowUp, ...]:
    """Return the `most` visited actions after `edge`."""
    sums: dict[int, list[float]] = {}
    for node in children(tree, edge):
        for e in range(int(tree.first_edge[node]), int(tree.first_edge[node] + tree.edge_count[node])):
            if tree.visits[e]:
                known = sums.setdefault(int(tree.action[e]), [0, 0.0])
                known[0] += int(tree.visits[e])
                known[1] += float(tree.totals[e])
    found = [FollowUp(action, int(n), total / n) for action, (n, total) in sums.items()]
    return tuple(sorted(found, key=lambda f: (-f.visits, -f.value, f.action))[:most])


def best_line(tree: Tree, action: int) -> tuple[int, ...]:
    """Return the most visited line that begins with `action` at the root, without a loop."""
    edge = next(e for e in root_edges(tree) if tree.action[e] == action)
    line, seen = [int(action)], {0}
    while True:
        nodes = children(tree, edge)
        if len(nodes) == 0:
            return tuple(line)
        node = int(nodes[np.argmax(tree.node_visits[nodes])])
        first, last = int(tree.first_edge[node]), int(tree.first_edge[node] + tree.edge_count[node])
        if node in seen or first == last or not tree.visits[first:last].any():
            return tuple(line)
        seen.add(node)
        edge = max(range(first, last), key=lambda e: (tree.visits[e], tree.totals[e]))
        line.append(int(tree.action[edge]))


def search_record(tree: Tree, state: np.ndarray) -> SearchRecord:
    """Return the record of a tree whose root is `state`."""
    found = []
    for e in root_edges(tree):
        n = int(tree.visits[e])
        if n:
            action = int(tree.action[e])
            found.append(
                ActionRecord(
                    action,
                    n,
                    float(tree.totals[e] / n),
                    spread(tree, e),
                    float(tree.least[e]),
                    float(tree.most[e]),
                    float(tree.rewards[e] / n),
                    float(tree.risks[e] / n),
                    best_line(tree, action),
                    follow_ups(tree, e),
                )
            )
    found.sort(key=lambda a: (-a.visits, -a.value, a.action))
    return SearchRecord(state.copy(), int(tree.node_visits[0]), tuple(found))
