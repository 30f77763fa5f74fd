"""The memory of values: a bounded store from 64-bit keys to numbers, the oldest entry out when it is full.

Lives for one episode. Two kinds of keys name what a value depends on: EXACT, the root of the plan and everything that happened
from there to the end, and END, the end state alone. With an exact key and a deterministic evaluator a memory changes nothing but
the cost. Exact values of goals and dead states never enter it, and discounts are applied to what comes out.
"""

from typing import NamedTuple

import numpy as np

from games.jit import embedded
from games.process import key
from games.random import mix

KINDS = ("none", "exact", "end")
NONE, EXACT, END = range(3)


class Memory(NamedTuple):
    """A ring of entries, found by hash chains.

    Attributes
    ----------
    kind : int
        NONE, EXACT or END.
    names : (capacity,) uint64
    recalled : (capacity,) float64
        Keys and values; entry n of the episode stands at place n modulo the capacity.
    heads : (a power of two,) int32
    older : (capacity,) int32
        Chains of equal hashes from the youngest entry to the oldest; -1 ends a chain.
    totals : (3,) int64
        How many values were put in, found, and not found.
    """

    kind: int
    names: np.ndarray
    recalled: np.ndarray
    heads: np.ndarray
    older: np.ndarray
    totals: np.ndarray


def new_memory(kind: str = "exact", capacity: int = 200) -> Memory:
    """Return an empty memory; of kind NONE if there is no room at all."""
    if capacity < 1:
        kind, capacity = "none", 1
    return Memory(
        KINDS.index(kind),
        np.zeros(capacity, np.uint64),
        np.zeros(capacity),
        np.full(1 << (2 * capacity - 1).bit_length(), -1, np.int32),
        np.full(capacity, -1, np.int32),
        np.zeros(3, np.int64),
    )


@embedded
def memory_key(kind, model, states, actions, length):
    """Return the key (uint64) that names what the value of a trajectory's first `length` steps depends on."""
    h = key(model, states[length])
    if kind == EXACT:
        h = mix(h ^ mix(key(model, states[0])))
        for t in range(length):
            h = mix(h ^ np.uint64(actions[t]))
            if model.outcomes > 0:
                h = mix(h ^ key(model, states[t + 1]))
    return h


@embedded
def recall(memory, name):
    """Return the place of the entry called `name` (uint64), -1 if there is none, and count it."""
    place = memory.heads[np.int64(name & np.uint64(len(memory.heads) - 1))]
    while place >= 0 and memory.names[place] != name:
        place = memory.older[place]
    memory.totals[1 if place >= 0 else 2] += 1
    return place


@embedded
def remember(memory, name, value):
    """Put `value` in under `name`, which is not there yet; the oldest entry makes room for it."""
    capacity = len(memory.names)
    place = memory.totals[0] % capacity
    if memory.totals[0] >= capacity:  # the oldest entry is the last of its chain
        bucket = np.int64(memory.names[place] & np.uint64(len(memory.heads) - 1))
        if memory.heads[bucket] == place:
            memory.heads[bucket] = -1
        else:
            before = memory.heads[bucket]
            while memory.older[before] != place:
                before = memory.older[before]
            memory.older[before] = -1
    bucket = np.int64(name & np.uint64(len(memory.heads) - 1))
    memory.names[place], memory.recalled[place] = name, value
    memory.older[place] = memory.heads[bucket]
    memory.heads[bucket] = place
    memory.totals[0] += 1
