"""What can be seen of runs and policies: names, reach, counterfactual values, one row for everything that was run."""

import json

import numpy as np
import pytest

from games.errors import UsageError
from games.loader import load_game
from solvers.exploitability import Evaluator, uniform_policy
from workbench.runs import locks
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig
from workbench.solving.labels import readable
from workbench.solving.policies import encode_policy
from workbench.solving.run import solve
from workbench.views.policy import PolicyView, view_file, view_run
from workbench.views.runs import DAMAGED, RUNNING, UNFINISHED, find_runs, look


def view_of(name, policy=None):
    game = load_game(name)
    return PolicyView(game, uniform_policy(game) if policy is None else policy, "test")


def test_uniform_play_of_kuhn_poker_by_hand():
    rows = {(row.player, row.infoset): row for row in view_of("kuhn_2p").rows()}
    jack, called = rows[0, "0"], rows[0, "0pb"]
    assert jack.names == ("Pass", "Bet") and jack.actions == (0, 1)
    # to pass is checked (-1) or bet into, where half the time a fold (-1) and half a call (-2) follow; to bet wins 1 or loses 2
    assert np.allclose(jack.values, (np.array([-1 / 2 - 1.5 / 2, 1 / 2 - 2 / 2])) / 3)
    assert np.allclose(jack.regrets, (-0.125, 0.125)) and jack.regret == pytest.approx(0.125)
    assert (called.after, called.own_reach) == (("Pass",), 0.5)
    assert called.reach == pytest.approx(1 / 12) and called.others_reach == pytest.approx(1 / 6)


def test_own_reach_times_regret_is_what_a_change_at_one_infoset_gains():
    game = load_game("kuhn_3p")
    count = game.tree.count.astype(int)
    policy = np.concatenate([np.random.default_rng(1).dirichlet(np.ones(n)) for n in count])
    evaluator, view = Evaluator(game), view_of("kuhn_3p", policy)
    before, starts = evaluator(policy).values, np.cumsum([0, *count])
    for place, row in enumerate(view.rows()):
        for k, regret in enumerate(row.regrets):
            other = policy.copy()
            other[starts[place] : starts[place + 1]] = np.eye(len(row.actions))[k]
            assert evaluator(other).values[row.player] - before[row.player] == pytest.approx(row.own_reach * regret, abs=1e-12)
    for player, value in enumerate(before):
        first = [row for row in view.rows(player) if not row.after]
        if player == 0:  # who moves first comes to one of its first infosets always
            assert sum(np.dot(row.values, row.probabilities) for row in first) == pytest.approx(value)
            assert sum(row.reach for row in first) == pytest.approx(1.0)


def test_rows_are_chosen_by_player_pattern_and_reach_and_no_more_than_asked_for():
    view = view_of("leduc_2p")
    assert len(list(view.rows())) == sum(view.game.infosets)
    assert {row.player for row in view.rows(1)} == {1}
    found = list(view.rows(0, "private: 2*public: 4"))
    assert found and all("[Private: 2]" in row.infoset and "[Public: 4]" in row.infoset for row in found)
    assert len(list(view.rows(0, "private: 2", most=3))) == 3
    assert 0 < len(list(view.rows(reach=0.01))) < len(list(view.rows(reach=0.001)))
    assert not list(view.rows(0, "[Private: 2"[::-1]))
    with pytest.raises(UsageError, match="players are 0 to 1"):
        list(view.rows(2))


def test_labels_leave_out_what_says_nothing_and_stay_distinct():
    assert readable(["[Observer: 0][Private: 1][Round2: ]", "[Observer: 0][Private: 2][Round2: 1]"]) == [
        "Private: 1", "Private: 2; Round2: 1",
    ]  # fmt: skip
    assert readable(["Current player: 1\nHand: 1 2 \nPoints:\n", "Current player: 1\nHand: 1 \nPoints:\n"]) == [
        "Hand: 1 2",
        "Hand: 1",
    ]
    assert readable(["0pb", "1"]) == ["0pb", "1"]
    assert readable(["a:\nb", "a: \nb"]) == ["a: b", "a: b"]  # apart only by blanks: whole, in one line
    for name in ("leduc_2p", "goofspiel_4", "liars_dice_4"):
        for own in view_of(name).labels:
            assert len(set(own)) == len(own) and not any("\n" in label for label in own)


def _offer(folder):
    path = folder / "offer.efg"
    path.write_text(
        'EFG 2 R "" { "a" "b" }\np "" 1 1 "" { "high" "low" } 0\np "" 2 1 "" { "yes" "" } 0\nt "" 1 "" { 1, -1 }\n'
        't "" 2 "" { 0, 0 }\np "" 2 2 "" { "x" "x" } 0\nt "" 3 "" { 2, -2 }\nt "" 4 "" { 3, -3 }\n'
    )
    return str(path)


def test_actions_have_the_names_of_the_game_file(tmp_path):
    assert [row.names for row in view_of(_offer(tmp_path)).rows()] == [("high", "low"), ("yes", "2"), ("x 1", "x 2")]


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "one"
    solve(SolveConfig("kuhn_2p", "cfr+", 30), RunDirectory.create(path))
    return path


def test_a_run_and_its_policy_files_are_the_same_policy(solved):
    rows = list(view_run(solved).rows())
    assert [row.names for row in rows] == [("Pass", "Bet")] * 12
    for suffix in ("npz", "json", "csv"):
        assert list(view_file("kuhn_2p", solved / f"policy.{suffix}").rows()) == rows


def test_a_run_is_one_row_whatever_became_of_it(solved, tmp_path):
    seen = look(solved)
    assert (seen.kind, seen.game, seen.algo, seen.seed, seen.status) == ("solve", "kuhn_2p", "cfr+", 0, "done")
    result = json.loads((solved / "result.json").read_text())
    assert (seen.figure, seen.unit, seen.size, seen.sizes) == (result["exploitability"], "exploitability", 30, "iterations")
    assert seen.started is not None and seen.seconds == result["seconds"] and seen.settings["iterations"] == 30
    assert json.loads(json.dumps(seen.record()))["run"] == str(solved)
    with locks.writing(solved):
        assert look(solved).status == RUNNING
    other = tmp_path / "runs" / "cut"
    other.mkdir(parents=True)
    for name in ("config.json", "metrics.jsonl"):
        (other / name).write_bytes((solved / name).read_bytes())
    lines = [json.loads(line) for line in (solved / "metrics.jsonl").read_text().splitlines()]
    seen = look(other)
    assert (seen.status, seen.figure, seen.size) == (UNFINISHED, lines[-1]["exploitability"], 30)
    (other / ".lock").write_text("{}")  # of a killed process
    assert look(other).status == UNFINISHED
    (other / "metrics.jsonl").write_text('{"iteration": "many"}\n')
    assert look(other).status == DAMAGED and "metrics.jsonl: the last line" in look(other).note
    assert [found.path for found in find_runs(tmp_path)] == [other]
    with pytest.raises(UsageError, match="holds no run"):
        look(tmp_path)


def test_policy_files_say_what_actions_are_called_and_are_read_without(solved, tmp_path):
    record = json.loads((solved / "policy.json").read_text())
    assert record["action_names"] == [{"0": "Pass", "1": "Bet"}] * 2 and "infoset_action_names" not in record
    lines = (solved / "policy.csv").read_text().splitlines()
    assert lines[0] == "player,infoset,action,probability,name" and [line.rpartition(",")[2] for line in lines[1:3]] == [
        "Pass",
        "Bet",
    ]
    arrays = np.load(solved / "policy.npz")
    assert [str(arrays["names"][k]) for k in arrays["name"]] == ["Pass", "Bet"] * 12
    rows = list(view_run(solved).rows())
    old = {  # what files were before
        "json": json.dumps({key: record[key] for key in ("game", "players")}),
        "csv": "\n".join(line.rpartition(",")[0] for line in lines),
    }
    for suffix, text in old.items():
        (tmp_path / f"old.{suffix}").write_text(text)
        assert list(view_file("kuhn_2p", tmp_path / f"old.{suffix}").rows()) == rows
    np.savez(tmp_path / "old.npz", policy=arrays["policy"], game=arrays["game"])
    assert list(view_file("kuhn_2p", tmp_path / "old.npz").rows()) == rows


def test_names_that_differ_by_infoset_are_told_by_infoset(tmp_path):
    game = load_game(_offer(tmp_path))
    record = json.loads(encode_policy(game, uniform_policy(game), ".json"))
    assert record["action_names"] == [{"0": "high", "1": "low"}, {"0": "yes", "1": "2"}]
    assert record["infoset_action_names"] == [{}, {game.infoset_names[1][1]: {"0": "x 1", "1": "x 2"}}]
    for suffix in ("npz", "json", "csv"):
        (tmp_path / f"p.{suffix}").write_bytes(encode_policy(game, uniform_policy(game), f".{suffix}"))
        assert list(view_file(game, tmp_path / f"p.{suffix}").rows()) == list(view_of(game.name).rows())
