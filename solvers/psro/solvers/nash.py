"""Nash: an equilibrium of the meta-game by linear programming; with it PSRO is double oracle (McMahan, Gordon, Blum 2003)."""

import numpy as np
from scipy.optimize import linprog

from games.errors import GameplanError

STATE: dict = {}


def train(payoffs, iteration):
    """Return equilibrium strategies of a two-player zero-sum game."""
    game = payoffs.game
    if game.players != 2 or not game.zero_sum:
        kind = f"has {game.players} players" if game.players != 2 else "is general-sum"
        raise GameplanError(
            f"nash solves two-player zero-sum meta-games; {game.name} {kind}: use shor, rm, prd, fp, hedge, alpharank or uniform"
        )
    payoff = payoffs.tensor(0)
    return [_maximin(payoff), _maximin(-payoff.T)]


def _maximin(payoff):
    """Return the row player's maximin strategy: max v with x' A >= v."""
    rows, columns = payoff.shape
    scale = max(np.abs(payoff).max(), 1e-300)
    result = linprog(
        np.append(np.zeros(rows), -1.0),
        A_ub=np.hstack([-payoff.T / scale, np.ones((columns, 1))]),
        b_ub=np.zeros(columns),
        A_eq=np.append(np.ones(rows), 0.0)[None, :],
        b_eq=[1.0],
        bounds=[(0.0, None)] * rows + [(None, None)],
        method="highs",
    )
    if not result.success:
        raise GameplanError(f"HiGHS found no equilibrium of the meta-game: {result.message}; use rm, prd or shor")
    x = np.maximum(result.x[:rows], 0.0)
    return x / x.sum()


evaluate = train
