"""Best-first search of a deterministic world, in pieces: nodes, an open list, a table of states seen.

Nodes are taken in the order of ``path_weight * g + bound_weight * h``: g the cost from the root, h the world's lower bound on what
is left (`games.process.bound`), ties by smaller h, then later made. Nodes to which a cheaper way is found are opened again, so A*
is optimal for every admissible h. Sources: Hart, Nilsson & Raphael 1968; Pohl 1970.
"""

from typing import Any, NamedTuple

import numpy as np

from games.dispatch import suited
from games.jit import embedded, njit
from games.process import bound, distance, goal, key, notes, successors
from planners.budget import EVALUATIONS, EXPANSIONS, TRANSITIONS, spent
from planners.parts.table import copy_table, find, insert

RUNNING, SOLVED, EXHAUSTED, LIMITED, FULL, MEMORY, DEPTH = range(7)  # DEPTH: longer plans than searched for may exist
FIRST_NODES = 1 << 11  # room at first: clearing a large table takes longer than most searches
NODES, OPEN, BEST = range(3)  # positions in Nodes.filled


class Nodes(NamedTuple):
    """Search nodes in arrays; node 0 is the root.

    `links` (capacity, 2) has the parent and the action from it, `costs` (capacity, 2) g and h; `shut` is 1 for a node that was
    expanded and not opened again. `heap` (places, 3) is a binary heap of (priority, h less a serial number, node), in which a node
    may occur more than once. `keys` and `slots` are a `planners.parts.table`. `filled` counts nodes and heap entries and has the
    node of least h.
    """

    states: np.ndarray
    links: np.ndarray
    costs: np.ndarray
    shut: np.ndarray
    heap: np.ndarray
    keys: np.ndarray
    slots: np.ndarray
    filled: np.ndarray


def new_nodes(capacity: int, width: int) -> Nodes:
    """Return empty nodes for `capacity` (a power of two) states of `width` words."""
    return Nodes(
        np.empty((capacity, width), np.int64),
        np.empty((capacity, 2), np.int64),
        np.empty((capacity, 2), np.float64),
        np.empty(capacity, np.int8),
        np.empty((2 * capacity, 3), np.float64),
        np.empty(2 * capacity, np.uint64),
        np.full(2 * capacity, -1, np.int32),
        np.zeros(3, np.int64),
    )


def size_of(capacity: int, width: int) -> int:
    """Return how many bytes nodes for `capacity` states of `width` words take."""
    return capacity * (8 * width + 105)


def grown(nodes: Nodes) -> Nodes:
    """Return a copy of `nodes` with twice the room, four times while they are few."""
    capacity = len(nodes.states) * (4 if len(nodes.states) < 1 << 16 else 2)
    more = new_nodes(capacity, nodes.states.shape[1])
    filled = int(nodes.filled[NODES])
    for old, new in zip(nodes[:4], more[:4], strict=True):
        new[:filled] = old[:filled]
    more.heap[: nodes.filled[OPEN]] = nodes.heap[: nodes.filled[OPEN]]
    more.filled[:] = nodes.filled
    copy_table(nodes.keys, nodes.slots, more.keys, more.slots)
    return more


@embedded
def push_heap(heap, size, priority, tie, node):
    """Put an entry into the binary heap of `size` entries, in place."""
    place = size
    while place > 0:
        above = (place - 1) >> 1
        if heap[above, 0] < priority or (heap[above, 0] == priority and heap[above, 1] <= tie):
            break
        heap[place, 0], heap[place, 1], heap[place, 2] = heap[above, 0], heap[above, 1], heap[above, 2]
        place = above
    heap[place, 0], heap[place, 1], heap[place, 2] = priority, tie, node


@embedded
def pop_heap(heap, size):
    """Take the first entry out of the heap of `size` entries, in place; return its node."""
    first, last = heap[0, 2], size - 1
    priority, tie, node = heap[last, 0], heap[last, 1], heap[last, 2]
    place = 0
    while True:
        below = 2 * place + 1
        if below >= last:
            break
        other = below + 1
        if other < last and (
            heap[other, 0] < heap[below, 0] or (heap[other, 0] == heap[below, 0] and heap[other, 1] < heap[below, 1])
        ):
            below = other
        if priority < heap[below, 0] or (priority == heap[below, 0] and tie <= heap[below, 1]):
            break
        heap[place, 0], heap[place, 1], heap[place, 2] = heap[below, 0], heap[below, 1], heap[below, 2]
        place = below
    heap[place, 0], heap[place, 1], heap[place, 2] = priority, tie, node
    return np.int64(first)


@njit
def new_notes(model):
    """Return `games.process.notes`."""
    return notes(model)


@njit
def begin(model, nodes, state, bound_weight):
    """Make `state` the root of the empty `nodes`, in place; one without a way to a goal is not opened."""
    h = distance(model, state)
    nodes.states[0] = state
    nodes.links[0, 0], nodes.links[0, 1] = -1, -1
    nodes.costs[0, 0], nodes.costs[0, 1], nodes.shut[0] = 0.0, h, 0
    k = key(model, state)
    insert(nodes.keys, nodes.slots, find(nodes.keys, nodes.slots, k), k, 0)
    nodes.filled[NODES], nodes.filled[OPEN], nodes.filled[BEST] = 1, 0, 0
    if h < np.inf:
        push_heap(nodes.heap, 0, bound_weight * h, h, 0)
        nodes.filled[OPEN] = 1


@njit
def expand(model, nodes, kept, path_weight, bound_weight, n, cost, limit):
    """Expand up to `n` nodes in place; return (how many, status, node of the goal or of least h).

    A goal that is next in line and an empty open list are noticed without a further expansion, so `n` as many as it took suffice.
    """
    states, links, costs, shut, heap, keys, slots = (
        nodes.states, nodes.links, nodes.costs, nodes.shut, nodes.heap, nodes.keys, nodes.slots,
    )  # fmt: skip
    count, size, best = nodes.filled[NODES], nodes.filled[OPEN], nodes.filled[BEST]
    actions, prices = np.empty(model.actions, np.int64), np.empty(model.actions)
    after, after_keys = np.empty((model.actions + 1, model.width), np.int64), np.empty(model.actions, np.uint64)
    done, status = 0, RUNNING
    while True:
        while size > 0 and shut[np.int64(heap[0, 2])] == 1:
            pop_heap(heap, size)
            size -= 1
        if size == 0:
            status = EXHAUSTED
            break
        node = np.int64(heap[0, 2])
        if goal(model, states[node]):
            status, best = SOLVED, node
            break
        if done == n:
            break
        if spent(cost, limit):
            status = LIMITED
            break
        if count + model.actions > len(states) or size + model.actions > len(heap):
            status = FULL
            break
        pop_heap(heap, size)
        size -= 1
        shut[node] = 1
        done += 1
        found = successors(model, states[node], kept, actions, prices, after, after_keys)
        cost[EXPANSIONS] += 1
        cost[TRANSITIONS] += found
        for k in range(found):
            g = costs[node, 0] + prices[k]
            place = find(keys, slots, after_keys[k])
            child = slots[place]
            if child < 0:
                child = count
                count += 1
                insert(keys, slots, place, after_keys[k], child)
                h = bound(model, states[node], actions[k], after[k], kept)
                cost[EVALUATIONS] += 1
                states[child] = after[k]
                costs[child, 1], shut[child] = h, 0
                if h == np.inf:
                    shut[child] = 2  # no way to a goal: never opened
                elif h < costs[best, 1]:
                    best = child
            elif g >= costs[child, 0] or (path_weight == 0.0 and shut[child] == 1):
                continue
            costs[child, 0] = g
            links[child, 0], links[child, 1] = node, actions[k]
            if shut[child] != 2:
                shut[child] = 0
                h = costs[child, 1]
                push_heap(heap, size, path_weight * g + bound_weight * h, h - count * 2.0**-40, child)
                size += 1
    nodes.filled[NODES], nodes.filled[OPEN], nodes.filled[BEST] = count, size, best
    return done, status, best


class Search:
    """One search from one root, which can be stopped and continued; `status` is where it stands, `node` the goal or least h.

    Parameters
    ----------
    model, state : record or Python model, array
        Of a deterministic world.
    path_weight, bound_weight : float
        Order of expansion.
    memory : int
        Most bytes of the nodes.
    """

    def __init__(self, model: Any, state: np.ndarray, path_weight: float, bound_weight: float, memory: int) -> None:
        self.nodes = new_nodes(max(FIRST_NODES, 1 << model.actions.bit_length()), model.width)
        self.status, self.node = RUNNING, 0
        self._model, self._weights, self._memory = model, (path_weight, bound_weight), memory
        self._notes, self._expand = suited(new_notes, model)(model), suited(expand, model)
        suited(begin, model)(model, self.nodes, state, bound_weight)

    def advance(self, n: int, cost: np.ndarray, limit: np.ndarray) -> int:
        """Expand up to `n` more nodes, adding to `cost` up to `limit`; return how many. Fewer than `n`: `status` says why."""
        total = 0
        while True:
            done, self.status, self.node = self._expand(
                self._model, self.nodes, self._notes, *self._weights, n - total, cost, limit
            )
            total += done
            if self.status != FULL:
                return total
            if size_of(4 * len(self.nodes.states), self._model.width) > self._memory:
                self.status = MEMORY
                return total
            self.nodes = grown(self.nodes)

    def line(self) -> tuple[int, ...]:
        """Return the actions from the root to `node`."""
        actions, node, links = [], self.node, self.nodes.links
        while links[node, 0] >= 0:
            actions.append(int(links[node, 1]))
            node = links[node, 0]
        return tuple(reversed(actions))
