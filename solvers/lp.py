"""Exact solution of two-player constant-sum games: the sequence-form linear program (Koller, Megiddo, von Stengel 1994).

    max v[0]   over x >= 0, v   subject to   E x = e,   F' v <= A' x

A is player 0's utility by sequences; E and F say that a plan's mass is kept at every infoset. The dual solution is player 1's
plan, but it is solved for again from player 1's side, which costs little and gives a plan that is feasible in itself. What HiGHS
finds within its absolute tolerances is not yet exact: small games go on in rational arithmetic (`solvers.rational`), others are
checked by exact exploitability and solved again in other ways until it vanishes next to the payoffs.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csc_array, hstack, vstack

from games.errors import GameplanError
from games.sequence_form import SequenceGame
from solvers.exploitability import Evaluator, uniform_policy
from solvers.plans import policy_of
from solvers.rational import MAX_SEQUENCES, Guess, Program, read_payoffs, solve_exactly

TOLERANCE = 1e-9  # exploitability next to half the range of the payoffs that still counts as exact
RATIONAL, CHECKED = "rational arithmetic", "exploitability"


class Solution(NamedTuple):
    """Player 0's value and an equilibrium policy (pairs of both players).

    `proof` says how it is known to be exact: `RATIONAL`, `CHECKED`, or None if it is not.
    """

    value: float
    policy: np.ndarray
    proof: str | None


def solve_zero_sum(game: SequenceGame) -> tuple[float, np.ndarray]:
    """Return player 0's value and an equilibrium policy (pairs of both players) by linear programming.

    Raises
    ------
    GameplanError
        If the game is not two-player constant-sum, or no exact solution was found.
    """
    solution = solve_program(game)
    if solution.proof is None:
        raise GameplanError(f"HiGHS found no exact equilibrium of {game.name}; use a CFR variant, such as cfr+ or vad-cfr")
    return solution.value, solution.policy


def solve_program(game: SequenceGame) -> Solution:
    """Return the best solution that linear programming finds, and how it is known to be exact.

    Raises
    ------
    GameplanError
        If the game is not two-player constant-sum, or HiGHS finds no solution at all.
    """
    if game.players != 2 or game.constant_sum is None:
        _refuse(game)
    constraints = (_constraints(game, 0), _constraints(game, 1))
    payoff, scale = _centred_payoff(game)
    evaluate, best, least = Evaluator(game), None, np.inf
    rational = max(game.actions) <= MAX_SEQUENCES
    for plans, multipliers in _attempts(payoff, *constraints):
        if rational:
            solution = _prove(game, payoff, constraints, plans, multipliers)
            if solution is not None:
                return solution
        policy = np.concatenate([policy_of(game, player, plans[player]) for player in range(2)])
        found = evaluate(policy)
        if found.exploitability <= TOLERANCE * scale:
            return Solution(found.values[0], policy, CHECKED)
        if found.exploitability < least:
            least, best = found.exploitability, Solution(found.values[0], policy, None)
    if best is None:
        raise GameplanError(f"HiGHS found no equilibrium of {game.name}; use a CFR variant, such as cfr+ or vad-cfr")
    return best


def _refuse(game: SequenceGame) -> NoReturn:
    kind = f"has {game.players} player{'s' * (game.players > 1)}" if game.players != 2 else "is general-sum"
    raise GameplanError(
        f"lp solves two-player zero-sum and constant-sum games; {game.name} {kind}: use a CFR variant, such as cfr+ or vad-cfr"
    )


def _constraints(game: SequenceGame, player: int) -> csc_array:
    """Return E: row 0 fixes the empty sequence, row i + 1 says that the actions of infoset i share its parent's mass."""
    infosets = game.player_infosets(player)
    parent, count = game.tree.parent[infosets].astype(np.int64), game.tree.count[infosets].astype(np.int64)
    pairs = game.actions[player]
    row = np.concatenate([[0], np.repeat(np.arange(len(count)) + 1, count), np.arange(len(parent)) + 1])
    column = np.concatenate([[0], np.arange(pairs) + 1, parent])
    value = np.concatenate([[1.0], np.ones(pairs), -np.ones(len(parent))])
    return coo_array((value, (row, column)), shape=(len(parent) + 1, pairs + 1)).tocsc()


def _centred_payoff(game: SequenceGame) -> tuple[csc_array, float]:
    """Return player 0's utility by sequences, divided by its largest entry, and half the range of its payoffs.

    HiGHS's tolerances are absolute, so payoffs that lie far from zero next to their range are moved to it.
    """
    rows = game.rows
    seen = rows.chance > 0.0
    payoffs = rows.utility[0][seen] / rows.chance[seen]
    high, low = payoffs.max(initial=-np.inf), payoffs.min(initial=np.inf)
    middle, half = high / 2.0 + low / 2.0, high / 2.0 - low / 2.0
    entries = rows.utility[0] - middle * rows.chance if abs(middle) > half else rows.utility[0]
    largest = np.abs(entries).max(initial=0.0)
    if largest > 0.0:
        entries = entries / largest
    sizes = [n + 1 for n in game.actions]
    return coo_array((entries, (rows.sequences[:, 0], rows.sequences[:, 1])), shape=sizes).tocsc(), float(half)


def _attempts(payoff: csc_array, own: csc_array, other: csc_array) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    """Yield both players' plans and multipliers, from one way of solving the programs after the other."""
    for balanced, method in ((False, "highs"), (True, "highs"), (True, "highs-ipm")):
        first = _solve(payoff, own, other, balanced, method)
        second = None if first is None else _solve(-payoff.T.tocsc(), other, own, balanced, method)
        if first is not None and second is not None:
            yield [first[0], second[0]], [first[1], second[1]]


def _solve(
    payoff: csc_array, own: csc_array, other: csc_array, balanced: bool, method: str
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the plan x of the maximiser of `payoff` and the values v of the other's infosets, or None if HiGHS finds none."""
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
    return result.x[:sequences] * width[:sequences], result.x[sequences:] * width[sequences:]


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


def _prove(
    game: SequenceGame,
    payoff: csc_array,
    constraints: tuple[csc_array, csc_array],
    plans: list[np.ndarray],
    multipliers: list[np.ndarray],
) -> Solution | None:
    """Return the exact solution near `plans`, rounded to float64 at the end only."""
    rows = game.rows
    places = rows.sequences.tolist()
    entries = [(i, j, value) for (i, j), value in zip(places, read_payoffs(rows.utility[0]), strict=True)]
    own, other = constraints
    program = Program(entries, _entries(own), _entries(other), payoff.shape, (own.shape[0], other.shape[0]))
    slack, loss = payoff.T @ plans[0] - other.T @ multipliers[0], -(payoff @ plans[1]) - own.T @ multipliers[1]
    guess = Guess(plans[0], plans[1], slack, loss)
    optimum = solve_exactly(program, guess)
    if optimum is None:
        return None
    exact = [np.array([float(mass) for mass in plan]) for plan in (optimum.plan, optimum.other)]
    return Solution(float(optimum.value), np.concatenate([policy_of(game, p, plan) for p, plan in enumerate(exact)]), RATIONAL)


def _entries(matrix: csc_array) -> list[tuple[int, int, int]]:
    entries = matrix.tocoo()
    return [(int(i), int(j), int(value)) for i, j, value in zip(*entries.coords, entries.data, strict=True)]


class LPSolver:
    """The linear program in the form of an iterative solver: its one iteration is the whole solution."""

    replays = False

    def __init__(self, game: SequenceGame) -> None:
        if game.players != 2 or game.constant_sum is None:
            _refuse(game)
        self.game = game
        self.iteration = 0
        self._solution = Solution(0.0, uniform_policy(game), None)

    def advance(self, stop: int) -> None:
        """Solve the program, unless it is solved."""
        if self.iteration == 0 and stop > 0:
            self._solution = solve_program(self.game)
            self.iteration = stop

    def average_policy(self) -> np.ndarray:
        """Return the equilibrium policy (pairs of both players)."""
        return self._solution.policy.copy()

    def remarks(self) -> dict[str, Any]:
        """Return player 0's value and how it is known to be exact (null: it is not)."""
        return {"value": self._solution.value, "proof": self._solution.proof}

    def artifacts(self) -> dict[str, dict[str, np.ndarray]]:
        """Return nothing to keep beyond the policy."""
        return {}

    def state(self) -> dict[str, np.ndarray]:
        """Return the policy, the value and the kind of proof."""
        proof = (None, CHECKED, RATIONAL).index(self._solution.proof)
        return {"policy": self._solution.policy, "value": np.array([self._solution.value]), "proof": np.array([proof])}

    def restore(self, iteration: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the solution from a checkpoint; one without a value is an older version's and solved again."""
        if "proof" not in arrays:
            self.advance(iteration)
            return
        proof = (None, CHECKED, RATIONAL)[int(arrays["proof"][0])]
        self._solution = Solution(float(arrays["value"][0]), np.array(arrays["policy"]), proof)
        self.iteration = iteration


make = LPSolver
