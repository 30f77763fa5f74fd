"""solve --lock: what is reported and kept, what goes on to the same bytes, and what is refused."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

import cli
import workbench as gp
from games.errors import GameplanError, UsageError
from games.loader import load_game
from solvers.exploitability import Evaluator, uniform_policy
from workbench.comparison.curves import run_curves
from workbench.figures.convergence import draw_convergence
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig, resumed_config, saved_config
from workbench.solving.isolated import Trust
from workbench.solving.policies import load_policy, policy_table, save_policy
from workbench.solving.population import Population
from workbench.solving.run import solve
from workbench.views.history import replayed
from workbench.views.runs import best_of_games, find_runs, look

SAME = ("config.json", "metrics.jsonl", "policy.npz", "policy.json", "policy.csv", "checkpoint.safetensors", "lock.npz")
CLOSE = 1e-12
RULE = """import numpy as np
PARAMS = {}
STATE = {}
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    S += np.repeat(reach, infosets.count) * sigma
def accumulate_regret(R, r, t, infosets, params, state):
    np.maximum(R + r, 0.0, out=R)
def derive_policy(sigma, R, r, t, infosets, params, state):
    total = np.repeat(np.add.reduceat(R, infosets.first), infosets.count)
    sigma[:] = np.where(total > 0, R / np.where(total > 0, total, 1.0), 1.0 / np.repeat(infosets.count, infosets.count))
"""


def run(*arguments, code=0):
    result = CliRunner().invoke(cli.cli, [str(argument) for argument in arguments], standalone_mode=False, catch_exceptions=False)
    assert result.return_value == code, result.output
    return result.stdout


def refused(*arguments):
    """Return the line that a command ends with, which leaves no directory behind."""
    with pytest.raises((GameplanError, UsageError)) as caught:
        CliRunner().invoke(cli.cli, [str(argument) for argument in arguments], standalone_mode=False, catch_exceptions=False)
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with a weak policy of Leduc poker, as a run and as files."""
    folder = tmp_path_factory.mktemp("locking")
    solve(SolveConfig("leduc_2p", "cfr", 10), RunDirectory.create(folder / "weak"))
    return folder


@pytest.fixture
def here(place, tmp_path, monkeypatch):
    shutil.copytree(place / "weak", tmp_path / "weak")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def locked_run(path, **settings):
    given = {"lock": "weak", "lock_player": 1, "lock_probability": 0.5, "iterations": 90, **settings}
    return solve(SolveConfig("leduc_2p", **{"algo": "dcfr", **given}), RunDirectory.create(path))


def test_the_record_is_of_the_game_with_the_lock_and_has_a_table_of_the_game_itself(here):
    record = json.loads(run("solve", "leduc_2p", "--algo", "lp", "--lock", "weak", "--lock-player", 1, "--out", "mine", "--json"))
    game = load_game("leduc_2p")
    weak, mine = (load_policy(game, here / name / "policy.npz")[0] for name in ("weak", "mine"))
    best = Evaluator(game)(weak).best_responses[0]
    lock = record["lock"]
    assert record["values"][0] == pytest.approx(best, abs=CLOSE) and lock["wins"] == pytest.approx(record["values"], abs=CLOSE)
    assert record["exploitability"] == pytest.approx(0.0, abs=CLOSE) and lock["exploitability"] > 0.5
    found = Evaluator(game)(mine)
    assert (lock["exploitability"], lock["nash_conv"]) == pytest.approx((found.exploitability, found.nash_conv), abs=CLOSE)
    assert lock["values"] == pytest.approx(found.values) and lock["best_responses"] == pytest.approx(found.best_responses)
    assert (lock["player"], lock["pattern"], lock["probability"], lock["infosets"]) == (1, None, 1.0, game.infosets[1])
    own = game.player_actions(1)
    assert (mine[own] == weak[own]).all() and record["infosets"] == game.infosets
    shown = json.loads(run("exploit", "mine", "--json"))
    assert shown["exploitability"] == lock["exploitability"]
    answer = json.loads(run("best-response", "leduc_2p", "weak", "--player", 0, "--json"))
    assert answer["best_responses"][0] == pytest.approx(record["values"][0], abs=CLOSE)
    for suffix in (".json", ".csv"):
        assert load_policy(game, here / f"mine/policy{suffix}")[0].tolist() == mine.tolist()


def test_any_kind_of_policy_can_be_locked(here):
    game = load_game("leduc_2p")
    values = set()
    for policy in ("weak", "weak/policy.npz", "weak/policy.json", "weak/policy.csv"):
        arguments = ("solve", "leduc_2p", "--algo", "cfr", "-n", 5, "--lock", policy, "--lock-player", 0, "--json")
        values.add(tuple(json.loads(run(*arguments))["values"]))
    assert len(values) == 1
    uniform = json.loads(run("solve", "leduc_2p", "--algo", "lp", "--lock", "uniform", "--lock-player", 0, "--json"))
    assert uniform["values"][1] == pytest.approx(Evaluator(game)(uniform_policy(game)).best_responses[1], abs=CLOSE)


def test_a_pattern_locks_some_infosets(here):
    game = load_game("leduc_2p")
    weak = load_policy(game, here / "weak/policy.npz")[0]
    values = []
    for n, pattern in enumerate(("Private: 0*Round 1", "Round 1", None)):
        record = locked_run(here / f"{n}", algo="lp", lock_infosets=pattern, lock_probability=None)
        mine = load_policy(game, here / f"{n}/policy.npz")[0]
        own = game.player_infosets(1)
        is_locked = [pattern is None or ("Round 1" in name and (n or "Private: 0" in name)) for name in game.infoset_names[1]]
        pairs = np.repeat(is_locked, game.tree.count[own])
        assert record["lock"]["infosets"] == sum(is_locked) > 0
        assert (mine[game.player_actions(1)][pairs] == weak[game.player_actions(1)][pairs]).all()
        values.append(record["values"][0])
    free = gp.solve("leduc_2p", "lp").values[0]
    assert free < values[0] < values[1] < values[2]  # the more is given away, the more there is to win


def test_whose_play_is_locked_follows_from_a_policy_of_one_player(here):
    game = load_game("kuhn_2p")
    tables = policy_table(game, uniform_policy(game))
    (here / "one.json").write_text(json.dumps({"players": [{}, tables[1]]}))
    (here / "flat.json").write_text(json.dumps(tables[1]))
    for name in ("one.json", "flat.json"):
        record = solve(SolveConfig("kuhn_2p", "lp", lock=name), RunDirectory.create(here / f"of-{name}"))
        assert record["lock"]["player"] == 1 and record["values"][0] == pytest.approx(0.5, abs=CLOSE)
        assert saved_config(RunDirectory(here / f"of-{name}")).lock_player == 1
    assert "--lock-player 0 or 1" in refused("solve", "kuhn_2p", "--lock", "uniform")
    both = solve(SolveConfig("kuhn_2p", "lp", lock="uniform", lock_infosets="0pb"), RunDirectory.create(here / "both"))
    assert both["lock"]["player"] == 0 and both["lock"]["infosets"] == 1  # an infoset that only one player has


def test_equal_interrupted_and_extended_runs_have_the_same_bytes(here):
    locked_run(here / "whole")
    locked_run(here / "again")
    calls = iter([False] * 8 + [True] * 99)
    config = SolveConfig("leduc_2p", "dcfr", 90, lock="weak", lock_player=1, lock_probability=0.5)
    solve(config, RunDirectory.create(here / "stopped"), stop=lambda: next(calls))
    shutil.rmtree(here / "weak")  # the run has a copy
    run("solve", "--resume", "stopped", "--json")
    for name in ("again", "stopped"):
        assert [file for file in SAME if (here / name / file).read_bytes() != (here / "whole" / file).read_bytes()] == []


@pytest.mark.parametrize(
    "settings", [{"algo": "psro-uniform", "iterations": 6}, {"algo": "qre", "iterations": 300}, {"iterate": "best"}]
)
@pytest.mark.slow  # a loop a family
def test_runs_of_every_family_go_on_to_the_same_bytes(here, settings):
    given = {"lock_infosets": "Round 2", **settings}
    n = given.pop("iterations", 60)
    whole = locked_run(here / "whole", iterations=n, **given)
    locked_run(here / "part", iterations=n // 2, **given)
    part = RunDirectory.open(here / "part")
    record = solve(resumed_config(part, {"iterations": n}), part, resume=True)
    for name in SAME:
        assert (here / "part" / name).read_bytes() == (here / "whole" / name).read_bytes(), name
    assert {**record["lock"]} == whole["lock"] and record["lock"]["exploitability"] > record["exploitability"] > 0.0


def test_a_resumed_run_keeps_its_lock(here):
    locked_run(here / "mine", iterations=20)
    for option, value in (("--lock", "uniform"), ("--lock-player", 0), ("--lock-probability", 0.25), ("--lock-infosets", "x")):
        line = refused("solve", "--resume", "mine", option, value)
        assert "a resumed run keeps it" in line and option.lstrip("-").replace("-", "_") in line
    run(
        "solve", "--resume", "mine", "-n", 30, "--lock", "weak", "--lock-player", 1, "--lock-probability", 0.5, "--json"
    )  # the same
    (here / "mine/lock.npz").write_bytes(b"other")
    assert "is not the locked policy with which the run started" in refused("solve", "--resume", "mine", "-n", 40)


def test_no_policy_is_read_because_a_run_directory_says_so(here):
    locked_run(here / "mine", iterations=20)
    config = json.loads((here / "mine/config.json").read_text())
    config["programs"].pop("lock")
    (here / "mine/config.json").write_text(json.dumps(config))
    assert "keeps no copy of the policy of its lock" in refused("solve", "--resume", "mine", "-n", 40)


def test_bad_locks_are_refused_in_a_line_and_leave_nothing(here):
    game = load_game("kuhn_2p")
    save_policy(game, uniform_policy(game), here / "kuhn.npz")
    save_policy(game, uniform_policy(game), here / "kuhn.json")
    tables = policy_table(game, uniform_policy(game))
    tables[1].pop("2b")
    (here / "forgets.json").write_text(json.dumps({"players": tables}))
    (here / "empty.json").write_text("{}")
    begun = RunDirectory.create(here / "begun")
    begun.start({**json.loads((here / "weak/config.json").read_text())}, {})
    solve(SolveConfig("kuhn_2p", "cfr", 2), RunDirectory.create(here / "kept"))
    before = {path: path.read_bytes() for path in (here / "kept").iterdir()}
    names = sorted(path.name for path in here.iterdir())

    def said(*arguments, game="kuhn_2p"):
        line = refused("solve", game, *arguments, "--out", "kept", "--force")
        assert {path: path.read_bytes() for path in (here / "kept").iterdir()} == before  # what --force would replace
        return line

    assert "holds 24 probabilities" in said("--lock", "kuhn.npz", "--lock-player", 0, game="leduc_2p")
    assert "mentions no infoset of leduc_poker" in said("--lock", "kuhn.json", "--lock-player", 0, game="leduc_2p")
    assert "does not say what player 1 plays at infoset '2b'" in said("--lock", "forgets.json", "--lock-player", 1)
    assert "does not say" not in run(
        "solve", "kuhn_2p", "--algo", "lp", "--lock", "forgets.json", "--lock-player", 0, "--out", "good"
    )
    assert "no infoset of player 1 of kuhn_2p matches 'nothing'" in said(
        "--lock", "uniform", "--lock-player", 1, "--lock-infosets", "nothing"
    )
    assert "no infoset of kuhn_2p matches 'nothing'" in said("--lock", "uniform", "--lock-infosets", "nothing")
    assert "has players 0 to 1" in said("--lock", "uniform", "--lock-player", 2)
    assert "there is no policy 'nowhere.npz'" in said("--lock", "nowhere.npz", "--lock-player", 0)
    assert "begun has no policy yet" in said("--lock", "begun", "--lock-player", 0)
    assert "its name must end in" in said("--lock", "weak/metrics.jsonl", "--lock-player", 0)
    assert "mentions no infoset" in said("--lock", "empty.json", "--lock-player", 0)
    for option, value in (("--lock-player", 0), ("--lock-infosets", "1"), ("--lock-probability", 0.5)):
        assert f"{option} is said of a lock, and there is none" in said(option, value)
    assert "es-mccfr walks the tree of the game itself" in said("--algo", "es-mccfr", "--lock", "uniform", "--lock-player", 0)
    assert "kept/policy.npz is in kept" in said("--lock", "kept", "--lock-player", 0)
    (here / "kept/program.py").write_text(RULE)
    before[here / "kept/program.py"] = RULE.encode()
    assert "program.py is in kept" in said("--algo", "kept/program.py")
    for value in (0, 1.5, "nan", -1):
        result = CliRunner().invoke(cli.cli, ["solve", "kuhn_2p", "--lock", "uniform", "--lock-probability", str(value)])
        assert result.exit_code == 2 and "Traceback" not in result.output
        with pytest.raises(UsageError, match=r"lock_probability|cannot be meant"):
            gp.solve("kuhn_2p", "cfr", 2, lock=gp.Lock("uniform", 0, probability=float(value)))
    shutil.rmtree(here / "good")
    assert sorted(path.name for path in here.iterdir()) == names


def test_views_know_a_game_with_a_lock_as_another_game(here):
    locked_run(here / "runs/locked", algo="cfr", iterations=400)
    locked_run(here / "runs/surely", algo="cfr", lock_probability=1.0, lock_infosets="Round 1")
    solve(SolveConfig("leduc_2p", "cfr", 20), RunDirectory.create(here / "runs/free"))
    games = {view.name: view.game for view in find_runs(here / "runs")}
    digest = saved_config(RunDirectory(here / "runs/locked")).programs["lock"][:6]
    assert games == {
        "free": "leduc_2p", "locked": f"leduc_2p (player 1 plays weak-{digest}, p = 0.5)",
        "surely": f"leduc_2p (player 1 plays weak-{digest}, at Round 1)",
    }  # fmt: skip
    assert len(best_of_games(find_runs(here / "runs"))) == 3 and look(here / "runs/locked").settings["lock_player"] == 1
    curves = run_curves([here / "runs"])
    assert set(curves) == set(games.values())
    titles = [panel.get_title() for panel in draw_convergence(curves, None).axes]
    assert f"leduc_2p (player 1 plays weak-{digest},\np = 0.5)" in titles
    shown = run("show", "runs/locked", "--player", 1, "--infoset", "Private: 0*Round 1*Pot: 2")
    assert "player 1 at 468 infosets, with probability 0.5" in shown and "in the game" in shown
    assert "leduc_2p (player 1" in run("runs", "list", "runs")
    run("report", "runs", "--out", "page.html")
    assert "lock_probability" in run("runs", "diff", "runs/locked", "runs/surely")


def test_histories_and_populations_are_of_what_was_solved(here):
    locked_run(here / "mine", algo="cfr", iterations=30)
    game = load_game("leduc_2p")
    history = replayed(here / "mine", np.arange(sum(game.actions)))
    final = load_policy(game, here / "mine/policy.npz")[0]
    np.testing.assert_allclose(history.average[-1], final, rtol=0, atol=1e-12)
    locked_run(here / "many", algo="psro-uniform", iterations=4)
    rows = Population.open(here / "many").mixtures()
    lines = RunDirectory(here / "many").read_lines("metrics.jsonl")
    assert [row["eval"] for row in rows] == pytest.approx([line["exploitability"] for line in lines])
    assert rows[-1]["uniform"] == pytest.approx(lines[-1]["exploitability"], abs=CLOSE)


def test_the_door_takes_a_policy_a_lock_or_a_name(here):
    weak = gp.solve("kuhn_2p", "cfr", n=3).policy
    result = gp.solve("kuhn_2p", "lp", lock=gp.Lock(weak, player=0))
    assert result.values[1] == pytest.approx(Evaluator(weak.game)(weak.probabilities).best_responses[1], abs=CLOSE)
    assert (result.policy.probabilities[:12] == weak.probabilities[:12]).all() and result.policy.game.infosets == [6, 6]
    kept = gp.solve("kuhn_2p", "cfr", n=20, lock=gp.Lock(weak, 0, "0", 0.25), out=here / "mine")
    more = gp.resume(here / "mine", n=40)
    assert (here / "mine/lock.npz").exists() and more.record["lock"]["probability"] == 0.25 == kept.record["lock"]["probability"]
    assert gp.solve("leduc_2p", "lp", lock=gp.Lock("weak", 1)).record["lock"]["player"] == 1
    assert len(gp.psro("kuhn_2p", "uniform", n=2).population.plans) == 2
    with pytest.raises(UsageError, match="is none of leduc_2p"):
        gp.solve("leduc_2p", lock=gp.Lock(weak, 0))
    with pytest.raises(UsageError, match="a lock is a Policy"):
        gp.solve("kuhn_2p", lock=3)
    with pytest.raises(UsageError, match="--lock-player 0 or 1"):
        gp.solve("kuhn_2p", lock=weak)


def test_a_game_in_which_nobody_decides_is_solved(here):
    (here / "one.efg").write_text('EFG 2 R "one" { "a" }\n""\np "" 1 1 "" { "x" "y" } 0\nt "" 1 "" { 1 }\nt "" 2 "" { 3 }\n')
    for algo in ("cfr+", "vad-cfr", "psro-uniform", "qre"):
        arguments = ("solve", "one.efg", "--algo", algo, "-n", 20, "--lock", "uniform", "--json")
        record = json.loads(run(*arguments))
        assert record["exploitability"] == 0.0 and record["values"] == [2.0] and record["lock"]["best_responses"] == [3.0]


@pytest.mark.slow
def test_programs_run_isolated_on_games_with_a_lock(here):
    (here / "mine.py").write_text(RULE)
    config = SolveConfig("kuhn_3p", "mine.py", 20, lock="uniform", lock_player=1, lock_infosets="0*", lock_probability=0.3)
    own, there = RunDirectory.create(here / "own"), RunDirectory.create(here / "there")
    solve(config, own)
    solve(config, there, trust=Trust(sandbox=True))
    for name in ("policy.npz", "metrics.jsonl", "config.json"):
        assert (own.path / name).read_bytes() == (there.path / name).read_bytes(), name
