"""One player's side of a sequence-form linear program: the best plan against an opponent who may play anything.

    max v[0]   over x >= 0, v   subject to   E x = e,   F' v <= A' x

x is what the player mixes, A its utility by that and the opponent's sequences, and F says that an opponent's plan keeps its mass at
every infoset; v are the values of the opponent's infosets. With E of `constraints` x is a realisation plan (Koller, Megiddo, von
Stengel 1994; `solvers.lp`); with one row of ones it is a mixture of policies (`solvers.psro.unrestricted`).
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csc_array, hstack, vstack

from games.sequence_form import SequenceGame

WAYS = ((False, "highs"), (True, "highs"), (True, "highs-ipm"))  # of solving a program, the cheapest first: balanced, method


class Payoff(NamedTuple):
    """Player 0's utility in a constant-sum game, as programs want it.

    Attributes
    ----------
    matrix : (sequences of player 0, sequences of player 1) sparse array
        In multiples of its largest entry.
    unit : float
        That entry, in units of payoff.
    half : float
        Half the range of the payoffs.
    """

    matrix: csc_array
    unit: float
    half: float


class Side(NamedTuple):
    """What HiGHS finds.

    `x` is the plan or mixture of the maximiser, `v` has the values of the other's infosets, the root's first, and `y`, the dual
    solution, is the other's plan (sequences): a best response to `x` against which nothing is better than `x`.
    """

    x: np.ndarray
    v: np.ndarray
    y: np.ndarray


def constraints(game: SequenceGame, player: int) -> csc_array:
    """Return E: row 0 fixes the empty sequence, row i + 1 says that the actions of infoset i share its parent's mass."""
    infosets = game.player_infosets(player)
    parent, count = game.tree.parent[infosets].astype(np.int64), game.tree.count[infosets].astype(np.int64)
    pairs = game.actions[player]
    row = np.concatenate([[0], np.repeat(np.arange(len(count)) + 1, count), np.arange(len(parent)) + 1])
    column = np.concatenate([[0], np.arange(pairs) + 1, parent])
    value = np.concatenate([[1.0], np.ones(pairs), -np.ones(len(parent))])
    return coo_array((value, (row, column)), shape=(len(parent) + 1, pairs + 1)).tocsc()


def centred_payoff(game: SequenceGame) -> Payoff:
    """Return player 0's utility by sequences.

    HiGHS's tolerances are absolute, so payoffs that lie far from zero next to their range are moved to it.
    """
    rows = game.rows
    seen = rows.chance > 0.0
    payoffs = rows.utility[0][seen] / rows.chance[seen]
    high, low = payoffs.max(initial=-np.inf), payoffs.min(initial=np.inf)
    middle, half = high / 2.0 + low / 2.0, high / 2.0 - low / 2.0
    entries = rows.utility[0] - middle * rows.chance if abs(middle) > half else rows.utility[0]
    largest = float(np.abs(entries).max(initial=0.0)) or 1.0
    entries = entries / largest
    sizes = [n + 1 for n in game.actions]
    matrix = coo_array((entries, (rows.sequences[:, 0], rows.sequences[:, 1])), shape=sizes).tocsc()
    return Payoff(matrix, largest, float(half))


def solve_side(payoff: csc_array, own: csc_array, other: csc_array, balanced: bool, method: str) -> Side | None:
    """Return the maximiser's side for `payoff` (A) and the constraints `own` (E) and `other` (F); None if HiGHS finds none.

    The first row of `own` makes one, the others make zeros.
    """
    sequences, values = own.shape[1], other.shape[0]
    matrix = vstack([hstack([own, csc_array((own.shape[0], values))]), hstack([-payoff.T, other.T])]).tocsc()
    height, width = _balance(matrix) if balanced else (np.ones(matrix.shape[0]), np.ones(matrix.shape[1]))
    matrix = csc_array(matrix.multiply(height[:, None]).multiply(width[None, :]))
    cut = own.shape[0]
    objective = np.zeros(sequences + values)
    objective[sequences] = -1.0
    result = linprog(
        objective,
        A_ub=matrix[cut:],
        b_ub=np.zeros(other.shape[1]),
        A_eq=matrix[:cut],
        b_eq=np.concatenate([[height[0]], np.zeros(cut - 1)]),
        bounds=np.array([(0.0, np.inf)] * sequences + [(-np.inf, np.inf)] * values),
        method=method,
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if not result.success:
        return None
    solution = result.x * width
    return Side(solution[:sequences], solution[sequences:], -result.ineqlin.marginals * height[cut:])


def _balance(matrix: csc_array) -> tuple[np.ndarray, np.ndarray]:
    """Return factors of rows and columns, powers of two, that bring all entries of `matrix` close to one.

    HiGHS takes entries below 1e-9 for zero, and chance alone makes such payoffs in large games.
    """
    entries = matrix.tocoo()
    row, column = entries.coords
    size = np.log2(np.abs(entries.data), out=np.zeros(len(entries.data)), where=entries.data != 0.0)
    factors = [np.zeros(n) for n in matrix.shape]
    for _ in range(4):
        for axis, index in enumerate((row, column)):
            scaled = size + factors[0][row] + factors[1][column]
            high, low = np.full(matrix.shape[axis], -np.inf), np.full(matrix.shape[axis], np.inf)
            np.maximum.at(high, index, scaled)
            np.minimum.at(low, index, scaled)
            factors[axis] -= np.where(np.isfinite(high), np.round((high + low) / 2.0), 0.0)
    return np.exp2(factors[0]), np.exp2(factors[1])
