"""Payoffs of the meta-game, the game whose actions are the policies of a population.

What a meta-strategy solver needs is the payoff vector of a player against mixed strategies of the others. Two players keep their
matrices. With more, the tensor grows with the product of the populations; it is kept while a pass over it costs no more than one
over the terminal rows that the populations tell apart (`solvers.psro.core`), from which the vector is computed beyond.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np

from games.errors import GameplanError
from games.sequence_form import SequenceGame
from solvers.psro.core import Core, PolicySet, build_core, fibres, whole_core
from solvers.psro.meta_game import MetaGame, make_meta_game, vector
from solvers.psro.unrestricted import LeastExploitable, least_exploitable

MEMORY_LIMIT = 1 << 30  # bytes of all players' tensors


class Payoffs:
    """The meta-game of growing populations, as Python-level solvers see it."""

    def __init__(self, game: SequenceGame, memory_limit: int = MEMORY_LIMIT) -> None:
        self.game = game
        self.memory_limit = memory_limit
        merging = game.players > 2  # two players pass over the rows four times an iteration, which merging would not repay
        self._sets = [PolicySet(n + 1, merging) for n in game.actions]
        self._core: Core | None = None if merging else whole_core(game.rows, self._sets)
        self._tensors: np.ndarray | None = np.zeros((game.players,) + (0,) * game.players)
        self._meta: MetaGame | None = None
        self._least: dict[int, LeastExploitable] = {}

    @classmethod
    def of(cls, game: SequenceGame, populations: Sequence[np.ndarray]) -> "Payoffs":
        """Return the payoffs of given populations (policies, sequences), one a player, without tensors."""
        payoffs = cls(game)
        payoffs._tensors = None
        for policies, plans in zip(payoffs._sets, populations, strict=True):
            for plan in plans:
                policies.append(plan)
        return payoffs

    @property
    def sizes(self) -> list[int]:
        """The numbers of policies of the players."""
        return [len(s.kind) for s in self._sets]

    def mixture(self, player: int, weights: np.ndarray) -> np.ndarray:
        """Return the realisation plan of the player's policies mixed by `weights` (K_p)."""
        return self._sets[player].mixture(weights)

    @property
    def populations(self) -> list[np.ndarray]:
        """The players' policies as realisation plans (policies, sequences)."""
        return [s.plans for s in self._sets]

    @property
    def kinds(self) -> list[np.ndarray]:
        """The number of every policy among its player's distinct ones, per player; equal policies share one."""
        return [s.kind for s in self._sets]

    @property
    def is_tensor(self) -> bool:
        """Whether the payoffs are kept as tensors."""
        return self._tensors is not None

    def extend(self, plans: Sequence[np.ndarray]) -> None:
        """Add policies of every player, given as one realisation plan (sequences) or several (policies, sequences)."""
        before = self._shape
        for policies, new in zip(self._sets, plans, strict=True):
            for plan in new.reshape(-1, policies.sequences):
                policies.append(plan)
        self._meta = None
        self._least = {}
        if self._shape == before:
            return
        if self.game.players > 2:
            self._core = None
            if self._tensors is not None and not self._tensor_pays:
                self._tensors = None
        if self._tensors is not None:
            self._tensors = self._filled(self._tensors)

    def vector(self, player: int, strategies: Sequence[np.ndarray]) -> np.ndarray:
        """Return the payoffs of the player's policies (K_p) against the others' mixed strategies (one array a player)."""
        out = np.zeros(self.sizes[player])
        vector(player, np.concatenate(strategies), self.meta, out)
        return out

    def least_exploitable(self, player: int) -> LeastExploitable:
        """Return the player's mixture that an opponent who may play anything gains least against, and an answer to it.

        For two-player constant-sum games; see `solvers.psro.unrestricted`.

        Raises
        ------
        GameplanError
            If HiGHS finds none.
        """
        if player not in self._least:
            self._least[player] = least_exploitable(self.game, player, self._sets[player].plans)
        return self._least[player]

    def tensor(self, player: int) -> np.ndarray:
        """Return the player's payoffs for all joint policies, shape (K_0, ..., K_(N-1)).

        Raises
        ------
        GameplanError
            If the tensors of all players would be larger than the memory limit.
        """
        self._check_memory(self.sizes)
        return self.distinct_tensors()[player][np.ix_(*self.kinds)]

    def distinct_tensors(self) -> np.ndarray:
        """Return all players' payoffs for all joint distinct policies, shape (players, kinds of player 0, ...).

        Raises
        ------
        GameplanError
            If they would be larger than the memory limit.
        """
        if self._tensors is not None:
            return self._tensors
        self._check_memory(self._shape)
        return self._filled(np.zeros((self.game.players,) + (0,) * self.game.players))

    @property
    def core(self) -> Core:
        """The terminal rows, merged where the populations allow it."""
        if self._core is None:
            self._core = build_core(self.game.rows, self._sets)
        return self._core

    @property
    def meta(self) -> MetaGame:
        """The meta-game for compiled solvers."""
        if self._meta is None:
            self._meta = make_meta_game(self._sets, self.core, self._tensors)
        return self._meta

    @property
    def _shape(self) -> list[int]:
        return [len(s.distinct) for s in self._sets]

    @property
    def _tensor_pays(self) -> bool:
        """Whether tensors fit and cost no more than rows, of which each other player's factor costs as much as two entries."""
        entries = float(np.prod(self._shape, dtype=np.float64))
        fits = 8.0 * self.game.players * entries <= self.memory_limit
        return fits and entries <= 2.0 * (self.game.players - 1) * len(self.core.term)

    def _check_memory(self, sizes: Sequence[int]) -> None:
        need = 8.0 * self.game.players * float(np.prod(sizes, dtype=np.float64))
        if need > self.memory_limit:
            raise GameplanError(
                f"the payoff tensors of {self.game.players} players with {max(sizes)} policies each need "
                f"{need / 2**30:.1f} GiB, more than the limit of {self.memory_limit / 2**30:.1f} GiB; "
                "use payoffs.vector(player, strategies), which needs none"
            )

    def _filled(self, known: np.ndarray) -> np.ndarray:
        """Return all players' tensors of the present populations, of which `known` holds a first part."""
        old, new, players = known.shape[1:], self._shape, self.game.players
        full = np.zeros((players, *new))
        full[(slice(None), *(slice(n) for n in old))] = known
        core, reduced = self.core, [s.reduced for s in self._sets]
        gradient = np.zeros(int(np.diff(core.start).max()))
        plans = np.zeros(int(core.start[-1]))
        constant = self.game.constant_sum if players == 2 else None
        for newest in range(players):  # joint policies in which it is the last player with a policy that is not known
            spans = [range(old[p] if p == newest else 0, new[p] if p <= newest else old[p]) for p in range(players)]
            by = (newest + 1) % players
            others = [p for p in range(players) if p != by]
            values = np.zeros((players if constant is None else 1, len(spans[by])))
            for combo in product(*(spans[p] for p in others)):
                index: list[slice | int] = [slice(None), *(slice(span.start, span.stop) for span in spans)]
                for other, k in zip(others, combo, strict=True):
                    plans[core.start[other] : core.start[other + 1]] = reduced[other][k]
                    index[1 + other] = k
                fibres(by, plans, core, reduced[by][spans[by].start : spans[by].stop], gradient, values)
                full[tuple(index)] = values if constant is None else [values[0], constant - values[0]]
        return full
