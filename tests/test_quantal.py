"""Agent logit equilibria against equations solved by other means, and as a flag of the command line."""

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner

from cli import cli
from games.errors import UsageError
from games.loader import load_game
from solvers.quantal import QuantalSolver

TEMPERATURES = (5.0, 2.0, 1.0, 0.5, 0.25)
MATRICES = {  # payoffs of rows and columns in 2 x 2 games: one with a pure equilibrium, pennies that are not even, a general sum
    "dominated": ([[3.0, 1.0], [2.0, 0.0]], [[-3.0, -1.0], [-2.0, 0.0]]),
    "uneven pennies": ([[2.0, -1.0], [-1.0, 1.0]], [[-2.0, 1.0], [1.0, -1.0]]),
    "chase": ([[1.0, 0.0], [0.0, 3.0]], [[0.0, 2.0], [1.0, 0.0]]),
}


def written(path, rows, columns):
    cells = [f"{rows[i][j]} {columns[i][j]}" for j in range(2) for i in range(2)]
    path.write_text('NFG 1 R "matrix" { "row" "column" } { 2 2 }\n\n' + " ".join(cells) + "\n")
    return str(path)


def logit(rows, columns, temperature):
    """Return the rows' first probability where both answer softly, by bisection: the players chase or avoid each other."""

    def soft(gain):
        return 1.0 / (1.0 + math.exp(-gain / temperature))

    def off(p):
        q = soft(p * (columns[0][0] - columns[0][1]) + (1 - p) * (columns[1][0] - columns[1][1]))
        return soft(q * (rows[0][0] - rows[1][0]) + (1 - q) * (rows[0][1] - rows[1][1])) - p

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if off(middle) > 0 else (low, middle)
    return low


@pytest.mark.parametrize("name", MATRICES)
def test_matrix_games(name, tmp_path):
    game = load_game(written(tmp_path / "game.nfg", *MATRICES[name]))
    for temperature in TEMPERATURES:
        solver = QuantalSolver(game, temperature)
        solver.advance(3000)
        expected = logit(*MATRICES[name], temperature)
        assert solver.residual() < 1e-12
        assert solver.average_policy()[0] == pytest.approx(expected, abs=1e-9), temperature


def test_trees_rest_to_rounding_and_go_on_to_the_same_bits(game):
    for on, temperature in (("kuhn_2p", 0.1), ("kuhn_3p", 0.2), ("goofspiel_3", 0.1)):
        solver = QuantalSolver(game(on), temperature)
        solver.advance(4000)
        assert solver.residual() < 1e-8, on
        assert not np.allclose(solver.average_policy(), np.repeat(1.0 / game(on).tree.count, game(on).tree.count), atol=0.05)
    whole, first, second = (QuantalSolver(game("kuhn_2p"), 0.05) for _ in range(3))
    whole.advance(700)
    first.advance(333)
    second.restore(333, {name: array.copy() for name, array in first.state().items()})
    second.advance(700)
    assert second.average_policy().tobytes() == whole.average_policy().tobytes()


@pytest.mark.slow
def test_leduc_rests_too(game):
    solver = QuantalSolver(game("leduc_2p"), 0.1)
    solver.advance(10_000)
    assert solver.residual() < 1e-8


def test_the_flag(tmp_path):
    def ask(*words):
        return CliRunner().invoke(cli, ["solve", "kuhn_2p", *words])

    run = ask("--solution", "qre", "--set", "temperature=0.5", "--out", str(tmp_path / "run"), "--json")
    record = json.loads(run.stdout)
    assert record["algo"] == "qre" and record["lambda"] == 2.0 and record["residual"] < 1e-12 and record["exploitability"] > 0.01
    assert "cfr seeks no qre equilibria; leave out --algo" in ask("--solution", "qre", "--algo", "cfr").output
    with pytest.raises(UsageError, match=r"temperature=0\.0 is not possible; legal: above 0"):
        CliRunner().invoke(
            cli, ["solve", "kuhn_2p", "--solution", "qre", "--set", "temperature=0", "--out", str(tmp_path / "none")],
            standalone_mode=False, catch_exceptions=False,
        )  # fmt: skip
