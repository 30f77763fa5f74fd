"""Best-first search of a deterministic world, in pieces: nodes, an open list, a table of states seen.

Nodes are taken in the order of ``path_weight * g + bound_weight * h``: g the cost from the root, h the world's lower bound on what
is left (`games.process.bound`), ties by smaller h, then later made. Nodes to which a cheaper way is found are opened again, so A*
is optimal for every admissible h; those to which a rival is ahead (`games.process.rivals`) are left out. Sources: Hart, Nilsson &
Raphael 1968; Pohl 1970.

A search that wants any plan may count turns to something else as cost, or keep an open list for every feature of the states, which
have their turns; it then opens no state twice. New states can be looked up in the table of a search from the other end: where they
meet, there is a plan.
"""

from typing import Any, NamedTuple, Self

import numpy as np

from games.dispatch import suited
from games.jit import lean, njit
from games.process import bound, change, distance, feature, goal, key, notes, ready, rivals, stage, successors
from planners.budget import EVALUATIONS, EXPANSIONS, TRANSITIONS, spent
from planners.parts.table import copy_table, find, insert, new_table
from planners.search.open_lists import LISTS, first_list, merged, pop_heap, push_heap

RUNNING, SOLVED, EXHAUSTED, LIMITED, FULL, MEMORY, DEPTH, MET = range(8)  # DEPTH: longer plans than searched for may exist
FIRST_NODES = 1 << 11  # room at first: clearing a large table takes longer than most searches
NODES, OPEN, BEST, TURN, MEETING, MATE = range(6)  # positions in Nodes.filled
TURNING = 4.0  # cost of an action that is about something else than the one before it, where turns are counted


class Way(NamedTuple):
    """The order of expansion: weights of path and bound, what a path costs, whether there is a list for every feature.

    `by_changes`: g counts `games.process.change`, not the world's costs; `by_feature`: open lists by `games.process.feature`. With
    either, or `once`, a state is opened once, whatever the ways to it. `within`: no state counts that the other search has not met.
    `by_stage`: the lists are by `games.process.stage`, where there are lists.
    """

    path_weight: float
    bound_weight: float
    by_changes: bool = False
    by_feature: bool = False
    once: bool = False
    within: bool = False
    by_stage: bool = False


class Nodes(NamedTuple):
    """Search nodes in arrays; the first are the roots.

    `links` (capacity, 2) has the parent and the action from it, `costs` (capacity, 2) g and h; `shut` is 1 for a node that was
    expanded and not opened again. `heap` (places, 3) is a binary heap of (priority, h less a serial number, node), in which a node
    may occur more than once; with lists by features, `heads` has the first node of each and `branches` (capacity, 2) the two below
    every node (`planners.search.open_lists`). `keys` and `slots` are a `planners.parts.table`. `filled` counts nodes and open
    entries, and has the node of least h, the list whose turn it is, and where a search from the other end was met: node, and node
    there.
    """

    states: np.ndarray
    links: np.ndarray
    costs: np.ndarray
    shut: np.ndarray
    branches: np.ndarray
    heap: np.ndarray
    keys: np.ndarray
    slots: np.ndarray
    heads: np.ndarray
    filled: np.ndarray


def new_nodes(capacity: int, width: int, by_feature: bool = False) -> Nodes:
    """Return empty nodes for `capacity` (a power of two) states of `width` words."""
    return Nodes(
        np.empty((capacity, width), np.int64),
        np.empty((capacity, 2), np.int64),
        np.empty((capacity, 2), np.float64),
        np.empty(capacity, np.int8),
        np.empty((capacity * by_feature, 2), np.int32),
        np.empty((2 * capacity * (not by_feature), 3), np.float64),
        *new_table(capacity),
        np.full(LISTS, -1, np.int32),
        np.zeros(6, np.int64),
    )


def size_of(capacity: int, width: int, by_feature: bool = False) -> int:
    """Return how many bytes nodes for `capacity` states of `width` words take, and at most while they replace half as many."""
    return capacity * (8 * width + (65 if by_feature else 105))


def grown(nodes: Nodes) -> Nodes:
    """Return a copy of `nodes` with twice the room, four times while they are few."""
    capacity = len(nodes.states) * (4 if len(nodes.states) < 1 << 16 else 2)
    more = new_nodes(capacity, nodes.states.shape[1], len(nodes.branches) > 0)
    filled = int(nodes.filled[NODES])
    for old, new in zip(nodes[:5], more[:5], strict=True):
        new[:filled] = old[:filled]
    if len(nodes.heap):
        more.heap[: nodes.filled[OPEN]] = nodes.heap[: nodes.filled[OPEN]]
    more.heads[:], more.filled[:] = nodes.heads, nodes.filled
    copy_table(nodes.keys, nodes.slots, more.keys, more.slots)
    return more


@lean
def open_node(model, nodes, way, node, size):
    """Put `node` into the open list of so many entries, in place."""
    if way.by_feature:
        state = nodes.states[node]
        at = min(stage(model, state) if way.by_stage else feature(model, state), LISTS - 1)
        nodes.branches[node, 0], nodes.branches[node, 1] = -1, -1
        nodes.heads[at] = merged(nodes.costs, way, nodes.branches, nodes.heads[at], node)
    else:
        g, h = nodes.costs[node, 0], nodes.costs[node, 1]
        push_heap(nodes.heap, size, way.path_weight * g + way.bound_weight * h, h - nodes.filled[NODES] * 2.0**-40, node)


@njit
def new_notes(model):
    """Return `games.process.notes`."""
    return notes(model)


@njit
def begin(model, nodes, roots, way):
    """Make the rows of `roots` the roots of the empty `nodes`, in place; one without a way to a goal is not opened."""
    count, size, best = 0, 0, 0
    for state in roots:
        k = key(model, state)
        place = find(nodes.keys, nodes.slots, k)
        if nodes.slots[place] >= 0:
            continue
        h = distance(model, state)
        insert(nodes.keys, nodes.slots, place, k, count)
        nodes.states[count] = state
        nodes.links[count, 0], nodes.links[count, 1] = -1, -1
        nodes.costs[count, 0], nodes.costs[count, 1], nodes.shut[count] = 0.0, h, 0
        if h < nodes.costs[best, 1]:
            best = count
        if h < np.inf:
            open_node(model, nodes, way, count, size)
            size += 1
        count += 1
    nodes.filled[NODES], nodes.filled[OPEN], nodes.filled[BEST] = count, size, best


@lean
def beaten(model, nodes, kept, node, keys, costs):
    """Return whether a rival of `node` is known (`games.process.rivals`) that was reached at so much less; scratch arrays."""
    state, g = nodes.states[node], nodes.costs[node, 0]
    for k in range(rivals(model, state, kept, keys, costs)):
        rival = nodes.slots[find(nodes.keys, nodes.slots, keys[k])]
        if rival >= 0 and nodes.costs[rival, 0] + costs[k] <= g:
            return True
    return False


@njit
def expand(model, nodes, kept, way, others, n, cost, limit):
    """Expand up to `n` nodes in place; return (how many, status, node of the goal, of the meeting or of least h).

    `others` is the table (keys, slots) of a search from the other end. A goal that is next in line and an empty open list are
    noticed without a further expansion, so `n` as many as it took suffice.
    """
    scratch = (
        np.empty(model.actions, np.int64),
        np.empty(model.actions),
        np.empty((model.actions + 1, model.width), np.int64),
        np.empty(model.actions, np.uint64),
    )
    return _expand(model, nodes, kept, way, others, n, cost, limit, scratch)


@lean
def _expand(model, nodes, kept, way, others, n, cost, limit, scratch):
    """Do as `expand`, in arrays made for actions, costs, states and keys of what follows a node."""
    states, links, costs, shut, heap, keys, slots, filled = (
        nodes.states, nodes.links, nodes.costs, nodes.shut, nodes.heap, nodes.keys, nodes.slots, nodes.filled,
    )  # fmt: skip
    actions, prices, after, after_keys = scratch
    size, best, once, node = filled[OPEN], filled[BEST], way.once or way.by_changes or way.by_feature, np.int64(0)
    done, status = 0, RUNNING
    while True:
        if not way.by_feature:
            while size > 0 and shut[np.int64(heap[0, 2])] == 1:
                pop_heap(heap, size)
                size -= 1
        if size == 0:
            status = EXHAUSTED
            break
        at = first_list(nodes.heads, filled[TURN]) if way.by_feature else 0
        node = np.int64(nodes.heads[at]) if way.by_feature else np.int64(heap[0, 2])
        if goal(model, states[node]):
            status, best = SOLVED, node
            break
        if done == n:
            break
        if spent(cost, limit):
            status = LIMITED
            break
        if filled[NODES] + model.actions > len(states) or (not way.by_feature and size + model.actions > len(heap)):
            status = FULL
            break
        if way.by_feature:
            nodes.heads[at] = merged(costs, way, nodes.branches, nodes.branches[node, 0], nodes.branches[node, 1])
            filled[TURN] = at + 1
        else:
            pop_heap(heap, size)
        size -= 1
        shut[node] = 1
        if not way.by_changes and beaten(model, nodes, kept, node, after_keys, prices):
            continue
        done += 1
        found = successors(model, states[node], kept, actions, prices, after, after_keys)
        cost[EXPANSIONS] += 1
        cost[TRANSITIONS] += found
        for k in range(found):
            g = costs[node, 0]
            if way.by_changes:
                g += TURNING * change(model, links[node, 1], actions[k])
            else:
                g += prices[k]
            place = find(keys, slots, after_keys[k])
            child = np.int64(slots[place])
            if child < 0:
                mate = others[1][find(others[0], others[1], after_keys[k])]
                if way.within and mate < 0:
                    continue
                child = filled[NODES]
                filled[NODES] += 1
                insert(keys, slots, place, after_keys[k], child)
                h = bound(model, states[node], actions[k], after[k], kept)
                cost[EVALUATIONS] += 1
                for word in range(model.width):
                    states[child, word] = after[k, word]
                costs[child, 1], shut[child] = h, 0
                if h == np.inf:
                    shut[child] = 2  # no way to a goal: never opened
                elif h < costs[best, 1]:
                    best = child
                if mate >= 0 and not way.within:
                    filled[MEETING], filled[MATE], status = child, mate, MET
            elif once or g >= costs[child, 0] or (way.path_weight == 0.0 and shut[child] == 1):
                continue
            costs[child, 0] = g
            links[child, 0], links[child, 1] = node, actions[k]
            if shut[child] != 2:
                shut[child] = 0
                open_node(model, nodes, way, child, size)
                size += 1
        if status == MET:
            break
    filled[OPEN], filled[BEST] = size, best
    return done, status, filled[MEETING] if status == MET else best


class Search:
    """One search, which can be stopped and continued; `status` is where it stands, `node` the goal, the meeting or least h.

    Parameters
    ----------
    model : record or Python model
        Of a deterministic world.
    roots : array
        A state, or one a row.
    way : Way
        Order of expansion.
    memory : int
        Most bytes of the nodes.
    """

    def __init__(self, model: Any, roots: np.ndarray, way: Way, memory: int) -> None:
        roots = np.atleast_2d(roots)
        room = max(FIRST_NODES, 1 << int(model.actions + len(roots)).bit_length())
        self.nodes = new_nodes(room, model.width, way.by_feature)
        self.status, self.node, self.memory, self.way = RUNNING, 0, memory, way
        self._model, self._none = model, new_table(1)
        self._other: Self | None = None
        self._notes, self._expand = suited(new_notes, model)(model), suited(expand, model)
        if way.by_stage:
            ready(model, roots)
        suited(begin, model)(model, self.nodes, roots, way)

    def meet(self, other: Self | None) -> None:
        """Look new states up in the table of `other`, from the other end, from now on."""
        self._other = other

    def advance(self, n: int, cost: np.ndarray, limit: np.ndarray) -> int:
        """Expand up to `n` more nodes, adding to `cost` up to `limit`; return how many. Fewer than `n`: `status` says why."""
        total = 0
        while True:
            others = self._none if self._other is None else (self._other.nodes.keys, self._other.nodes.slots)
            done, self.status, self.node = self._expand(
                self._model, self.nodes, self._notes, self.way, others, n - total, cost, limit
            )
            total += done
            if self.status != FULL:
                return total
            if self.size(2) > self.memory:
                self.status = MEMORY
                return total
            self.nodes = grown(self.nodes)

    def size(self, growth: int = 1) -> int:
        """Return how many bytes the nodes take, or will once they have grown."""
        return size_of(growth * len(self.nodes.states), self._model.width, self.way.by_feature)

    def least(self) -> float:
        """Return a lower bound on the cost of any plan, from a search by cost with weights 1 that has not ended."""
        nodes = self.nodes
        entries = nodes.heap[: nodes.filled[OPEN]]
        waiting = entries[nodes.shut[entries[:, 2].astype(np.int64)] != 1, 0]
        return float(waiting.min()) if len(waiting) else np.inf

    @property
    def optimal(self) -> bool:
        """Whether the first plan found is a cheapest one."""
        way = self.way
        return 0.0 < way.path_weight >= way.bound_weight and not (way.by_changes or way.by_feature or way.once or way.within)

    def line(self, node: int | None = None) -> tuple[int, ...]:
        """Return the actions from a root to `node`, by default that of the search."""
        actions, node, links = [], self.node if node is None else node, self.nodes.links
        while links[node, 0] >= 0:
            actions.append(int(links[node, 1]))
            node = links[node, 0]
        return tuple(reversed(actions))
