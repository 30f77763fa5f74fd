"""Sequence-form linear programs in rational arithmetic: a simplex method that starts where floating point left off.

    max v[0]   over x, s >= 0, v free   subject to   E x = e,   F' v - A' x + s = 0

A basis is proven optimal by two exact solutions: the primal one is a plan of the maximiser, the dual one of the minimiser, and
both guarantee the same value. The floating-point solution gives the basis; only where it misjudged what is zero is there anything
left to pivot, by Bland's rule (Bland 1977), which ends however degenerate the program. Linear systems are solved by FLINT.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any, NamedTuple

import numpy as np

MAX_SEQUENCES = 200  # pairs a player; beyond, numerators of thousands of digits take longer than an answer is worth
MAX_PIVOTS = 2_000
_PRIME = (1 << 61) - 1
_CLOSE = 2.0**-51  # a float64 that went through a product and a few sums
_DENOMINATOR = 1 << 20


class Program(NamedTuple):
    """The program of one game: payoffs as (row, column, value) and both players' constraints likewise.

    Constraint 0 is the empty sequence's; the sequences that end at an infoset have one, those that lead there are negative.
    `shape` has the numbers of sequences, `infosets` those of constraints (one more than infosets) of maximiser and minimiser.
    """

    payoff: Sequence[tuple[int, int, Fraction]]
    own: Sequence[tuple[int, int, Fraction | int]]
    other: Sequence[tuple[int, int, Fraction | int]]
    shape: tuple[int, int]
    infosets: tuple[int, int]


class Guess(NamedTuple):
    """A solution in floating point: both players' plans, the slack of every sequence of the minimiser and of the maximiser."""

    plan: np.ndarray
    other: np.ndarray
    slack: np.ndarray
    loss: np.ndarray


class Optimum(NamedTuple):
    """Value and equilibrium plans (sequences), all exact, and the basis that they were found with."""

    value: Fraction
    plan: list[Fraction]
    other: list[Fraction]
    basis: tuple[int, ...]


class Vector(NamedTuple):
    """Fractions with a common denominator, which is positive."""

    numerator: list[int]
    denominator: int


def read_payoffs(values: np.ndarray) -> list[Fraction]:
    """Return the payoffs `values` as fractions: multiples of the largest by simple fractions where they are, within rounding.

    A third is not a float64; 1/3 is what the game meant, and the closed forms of textbooks follow only from it.
    """
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    numerator, denominator = _simplest(np.append(values / largest, largest))
    unit = Fraction(numerator[-1], denominator[-1]) if denominator[-1] else Fraction(largest)
    return [
        Fraction(p, q) * unit if q else Fraction(value)
        for value, p, q in zip(values.tolist(), numerator[:-1], denominator[:-1], strict=True)
    ]


def _simplest(values: np.ndarray) -> tuple[list[int], list[int]]:
    """Return numerator and denominator of the first convergent within rounding of every value; 0, 0 if its denominator is large."""
    size = np.abs(values)
    zeros, ones = np.zeros(len(size)), np.ones(len(size))
    p, q, rest = (zeros, ones), (ones, zeros), size
    numerator, denominator = np.zeros((2, len(size)))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # those are far beyond the denominators that are looked for
        for _ in range(30):  # denominators grow at least like Fibonacci's numbers
            whole = np.floor(rest)
            p, q = (p[1], whole * p[1] + p[0]), (q[1], whole * q[1] + q[0])
            found = (denominator == 0.0) & (q[1] <= _DENOMINATOR) & (np.abs(p[1] / q[1] - size) <= _CLOSE * size)
            numerator[found], denominator[found] = p[1][found], q[1][found]
            rest = np.divide(1.0, rest - whole, out=np.zeros_like(rest), where=rest > whole)
    return [int(n) for n in np.copysign(numerator, values)], [int(n) for n in denominator]


def solve_exactly(program: Program, guess: Guess, basis: Sequence[int] | None = None) -> Optimum | None:
    """Return the exact optimum, or None if it is not reached after `MAX_PIVOTS` pivots from a guess, or from a known `basis`."""
    tableau = _Tableau(program)
    order = _priority(tableau, guess)
    if basis is not None:
        order = np.array([*basis, *(column for column in order if column not in set(basis))])
    chosen = tableau.independent(order)
    primal = tableau.primal(chosen)
    if not tableau.is_feasible(chosen, primal):
        chosen = tableau.pure_basis(guess.plan)
        primal = tableau.primal(chosen)
    for _ in range(MAX_PIVOTS):
        dual = tableau.dual(chosen)
        entering = tableau.improving(chosen, dual)
        if entering is None:
            return tableau.optimum(chosen, primal, dual)
        tableau.pivot(chosen, primal, entering)
        primal = tableau.primal(chosen)
    return None


def _priority(tableau: "_Tableau", guess: Guess) -> np.ndarray:
    """Return all columns, those of an optimal basis first: free ones, then the positive, then those that may become so."""
    free = np.zeros(tableau.values)
    primal = np.concatenate([guess.plan, free, guess.slack])
    loss = np.concatenate([guess.loss, free, guess.other])
    is_free = np.zeros(len(primal), bool)
    is_free[tableau.free] = True
    positive = ~is_free & (primal > 1e-9)
    rank = np.where(is_free, 0, np.where(positive, 1, 2))
    return np.lexsort((np.where(positive, -primal, loss), rank))


class _Tableau:
    """The program in standard form, M z = b with z = (x, v, s), as sparse columns of whole numbers.

    Payoffs are multiplied by `scale`, the constraints of x and the columns of v by what makes them whole.
    """

    def __init__(self, program: Program) -> None:
        (self.sequences, rows), (equalities, self.values) = program.shape, program.infosets
        self.program, self.equalities = program, equalities
        self.height = equalities + rows
        self.free = range(self.sequences, self.sequences + self.values)
        values = [value for _, _, value in program.payoff]
        self.scale = Fraction(lcm(*(v.denominator for v in values)), gcd(*(v.numerator for v in values)) or 1)
        self.columns: list[list[tuple[int, int]]] = [[] for _ in range(self.sequences + self.values + rows)]
        for row, column, value in _whole(program.own):
            self.columns[column].append((row, value))
        for row, column, payoff in program.payoff:
            self.columns[row].append((equalities + column, -int(payoff * self.scale)))
        for row, column, value in _whole(program.other):
            self.columns[self.sequences + row].append((equalities + column, value))
        for row in range(rows):
            self.columns[self.sequences + self.values + row].append((equalities + row, 1))

    def independent(self, order: np.ndarray) -> list[int]:
        """Return the columns that are independent of all before them in `order`: a basis."""
        import flint

        matrix = flint.nmod_mat(self._matrix(order.tolist()), _PRIME)
        reduced, rank = matrix.rref()
        pivots, column = [], 0
        for row in range(rank):
            while not int(reduced[row, column]):
                column += 1
            pivots.append(int(order[column]))
        return pivots

    def pure_basis(self, plan: np.ndarray) -> list[int]:
        """Return a feasible basis: the likeliest action of `plan` at every infoset, and a best response to it."""
        likeliest, leading = _choices(self.program.own, self.program.infosets[0])
        reached = [Fraction(0)] * self.sequences
        reached[0] = Fraction(1)
        chosen = [0]
        for infoset in range(1, self.equalities):
            best = max(likeliest[infoset], key=lambda k: plan[k])
            chosen.append(best)
            reached[best] = sum((reached[column] * share for column, share in leading[infoset]), Fraction(0))
        worth = [Fraction(0)] * self.program.shape[1]
        for row, column, value in self.program.payoff:
            worth[column] += value * reached[row]
        answers, leading = _choices(self.program.other, self.values)
        tight = {0}
        for infoset in range(self.values - 1, 0, -1):  # parents come before their children
            best = min(answers[infoset], key=lambda k: worth[k])
            tight.add(best)
            for column, share in leading[infoset]:
                worth[column] += share * worth[best]
        slack = self.sequences + self.values
        return [*chosen, *self.free, *(slack + row for row in range(self.program.shape[1]) if row not in tight)]

    def primal(self, basis: Sequence[int]) -> Vector:
        """Return the variables of `basis`."""
        return self._solved(self._matrix(basis), [int(row == 0) for row in range(self.height)])

    def dual(self, basis: Sequence[int]) -> Vector:
        """Return the multipliers of all rows for `basis`."""
        transposed = [list(row) for row in zip(*self._matrix(basis), strict=True)]
        return self._solved(transposed, [int(column == self.sequences) for column in basis])

    def is_feasible(self, basis: Sequence[int], primal: Vector) -> bool:
        """Return whether no variable but the free ones is negative."""
        return all(value >= 0 for column, value in zip(basis, primal.numerator, strict=True) if column not in self.free)

    def improving(self, basis: Sequence[int], dual: Vector) -> int | None:
        """Return the first column that would raise the value, or None if `basis` is optimal."""
        used, numerator = set(basis), dual.numerator
        for column, entries in enumerate(self.columns):
            if column not in used and sum(numerator[row] * value for row, value in entries) < 0:
                return column
        return None

    def pivot(self, basis: list[int], primal: Vector, entering: int) -> None:
        """Bring `entering` into `basis`, which is changed; the variable that reaches zero first leaves."""
        direction = self._solved(self._matrix(basis), [row[0] for row in self._matrix([entering])])
        steps = [
            (Fraction(value, change), column, k)
            for k, (column, value, change) in enumerate(zip(basis, primal.numerator, direction.numerator, strict=True))
            if column not in self.free and change > 0
        ]
        basis[min(steps)[2]] = entering

    def optimum(self, basis: Sequence[int], primal: Vector, dual: Vector) -> Optimum:
        """Return what an optimal basis means."""
        known = {column: Fraction(value, primal.denominator) for column, value in zip(basis, primal.numerator, strict=True)}
        plan = [known.get(column, Fraction(0)) for column in range(self.sequences)]
        other = [Fraction(value, dual.denominator) for value in dual.numerator[self.equalities :]]
        return Optimum(known[self.sequences] / self.scale, plan, other, tuple(basis))

    def _matrix(self, columns: Sequence[int]) -> list[list[int]]:
        table = [[0] * len(columns) for _ in range(self.height)]
        for k, column in enumerate(columns):
            for row, value in self.columns[column]:
                table[row][k] += value
        return table

    def _solved(self, table: list[list[int]], right: list[int]) -> Vector:
        import flint

        solution: Any = flint.fmpz_mat(table).solve(flint.fmpz_mat(len(right), 1, right))
        numerator, denominator = solution.numer_denom()
        return Vector([int(value) for value in numerator.entries()], int(denominator))


def _whole(constraints: Sequence[tuple[int, int, Fraction | int]]) -> list[tuple[int, int, int]]:
    """Return the constraints, each times what makes it whole."""
    scale: dict[int, int] = {}
    for row, _, value in constraints:
        scale[row] = lcm(scale.get(row, 1), Fraction(value).denominator)
    return [(row, column, int(value * scale[row])) for row, column, value in constraints]


def _choices(
    constraints: Sequence[tuple[int, int, Fraction | int]], infosets: int
) -> tuple[list[list[int]], list[list[tuple[int, Fraction | int]]]]:
    """Return the sequences that end at every infoset, and those that lead there with their shares."""
    actions: list[list[int]] = [[] for _ in range(infosets)]
    leading: list[list[tuple[int, Fraction | int]]] = [[] for _ in range(infosets)]
    for row, column, value in constraints:
        if value > 0:
            actions[row].append(column)
        else:
            leading[row].append((column, -value))
    return actions, leading
