"""Linear programs: closed forms at every scale, constant sums, exact answers, and what is said when an answer is not exact."""

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pyspiel
import pytest
from click.testing import CliRunner
from random_games import random_card_game, random_game
from scipy.optimize import linprog

from cli import cli
from games.assembly import Infosets, assemble
from games.blocks import build_blocks
from games.compiler import compile_game
from games.errors import GameplanError
from games.names import Names
from games.sequence_form import Rows
from solvers import lp, rational
from solvers.exploitability import Evaluator
from solvers.lp import CHECKED, RATIONAL, LPSolver, solve_program, solve_zero_sum
from solvers.psro.maximin import maximin
from solvers.rational import Guess, read_payoffs, solve_exactly
from solvers.sequence_program import Side, centred_payoff, constraints
from workbench.catalogue.algorithms import find_algorithm


def matrix_game(first, second=None):
    """Return the compiled normal-form game with these payoffs (rows, columns); player 1's are the negatives if not given."""
    payoffs = [np.asarray(first, float)]
    payoffs.append(-payoffs[0] if second is None else np.asarray(second, float))
    rows, columns = payoffs[0].shape
    infosets = Infosets(2)
    infosets.add(0, 0, range(rows))
    infosets.add(1, 0, range(columns))
    sequences = np.array(list(product(range(1, rows + 1), range(1, columns + 1))), np.int32)
    terminals = Rows(sequences, np.ones(rows * columns), np.array([p.ravel() for p in payoffs]))
    return assemble(
        infosets, terminals, Names.of([["row"], ["column"]]), name="matrix", key="matrix", histories=1 + rows + rows * columns
    )


def changed(game, utility):
    """Return `game` with another table of utilities."""
    rows = game.rows._replace(utility=np.array(utility))
    return replace(game, rows=rows, blocks=build_blocks(rows, [n + 1 for n in game.actions], False))


def normal_form_value(theirs):
    """Return player 0's value of OpenSpiel's game `theirs`: a linear program over all pure strategies."""
    infosets = [{}, {}]

    def visit(state):
        if state.is_terminal():
            return
        if not state.is_chance_node():
            infosets[state.current_player()][state.information_state_string()] = state.legal_actions()
        for action in state.legal_actions():
            visit(state.child(action))

    def pay(state, choice):
        if state.is_terminal():
            return state.returns()[0]
        if state.is_chance_node():
            return sum(p * pay(state.child(a), choice) for a, p in state.chance_outcomes())
        return pay(state.child(choice[state.current_player()][state.information_state_string()]), choice)

    visit(theirs.new_initial_state())
    pure = [[dict(zip(table, actions, strict=True)) for actions in product(*table.values())] for table in infosets]
    table = np.array([[pay(theirs.new_initial_state(), pair) for pair in product([first], pure[1])] for first in pure[0]])
    rows, columns = table.shape
    found = linprog(
        [*[0.0] * rows, -1.0], A_ub=np.c_[-table.T, np.ones(columns)], b_ub=np.zeros(columns),
        A_eq=[[*[1.0] * rows, 0.0]], b_eq=[1.0], bounds=[(0, None)] * rows + [(None, None)],
    )  # fmt: skip
    return -found.fun


@pytest.mark.parametrize("make", [random_game, random_card_game])
@pytest.mark.parametrize("seed", range(4))
def test_the_normal_form_has_the_same_value(make, seed):
    options = {"depth": 3} if make is random_game else {"depth": 2, "cards": 2}
    theirs = pyspiel.load_efg_game(make(seed, players=2, zero_sum=True, **options))
    solution = solve_program(compile_game(theirs, "random", "random"))
    assert solution.proof == RATIONAL
    assert solution.value == pytest.approx(normal_form_value(theirs), abs=1e-9)


def test_closed_forms_to_the_last_bit(game):
    assert solve_zero_sum(game("kuhn_2p"))[0] == -1 / 18
    # Two actions each, no saddle point: (ad - bc) / (a + d - b - c).
    assert solve_zero_sum(matrix_game([[3, -1], [-2, 5]]))[0] == 13 / 11
    assert solve_zero_sum(matrix_game(np.diag([1.0, 2.0, 3.0])))[0] == float(1 / (1 + Fraction(1, 2) + Fraction(1, 3)))
    assert solve_zero_sum(matrix_game([[0.0, 0.0], [0.0, 0.0]]))[0] == 0.0


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e15, 1e300])
def test_payoffs_of_any_scale(scale, game):
    kuhn = game("kuhn_2p")
    solution = solve_program(changed(kuhn, kuhn.rows.utility * scale))
    assert solution.proof == RATIONAL and solution.value == pytest.approx(-scale / 18, rel=1e-15)
    # the same through HiGHS alone
    plans = next(
        lp._attempts(centred_payoff(changed(kuhn, kuhn.rows.utility * scale)).matrix, *(constraints(kuhn, p) for p in (0, 1)))
    )[0]
    policy = np.concatenate([lp.policy_of(kuhn, p, plans[p]) for p in (0, 1)])
    assert Evaluator(kuhn)(policy).exploitability < 1e-9


def test_small_payoffs_count_beside_large_ones():
    # The large branch is never played; 1e-6 is what the game is about.
    table = [[3e-6, -1e-6, 1e6], [-2e-6, 5e-6, 1e6], [-1e6, -1e6, 0.0]]
    solution = solve_program(matrix_game(table))
    assert solution.proof == RATIONAL and solution.value == pytest.approx(13e-6 / 11, rel=1e-13)


def test_constant_sums():
    first = np.array([[3.0, -1.0], [-2.0, 5.0]])
    game = matrix_game(first, 1e4 - first)
    assert game.constant_sum == 1e4 and not game.zero_sum
    value, policy = solve_zero_sum(game)
    assert value == 13 / 11
    found = Evaluator(game)(policy)
    assert found.values == pytest.approx((13 / 11, 1e4 - 13 / 11), rel=1e-14) and found.exploitability < 1e-11
    assert matrix_game(first, 1e4 - first + [[0, 1e-6], [0, 0]]).constant_sum is None
    assert matrix_game(first + 0.1, 0.2 - first).constant_sum == pytest.approx(0.3, abs=1e-15)


def test_constant_sums_with_chance(game):
    """Merged rows carry chance: u0 + u1 is the constant times the row's chance."""
    kuhn = game("kuhn_2p")
    shifted = changed(kuhn, kuhn.rows.utility + np.array([[2.0], [5.0]]) * kuhn.rows.chance)
    assert shifted.constant_sum == pytest.approx(7.0, abs=1e-12) and kuhn.constant_sum == 0.0
    assert solve_zero_sum(shifted)[0] == 2 - 1 / 18
    oracle = find_algorithm("double-oracle", {}, 10).make(shifted, alternating=True)
    oracle.advance(10)
    found = Evaluator(shifted)(oracle.average_policy())
    assert found.exploitability < 1e-9 and found.values == pytest.approx((2 - 1 / 18, 5 + 1 / 18), abs=1e-9)
    tensors = oracle.payoffs.distinct_tensors()
    np.testing.assert_allclose(tensors[0] + tensors[1], 7.0, rtol=1e-14)


def test_general_sums_are_refused():
    with pytest.raises(GameplanError, match="lp solves two-player zero-sum and constant-sum games; matrix is general-sum: use"):
        LPSolver(matrix_game([[3, 0], [5, 1]], [[3, 5], [0, 1]]))


def test_a_large_offset_leaves_the_strategies_alone():
    table = np.array([[3.0, -1.0], [-2.0, 5.0]])
    np.testing.assert_allclose(maximin(1e9 + 1e-3 * table), [7 / 11, 4 / 11], atol=1e-5)


@pytest.mark.parametrize("guess", ["uniform", "wrong", "noisy"])
def test_rational_answers_do_not_depend_on_the_guess(guess, monkeypatch):
    """Any guess leads to the optimum; only the number of pivots differs."""
    rng = np.random.default_rng(7)
    table = rng.integers(-9, 10, (12, 9))
    game, expected = matrix_game(table), None
    seen = []
    monkeypatch.setattr(lp, "solve_exactly", lambda program, found: seen.append((program, found)) or solve_exactly(program, found))
    expected = solve_program(game)
    program, found = seen[0]
    made = {
        "uniform": Guess(*(np.full(len(part), 0.5) for part in found)),
        "wrong": Guess(*(part[::-1].copy() for part in found)),
        "noisy": Guess(*(part + 1e-7 * rng.standard_normal(len(part)) for part in found)),
    }[guess]
    optimum = solve_exactly(program, made)
    assert float(optimum.value) == expected.value
    x, y = (np.array(plan[1:]) for plan in (optimum.plan, optimum.other))
    assert sum(x) == sum(y) == 1 and min(x) >= 0 and min(y) >= 0
    assert min(x @ table) == max(table @ y) == optimum.value, "the plans do not guarantee the same value, exactly"


def test_payoffs_of_arbitrary_digits():
    table = np.random.default_rng(3).standard_normal((50, 50))
    solution = solve_program(matrix_game(table))
    assert solution.proof == RATIONAL
    x, y = solution.policy[:50], solution.policy[50:]
    assert (x @ table).min() == pytest.approx(solution.value, abs=1e-14) and (table @ y).max() == pytest.approx(
        solution.value, abs=1e-14
    )


def test_payoffs_are_read_as_the_fractions_they_are_meant_to_be():
    assert read_payoffs(np.array([1 / 3, -0.2, 0.0])) == [Fraction(1, 3), Fraction(-1, 5), 0]
    odd = [0.123456789012345, 1.0]
    assert read_payoffs(np.array(odd)) == [Fraction(odd[0]), 1]


def test_larger_games_are_checked_by_exploitability(game, monkeypatch):
    monkeypatch.setattr(lp, "MAX_SEQUENCES", 5)
    solution = solve_program(game("kuhn_2p"))
    assert solution.proof == CHECKED and solution.value == pytest.approx(-1 / 18, abs=1e-12)


def test_what_is_not_exact_is_not_called_done(monkeypatch, tmp_path):
    """HiGHS is made to answer carelessly: the result says so, in every form."""
    monkeypatch.setattr(lp, "MAX_SEQUENCES", 0)
    careless = lambda payoff, own, other, *_: Side(np.ones(own.shape[1]), np.zeros(other.shape[0]), np.zeros(other.shape[1]))  # noqa: E731
    monkeypatch.setattr(lp, "solve_side", careless)
    run = CliRunner().invoke(
        cli, ["solve", "kuhn_2p", "--algo", "lp", "--out", str(tmp_path / "run"), "--json"], standalone_mode=False
    )
    assert run.return_value == 3 and '"status": "not exact"' in run.stdout and '"proof": null' in run.stdout
    with pytest.raises(GameplanError, match="no exact equilibrium"):
        solve_zero_sum(matrix_game([[1, 0], [0, 1], [0, 0]]))


def test_a_run_says_how_exact_it_is(tmp_path):
    run = CliRunner().invoke(cli, ["solve", "kuhn_2p", "--algo", "lp", "--out", str(tmp_path / "run")])
    assert run.exit_code == 0 and "done" in run.stdout
    assert "value           -0.05555555555555555  proven by rational arithmetic" in run.stdout


def test_checkpoints_keep_the_proof(game):
    solver = LPSolver(game("kuhn_2p"))
    solver.advance(1)
    for arrays in (solver.state(), {"policy": solver.average_policy()}):  # the second as version 0.1.0 wrote it
        other = LPSolver(game("kuhn_2p"))
        other.restore(1, arrays)
        assert other.remarks() == solver.remarks() == {"value": -1 / 18, "proof": RATIONAL}


@pytest.mark.parametrize("payoffs", [[[np.inf, 0.0]], [[np.nan, 0.0]]])
def test_payoffs_are_finite(payoffs):
    with pytest.raises(GameplanError, match=r"matrix has payoffs that add up to (inf|nan) for player 0; payoffs must be finite"):
        matrix_game(payoffs)


def test_sums_of_payoffs_are_finite():
    infosets = Infosets(1)
    infosets.add(0, 0, [0])
    terminals = Rows(np.ones((2, 1), np.int32), np.ones(2), np.full((1, 2), 1e308))
    with pytest.raises(GameplanError, match="add up to inf for player 0"):
        assemble(infosets, terminals, Names.of([[""]]), name="large", key="large", histories=4)


def test_openspiel_games_with_infinite_payoffs_are_refused():
    theirs = pyspiel.convert_to_turn_based(pyspiel.create_matrix_game([[1.0, np.inf]], [[0.0, 0.0]]))
    with pytest.raises(GameplanError, match=r"endless pays \[inf, 0.0\] after the history '\[0, 1\]'; payoffs must be finite"):
        compile_game(theirs, "endless", "endless")


def test_pivots_are_bounded(monkeypatch):
    monkeypatch.setattr(rational, "MAX_PIVOTS", 0)
    assert solve_program(matrix_game([[3, -1], [-2, 5]])).proof == CHECKED
