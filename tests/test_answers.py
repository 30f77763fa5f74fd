"""Answers about policies: best responses, what policies win against each other, Nash averaging; and the commands that give them."""

import json

import numpy as np
import pyspiel
import pytest
from click.testing import CliRunner
from naive import evaluate
from open_spiel.python.algorithms.best_response import BestResponsePolicy
from open_spiel.python.algorithms.expected_game_score import policy_value
from random_games import random_card_game, random_game
from scipy.optimize import linprog
from test_openspiel import open_spiel_game, random_policy, tabular

import cli
import workbench as gp
from games.compiler import compile_game
from games.errors import UsageError
from solvers.exploitability import Evaluator, uniform_policy
from solvers.matches import Matches, best_responses, nash_average
from workbench.solving.policies import policy_table

CLOSE = 1e-9
RPS = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])


def acting(table):
    """Return a policy table with action numbers as its keys, as the naive twin has them."""
    return [{key: {int(a): p for a, p in row.items()} for key, row in own.items()} for own in table]


@pytest.mark.parametrize("players", [2, 3])
@pytest.mark.parametrize("make", [random_game, random_card_game])
def test_values_and_best_responses_are_those_of_brute_force(make, players):
    for seed in range(13):
        theirs = pyspiel.load_efg_game(make(seed, players=players, zero_sum=seed % 2 == 0))
        game = compile_game(theirs, "random", "random")
        policies = [random_policy(game, seed), random_policy(game, seed + 100)]
        tables = [acting(policy_table(game, policy)) for policy in policies]
        matches = Matches(game, policies)
        for seats in ((0, 1, 0)[:players], (1, 1, 0)[:players]):
            values, _ = evaluate(theirs, [tables[number][player] for player, number in enumerate(seats)])
            np.testing.assert_allclose(matches.of(seats), values, rtol=0, atol=CLOSE)
        alone = [matches.of(tuple(int(p != seat) for p in range(players)))[seat] for seat in range(players)]
        assert matches.table()[0, 1] == pytest.approx(np.mean(alone), abs=CLOSE)
        for player in range(players):
            answer = best_responses(game, policies[0], player)
            _, wanted = evaluate(theirs, tables[0])
            values, _ = evaluate(theirs, acting(policy_table(game, answer)))
            assert values[player] == pytest.approx(wanted[player], abs=CLOSE)
            others = np.ones(len(answer), bool)
            others[game.player_actions(player)] = False
            assert (answer[others] == policies[0][others]).all()


@pytest.mark.parametrize(
    "name",
    [
        "kuhn_2p",
        "kuhn_3p",
        "goofspiel_3",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("leduc_2p", "kuhn_4p", "liars_dice_4")),
    ],
)
def test_values_and_best_responses_are_those_of_openspiel(name, game):
    theirs, own = open_spiel_game(name), game(name)
    policies = [random_policy(own, 1), random_policy(own, 2)]
    seats = tuple(player % 2 for player in range(own.players))
    mixed = [tabular(theirs, own, policies[number]) for number in seats]
    np.testing.assert_allclose(
        Matches(own, policies).of(seats), policy_value(theirs.new_initial_state(), mixed), rtol=0, atol=CLOSE
    )
    everything = best_responses(own, policies[0])
    policy = tabular(theirs, own, policies[0])
    for player in range(own.players):
        wanted = BestResponsePolicy(theirs, player, policy).value(theirs.new_initial_state())
        alone = policies[0].copy()
        alone[own.player_actions(player)] = everything[own.player_actions(player)]
        assert Evaluator(own)(alone).values[player] == pytest.approx(wanted, abs=CLOSE)


def test_nash_averaging_knows_copies_and_the_beaten():
    shares, worth = nash_average(RPS)
    np.testing.assert_allclose(shares, 1 / 3, atol=1e-8)
    np.testing.assert_allclose(worth, 0.0, atol=1e-8)
    copied = [0, 1, 2, 2, 2]
    shares, _ = nash_average(RPS[np.ix_(copied, copied)])
    np.testing.assert_allclose(shares, [1 / 3, 1 / 3, 1 / 9, 1 / 9, 1 / 9], atol=1e-6)
    beaten = np.zeros((4, 4))
    beaten[:3, :3], beaten[3, :3], beaten[:3, 3] = 1000.0 * RPS, -0.5, 0.5
    shares, worth = nash_average(beaten)
    np.testing.assert_allclose(shares, [1 / 3, 1 / 3, 1 / 3, 0.0], atol=1e-6)
    assert worth[3] == pytest.approx(-0.5, abs=1e-5)
    shares, _ = nash_average(np.zeros((3, 3)))
    np.testing.assert_allclose(shares, 1 / 3)


@pytest.mark.parametrize("seed", range(5))
def test_nash_averaging_finds_the_equilibrium_of_most_entropy(seed):
    rng = np.random.default_rng(seed)
    half = rng.integers(-1, 2, (6, 6)).astype(float)
    table = half - half.T
    table[5], table[:, 5] = table[0], table[:, 0]  # a copy: the equilibria are no single point
    table[5, 5] = table[0, 5] = table[5, 0] = 0.0
    shares, worth = nash_average(table)
    assert worth.max() < 1e-7 and shares.sum() == pytest.approx(1.0) and shares.min() >= 0.0
    assert shares[0] == pytest.approx(shares[5], abs=1e-5)
    entropy = -np.sum(shares * np.log(np.maximum(shares, 1e-300)))
    for _ in range(20):  # mixtures with other equilibria
        found = linprog(
            rng.normal(size=6), A_ub=table, b_ub=np.full(6, 1e-9), A_eq=np.ones((1, 6)), b_eq=[1.0], method="highs"
        ).x  # fmt: skip
        other = 0.9 * shares + 0.1 * found
        assert entropy >= -np.sum(other * np.log(np.maximum(other, 1e-300))) - 1e-7


def run(*words):
    result = CliRunner().invoke(cli.cli, list(map(str, words)), standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_commands_answer(tmp_path, monkeypatch, game):
    monkeypatch.chdir(tmp_path)
    run("solve", "kuhn_2p", "--algo", "cfr+", "-n", 30, "--out", "mine")
    told = json.loads(run("best-response", "mine", "--out", "answer.json", "--json"))
    against = json.loads(run("exploit", "mine", "--json"))
    assert told["best_responses"] == against["best_responses"] and told["values"] == against["values"] and told["players"] == [0, 1]
    assert sum(told["gains"]) == pytest.approx(against["nash_conv"])
    alone = json.loads(run("best-response", "kuhn_2p", "uniform", "--player", 1, "--json"))
    assert alone["players"] == [1] and alone["best_responses"] == [
        Evaluator(game("kuhn_2p"))(uniform_policy(game("kuhn_2p"))).best_responses[1]
    ]
    found = json.loads(run("value", "kuhn_2p", "mine", "answer.json", "uniform", "--json"))
    assert found["policies"] == ["mine", "answer.json", "uniform"] and len(found["lineups"]) == 9
    values = {tuple(line["seats"]): line["values"] for line in found["lineups"]}
    assert values[1, 0][0] == pytest.approx(told["best_responses"][0]) and values[0, 1][1] == pytest.approx(
        told["best_responses"][1]
    )
    assert found["table"][1][0] == pytest.approx(np.mean(told["best_responses"]))
    assert sum(row["share"] for row in found["nash_average"]) == pytest.approx(1.0)
    assert json.loads(run("value", "kuhn_3p", "uniform", "uniform", "--json"))["nash_average"] is None
    shown = run("value", "kuhn_2p", "mine", "uniform")
    assert "one seat" in shown and "Nash averaging" in shown and "seat 0" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("value", "kuhn_2p", "uniform"), "name two policies or more"),
        (("value", "kuhn_2p", "uniform", "gone.npz"), "gone.npz"),
        (("best-response", "kuhn_2p"), "name a policy, too: gameplan best-response kuhn_2p POLICY"),
        (("best-response", "kuhn_2p", "uniform", "--player", "2"), "has players 0 to 1"),
        (("best-response", "kuhn_2p", "uniform", "--out", "x.txt"), "legal are .npz, .json, .csv"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_line(words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=told):
        run(*words)
    assert not list(tmp_path.iterdir())


def test_a_policy_of_another_game_is_no_answer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("solve", "kuhn_2p", "--algo", "cfr+", "-n", 3, "--out", "mine")
    with pytest.raises(Exception, match="kuhn"):
        run("value", "leduc_2p", "mine", "uniform")


def test_python_asks_the_same(game):
    mine = gp.solve("kuhn_2p", "cfr+", n=30).policy
    answer = mine.best_response()
    found = gp.value("kuhn_2p", [mine, answer, "uniform"])
    assert found.lineups[1, 0][0] == pytest.approx(Evaluator(mine.game)(mine.probabilities).best_responses[0])
    assert [row["policy"] for row in found.rows()] == ["0", "1", "uniform"] and found.shares.sum() == pytest.approx(1.0)
    assert (
        mine.best_response(1).probabilities[mine.game.player_actions(0)] == mine.probabilities[mine.game.player_actions(0)]
    ).all()
    for call, told in (
        (lambda: gp.value("kuhn_2p", [mine]), "two or more"),
        (lambda: gp.value("leduc_2p", ["uniform", mine]), "is none of leduc_2p"),
        (lambda: mine.best_response(2), "players 0 to 1"),
    ):
        with pytest.raises(gp.UsageError, match=told):
            call()
