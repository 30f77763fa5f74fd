"""Which infosets make the exploitability what it is, and where two policies differ."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import workbench as gp
from cli import cli
from games.loader import load_game
from solvers.counterfactual import losses
from solvers.exploitability import Evaluator, uniform_policy
from tests.random_games import random_game


@pytest.mark.parametrize("players", [2, 3])
def test_losses_sum_to_what_best_responses_gain(players, tmp_path):
    for seed in range(5):
        (tmp_path / "game.efg").write_text(random_game(seed, players=players, zero_sum=False))
        game = load_game(str(tmp_path / "game.efg"))
        policy = np.random.default_rng(seed).uniform(0.0, 1.0, sum(game.actions))
        count = game.tree.count.astype(np.int64)
        policy /= np.repeat(np.add.reduceat(policy, np.cumsum(count) - count), count)
        found, worth = losses(game, policy), Evaluator(game)(policy)
        for player in range(players):
            assert found[player].min() >= 0.0
            assert found[player].sum() == pytest.approx(worth.best_responses[player] - worth.values[player], abs=1e-12)


def test_a_blunder_is_where_it_is(game):
    """One timid pass in an equilibrium of Kuhn poker is all that is lost."""
    kuhn = game("kuhn_2p")
    policy = gp.solve("kuhn_2p", "lp").policy.probabilities.copy()
    number = kuhn.infoset_names[1].index("2p")  # player 1 with the highest card, after a pass
    begin = kuhn.player_actions(1).start + int(kuhn.tree.first[kuhn.player_infosets(1).start + number])
    policy[begin : begin + 2] = [1.0, 0.0]
    found = losses(kuhn, policy)
    assert found[1].argmax() == number and found[1][number] > 0.01 and np.delete(found[1], number).max() < 1e-12
    assert sum(f.sum() for f in losses(kuhn, uniform_policy(kuhn))) == pytest.approx(
        Evaluator(kuhn)(uniform_policy(kuhn)).nash_conv
    )


def test_at_the_command_line(tmp_path):
    def ask(*words):
        return CliRunner().invoke(cli, list(words))

    for name, algo in (("a", "cfr"), ("b", "cfr+")):
        assert ask("solve", "kuhn_2p", "--algo", algo, "-n", "30", "--out", str(tmp_path / name)).exit_code == 0
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    shown = json.loads(ask("show", a, "--sort", "loss", "--json").stdout)["policy"]
    lost = [row["loss"] for row in shown["rows"]]
    assert lost == sorted(lost, reverse=True) and sum(lost) == pytest.approx(shown["nash_conv"])
    text = ask("show", a, "--sort", "loss", "--rows", "3").output
    assert "loss" in text and "these 3 infosets lose" in " ".join(text.split())
    found = json.loads(ask("show", a, "--against", b, "--json").stdout)
    weights = [row["reach"] * row["distance"] for row in found["rows"]]
    assert weights == sorted(weights, reverse=True) and found["differing"] == len(weights) > 3
    first = found["rows"][0]
    assert first["distance"] == pytest.approx(
        sum(abs(p - q) for p, q in zip(first["probabilities"], first["against"], strict=True)) / 2
    )
    assert "played otherwise by" in ask("show", a, "--against", f"{b}/policy.json").output
    assert "plays the same" in ask("show", a, "--against", a).output
    assert ask("solve", "kuhn_3p", "-n", "3", "--algo", "cfr", "--out", str(tmp_path / "c")).exit_code == 0
    assert "compare policies of one game" in str(ask("show", a, "--against", str(tmp_path / "c")).exception)
