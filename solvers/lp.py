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
from scipy.sparse import csc_array

from games.errors import GameplanError
from games.sequence_form import SequenceGame
from solvers.exploitability import Evaluator, uniform_policy
from solvers.plans import policy_of
from solvers.rational import MAX_SEQUENCES, Guess, Program, read_payoffs, solve_exactly
from solvers.sequence_program import WAYS, centred_payoff, constraints, solve_side

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
    sides = (constraints(game, 0), constraints(game, 1))
    payoff, _, scale = centred_payoff(game)
    evaluate, best, least = Evaluator(game), None, np.inf
    rational = max(game.actions) <= MAX_SEQUENCES
    for plans, multipliers in _attempts(payoff, *sides):
        if rational:
            solution = _prove(game, payoff, sides, plans, multipliers)
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


def _attempts(payoff: csc_array, own: csc_array, other: csc_array) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    """Yield both players' plans and multipliers, from one way of solving the programs after the other."""
    for way in WAYS:
        first = solve_side(payoff, own, other, *way)
        second = None if first is None else solve_side(-payoff.T.tocsc(), other, own, *way)
        if first is not None and second is not None:
            yield [first.x, second.x], [first.v, second.v]


def _prove(
    game: SequenceGame,
    payoff: csc_array,
    sides: tuple[csc_array, csc_array],
    plans: list[np.ndarray],
    multipliers: list[np.ndarray],
) -> Solution | None:
    """Return the exact solution near `plans`, rounded to float64 at the end only."""
    rows = game.rows
    places = rows.sequences.tolist()
    entries = [(i, j, value) for (i, j), value in zip(places, read_payoffs(rows.utility[0]), strict=True)]
    own, other = sides
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
