"""Perfect equilibria: figures of the literature, equilibria of perturbed games by their definition, and the flag."""

import json
from fractions import Fraction

import numpy as np
import pytest
from click.testing import CliRunner

from cli import cli
from games.errors import GameplanError
from games.loader import load_game
from solvers import trembles
from solvers.exploitability import Evaluator
from solvers.lp import solve_zero_sum
from solvers.perfect import PARAMS, PerfectSolver
from solvers.trembles import TremblingSolver, solve_trembling
from tests.random_games import random_card_game, random_game

# Selten's horse, 1975: (d, L), where player 2 could threaten, is an equilibrium; hands that tremble play C, c and R-ish only.
HORSE = """EFG 2 R "horse" { "one" "two" "three" }
p "" 1 1 "" { "D" "C" } 0
p "" 3 1 "" { "L" "R" } 0
t "" 1 "" { 3, 2, 2 }
t "" 2 "" { 0, 0, 0 }
p "" 2 1 "" { "d" "c" } 0
p "" 3 1 "" { "L" "R" } 0
t "" 3 "" { 4, 4, 0 }
t "" 4 "" { 0, 0, 1 }
t "" 5 "" { 1, 1, 1 }
"""


def at(game, policy, player, name):
    """Return what is played at an infoset."""
    infoset = game.player_infosets(player).start + game.infoset_names[player].index(name)
    begin = game.player_actions(player).start + int(game.tree.first[infoset])
    return policy[begin : begin + int(game.tree.count[infoset])]


def test_kuhn(game):
    kuhn = game("kuhn_2p")
    found = solve_trembling(kuhn)
    assert at(kuhn, found.policy, 0, "0")[1] == 1 / 3  # a jack is bet with, where nash by lp may check
    assert at(kuhn, solve_zero_sum(kuhn)[1], 0, "0")[1] != pytest.approx(1 / 3, abs=1e-3)
    assert found.value == pytest.approx(-1 / 18, abs=1e-15)
    assert Evaluator(kuhn)(found.policy).exploitability < 1e-15


def test_kuhn_by_falling_floors(game):
    solver = PerfectSolver(game("kuhn_2p"), PARAMS)
    solver.advance(10_000)
    assert np.abs(solver.average_policy() - solve_trembling(game("kuhn_2p")).policy).max() < 0.02  # the floor is 0.01
    early = PerfectSolver(game("kuhn_2p"), PARAMS)
    early.advance(100)
    assert 0 < solver.residual() < 2e-3 < early.residual()


def test_falling_floors_where_many_trembles_lead(tmp_path):
    """Several rounds of cards: what is left to gain, for one who is there, goes down everywhere."""
    for seed in (101, 105):
        (tmp_path / "game.efg").write_text(random_card_game(seed))
        solver = PerfectSolver(load_game(str(tmp_path / "game.efg")), PARAMS)
        solver.advance(500)
        early = solver.residual()
        solver.advance(20_000)
        assert solver.residual() < min(0.02, early / 5)


def test_horse(tmp_path):
    (tmp_path / "horse.efg").write_text(HORSE)
    horse = load_game(str(tmp_path / "horse.efg"))
    solver = PerfectSolver(horse, PARAMS)
    solver.advance(20_000)
    one, two, three = (solver.average_policy()[horse.player_actions(player)] for player in range(3))
    assert one[1] > 0.98 and two[1] > 0.98 and three[0] < 0.26  # C, c, and L with at most a quarter: the other kind is not perfect
    assert solver.residual() < 5e-3


@pytest.mark.parametrize("seed", range(6))
def test_equilibria_of_perturbed_games_by_the_definition(seed, monkeypatch, tmp_path):
    """Nobody who is at an infoset of the exact answer has a better action than those above the floor, in fractions all the way."""
    (tmp_path / "game.efg").write_text(random_game(seed))
    game = load_game(str(tmp_path / "game.efg"))
    plans = {}
    policy_of = trembles._policy
    monkeypatch.setattr(trembles, "_policy", lambda g, p, y, floor: plans.update({p: (y, floor)}) or policy_of(g, p, y, floor))
    solve_trembling(game)
    sequences, above = [], []
    for player in range(2):
        chosen, floor = plans[player]
        counts = game.tree.count[game.player_infosets(player)].tolist()
        plan, free = [Fraction(1)], [False]
        for parent, count in zip(game.tree.parent[game.player_infosets(player)].tolist(), counts, strict=True):
            assert sum(chosen[len(plan) : len(plan) + count]) == (1 - count * floor) * plan[parent]
            free += [chosen[len(plan) + k] > 0 for k in range(count)]
            plan += [floor * plan[parent] + chosen[len(plan) + k] for k in range(count)]
        sequences.append(plan)
        above.append(free)
    payoffs = trembles.read_payoffs(game.rows.utility[0])
    for player, sign in ((0, 1), (1, -1)):
        other = sequences[1 - player]
        worth = [Fraction(0)] * len(sequences[player])
        for row, payoff in zip(game.rows.sequences.tolist(), payoffs, strict=True):
            worth[row[player]] += sign * payoff * other[row[1 - player]]
        parents = game.tree.parent[game.player_infosets(player)].tolist()
        counts = game.tree.count[game.player_infosets(player)].tolist()
        first = np.cumsum([1, *counts]).tolist()
        for i in range(len(counts) - 1, -1, -1):
            own = range(first[i], first[i] + counts[i])
            best = max(worth[k] for k in own)
            assert all(worth[k] == best for k in own if above[player][k])
            reached = sequences[player][parents[i]]
            worth[parents[i]] += sum(worth[k] * sequences[player][k] for k in own) / reached


def test_weakly_dominated_actions_are_left_out(tmp_path):
    """The lower right corner of a matrix may be an equilibrium; it is not perfect."""
    path = tmp_path / "trust.nfg"
    path.write_text('NFG 1 R "trust" { "row" "column" } { 2 2 }\n\n1 1 0 0 0 0 0 0\n')
    game = load_game(str(path))
    solver = PerfectSolver(game, PARAMS)
    solver.advance(5_000)
    assert solver.average_policy()[0] > 0.98 and solver.average_policy()[2] > 0.98


def test_checkpoints_go_on_to_the_same_bits(game):
    for make in (TremblingSolver, lambda g: PerfectSolver(g, PARAMS)):
        whole, first, second = (make(game("kuhn_2p")) for _ in range(3))
        whole.advance(70)
        first.advance(33)
        second.restore(33, {name: array.copy() for name, array in first.state().items()})
        second.advance(70)
        assert second.average_policy().tobytes() == whole.average_policy().tobytes()
        assert second.remarks() == whole.remarks()
    with pytest.raises(GameplanError, match="checkpoint does not belong to perfect-lp"):
        TremblingSolver(game("kuhn_2p")).restore(1, {"policy": np.zeros(3)})


def test_the_flag(tmp_path):
    def ask(*words):
        return CliRunner().invoke(cli, ["solve", *words, "--json", "--out", str(tmp_path / "run"), "--force"])

    record = json.loads(ask("kuhn_2p", "--solution", "perfect").stdout)
    assert record["algo"] == "perfect-lp" and record["proof"] == "rational arithmetic" and 0 < record["floor"] < 1e-30
    record = json.loads(ask("kuhn_3p", "--solution", "perfect", "-n", "50").stdout)
    assert record["algo"] == "perfect-cfr" and record["residual"] > 0 and record["floor"] == pytest.approx(0.1 / 50**0.25)
    refused = ask("kuhn_2p", "--solution", "perfect", "--algo", "cfr+")
    assert refused.exit_code == 2 and "cfr+ seeks no perfect equilibria; leave out --algo" in refused.stderr
    for name, why in (("kuhn_3p", "has 3 players"), ("leduc_2p", "has 1092")):
        refused = ask(name, "--algo", "perfect-lp")
        assert refused.exit_code == 1 and why in str(refused.exception) and "use perfect-cfr" in str(refused.exception)
    refused = ask("kuhn_2p", "--algo", "perfect-cfr", "--set", "decay=0")
    assert "decay=0.0 is not possible; legal: above 0" in str(refused.exception)
