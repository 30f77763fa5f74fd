"""Gaps of the play to correlated equilibria, against OpenSpiel's, and in runs."""

import json

import numpy as np
import pyspiel
import pytest
from click.testing import CliRunner

import workbench as gp
from cli import cli
from games.errors import GameplanError, UsageError
from games.loader import load_game
from solvers.play import Play, Watched
from workbench.catalogue.algorithms import find_algorithm

SHERIFF = "sheriff(item_penalty=1.0,item_value=2.0,max_bribe=1,max_items=2,num_rounds=1,sheriff_penalty=1.0)"


def tabular(game, policy):
    """Return a policy as OpenSpiel takes it."""
    table, at = {}, 0
    for player in range(game.players):
        counts = game.tree.count[game.player_infosets(player)].tolist()
        for name, count in zip(game.infoset_names[player], counts, strict=True):
            pairs = range(at, at + count)
            table[name] = [(int(game.action_ids[k]), float(policy[k])) for k in pairs]
            at += count
    return pyspiel.TabularPolicy(table)


def watched(game, algo="cfr"):
    return Watched(find_algorithm(algo, {}, 0).make(game, alternating=True))


@pytest.mark.parametrize("name", ["kuhn_poker(players=3)", SHERIFF, "kuhn_poker(players=2)"])
def test_the_gaps_are_openspiel_s(name):
    game, theirs = load_game(name), pyspiel.load_game(name)
    solver, played = watched(game), []
    for t in range(1, 8):
        played.append(tabular(game, solver.current_policy()))
        solver.advance(t)
        device = pyspiel.uniform_correlation_device(played)
        found = solver.remarks()
        assert found["cce_gap"] == pytest.approx(pyspiel.cce_dist(theirs, device).dist_value, abs=1e-12)
        assert ("ce_gap" in found) == (name != "kuhn_poker(players=3)")
        if "ce_gap" in found and t in (1, 4):
            expected = pyspiel.ce_dist(theirs, pyspiel.determinize_corr_dev(device)).dist_value
            assert found["ce_gap"] == pytest.approx(expected, abs=1e-12)


def test_play_is_not_the_average_of_policies(tmp_path):
    """Two who always meet, now here, now there, are in a correlated equilibrium; the average of their policies meets half the time."""
    path = tmp_path / "meet.nfg"
    path.write_text('NFG 1 R "meet" { "row" "column" } { 2 2 }\n\n1 1 0 0 0 0 1 1\n')
    play = Play(load_game(str(path)))
    assert play.gaps() == {}
    for policy in ([1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]):
        play.add(np.array(policy))
    assert play.gaps() == {"cce_gap": 0.0, "ce_gap": 0.0}  # each would lose by staying in one place
    for _ in range(2):  # now the row that is told to go here misses the column twice out of three times
        play.add(np.array([1.0, 0.0, 0.0, 1.0]))
    assert play.gaps() == {"cce_gap": 0.5, "ce_gap": 0.5}


def test_regret_minimisers_close_the_gap(game):
    solver = watched(game("kuhn_3p"))
    gaps = []
    for t in (10, 100, 1000):
        solver.advance(t)
        gaps.append(solver.remarks()["cce_gap"])
    assert gaps[0] > 4 * gaps[1] > 16 * gaps[2] > 0


def test_checkpoints_go_on_to_the_same_bits(game):
    whole, first, second = (watched(load_game(SHERIFF), "cfr+") for _ in range(3))
    whole.advance(40)
    first.advance(17)
    second.restore(17, {name: array.copy() for name, array in first.state().items()})
    second.advance(40)
    assert second.remarks() == whole.remarks() and second.average_policy().tobytes() == whole.average_policy().tobytes()
    with pytest.raises(GameplanError, match="checkpoint does not belong"):
        watched(game("kuhn_2p")).restore(17, first.state())


def test_in_runs(tmp_path):
    def ask(*words):
        out = CliRunner().invoke(cli, ["solve", *words, "--json", "-n", "30", "--out", str(tmp_path / "run"), "--force"])
        return json.loads(out.stdout)

    found = ask("kuhn_3p", "--algo", "cfr")
    assert 0 < found["cce_gap"] < 1 and "ce_gap" not in found
    metrics = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert metrics[-1]["cce_gap"] == found["cce_gap"] < metrics[0]["cce_gap"]
    plain = ask("kuhn_3p", "--algo", "cfr", "--no-gaps")
    assert "cce_gap" not in plain and plain["values"] == found["values"]
    assert "cce_gap" not in ask("kuhn_2p", "--algo", "cfr") and "ce_gap" in ask("kuhn_2p", "--algo", "cfr", "--gaps")
    assert "cce_gap" in gp.solve("kuhn_3p", "cfr", n=5).record
    with pytest.raises(UsageError, match="lp has no play of iterations"):
        gp.solve("kuhn_2p", "lp", options=gp.SolveOptions(gaps=True))
    resumed = json.loads(
        CliRunner().invoke(cli, ["solve", "kuhn_3p", "--algo", "cfr", "--json", "-n", "12", "--out", str(tmp_path / "r")]).stdout
    )
    again = json.loads(CliRunner().invoke(cli, ["solve", "--resume", str(tmp_path / "r"), "-n", "30", "--json"]).stdout)
    assert resumed["cce_gap"] > again["cce_gap"] == found["cce_gap"]
