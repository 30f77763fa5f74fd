"""The meta-game as compiled solvers see it, and how they ask for payoffs.

A solver keeps the players' mixed strategies as one joint vector, calls `refresh` whenever it has changed a player's part, and reads
`payoff_vector`, which knows the others' strategies as they were last refreshed. Mixing a population is thus done once a change,
not once for each opponent who looks at it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from games.jit import lean, njit
from solvers.psro.core import Core, PolicySet, core_gradient, starts


class MetaGame(NamedTuple):
    """A meta-game: players' policies, the payoffs of the distinct ones, and the mixtures that `refresh` writes.

    `sizes` (players): numbers of policies K_p; `start` (players + 1): where each player's part of a joint strategy vector begins;
    `kind` (joint): the number of every policy among its player's distinct ones; `kinds` (players), `kind_start`: as `sizes` and
    `start`, for those. Either `tensor` holds all players' payoffs, player p's from `tensor_start[p]` on as (others' kinds in order
    of players, own kind), or it is empty and `core` holds the game, with every player's plans from `plan_start[p]` on as (kind,
    class) in `plans` and as (class, kind) in `columns`. `weights` (joint kinds) and `mixture` (joint classes) are what `refresh`
    writes; `values`, `product` and `gradient` are scratch.
    """

    sizes: np.ndarray
    start: np.ndarray
    kind: np.ndarray
    kinds: np.ndarray
    kind_start: np.ndarray
    tensor: np.ndarray
    tensor_start: np.ndarray
    core: Core
    plans: np.ndarray
    columns: np.ndarray
    plan_start: np.ndarray
    weights: np.ndarray
    mixture: np.ndarray
    values: np.ndarray
    product: np.ndarray
    gradient: np.ndarray


def make_meta_game(sets: Sequence[PolicySet], core: Core, tensors: np.ndarray | None) -> MetaGame:
    """Return the meta-game of the populations `sets`, with payoffs in `tensors` (players, kinds of each player) or from `core`."""
    sizes, kinds = [len(s.kind) for s in sets], [len(s.distinct) for s in sets]
    implicit = tensors is None
    flat = [np.moveaxis(t, p, -1).ravel() for p, t in enumerate(tensors)] if tensors is not None else []
    reduced = [s.reduced for s in sets] if implicit else []
    return MetaGame(
        sizes=np.array(sizes),
        start=starts(sizes),
        kind=np.concatenate([s.kind for s in sets]).astype(np.uint32),
        kinds=np.array(kinds),
        kind_start=starts(kinds),
        tensor=np.concatenate(flat) if flat else np.zeros(0),
        tensor_start=starts([t.size for t in flat] or [0] * len(sets)),
        core=core,
        plans=np.concatenate([x.ravel() for x in reduced]) if implicit else np.zeros(0),
        columns=np.concatenate([x.T.ravel() for x in reduced]) if implicit else np.zeros(0),
        plan_start=starts([x.size for x in reduced] or [0] * len(sets)),
        weights=np.zeros(sum(kinds)),
        mixture=np.zeros(int(core.start[-1])),
        values=np.zeros(max(kinds)),
        product=np.zeros(1 if implicit else max(int(np.prod(kinds)) // n for n in kinds)),
        gradient=np.zeros(int(np.diff(core.start).max())),
    )


@lean
def refresh(player, strategies, meta):
    """Take over the player's part of the joint vector `strategies`: its weights of distinct policies and its mixed plan."""
    begin, end = meta.kind_start[player], meta.kind_start[player + 1]
    weights = meta.weights[begin:end]
    weights[:] = 0.0
    for k in range(meta.start[player], meta.start[player + 1]):
        weights[meta.kind[k]] += strategies[k]
    if len(meta.tensor):
        return
    target = meta.mixture[meta.core.start[player] : meta.core.start[player + 1]]
    target[:] = 0.0
    row = meta.plan_start[player]
    for kind in range(len(weights)):
        source = meta.plans[row : row + len(target)]
        for c in range(len(target)):
            target[c] += weights[kind] * source[c]
        row += len(target)


@lean
def payoff_vector(player, meta, out):
    """Write the payoffs of the player's policies against the others' strategies, as last refreshed, to `out` (K_p)."""
    values = meta.values[: meta.kinds[player]]
    if len(meta.tensor):
        contract(player, meta, values)
    else:
        multiply(player, meta, values)
    begin = meta.start[player]
    for k in range(len(out)):
        out[k] = values[meta.kind[begin + k]]


@lean
def contract(player, meta, values):
    """Write the payoffs of the player's distinct policies to `values`, from the tensor."""
    values[:] = 0.0
    product, combos = meta.product, 1
    product[0] = 1.0
    for other in range(len(meta.kinds)):  # products of the others' weights, the last player's index running fastest
        if other == player:
            continue
        size, begin = meta.kinds[other], meta.kind_start[other]
        for c in range(combos - 1, -1, -1):
            weight = product[c]
            for k in range(size):
                product[c * size + k] = weight * meta.weights[begin + k]
        combos *= size
    row = meta.tensor_start[player]
    for c in range(combos):
        weight = product[c]
        if weight != 0.0:
            source = meta.tensor[row : row + len(values)]
            for k in range(len(values)):
                values[k] += weight * source[k]
        row += len(values)


@lean
def multiply(player, meta, values):
    """Write the payoffs of the player's distinct policies to `values`: their plans times the gradient at the others' mixtures."""
    from_class, to_class = meta.core.start[player], meta.core.start[player + 1]
    gradient = meta.gradient[: to_class - from_class]
    core_gradient(player, player, meta.mixture, meta.core, gradient)
    values[:] = 0.0
    row = meta.plan_start[player]
    for c in range(len(gradient)):
        source = meta.columns[row : row + len(values)]
        for k in range(len(values)):
            values[k] += gradient[c] * source[k]
        row += len(values)


@njit
def vector(player, strategies, meta, out):
    """Write the payoffs of the player's policies against the others' parts of the joint vector `strategies` to `out` (K_p)."""
    for other in range(len(meta.sizes)):
        if other != player:
            refresh(other, strategies, meta)
    payoff_vector(player, meta, out)
