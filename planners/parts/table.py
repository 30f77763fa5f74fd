"""A hash table from 64-bit keys to numbers, for search trees and transpositions: open addressing, linear probing, in arrays.

`keys` (uint64) and `slots` (int32, -1: empty) have a power of two of places, at least twice as many as entries. Clearing is filling
`slots` with -1: size tables to the search, not to the machine.
"""

import numpy as np

from games.jit import lean, njit


def new_table(entries: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (keys, slots) of an empty table for up to `entries` entries."""
    places = 1 << max(4, int(2 * entries - 1).bit_length())
    return np.zeros(places, np.uint64), np.full(places, -1, np.int32)


@lean
def find(keys, slots, key):
    """Return the place of `key`: where it is, or the empty place where it belongs (``slots[place] == -1``)."""
    mask = np.uint64(len(keys) - 1)
    place = (key ^ (key >> np.uint64(32))) & mask
    while slots[place] >= 0 and keys[place] != key:
        place = (place + np.uint64(1)) & mask
    return np.int64(place)


@lean
def insert(keys, slots, place, key, number):
    """Put `key` with `number` at the empty `place` that `find` returned."""
    keys[place] = key
    slots[place] = number


@njit
def copy_table(keys, slots, new_keys, new_slots):
    """Put all entries of a table into another, which has room for them, in place."""
    for k in range(len(slots)):
        if slots[k] >= 0:
            insert(new_keys, new_slots, find(new_keys, new_slots, keys[k]), keys[k], slots[k])
