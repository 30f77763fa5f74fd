"""Small deterministic worlds solved exactly: every state that can be reached, and the best return from it in the steps left."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from games.dispatch import suited
from games.errors import GameplanError, UsageError
from games.jit import njit
from games.process import apply, exact, goal, key, legal, score
from games.world import Instance
from planners.parts.table import find, insert, new_table

TOLERANCE = 1e-9  # sums of rewards in another order differ by rounding


class Reach(NamedTuple):
    """What can be reached, as a graph of states and edges: the edges of state s are ``first[s]`` to ``first[s + 1] - 1``.

    Attributes
    ----------
    states : (states, width) int64
    first : (states + 1,) int64
    actions, target : (edges,) int64
        The id of the action, and the state that it leads to.
    gain, local : (edges,) float64
        Its reward and its local score.
    worth : (states,) float64
        The exact value of a state in which nothing can be done, else 0.
    goals : (states,) bool
    """

    states: np.ndarray
    first: np.ndarray
    actions: np.ndarray
    target: np.ndarray
    gain: np.ndarray
    local: np.ndarray
    worth: np.ndarray
    goals: np.ndarray


@njit
def explore(model, reach, keys, slots):
    """Number all states that can be reached from ``states[0]``, breadth first; return (states, edges), the former -1 without room.

    Fills the arrays of `reach`, the fields of a `Reach`, and the table of `keys` and `slots` with the numbers of the states.
    """
    states, first, actions, target, gain, local, worth, goals = reach
    found, m, s = 1, 0, 0
    insert(keys, slots, find(keys, slots, key(model, states[0])), key(model, states[0]), 0)
    options, after = np.empty(model.actions, np.int64), np.empty(states.shape[1], np.int64)
    while s < found:
        goals[s] = goal(model, states[s])
        count = legal(model, states[s], options)
        if count == 0:
            worth[s] = exact(model, states[s])
        for j in range(count):
            if found == len(states) or m == len(actions):
                return -1, m
            after[:] = states[s]
            gain[m] = apply(model, after, options[j])
            local[m] = score(model, states[s], options[j], after, gain[m])
            name = key(model, after)
            place = find(keys, slots, name)
            if slots[place] < 0:
                insert(keys, slots, place, name, found)
                states[found] = after
                found += 1
            actions[m], target[m] = options[j], slots[place]
            m += 1
        s += 1
        first[s] = m
    return found, m


@dataclass
class Solution:
    """The reachable states of an instance as a `graph`, and its solution by backward dynamic programming.

    States are ordered first by the best return, then by the steps to a goal that it takes: all actions that are best in both are
    optimal. `keys` and `slots` find the number of a state (`planners.parts.table`).
    """

    model: Any
    graph: Reach
    keys: np.ndarray
    slots: np.ndarray
    layers: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    converged: bool = False

    def number(self, state: np.ndarray) -> int:
        """Return the number of `state`."""
        return int(suited(number_of, self.model)(self.model, state, self.keys, self.slots))

    def values(self, steps_left: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Return V* and the steps to a goal (infinite if the best return reaches none) of all states, with so many steps left."""
        if not self.layers:
            zero = np.zeros(len(self.graph.states))
            self.layers.append((zero, np.where(self.graph.goals, 0.0, np.inf)))
        while not self.converged and (steps_left is None or len(self.layers) <= steps_left):
            if steps_left is None and len(self.layers) > len(self.graph.states) + 1:
                raise GameplanError("the best return grows with every further step; give the instance a horizon")
            v, d = backup(self.graph.first, self.graph.target, self.graph.gain, *self.layers[-1])
            self.converged = bool((v == self.layers[-1][0]).all() and (d == self.layers[-1][1]).all())
            if not self.converged:
                self.layers.append((v, d))
        return self.layers[-1 if steps_left is None else min(steps_left, len(self.layers) - 1)]

    def choices(self, state: np.ndarray, steps_left: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return (actions, local scores, Q*, steps to a goal) of the legal actions, with so many steps left, at least 1."""
        s, graph = self.number(state), self.graph
        edges = slice(graph.first[s], graph.first[s + 1])
        v, d = self.values(None if steps_left is None else steps_left - 1)
        target = graph.target[edges]
        return graph.actions[edges], graph.local[edges], graph.gain[edges] + v[target], d[target] + 1.0

    def optimal(self, state: np.ndarray, steps_left: int | None) -> np.ndarray:
        """Return which of the legal actions are optimal (bool)."""
        _, _, q, d = self.choices(state, steps_left)
        best = q >= q.max() - TOLERANCE
        optimal: np.ndarray = best & (d == d[best].min())
        return optimal


@njit
def number_of(model, state, keys, slots):
    """Return the number of `state` in a table of states."""
    return slots[find(keys, slots, key(model, state))]


def backup(
    first: np.ndarray, target: np.ndarray, gain: np.ndarray, v: np.ndarray, d: np.ndarray, discount: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best return and the steps to a goal with one step more than `v` and `d`; ended states keep what they have."""
    inner = np.flatnonzero(first[1:] > first[:-1])
    v, d, q, steps = v.copy(), d.copy(), gain + discount * v[target], d[target] + 1.0
    if len(inner):
        starts = first[inner]
        v[inner] = np.maximum.reduceat(q, starts)
        best = q >= np.repeat(v, np.diff(first)) - TOLERANCE
        d[inner] = np.minimum.reduceat(np.where(best, steps, np.inf), starts)
    return v, d


def solve(instance: Instance, objective: str = "rewards", limit: int = 500_000) -> Solution:
    """Return the solution of a small deterministic instance.

    Parameters
    ----------
    objective : {"rewards", "goals"}
        The return: the sum of rewards, or the exact value of the state in which the episode ends.
    limit : int
        Most states.

    Raises
    ------
    UsageError
        For a stochastic world, or one with more states.
    """
    model = instance.model
    if model.outcomes:
        raise UsageError(f"instance {instance.name} is stochastic; only deterministic worlds are solved exactly here")
    room = 1 << 8
    while True:
        room = min(room, limit)
        edges = min(room, 64) * model.actions + 8 * room
        reach = Reach(
            np.zeros((room, model.width), np.int64), np.zeros(room + 1, np.int64), np.zeros(edges, np.int64),
            np.zeros(edges, np.int64), np.zeros(edges), np.zeros(edges), np.zeros(room), np.zeros(room, np.bool_),
        )  # fmt: skip
        reach.states[0] = instance.start
        keys, slots = new_table(room)
        n, m = suited(explore, model)(model, tuple(reach), keys, slots)  # numba is slow to find a record's type
        if n >= 0:
            break
        if room == limit:
            raise UsageError(f"instance {instance.name} has more than {limit:,} states, too many to be solved exactly")
        room *= 4
    states, first, actions, target, gain, local, worth, goals = reach
    if objective == "goals":
        gain = np.where(np.diff(first)[target] == 0, worth[target], 0.0)
    graph = Reach(states[:n], first[: n + 1], actions[:m], target[:m], gain[:m], local[:m], worth[:n], goals[:n])
    return Solution(model, graph, keys, slots)
