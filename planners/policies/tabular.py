"""The tabular policy and value: one number for every state and action, or state, met; for worlds small enough to meet again.

Numbers are found by the world's `games.process.key`. Those of states never learned from are 0, so an untrained policy is uniform.

Parameters
----------
capacity : states and actions that there is room for; from 1 to 67,108,864
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from games.errors import GameplanError, UsageError
from games.jit import embedded
from games.process import key
from games.random import mix
from games.world import Instance
from planners.evaluator import value
from planners.parts.table import find, insert, new_table
from planners.policies.catalogue import VALUE
from planners.policies.policy import ascend, fit, prefer, worth
from planners.policies.units import units

PARAMS = {"capacity": 1 << 18}


class Tabular(NamedTuple):
    """Numbers by key.

    Attributes
    ----------
    keys, slots : arrays
        A `planners.parts.table` of states, or of states with actions.
    numbers : (capacity,) float64
    filled : (1,) int64
        How many of them there are; when there is no room, what is new is not learned and `filled` grows beyond.
    """

    keys: np.ndarray
    slots: np.ndarray
    numbers: np.ndarray
    filled: np.ndarray


def make(instance: Instance, capacity: int) -> Tabular:
    """Return an empty table for `capacity` numbers."""
    if not 1 <= capacity <= 1 << 26:
        raise UsageError(f"tabular: capacity={capacity} is not possible; legal are 1 to {1 << 26}")
    return Tabular(*new_table(capacity), np.zeros(capacity), np.zeros(1, np.int64))


def check(policy: Tabular) -> None:
    """Raise GameplanError if the table is full."""
    if policy.filled[0] > len(policy.numbers):
        raise GameplanError(f"the table of {len(policy.numbers)} numbers is full; say a larger capacity, or another kind of policy")


def state(policy: Tabular) -> dict[str, np.ndarray]:
    """Return what the table holds: keys, and numbers in the order in which they came in."""
    count = min(int(policy.filled[0]), len(policy.numbers))
    keys = np.zeros(count, np.uint64)
    taken = policy.slots >= 0
    keys[policy.slots[taken]] = policy.keys[taken]
    return {"keys": keys, "numbers": policy.numbers[:count].copy()}


def restore(policy: Tabular, arrays: dict[str, np.ndarray]) -> None:
    """Fill an empty table with what `state` returned."""
    keys, numbers = arrays["keys"], arrays["numbers"]
    if keys.dtype != np.uint64 or numbers.dtype != np.float64 or keys.shape != numbers.shape or keys.ndim != 1:
        raise GameplanError("a table has as many keys (uint64) as numbers (float64)")
    if len(keys) > len(policy.numbers) or len(np.unique(keys)) < len(keys):
        raise GameplanError(f"a table of capacity {len(policy.numbers)} has at most so many keys, all different")
    policy.slots.fill(-1)
    for number, word in enumerate(keys):
        insert(policy.keys, policy.slots, find(policy.keys, policy.slots, word), word, number)
    policy.numbers[:] = 0.0
    policy.numbers[: len(numbers)] = numbers
    policy.filled[0] = len(numbers)


@embedded
def _word(here, action):
    """Return the key of an action in a state. Uncompiled, it is an int of Python, which callers make a word again."""
    return mix(here ^ mix(np.uint64(action)))


@embedded
def _read(table, word):
    slot = table.slots[find(table.keys, table.slots, word)]
    return table.numbers[slot] if slot >= 0 else 0.0


@embedded
def _add(table, word, change):
    place = find(table.keys, table.slots, word)
    if table.slots[place] < 0:
        number = table.filled[0]
        table.filled[0] = min(number + 1, len(table.numbers) + 1)
        if number >= len(table.numbers):
            return
        insert(table.keys, table.slots, place, word, number)
    table.numbers[table.slots[place]] += change


@prefer.of(Tabular)
def _prefer(policy, model, state, actions, count, logits):
    here = np.uint64(key(model, state))
    for k in range(count):
        logits[k] = _read(policy, np.uint64(_word(here, actions[k])))


@ascend.of(Tabular)
def _ascend(policy, model, state, actions, count, slopes, rate):
    here = np.uint64(key(model, state))
    for k in range(count):
        if slopes[k] != 0.0:
            _add(policy, np.uint64(_word(here, actions[k])), rate * slopes[k])


@worth.of(Tabular)
def _worth(table, model, state):
    return _read(table, np.uint64(key(model, state)))


@fit.of(Tabular)
def _fit(table, model, state, error, rate):
    _add(table, np.uint64(key(model, state)), rate * error)


@value.of(Tabular)
def _value(evaluator, model, state, rng, cost):
    return _read(evaluator, np.uint64(key(model, state)))


def describe(policy: Any) -> str:
    """Return the size in words."""
    return f"{int(policy.filled[0]):,} numbers"


def shape(instance: Instance) -> dict[str, Any]:
    """Return what a stored table must agree with: the states of a world have its keys only."""
    return {"world": instance.world.name if instance.world is not None else instance.name, **units(instance)}


def in_units(
    role: str, unit: float, params: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the params and arrays of a stored table where all rewards are `unit` times as large: its numbers are, as values."""
    return dict(params), {**arrays, "numbers": arrays["numbers"] * unit} if role == VALUE else dict(arrays)
