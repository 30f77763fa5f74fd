"""Exact solution of two-player zero-sum games: the sequence-form linear program (Koller, Megiddo, von Stengel 1994).

    max v[0]   over x >= 0, v   subject to   E x = e,   F' v <= A' x

A is player 0's utility by sequences; E and F say that a plan's mass is kept at every infoset. The dual solution is player 1's
plan, but it is solved for again from player 1's side, which costs little and gives a plan that is feasible in itself.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csc_array, hstack

from games.errors import GameplanError
from games.sequence_form import SequenceGame
from solvers.exploitability import uniform_policy
from solvers.plans import policy_of


def solve_zero_sum(game: SequenceGame) -> tuple[float, np.ndarray]:
    """Return player 0's value and an equilibrium policy (pairs of both players) by linear programming with HiGHS.

    Raises
    ------
    GameplanError
        If the game is not two-player zero-sum, or HiGHS finds no solution.
    """
    if game.players != 2 or not game.zero_sum:
        _refuse(game)
    sizes = [n + 1 for n in game.actions]
    rows = game.rows
    payoff = coo_array((rows.utility[0], (rows.sequences[:, 0], rows.sequences[:, 1])), shape=sizes).tocsc()
    constraints = [_constraints(game, player) for player in range(2)]
    value, first = _solve(payoff, constraints[0], constraints[1])
    _, second = _solve(-payoff.T.tocsc(), constraints[1], constraints[0])
    return value, np.concatenate([policy_of(game, 0, first), policy_of(game, 1, second)])


def _refuse(game: SequenceGame) -> NoReturn:
    kind = f"has {game.players} player{'s' * (game.players > 1)}" if game.players != 2 else "is general-sum"
    raise GameplanError(f"lp solves two-player zero-sum games; {game.name} {kind}: use a CFR variant, such as cfr+ or vad-cfr")


def _constraints(game: SequenceGame, player: int) -> csc_array:
    """Return E: row 0 fixes the empty sequence, row i + 1 says that the actions of infoset i share its parent's mass."""
    infosets = game.player_infosets(player)
    parent, count = game.tree.parent[infosets].astype(np.int64), game.tree.count[infosets].astype(np.int64)
    pairs = game.actions[player]
    row = np.concatenate([[0], np.repeat(np.arange(len(count)) + 1, count), np.arange(len(parent)) + 1])
    column = np.concatenate([[0], np.arange(pairs) + 1, parent])
    value = np.concatenate([[1.0], np.ones(pairs), -np.ones(len(parent))])
    return coo_array((value, (row, column)), shape=(len(parent) + 1, pairs + 1)).tocsc()


def _solve(payoff: csc_array, own: csc_array, other: csc_array) -> tuple[float, np.ndarray]:
    sequences, values = own.shape[1], other.shape[0]
    objective = np.zeros(sequences + values)
    objective[sequences] = -1.0
    result = linprog(
        objective,
        A_ub=hstack([-payoff.T, other.T], format="csc"),
        b_ub=np.zeros(other.shape[1]),
        A_eq=hstack([own, csc_array((own.shape[0], values))], format="csc"),
        b_eq=np.concatenate([[1.0], np.zeros(own.shape[0] - 1)]),
        bounds=np.array([(0.0, np.inf)] * sequences + [(-np.inf, np.inf)] * values),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if not result.success:
        raise GameplanError(f"HiGHS found no equilibrium: {result.message}; use a CFR variant, such as cfr+ or vad-cfr")
    return float(-result.fun), result.x[:sequences]


class LPSolver:
    """The linear program in the form of an iterative solver: its one iteration is the whole solution."""

    replays = False

    def __init__(self, game: SequenceGame) -> None:
        if game.players != 2 or not game.zero_sum:
            _refuse(game)
        self.game = game
        self.iteration = 0
        self._policy = uniform_policy(game)

    def advance(self, stop: int) -> None:
        """Solve the program, unless it is solved."""
        if self.iteration == 0 and stop > 0:
            _, self._policy = solve_zero_sum(self.game)
            self.iteration = stop

    def average_policy(self) -> np.ndarray:
        """Return the equilibrium policy (pairs of both players)."""
        return self._policy.copy()

    def remarks(self) -> dict[str, Any]:
        """Return nothing to add to the metrics."""
        return {}

    def artifacts(self) -> dict[str, dict[str, np.ndarray]]:
        """Return nothing to keep beyond the policy."""
        return {}

    def state(self) -> dict[str, np.ndarray]:
        """Return the policy."""
        return {"policy": self._policy}

    def restore(self, iteration: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the policy from a checkpoint."""
        self._policy = np.array(arrays["policy"])
        self.iteration = iteration
