"""Equilibrium strategies of matrix games by linear programming."""

import numpy as np

from games.errors import GameplanError


def maximin(payoff: np.ndarray) -> np.ndarray:
    """Return the row player's maximin strategy (rows) in the matrix game `payoff` (rows, columns): max v with x' A >= v.

    Raises
    ------
    GameplanError
        If HiGHS finds none.
    """
    from scipy.optimize import linprog  # a third of a second, which rules that need no program shall not wait for

    rows, columns = payoff.shape
    high, low = payoff.max(), payoff.min()
    middle, half = high / 2.0 + low / 2.0, high / 2.0 - low / 2.0
    if abs(middle) > half:  # HiGHS's tolerances are absolute: what the strategies decide about must not be small next to one
        payoff = payoff - middle
    scale = np.abs(payoff).max() or 1.0
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
