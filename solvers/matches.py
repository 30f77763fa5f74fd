"""Policies against each other: what each wins in every seat, and how a field of them is ranked.

Sources: Balduzzi, Tuyls, Perolat, Graepel, "Re-evaluating evaluation" (2018), for Nash averaging.
"""

from collections.abc import Sequence

import numpy as np

from games.errors import GameplanError
from games.sequence_form import SequenceGame
from solvers.exploitability import Evaluator, buffer_size
from solvers.plans import plan_of
from solvers.psro.maximin import maximin
from solvers.psro.oracle import best_response

Seats = tuple[int, ...]  # for every seat the number of the policy that plays it
SUPPORT = 1e-9  # what a probability is at least that linear programming has found not to be zero


class Matches:
    """The values of policies of one game in all seats; every line-up is evaluated once.

    Parameters
    ----------
    policies : sequence of (pairs of all players,) float64 arrays
    """

    def __init__(self, game: SequenceGame, policies: Sequence[np.ndarray]) -> None:
        self.game, self.policies = game, policies
        self.values: dict[Seats, tuple[float, ...]] = {}
        self._evaluate = Evaluator(game)

    def of(self, seats: Seats) -> tuple[float, ...]:
        """Return every player's expected utility where policy ``seats[p]`` plays for player p."""
        if seats not in self.values:
            parts = [self.policies[number][self.game.player_actions(player)] for player, number in enumerate(seats)]
            self.values[seats] = self._evaluate(np.concatenate(parts)).values
        return self.values[seats]

    def lineups(self, row: int, column: int) -> list[Seats]:
        """Return the line-ups in which policy `row` has one seat, each in turn, and policy `column` all others."""
        players = range(self.game.players)
        return [tuple(row if player == seat else column for player in players) for seat in players]

    def table(self) -> np.ndarray:
        """Return (policies, policies): what the row's policy wins in one seat, the column's in all others; mean over the seats."""
        size = range(len(self.policies))
        return np.array([
            [np.mean([self.of(seats)[player] for player, seats in enumerate(self.lineups(i, j))]) for j in size] for i in size
        ])  # fmt: skip


def nash_average(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the maximum-entropy equilibrium (policies,) of an antisymmetric table, and what each policy wins against it.

    Copies of a policy share its probability, and one that is added and beaten by the field changes nothing. The equilibria are a
    polytope; linear programs find which policies any of them plays, and entropy is maximised within.

    Raises
    ------
    GameplanError
        If HiGHS finds no equilibrium.
    """
    from scipy.optimize import LinearConstraint, linprog, minimize

    size = len(table)
    scale = np.abs(table).max()
    if size < 2 or scale == 0.0:
        return np.full(size, 1.0 / size), np.zeros(size)
    wins = (table - table.T) / (2.0 * scale)
    slack = max(0.0, float((wins @ maximin(wins)).max())) + 1e-11  # an equilibrium loses to none by more than rounding
    found = []
    for policy in range(size):
        result = linprog(
            -np.eye(size)[policy], A_ub=wins, b_ub=np.full(size, slack), A_eq=np.ones((1, size)), b_eq=[1.0], method="highs"
        )
        if not result.success:
            raise GameplanError(f"HiGHS found no equilibrium of the table of policies: {result.message}")
        found.append(result.x)
    inner = np.mean(found, axis=0)  # all that are played by any
    played = np.flatnonzero(inner > SUPPORT)

    def lack(p: np.ndarray) -> float:
        return float(p @ np.log(np.maximum(p, 1e-300)))

    result = minimize(
        lack, inner[played], jac=lambda p: np.log(np.maximum(p, 1e-300)) + 1.0, method="SLSQP", bounds=[(1e-15, 1.0)] * len(played),
        constraints=[LinearConstraint(np.ones(len(played)), 1.0, 1.0), LinearConstraint(wins[:, played], -np.inf, slack)],
        options={"maxiter": 1000, "ftol": 1e-14},
    )  # fmt: skip
    p = np.zeros(size)
    p[played] = np.maximum(result.x, 0.0)
    p /= p.sum()
    if (wins @ p).max() > 1e-7 or lack(p[played]) > lack(inner[played]) + 1e-9:
        p = inner  # the optimiser lost its way; an equilibrium it is
    return p, scale * (wins @ p)


def best_responses(game: SequenceGame, policy: np.ndarray, player: int | None = None) -> np.ndarray:
    """Return `policy` (pairs of all players) with best responses to it in place of the player's part; None: of every player's.

    Also at infosets that the others never reach; actions that are equally good share.
    """
    plans = [plan_of(game, p, policy[game.player_actions(p)]) for p in range(game.players)]
    together, buffer, answer = np.concatenate(plans), np.zeros((3, buffer_size(game))), policy.copy()
    for p in range(game.players) if player is None else (player,):
        answer[game.player_actions(p)] = best_response(game, p, together, buffer)
    return answer
