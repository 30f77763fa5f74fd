"""Perfect equilibria of two-player constant-sum games, exactly: linear programs whose players' hands tremble (Selten 1975).

Every action has a floor, a least probability that is the same everywhere. A plan then is what the player gets by trembling, and
what it puts on top of that by choice, y:

    x(I a) = floor x(parent of I) + y(I a),     sum over a of y(I a) = (1 - n floor) x(parent of I)

with n actions at I. In terms of y >= 0 that is a sequence-form program as any other (`solvers.rational`), the payoffs and
constraints of which have the ancestors' trembles in them (Farina & Gatti 2017). It is solved exactly at one floor after the other,
each the square of the last, until the optimal basis stays: below that the equilibrium goes to its limit, which is perfect, as a
rational function of the floor. The answer is the last of them, which is within its floor of the limit times a factor of the game;
rounded to float64 it is the limit.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array, csc_array

from games.errors import GameplanError
from games.sequence_form import SequenceGame
from solvers.exploitability import uniform_policy
from solvers.rational import MAX_SEQUENCES, Guess, Program, read_payoffs, solve_exactly
from solvers.sequence_program import WAYS, solve_side

RATIONAL = "rational arithmetic"
FIRST, LAST = 64, 512  # the floors: two to the power of minus these, doubled from one to the next
_VISIBLE = 20  # bits by which the rarest tremble may be smaller than a choice, for floating point to see it


class Trembling(NamedTuple):
    """An equilibrium with floors: the policy (pairs of both players), player 0's value, and the floor."""

    policy: np.ndarray
    value: float
    floor: float


def solve_trembling(game: SequenceGame) -> Trembling:
    """Return the equilibrium with floors so small that it is the limit to rounding.

    Raises
    ------
    GameplanError
        If the game is not two-player constant-sum, has more than `MAX_SEQUENCES` pairs a player, or no limit is found.
    """
    if reason := refusal(game):
        raise GameplanError(f"perfect-lp takes {reason}: use perfect-cfr")
    guess, basis, bits = _guess(game), None, FIRST
    while bits <= LAST:
        floor = Fraction(1, 1 << bits)
        found = solve_exactly(_program(game, floor), guess, basis)
        if found is None:
            break
        if basis is not None and set(found.basis) == set(basis):
            chosen = (found.plan, found.other)
            policy = np.concatenate([_policy(game, player, chosen[player], floor) for player in range(2)])
            return Trembling(policy, float(found.value), float(floor))
        basis, bits = found.basis, 2 * bits
    raise GameplanError(f"no floor was found below which the equilibria of {game.name} stay alike; use perfect-cfr")


def refusal(game: SequenceGame) -> str | None:
    """Return what kind of game the linear program takes, if this one is of another."""
    if game.players != 2 or game.constant_sum is None:
        kind = f"has {game.players} player{'s' * (game.players > 1)}" if game.players != 2 else "is general-sum"
        return f"two-player zero-sum and constant-sum games; {game.name} {kind}"
    if max(game.actions) > MAX_SEQUENCES:
        return f"up to {MAX_SEQUENCES} pairs (infoset, action) a player; {game.name} has {max(game.actions)}"
    return None


def _parents(game: SequenceGame, player: int) -> list[int]:
    """Return the sequence that leads to every infoset."""
    return [int(parent) for parent in game.tree.parent[game.player_infosets(player)]]


def _ancestry(game: SequenceGame, player: int) -> list[list[int]]:
    """Return every sequence with those that lead to it, the nearest first."""
    lines = [[0]]
    for parent, count in zip(_parents(game, player), game.tree.count[game.player_infosets(player)], strict=True):
        lines += [[len(lines) + k, *lines[parent]] for k in range(int(count))]
    return lines


def _constraints(game: SequenceGame, player: int, floor: Fraction) -> list[tuple[int, int, Fraction | int]]:
    lines, entries, action = _ancestry(game, player), [(0, 0, Fraction(1))], 1
    counts = game.tree.count[game.player_infosets(player)]
    for infoset, (parent, count) in enumerate(zip(_parents(game, player), counts, strict=True), start=1):
        entries += [(infoset, action + k, Fraction(1)) for k in range(int(count))]
        kept = 1 - int(count) * floor
        entries += [(infoset, sequence, -kept * floor**steps) for steps, sequence in enumerate(lines[parent])]
        action += int(count)
    return list(entries)


def _program(game: SequenceGame, floor: Fraction) -> Program:
    """Return the program in terms of what is put on top of the trembles."""
    own, other = _ancestry(game, 0), _ancestry(game, 1)
    payoff: defaultdict[tuple[int, int], Fraction] = defaultdict(Fraction)
    for (i, j), value in zip(game.rows.sequences.tolist(), read_payoffs(game.rows.utility[0]), strict=True):
        for steps, row in enumerate(own[i]):
            for more, column in enumerate(other[j]):
                payoff[row, column] += value * floor ** (steps + more)
    entries = [(row, column, value) for (row, column), value in payoff.items() if value]
    shape = (len(own), len(other))
    return Program(
        entries, _constraints(game, 0, floor), _constraints(game, 1, floor), shape, (game.infosets[0] + 1, game.infosets[1] + 1)
    )


def _guess(game: SequenceGame) -> Guess:
    """Return what floating point makes of the program with floors that it can see."""
    longest = max(len(line) for player in range(2) for line in _ancestry(game, player))
    program = _program(game, Fraction(1, 1 << max(_VISIBLE // longest, 3)))
    shape, (rows, columns) = program.shape, program.infosets
    payoff = _matrix(program.payoff, shape)
    payoff = payoff / (abs(payoff).max() or 1.0)
    own, other = _matrix(program.own, (rows, shape[0])), _matrix(program.other, (columns, shape[1]))
    for way in WAYS:
        first = solve_side(payoff, own, other, *way)
        second = None if first is None else solve_side(-payoff.T.tocsc(), other, own, *way)
        if first is not None and second is not None:
            slack, loss = payoff.T @ first.x - other.T @ first.v, -(payoff @ second.x) - own.T @ second.v
            return Guess(first.x, second.x, slack, loss)
    return Guess(np.ones(shape[0]), np.ones(shape[1]), np.zeros(shape[1]), np.zeros(shape[0]))


def _matrix(entries: Sequence[tuple[int, int, Fraction | int]], shape: tuple[int, int]) -> csc_array:
    row, column, value = zip(*entries, strict=True)
    return coo_array((np.array(value, np.float64), (row, column)), shape=shape).tocsc()


def _policy(game: SequenceGame, player: int, chosen: list[Fraction], floor: Fraction) -> np.ndarray:
    """Return the behavioural policy (pairs of the player) of what is put on top of the trembles; every infoset has mass.

    What is no more than the root of the floor is a tremble, and nothing in the limit.
    """
    counts = [int(count) for count in game.tree.count[game.player_infosets(player)]]
    plan, shares = [Fraction(1)], []
    for parent, count in zip(_parents(game, player), counts, strict=True):
        masses = [floor * plan[parent] + chosen[len(plan) + k] for k in range(count)]
        shares += [float(mass / plan[parent]) if (mass / plan[parent]) ** 2 > floor else 0.0 for mass in masses]
        plan += masses
    return np.array(shares)


class TremblingSolver:
    """The linear programs in the form of an iterative solver: its one iteration is the whole solution."""

    replays = False

    def __init__(self, game: SequenceGame) -> None:
        if reason := refusal(game):
            raise GameplanError(f"perfect-lp takes {reason}: use perfect-cfr")
        self.game = game
        self.iteration = 0
        self._found = Trembling(uniform_policy(game), 0.0, 1.0)

    def advance(self, stop: int) -> None:
        """Solve the programs, unless they are solved."""
        if self.iteration == 0 and stop > 0:
            self._found = solve_trembling(self.game)
            self.iteration = stop

    def average_policy(self) -> np.ndarray:
        """Return the perfect equilibrium's policy (pairs of both players)."""
        return self._found.policy.copy()

    def remarks(self) -> dict[str, Any]:
        """Return player 0's value, how it is known, and the floor."""
        return {"value": self._found.value, "proof": RATIONAL, "floor": self._found.floor}

    def artifacts(self) -> dict[str, dict[str, np.ndarray]]:
        """Return nothing to keep beyond the policy."""
        return {}

    def state(self) -> dict[str, np.ndarray]:
        """Return the policy, the value and the floor."""
        return {"policy": self._found.policy, "value": np.array([self._found.value]), "floor": np.array([self._found.floor])}

    def restore(self, iteration: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the solution from a checkpoint."""
        if {name: array.shape for name, array in arrays.items()} != {name: array.shape for name, array in self.state().items()}:
            raise GameplanError(f"the checkpoint does not belong to perfect-lp on {self.game.name}; start a new run")
        self._found = Trembling(np.array(arrays["policy"]), float(arrays["value"][0]), float(arrays["floor"][0]))
        self.iteration = iteration


make = TremblingSolver
