"""What is learned by playing: how far the play so far, as it happened, is from a correlated equilibrium.

The average policies of more than two players, or of players who do not fight over a constant sum, need not be near anything. The
*play* is: draw an iteration at random, and let everybody play what they played then. How much somebody could gain by playing
anything else throughout, instead, is the gap to a coarse correlated equilibrium (Moulin & Vial 1978), which regret minimisers
close; with a response to every strategy of one's own that is recommended it is that to a correlated equilibrium (Aumann 1974) of
the normal form. Both are sums over the players, in units of payoff; who would lose by any other play has no gap.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from games.errors import GameplanError
from games.jit import njit
from games.sequence_form import SequenceGame
from solvers.exploitability import buffer_size
from solvers.kernels import best_response_value, gradient, refresh_plan
from solvers.plans import plan_of

MAX_STRATEGIES = 500  # pure strategies of a player, up to which the gap to a correlated equilibrium is computed


@njit
def _add(tree, blocks, sigma, plan, reach, q, buffer, gains, earned):
    """Add each player's gradient against what the others play to `gains` (sequences), and what it earned to `earned` (players)."""
    players = len(tree.action_start) - 1
    for player in range(players):
        a, b = tree.action_start[player], tree.action_start[player + 1]
        i, j = tree.infoset_start[player], tree.infoset_start[player + 1]
        own = plan[a + player : b + player + 1]
        refresh_plan(sigma[a:b], tree.parent[i:j], tree.first[i:j], tree.count[i:j], own, reach[i:j])
    for player in range(players):
        a, b = tree.action_start[player], tree.action_start[player + 1]
        g = q[: b - a + 1]
        gradient(player, plan, blocks, tree, buffer, g)
        for s in range(len(g)):
            earned[player] += blocks.unit[0] * g[s] * plan[a + player + s]
            gains[a + player + s] += blocks.unit[0] * g[s]


class Play:
    """The play so far of a game.

    Attributes
    ----------
    count : int
        Profiles of policies played.
    """

    def __init__(self, game: SequenceGame) -> None:
        self.game, self.count = game, 0
        size = sum(game.actions) + game.players
        self._gains, self._earned, self._plan = np.zeros(size), np.zeros(game.players), np.zeros(size)
        self._reach, self._q = np.zeros(sum(game.infosets)), np.zeros(max(game.actions) + 1)
        self._buffer = np.zeros((3, buffer_size(game)))
        strategies = [pure_strategies(game, player) for player in range(game.players)]
        self._strategies = [found for found in strategies if found is not None]
        if len(self._strategies) < game.players:
            self._strategies = []
        self._recommended = [np.zeros((len(found), found.shape[1] + 1)) for found in self._strategies]

    def add(self, policy: np.ndarray) -> None:
        """Add a profile of policies (pairs of all players) that was played."""
        before = [self._gains[own].copy() for own in self._parts()] if self._strategies else []
        game = self.game
        _add(game.tree, game.blocks, policy, self._plan, self._reach, self._q, self._buffer, self._gains, self._earned)
        self.count += 1
        for player, (own, old) in enumerate(zip(self._parts(), before, strict=False)):
            self._recommended[player] += np.outer(self._likelihood(player, policy), self._gains[own] - old)

    def gaps(self) -> dict[str, float]:
        """Return ``cce_gap``, and ``ce_gap`` of small games; nothing before the first play."""
        if not self.count:
            return {}
        best = [self._best(player, self._gains[own]) for player, own in enumerate(self._parts())]
        found = {"cce_gap": sum(max(gain - had, 0.0) for gain, had in zip(best, self._earned.tolist(), strict=True)) / self.count}
        if self._strategies:
            total = 0.0
            for player, (strategies, worth) in enumerate(zip(self._strategies, self._recommended, strict=True)):
                for strategy, gain in zip(strategies, worth, strict=True):
                    total += self._best(player, gain) - float(plan_of(self.game, player, strategy) @ gain)
            found["ce_gap"] = total / self.count
        return found

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays from which `restore` goes on with the same bits."""
        recommended = {f"recommended_{player}": worth for player, worth in enumerate(self._recommended)}
        return {"gains": self._gains, "earned": self._earned, "count": np.array([float(self.count)]), **recommended}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from the arrays of `state`.

        Raises
        ------
        GameplanError
            If they are not of this game.
        """
        mine = self.state()
        if {name: array.shape for name, array in arrays.items()} != {name: array.shape for name, array in mine.items()}:
            raise GameplanError(f"the checkpoint does not belong to {self.game.name}; start a new run")
        for name, array in mine.items():
            array[:] = arrays[name]
        self.count = int(arrays["count"][0])

    def _parts(self) -> list[slice]:
        """Return where every player's sequences are among those of all."""
        game = self.game
        return [slice(own.start + p, own.stop + p + 1) for p in range(game.players) for own in [game.player_actions(p)]]

    def _best(self, player: int, gain: np.ndarray) -> float:
        infosets, tree = self.game.player_infosets(player), self.game.tree
        value: float = best_response_value(gain.copy(), tree.parent[infosets], tree.first[infosets], tree.count[infosets])
        return value

    def _likelihood(self, player: int, policy: np.ndarray) -> np.ndarray:
        """Return how likely a policy is to draw each of the player's pure strategies: its action at each infoset."""
        own = policy[self.game.player_actions(player)]
        likelihood: np.ndarray = np.where(self._strategies[player] > 0.0, own, 1.0).prod(axis=1)
        return likelihood


def pure_strategies(game: SequenceGame, player: int) -> np.ndarray | None:
    """Return the player's pure strategies as policies (strategies, pairs), one action an infoset; None if they are too many."""
    infosets = game.player_infosets(player)
    first, count = (part[infosets].astype(np.int64).tolist() for part in (game.tree.first, game.tree.count))
    if np.prod(count, dtype=np.float64) > MAX_STRATEGIES:
        return None
    chosen = list(product(*(range(begin, begin + actions) for begin, actions in zip(first, count, strict=True))))
    policies = np.zeros((len(chosen), game.actions[player]))
    for policy, played in zip(policies, chosen, strict=True):
        policy[list(played)] = 1.0
    return policies


class Watched:
    """A solver whose play is watched: it goes on one iteration at a time, and its remarks have the gaps of `Play`.

    All else is the solver's own.
    """

    def __init__(self, solver: Any) -> None:
        self._solver, self._play = solver, Play(solver.game)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._solver, name)

    def advance(self, stop: int) -> None:
        """Run up to and including iteration `stop`; what an iteration begins with is what is played in it."""
        if self._solver.iteration >= stop:
            self._solver.advance(stop)
        while self._solver.iteration < stop:
            played = self._solver.current_policy()
            self._solver.advance(self._solver.iteration + 1)
            self._play.add(played)

    def remarks(self) -> dict[str, Any]:
        """Return what the solver has to say, and the gaps."""
        return {**self._solver.remarks(), **self._play.gaps()}

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays of the solver and of the play."""
        return {**self._solver.state(), **{f"play.{name}": array for name, array in self._play.state().items()}}

    def restore(self, iteration: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on after `iteration` from the arrays of `state`."""
        play = {name.removeprefix("play."): array for name, array in arrays.items() if name.startswith("play.")}
        self._play.restore(play)
        self._solver.restore(iteration, {name: array for name, array in arrays.items() if not name.startswith("play.")})
