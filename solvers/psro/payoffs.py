"""Payoffs of the meta-game, the game whose actions are the policies of a population.

What a meta-strategy solver needs is the payoff vector of a player against mixed strategies of the others. Two players keep their
matrices. With more, the tensor has K^N entries, so it is kept only while K^(N - 1) is below the number of terminal rows; beyond,
the vector is ``X_p @ gradient_p(plans of the others' mixtures)`` and nothing is kept.
"""

from typing import NamedTuple

import numpy as np

from games.errors import GameplanError
from games.jit import njit
from games.sequence_form import Blocks, SequenceGame, Tree
from solvers.exploitability import buffer_size
from solvers.kernels import gradient

MEMORY_LIMIT = 1 << 30  # bytes of all players' tensors


class MetaGame(NamedTuple):
    """A meta-game for compiled solvers.

    `sizes` (players): numbers of policies K_p; `start` (players + 1): where each player's part of a joint strategy vector
    begins; `tensor`: all players' payoffs, player p's from `tensor_start[p]` on as (others' policies in order of players, own
    policy), or empty; `population`: all players' plans, player p's from `population_start[p]` on as (policy, sequence). The
    rest is the game and scratch memory.
    """

    sizes: np.ndarray
    start: np.ndarray
    tensor: np.ndarray
    tensor_start: np.ndarray
    population: np.ndarray
    population_start: np.ndarray
    tree: Tree
    blocks: Blocks
    plan: np.ndarray
    q: np.ndarray
    buffer: np.ndarray
    weights: np.ndarray


@njit
def mix(player, strategies, meta):
    """Write the mixture of the player's plans under its part of `strategies` to ``meta.plan``."""
    begin = meta.tree.action_start[player] + player
    sequences = meta.tree.action_start[player + 1] - meta.tree.action_start[player] + 1
    target = meta.plan[begin : begin + sequences]
    target[:] = 0.0
    for k in range(meta.sizes[player]):
        weight = strategies[meta.start[player] + k]
        if weight != 0.0:
            row = meta.population_start[player] + k * sequences
            source = meta.population[row : row + sequences]
            for s in range(sequences):
                target[s] += weight * source[s]


@njit
def dot(x, y):
    """Return the sum of products, always summed in the same order (BLAS's depends on sizes and threads); four running sums."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    whole = len(y) - len(y) % 4
    for s in range(0, whole, 4):
        a += x[s] * y[s]
        b += x[s + 1] * y[s + 1]
        c += x[s + 2] * y[s + 2]
        d += x[s + 3] * y[s + 3]
    for s in range(whole, len(y)):
        a += x[s] * y[s]
    return (a + b) + (c + d)


@njit
def products(population, q):
    """Return the dot product of every row of `population` with `q`."""
    out = np.zeros(len(population))
    for k in range(len(population)):
        out[k] = dot(population[k], q)
    return out


@njit
def payoff_vector(player, strategies, meta, out):
    """Write the payoffs of the player's policies against the others' mixed `strategies` (joint vector) to `out` (K_p)."""
    players = len(meta.sizes)
    if len(meta.tensor) == 0:
        for other in range(players):
            if other != player:
                mix(other, strategies, meta)
        sequences = meta.tree.action_start[player + 1] - meta.tree.action_start[player] + 1
        q = meta.q[:sequences]
        gradient(player, meta.plan, meta.blocks, meta.tree, meta.buffer, q)
        for k in range(meta.sizes[player]):
            row = meta.population_start[player] + k * sequences
            out[k] = meta.blocks.unit[0] * dot(meta.population[row : row + sequences], q)
        return
    own = meta.sizes[player]
    out[:] = 0.0
    combos = 1
    weights = meta.weights
    weights[0] = 1.0
    for other in range(players):  # products of the others' probabilities, the last player's index running fastest
        if other == player:
            continue
        size = meta.sizes[other]
        for c in range(combos - 1, -1, -1):
            for k in range(size - 1, -1, -1):
                weights[c * size + k] = weights[c] * strategies[meta.start[other] + k]
        combos *= size
    for c in range(combos):
        weight = weights[c]
        if weight != 0.0:
            row = meta.tensor_start[player] + c * own
            values = meta.tensor[row : row + own]
            for k in range(own):
                out[k] += weight * values[k]


@njit
def cross_gradient(player, by, plan, sequences, utility, plan_start, out):
    """Write the gradient of `player`'s utility in the plan of `by` to `out` (sequences of `by`), row by row."""
    players = sequences.shape[1]
    out[:] = 0.0
    for row in range(len(sequences)):
        value = utility[player, row]
        for other in range(players):
            if other != by:
                value *= plan[plan_start[other] + sequences[row, other]]
        out[sequences[row, by]] += value


class Payoffs:
    """The meta-game of growing populations, as Python-level solvers see it.

    Attributes
    ----------
    sizes : list of int
        Numbers of policies, per player.
    """

    def __init__(self, game: SequenceGame, memory_limit: int = MEMORY_LIMIT) -> None:
        self.game = game
        self.memory_limit = memory_limit
        self.populations: list[np.ndarray] = [np.zeros((0, n + 1)) for n in game.actions]
        self._tensors: list[np.ndarray] | None = [np.zeros((0,) * game.players) for _ in game.actions]
        self._plan_start = game.tree.action_start + np.arange(game.players + 1)
        self._plan = np.zeros(int(self._plan_start[-1]))
        self._q = np.zeros(max(game.actions) + 1)
        self._buffer = np.zeros((3, buffer_size(game)))
        self._meta: MetaGame | None = None

    @property
    def sizes(self) -> list[int]:
        """The numbers of policies of the players."""
        return [len(population) for population in self.populations]

    @property
    def is_tensor(self) -> bool:
        """Whether the payoffs are kept as tensors."""
        return self._tensors is not None

    def extend(self, plans: list[np.ndarray]) -> None:
        """Add one policy per player, given as realisation plans."""
        self.populations = [np.vstack([x, plan]) for x, plan in zip(self.populations, plans, strict=True)]
        self._meta = None
        size, players = self.sizes[0], self.game.players
        if players > 2 and (size ** (players - 1) > len(self.game.rows.chance) or self._tensor_bytes(size) > self.memory_limit):
            self._tensors = None
        if self._tensors is not None:
            self._tensors = [self._extended(player) for player in range(players)]

    def forget(self) -> None:
        """Drop the tensors and whatever was prepared for compiled solvers, after `populations` was replaced from outside."""
        self._tensors, self._meta = None, None

    def vector(self, player: int, strategies: list[np.ndarray]) -> np.ndarray:
        """Return the payoffs of the player's policies (K_p) against the others' mixed strategies (one array a player)."""
        out = np.zeros(self.sizes[player])
        payoff_vector(player, np.concatenate(strategies), self.meta, out)
        return out

    def tensor(self, player: int) -> np.ndarray:
        """Return the player's payoffs for all joint policies, shape (K_0, ..., K_(N-1)).

        Raises
        ------
        GameplanError
            If the tensors of all players would be larger than the memory limit.
        """
        if self._tensors is not None:
            return self._tensors[player].copy()
        size = self.sizes[0]
        if self._tensor_bytes(size) > self.memory_limit:
            raise GameplanError(
                f"the payoff tensors of {self.game.players} players with {size} policies each need "
                f"{self._tensor_bytes(size) / 2**30:.1f} GiB, more than the limit of {self.memory_limit / 2**30:.1f} GiB; "
                "use payoffs.vector(player, strategies), which needs none"
            )
        full = np.zeros(self.sizes)
        for combo in np.ndindex(*(n for p, n in enumerate(self.sizes) if p != player)):
            self._fibre(full, player, player, combo)
        return full

    @property
    def meta(self) -> MetaGame:
        """The meta-game for compiled solvers."""
        if self._meta is None:
            sizes, players = np.array(self.sizes), self.game.players
            flat = [np.moveaxis(t, p, -1).ravel() for p, t in enumerate(self._tensors)] if self._tensors is not None else []
            combos = max(int(sizes.prod() // n) for n in sizes) if flat else 1
            self._meta = MetaGame(
                sizes=sizes,
                start=_starts(sizes),
                tensor=np.concatenate(flat) if flat else np.zeros(0),
                tensor_start=_starts([t.size for t in flat] or [0] * players),
                population=np.concatenate([x.ravel() for x in self.populations]),
                population_start=_starts([x.size for x in self.populations]),
                tree=self.game.tree,
                blocks=self.game.blocks,
                plan=self._plan,
                q=self._q,
                buffer=self._buffer,
                weights=np.zeros(combos),
            )
        return self._meta

    def _tensor_bytes(self, size: int) -> int:
        return 8 * self.game.players * size**self.game.players

    def _extended(self, player: int) -> np.ndarray:
        """Return the player's tensor with the entries of the newest policies filled in, fibre by fibre."""
        assert self._tensors is not None
        sizes, players = self.sizes, self.game.players
        old = [n - 1 for n in sizes]
        full = np.zeros(sizes)
        full[tuple(slice(n) for n in old)] = self._tensors[player]
        others = [p for p in range(players) if p != player]
        for combo in np.ndindex(*(sizes[p] for p in others)):
            if any(k == old[p] for k, p in zip(combo, others, strict=True)):
                self._fibre(full, player, player, combo)
        if players > 1:  # own new policy against the others' old ones: fibres along another player
            by = others[0]
            rest = [p for p in range(players) if p != by]
            for combo in np.ndindex(*(1 if p == player else old[p] for p in rest)):
                fixed = tuple(old[p] if p == player else k for k, p in zip(combo, rest, strict=True))
                self._fibre(full, player, by, fixed, stop=old[by])
        elif full.size:
            self._fibre(full, player, player, ())
        return full

    def _fibre(self, full: np.ndarray, player: int, by: int, combo: tuple[int, ...], stop: int | None = None) -> None:
        """Fill the player's payoffs along the policies of `by`, the others playing the policies in `combo`."""
        rest = [p for p in range(self.game.players) if p != by]
        for other, k in zip(rest, combo, strict=True):
            self._plan[self._plan_start[other] : self._plan_start[other + 1]] = self.populations[other][k]
        population = self.populations[by][:stop]
        q = self._q[: population.shape[1]]
        if by == player:
            gradient(player, self._plan, self.game.blocks, self.game.tree, self._buffer, q)
            q *= self.game.blocks.unit[0]
        else:
            rows = self.game.rows
            cross_gradient(player, by, self._plan, rows.sequences, rows.utility, self._plan_start, q)
        index: list[int | slice] = [slice(stop)] * self.game.players
        for other, k in zip(rest, combo, strict=True):
            index[other] = k
        full[tuple(index)] = products(population, q)


def _starts(sizes: np.ndarray | list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
