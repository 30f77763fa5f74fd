"""The compiled graph: successors in rows of one array, and what a step and a node are worth.

A state is a node number; an action is the number of an edge that leaves it, so that parallel edges are different actions.
"""

from typing import NamedTuple

import numpy as np

from games.jit import embedded, njit
from games.process import apply, distance, enumerable, exact, goal, legal, outlook, potential, score, terminal


class GraphModel(NamedTuple):
    """A directed multigraph with n nodes and m edges as a deterministic process.

    The edges that leave node s are ``first[s]`` to ``first[s + 1] - 1``, in the order in which planners see them.

    Attributes
    ----------
    width, actions, outcomes : int
        1, the most edges that leave one node, and 0 (`games.process`).
    first : (n + 1,) int64
    target, relation : (m,) int64
        Where an edge leads and the type that it is labelled with.
    gain, local : (m,) float64
        The reward of a step and its local score l(s, a).
    worth : (n,) float64
        The exact value of a trajectory that ends at this node, if no edge leaves it.
    goals : (n,) bool
    remote : (n,) float64
        Steps to the nearest goal, infinite if there is no way.
    bias : (n,) float64
        Error of the heuristic at this node.
    near, fade, far, sight, share, cap : float
        The heuristic R(tau) of an unfinished trajectory: ``share * phi + (1 - share) * mean l(tau) + bias``, clipped to [0, cap],
        where phi is ``near * exp(-(remote - 1) / fade)`` at the end if the goal is at most `sight` steps away, else `far`.
    """

    width: int
    actions: int
    outcomes: int
    first: np.ndarray
    target: np.ndarray
    relation: np.ndarray
    gain: np.ndarray
    local: np.ndarray
    worth: np.ndarray
    goals: np.ndarray
    remote: np.ndarray
    bias: np.ndarray
    near: float
    fade: float
    far: float
    sight: float
    share: float
    cap: float


@legal.of(GraphModel)
def _legal(model, state, actions):
    begin, end = model.first[state[0]], model.first[state[0] + 1]
    for edge in range(begin, end):
        actions[edge - begin] = edge
    return end - begin


@apply.of(GraphModel)
def _apply(model, state, action):
    state[0] = model.target[action]
    return model.gain[action]


@terminal.of(GraphModel)
def _terminal(model, state):
    return model.first[state[0]] == model.first[state[0] + 1]


@goal.of(GraphModel)
def _goal(model, state):
    return model.goals[state[0]]


@exact.of(GraphModel)
def _exact(model, state):
    return model.worth[state[0]]


@score.of(GraphModel)
def _score(model, state, action, after, reward):
    return model.local[action]


@potential.of(GraphModel)
def _potential(model, root, state):
    node = state[0]
    return min(max(_phi(model, node) + model.bias[node], 0.0), model.cap)


@outlook.of(GraphModel)
def _outlook(model, trajectory, length):
    node, mean = trajectory.states[length, 0], 0.0
    for t in range(length):
        mean += trajectory.scores[t] / length
    return min(max(model.share * _phi(model, node) + (1.0 - model.share) * mean + model.bias[node], 0.0), model.cap)


@distance.of(GraphModel)
def _distance(model, state):
    return model.remote[state[0]]


@embedded
def _phi(model, node):
    d = model.remote[node]
    return model.near * np.exp(-(d - 1.0) / model.fade) if d <= model.sight else model.far


@njit
def distances(first, target, goals):
    """Return for every node the steps to the nearest goal (float64, infinite if there is no way)."""
    n = len(first) - 1
    remote = np.full(n, np.inf)
    for node in range(n):
        if goals[node]:
            remote[node] = 0.0
    changed = True
    while changed:  # edges mostly lead to higher numbers: a few passes from the back
        changed = False
        for node in range(n - 1, -1, -1):
            for edge in range(first[node], first[node + 1]):
                d = remote[target[edge]] + 1.0
                if d < remote[node]:
                    remote[node] = d
                    changed = True
    return remote


@enumerable.of(GraphModel)
def _enumerable(model):
    return True
