"""The random graph of the knowledge-graph walk: layers of live, plain and trap nodes between a root and a goal."""

from typing import NamedTuple

import numpy as np

from games.jit import embedded, njit
from games.random import below, normal, unit

ROOT, LIVE, PLAIN, TRAP, GOAL = range(5)  # kinds of nodes
LIVE_EDGE, PLAIN_EDGE, ENTRY, INSIDE, RECOVERY, EXIT = range(6)  # kinds of edges
MEANS = np.array([0.55, 0.40, 0.62, 0.50, 0.55, 0.40])  # mean local score of each kind of edge


class Recipe(NamedTuple):
    """The numbers of a random graph; `games.graphs.kg_walk` says what each means and what it may be.

    Attributes
    ----------
    L, b : int
        Layers, and successors of a node.
    p : float
        Chance that a successor is live.
    n_live, n_plain, n_trap : int
        Nodes of each kind in a layer.
    n_entry : int
        Trap entries at the root.
    rho : float
        Chance of a recovery edge or an exit.
    sigma_l : float
        Standard deviation of local scores.
    n_rel : int
        Types of relations.
    connected : bool
        Plain nodes lead on to live ones.
    """

    L: int
    b: int
    p: float
    n_live: int
    n_plain: int
    n_trap: int
    n_entry: int
    rho: float
    sigma_l: float
    n_rel: int
    connected: bool


def node_kinds(L: int, n_live: int, n_plain: int, n_trap: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the kind and the layer of every node: the root, layers 1 to L - 1, the leaves of layer L, the goal."""
    layer_kinds = [LIVE] * n_live + [PLAIN] * n_plain + [TRAP] * n_trap
    leaves = [PLAIN] * n_plain + [TRAP] * n_trap
    kinds = [ROOT] + layer_kinds * (L - 1) + leaves + [GOAL]
    layers = [0] + [i for i in range(1, L) for _ in layer_kinds] + [L] * len(leaves) + [L]
    return np.array(kinds, np.int64), np.array(layers, np.int64)


@embedded
def _place(L, n_live, n_plain, n_trap, kind, layer, j):
    """Return the number of node `j` of a kind in a layer."""
    begin = 1 + (layer - 1) * (n_live + n_plain + n_trap)
    if kind == LIVE:
        return begin + j
    if layer < L:
        begin += n_live
    return begin + j if kind == PLAIN else begin + n_plain + j


@njit
def _sample(rng, values, count, wanted):
    """Write `wanted` different numbers of 0 .. count - 1, uniformly drawn, to the front of `values`, in random order."""
    for k in range(count):
        values[k] = k
    for k in range(wanted):
        other = k + below(rng, count - k)
        values[k], values[other] = values[other], values[k]


@njit
def grow(rng, recipe, kinds, layers):
    """Return (first, target, edge kinds, local scores, relations) of a random graph; `rng` is advanced.

    `kinds` and `layers` as from `node_kinds`, `recipe` the fields of a `Recipe`.
    """
    L, b, p, n_live, n_plain, n_trap, n_entry, rho, sigma_l, n_rel, connected = recipe
    n, goal = len(kinds), len(kinds) - 1
    most = n * (b + 1)
    first, target, types = np.zeros(n + 1, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    local, relation = np.empty(most), np.empty(most, np.int64)
    pool, order = np.empty(max(n_live, n_plain, n_trap), np.int64), np.empty(b + 1, np.int64)
    out, out_types = np.empty(b + 1, np.int64), np.empty(b + 1, np.int64)
    m = 0
    for node in range(n):
        kind, i, count = kinds[node], layers[node], 0
        if i < L and kind != TRAP:  # the main successors, live ones first
            wanted = b - n_entry if kind == ROOT else b
            if kind != PLAIN or (connected and i <= L - 2):
                live = 0
                for _ in range(b):
                    live += unit(rng) < p
                live = max(1, min(live, n_live, wanted))
                if i + 1 < L:
                    _sample(rng, pool, n_live, live)
                for j in range(live):
                    out[count] = goal if i + 1 == L else _place(L, n_live, n_plain, n_trap, LIVE, i + 1, pool[j])
                    out_types[count] = LIVE_EDGE
                    count += 1
            _sample(rng, pool, n_plain, wanted - count)
            for j in range(wanted - count):
                out[count] = _place(L, n_live, n_plain, n_trap, PLAIN, i + 1, pool[j])
                out_types[count] = PLAIN_EDGE
                count += 1
            if kind == PLAIN and unit(rng) < rho:
                out[count - 1] = _place(L, n_live, n_plain, n_trap, LIVE, i, below(rng, n_live))
                out_types[count - 1] = RECOVERY
        if kind == ROOT or (kind == TRAP and i < L):
            wanted = n_entry if kind == ROOT else b
            _sample(rng, pool, n_trap, wanted)
            for j in range(wanted):
                out[count] = _place(L, n_live, n_plain, n_trap, TRAP, i + 1, pool[j])
                out_types[count] = ENTRY if kind == ROOT else INSIDE
                count += 1
            if kind == TRAP and unit(rng) < rho:
                out[count] = _place(L, n_live, n_plain, n_trap, LIVE, 1, below(rng, n_live))
                out_types[count] = EXIT
                count += 1
        _sample(rng, order, count, count)
        for k in range(count):
            target[m], types[m] = out[order[k]], out_types[order[k]]
            local[m] = min(max(MEANS[types[m]] + sigma_l * normal(rng), 0.0), 1.0)
            relation[m] = below(rng, n_rel)
            m += 1
        first[node + 1] = m
    return first, target[:m].copy(), types[:m].copy(), local[:m].copy(), relation[:m].copy()


@njit
def normals(rng, n):
    """Return `n` standard normal variates; `rng` is advanced."""
    values = np.empty(n)
    for k in range(n):
        values[k] = normal(rng)
    return values
