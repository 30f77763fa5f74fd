"""Perfect equilibria: what equilibria become when hands tremble ever less (Selten 1975).

Every action at every infoset has the same floor, a least probability, and CFR+ plays with floors that fall
(`solvers.cfr.rules.perturbed_cfr_plus`; Farina, Kroer, Sandholm 2017); the answer is its average policy, sensible also where nobody
should come. In two-player zero-sum games that goes to a perfect equilibrium; in others it does if the residual goes to zero: the
most that somebody who is at an infoset could gain there by another choice, in units of payoff, within the floor and all else as it
is.

Parameters
----------
floor : least probability of every action at first; above 0
decay : exponent with which the floor falls; above 0
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from games.params import Value
from games.sequence_form import SequenceGame
from solvers.cfr.rule_file import shipped_rule
from solvers.cfr.solver import CFRSolver
from solvers.counterfactual import counterfactual

PARAMS: dict[str, Value] = {"floor": 0.1, "decay": 0.25}


class PerfectSolver(CFRSolver):
    """CFR+ with falling floors, which says how far its answer is from a perfect one."""

    def __init__(self, game: SequenceGame, params: Mapping[str, Value]) -> None:
        rule = shipped_rule("perturbed-cfr+", "solvers.cfr.rules.perturbed_cfr_plus")
        super().__init__(game, rule, {**rule.params, **params})

    def floors(self) -> np.ndarray:
        """Return the present floor of every infoset's actions (infosets of all players)."""
        floor = float(self._params.floor) * max(self.iteration, 1) ** -float(self._params.decay)
        return np.minimum(floor, 0.5 / self.game.tree.count)

    def residual(self) -> float:
        """Return the most that is to be gained at an infoset by the best choice there that keeps the floor."""
        game, floors, gains = self.game, self.floors(), [0.0]
        for player, worth in enumerate(counterfactual(game, self.average_policy())):
            infosets = game.player_infosets(player)
            first, count = game.tree.first[infosets].astype(np.int64), game.tree.count[infosets].astype(np.int64)
            if not len(first):
                continue
            floor, best = floors[infosets], np.maximum.reduceat(worth.regrets, first)
            gain = (1.0 - count * floor) * best + floor * np.add.reduceat(worth.regrets, first)
            gains.append(float(np.max(gain / np.where(worth.reach > 0.0, worth.reach, np.inf))))
        return max(gains)

    def remarks(self) -> dict[str, Any]:
        """Return the largest floor and the residual."""
        return {"floor": float(self.floors().max(initial=0.0)), "residual": self.residual()}


def make(game: SequenceGame, params: Mapping[str, Value]) -> PerfectSolver:
    """Return a solver for `game` with a value for each of `PARAMS`."""
    return PerfectSolver(game, params)
