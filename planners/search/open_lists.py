"""Open lists in arrays: a binary heap of entries, in which a node may occur more than once, and skew heaps, one for every feature.

Skew heaps need two links a node and are merged in amortised logarithmic time (Sleator & Tarjan 1986).
"""

import numpy as np

from games.jit import lean

LISTS = 512  # features from here on share the last list


@lean
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


@lean
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


@lean
def first_list(heads, turn):
    """Return the list whose turn it is: the first from `turn` on that has nodes; -1 if none has."""
    for k in range(LISTS):
        at = (turn + k) % LISTS
        if heads[at] >= 0:
            return at
    return -1


@lean
def merged(costs, way, branches, a, b):
    """Return the root of the skew heap that holds the nodes of two, whose roots (or -1) are given; `branches` change in place.

    `costs` (nodes, 2) has g and h, weighed by `way`: the smallest sum first, ties by smaller h, then later made.
    """
    if a < 0 or b < 0:
        return max(a, b)
    if _before(costs, way, b, a):
        a, b = b, a
    root = above = a
    rest = branches[a, 1]
    branches[a, 1] = branches[a, 0]
    while rest >= 0:
        if _before(costs, way, b, rest):
            rest, b = b, rest
        branches[above, 0] = rest
        above, rest = rest, branches[rest, 1]
        branches[above, 1] = branches[above, 0]
    branches[above, 0] = b
    return root


@lean
def _before(costs, way, a, b):
    first = way.path_weight * costs[a, 0] + way.bound_weight * costs[a, 1]
    second = way.path_weight * costs[b, 0] + way.bound_weight * costs[b, 1]
    if first != second:
        return first < second
    return costs[a, 1] < costs[b, 1] or (costs[a, 1] == costs[b, 1] and a > b)
