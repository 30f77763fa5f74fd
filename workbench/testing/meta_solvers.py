"""What every meta-strategy solver keeps to: distributions, the same answer twice, and better than the uniform mixture."""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pyspiel

from games.compiler import compile_game
from games.loader import load_game
from games.params import Value
from games.sentences import unsaid
from games.sequence_form import SequenceGame
from solvers.plans import plan_of
from solvers.psro.meta_solver import MetaSolver, checked_strategies
from solvers.psro.payoffs import Payoffs
from solvers.psro.solver import PSROSolver
from workbench.catalogue.families import find_meta_solver

GAMES = 200
SIZE = 5
ITERATION = 75  # of PSRO, for solvers that anneal: the end of the published schedule


class MetaSolverSuite:
    """Suite of one meta-strategy solver.

    Attributes
    ----------
    solver : str
        Catalogue name or path of a file.
    share : float
        What the solver may leave of the uniform strategies' NashConv, summed over `GAMES` random games of `SIZE` policies a player;
        below 1.
    params : mapping
        Role ("train", "eval") -> values for parameters, such as fewer steps.
    general_sum : bool
        Whether it solves general-sum games and games of three players too; else all games are zero-sum of two players.
    """

    solver: str
    share: float
    params: Mapping[str, Mapping[str, Value]] = {}
    general_sum = True

    def roles(self) -> list[MetaSolver]:
        """Return the train solver and, where it is another, the eval solver."""
        train, evaluate = (find_meta_solver(self.solver, role, self.params.get(role, {})) for role in ("train", "eval"))
        return [train] if evaluate.repeats(train) else [train, evaluate]

    def test_says_what_its_parameters_are(self) -> None:
        """A sentence about each, with a range."""
        train, evaluate = (find_meta_solver(self.solver, role, {}) for role in ("train", "eval"))
        missing = unsaid(train.doc, {**train.params, **evaluate.params}, {})
        assert not missing, f"{self.solver}: {missing[0]}"

    def test_comes_closer_to_equilibrium_than_uniform(self) -> None:
        """The NashConv that is left, as a share of uniform's, keeps to its bound."""
        assert 0.0 < self.share < 1.0, f"{self.solver}: a share of {self.share} is no bound; it lies between 0 and 1"
        games = random_games(self.general_sum)
        start = sum(nash_conv(game, [np.full(SIZE, 1.0 / SIZE)] * 2) for game in games)
        for role in self.roles():
            left = sum(nash_conv(game, checked_strategies(role, game, ITERATION)) for game in games) / start
            assert -1e-9 <= left <= self.share, (
                f"{self.solver} ({role.role}) leaves {left:.4g} of the uniform strategies' NashConv; its bound is {self.share}"
            )

    def test_answers_are_repeated_bit_for_bit(self) -> None:
        """Two instances give the same bits, and the payoffs are left as they were."""
        game = random_games(self.general_sum)[0]
        before = [game.tensor(player).tobytes() for player in range(2)]
        for first, second in zip(self.roles(), self.roles(), strict=True):
            answers = [[x.tobytes() for x in checked_strategies(role, game, ITERATION)] for role in (first, second)]
            assert answers[0] == answers[1], f"{self.solver} ({first.role}) does not repeat itself"
        assert [game.tensor(player).tobytes() for player in range(2)] == before, f"{self.solver} changes the payoffs"

    def test_takes_any_number_of_policies_and_players(self) -> None:
        """A population of one policy plays it; three players may have populations of their own sizes."""
        small = np.array([[2.0, 1.0, 3.0]])
        for role in self.roles():
            row, column = checked_strategies(role, payoffs_of([small, -small]), 1)
            assert row.tolist() == [1.0] and column.shape == (3,), (
                f"{self.solver}: populations of 1 and 3 are given {row} and {column}"
            )
            if self.general_sum:
                checked_strategies(role, payoffs_of([np.random.default_rng(p).normal(size=(3, 2, 4)) for p in range(3)]), 4)

    def test_runs_resume_with_the_same_bits(self) -> None:
        """PSRO on Kuhn poker, whole and from a checkpoint."""
        whole, second = (PSROSolver(_kuhn(), roles[0], roles[-1]) for roles in (self.roles(), self.roles()))
        whole.advance(3)
        saved = {name: array.copy() for name, array in whole.state().items()}
        whole.advance(5)
        second.restore(3, saved)
        second.advance(5)
        assert whole.average_policy().tobytes() == second.average_policy().tobytes(), (
            f"{self.solver} ends with another policy from a checkpoint"
        )


def payoffs_of(tensors: Sequence[np.ndarray]) -> Payoffs:
    """Return the meta-game whose policies are the actions of a normal-form game; `tensors` has every player's payoffs."""
    shape = tensors[0].shape
    theirs = pyspiel.create_tensor_game([tensor.ravel().tolist() for tensor in tensors], list(shape))
    game = compile_game(pyspiel.convert_to_turn_based(theirs), "a normal-form game", "normal-form")
    pure = [[plan_of(game, player, row) for row in np.eye(size)] for player, size in enumerate(shape)]
    if len(set(shape)) > 1:
        return Payoffs.of(game, [np.array(plans) for plans in pure])
    payoffs = Payoffs(game)
    for plans in zip(*pure, strict=True):
        payoffs.extend(plans)
    return payoffs


@cache
def random_games(general_sum: bool) -> list[Payoffs]:
    """Return `GAMES` seeded random games of two players, zero-sum ones and, with `general_sum`, as many that are not."""
    rng = np.random.default_rng(0)
    tensors = [rng.normal(size=(2, SIZE, SIZE)) for _ in range(GAMES)]
    return [payoffs_of([a, b if general_sum and k % 2 else -a]) for k, (a, b) in enumerate(tensors)]


def nash_conv(game: Payoffs, strategies: Sequence[np.ndarray]) -> float:
    """Return what the two players could gain by deviating alone, summed."""
    x, y = strategies
    row, column = game.tensor(0) @ y, x @ game.tensor(1)
    return float(row.max() - x @ row + column.max() - column @ y)


@cache
def _kuhn() -> SequenceGame:
    return load_game("kuhn_2p")
