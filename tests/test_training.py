"""Training runs: what they keep, kills and resumes, what is refused; policies in files, and their play."""

import json
import os
import signal
import time
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

import cli
from games.errors import GameplanError, UsageError
from games.worlds import load_world
from planners.policies.catalogue import POLICY
from planners.policies.files import load_learned
from workbench.runs.directory import RunDirectory
from workbench.training.config import TrainConfig, resolve_train, resumed_train
from workbench.training.run import train

WORLD = '''"""Count up to four: a step is worth what it adds, and the die may add one more."""
from games.model_world import ModelWorld

OPTIONS = {"top": 4}


class Count:
    def __init__(self, top):
        self.top = top

    def legal(self, n):
        return [] if abs(n) >= self.top else [1, 2]

    def step(self, n, k):
        return -(n + k), 1.0 / k

    def chance(self, n):
        return [(0.5, -n), (0.5, -n + 1)] if n < 0 else [(1.0, n)]


def make(name, top):
    return ModelWorld(name, Count(top), 0, horizon=6, actions=2, outcomes=2)
'''
METHOD = '''"""What one gets."""
PARAMS = {"scale": 1.0}
OPTIONS = {}
SAMPLING = "turns"


def advantage(batch, params):
    return params["scale"] * batch.rewards
'''
SPOILT = """

import numpy as np


def surrogate(ratio, a, batch, params):
    batch.memory["calls"] = batch.memory.get("calls", np.zeros(1)) + 1.0
    bad = np.nan if batch.memory["calls"][0] > 27.0 else 1.0  # in the second pass of update 6
    return -a * ratio * bad, -a * bad
"""
CHEAP = {"environments": 2, "turns": 4, "starts": 1, "group": 2, "rollouts": 2, "horizon": 3}
CLOCKS = ("timing.jsonl", "environment.json", "result.json")


@pytest.fixture
def world(tmp_path):
    path = tmp_path / "count.py"
    path.write_text(WORLD)
    return str(path)


def start(world, path, method="mc-ppo", **changes):
    """Train and return the record."""
    config = resolve_train(TrainConfig(env=world, method=method, params=CHEAP, **{"updates": 12, "episodes": 4, **changes}))
    return train(config, RunDirectory.create(path), stop=lambda: False)


def contents(path):
    """Return what a run keeps, but for its clocks, of which its checkpoint has two."""
    found = {file.name: file.read_bytes() for file in path.iterdir() if file.name not in (*CLOCKS, "checkpoint.safetensors")}
    return found | {"score": json.loads((path / "result.json").read_text())["score"]}


@pytest.mark.parametrize("method", ["reinforce", "step-ppo", "mc-grpo"])
def test_a_run_that_was_stopped_anywhere_ends_with_the_same_bytes(method, world, tmp_path):
    record = start(world, tmp_path / "whole", method)
    assert record["status"] == "done" and record["updates"] == 12 and record["score"]["episodes"] == 4
    for number in (1, 5, 11):
        asked = iter([False] * number + [True] * 3)
        run = RunDirectory.create(tmp_path / f"stopped-{number}")
        config = resolve_train(TrainConfig(env=world, method=method, params=CHEAP, updates=12, episodes=4))
        stopped = train(config, run, stop=lambda asked=asked: next(asked))
        assert stopped["status"] == "interrupted" and stopped["updates"] == number
        train(resumed_train(run, {"env": world}), run, resume=True)
        assert contents(run.path) == contents(tmp_path / "whole")


def test_a_shorter_run_that_is_told_to_go_on_is_the_longer_one(world, tmp_path):
    start(world, tmp_path / "whole")
    start(world, tmp_path / "grown", updates=5)
    run = RunDirectory(tmp_path / "grown")
    train(resumed_train(run, {"env": world, "updates": 12}), run, resume=True)
    assert contents(run.path) == contents(tmp_path / "whole")


@pytest.mark.parametrize("beside", [["--force"], ["--out", "elsewhere"]])
@pytest.mark.parametrize("command", ["train", "plan", "distill"])
def test_a_run_that_goes_on_is_told_no_other_place(command, beside, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    result = CliRunner().invoke(cli.cli, [command, "--resume", str(tmp_path), *beside])
    assert result.exit_code == 2 and "goes on in the run's own directory" in result.output
    assert (tmp_path / "config.json").read_text() == "{}"


@pytest.mark.parametrize(
    "words", [["--method", "mc-ppo", "--policy", "ntuple"], ["--method", "step-ppo", "--value", "mlp"], ["--method", "tc"]]
)
def test_what_cannot_be_made_replaces_no_run(words, world, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text("{}")
    result = CliRunner().invoke(cli.cli, ["train", world, *words, "--updates", "1", "--out", str(run), "--force"])
    assert isinstance(result.exception, UsageError)
    assert [file.name for file in run.iterdir()] == ["config.json"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seed", "0"], "has seed = 3, not 0"),
        (["--updates", "0"], "say how long to learn"),
        (["--updates", "2"], "has already done 6 updates"),
        (["--episodes", "5"], "has episodes = 4, not 5"),
    ],
)
def test_all_that_is_said_beside_resume_is_heard(words, told, world, tmp_path):
    """Also what is 0."""
    start(world, tmp_path / "run", "reinforce", seed=3, updates=6)
    before = contents(tmp_path / "run")
    result = CliRunner().invoke(cli.cli, ["train", world, "--resume", str(tmp_path / "run"), *words])
    assert isinstance(result.exception, UsageError) and told in str(result.exception)
    assert contents(tmp_path / "run") == before


@pytest.mark.parametrize("files", [["learning.jsonl"], ["timing.jsonl"], ["learning.jsonl", "timing.jsonl"]])
@pytest.mark.parametrize("gone", [slice(2, 3), slice(4, 6), slice(0, 6)])
def test_a_line_that_was_cut_out_is_missed(files, gone, world, tmp_path):
    start(world, tmp_path / "run", "reinforce", updates=6)
    for name in files:
        lines = (tmp_path / "run" / name).read_text().splitlines(keepends=True)
        del lines[gone]
        (tmp_path / "run" / name).write_text("".join(lines))
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(GameplanError, match=f"have no line for update {gone.start + 1}, although the checkpoint is of update 6"):
        train(resumed_train(run, {"env": world, "updates": 8}), run, resume=True)
    (tmp_path / "run" / "checkpoint.safetensors").unlink()
    train(resumed_train(run, {"env": world, "updates": 8}), run, resume=True)
    start(world, tmp_path / "whole", "reinforce", updates=8)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


EASY, OTHER = "#####\n#@$.#\n#####\n\n######\n#@ $.#\n######\n", "#######\n#@  $.#\n#######\n"


@pytest.mark.slow  # to compile
def test_a_run_keeps_its_levels(tmp_path):
    path, run = tmp_path / "my.xsb", RunDirectory.create(tmp_path / "run")
    path.write_text(EASY)

    def levels(updates):
        world = {"levels": str(path), "actions": "moves"}
        given = {"policy": "tabular", "episodes": 2, "world": world, "params": CHEAP}
        return resolve_train(TrainConfig(env="sokoban", method="reinforce", updates=updates, **given))

    train(levels(3), run)
    train(levels(5), RunDirectory.create(tmp_path / "whole"))
    path.write_text(OTHER)
    assert levels(3) != resumed_train(run, {})  # a changed file makes another run
    for words in (["--levels", str(path)], ["--world", f"levels={path}"]):
        result = CliRunner().invoke(cli.cli, ["train", "--resume", str(run.path), *words])
        assert isinstance(result.exception, UsageError) and "is not the file with which" in str(result.exception)
    path.unlink()
    (tmp_path / "same.xsb").write_text(EASY)
    train(resumed_train(run, {"updates": 5, "world": {"levels": str(tmp_path / "same.xsb")}}), run, resume=True)
    assert contents(run.path) == contents(tmp_path / "whole") and (run.path / "levels.xsb").read_text() == EASY
    (run.path / "levels.xsb").write_text(OTHER)
    with pytest.raises(GameplanError, match="is not the file of levels with which the run started"):
        train(resumed_train(run, {"updates": 6}), run, resume=True)
    settings = json.loads((run.path / "config.json").read_text())
    (run.path / "config.json").write_text(json.dumps({**settings, "programs": {}}))
    with pytest.raises(UsageError, match=r"keeps no copy of its levels, .*my.xsb, which is not read"):
        resumed_train(run, {"updates": 6})


def test_an_interrupted_run_offers_nothing_to_play_with_yet(world, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.terminal.interrupts.stop_on_signal", lambda: nullcontext(lambda: True))
    arguments = ["train", world, "--method", "mc-ppo", "--updates", "2", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(cli.cli, arguments, standalone_mode=False)
    assert result.return_value == 130 and "play it" not in result.output
    assert f"--resume {tmp_path / 'run'} --trusted" in result.output  # the world is of one's own


def test_the_record_and_the_lines_say_what_was_done(world, tmp_path):
    result = CliRunner().invoke(cli.cli, [
        "train", world, "--method", "mc-grpo", "--updates", "3", "--episodes", "5", "--set", "rollouts=2", "--set", "horizon=3",
        "--set", "environments=2", "--out", str(tmp_path / "run"), "--json",
    ])  # fmt: skip
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    wanted = ("schema", "command", "world", "method", "policy", "seed", "updates", "environment_steps", "expansions", "score",
        "optimum", "seconds", "cpu_seconds", "status", "run")  # fmt: skip
    assert set(wanted) <= set(record) and record["command"] == "train" and record["status"] == "done"
    assert record["environment_steps"] == 3 * 2 * 16 and record["expansions"] > 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "learning.jsonl").read_text().splitlines()]
    assert [line["update"] for line in lines] == [1, 2, 3] and lines[-1]["environment_steps"] == record["environment_steps"]
    assert not any("seconds" in name for line in lines for name in line)
    assert {"entropy", "kl", "clip_fraction", "gradient_norm", "advantage_variance", "ratio_median"} <= set(lines[0])
    shown = CliRunner().invoke(cli.cli, ["runs", "list", str(tmp_path)])
    assert "mc-grpo" in shown.output


def test_a_policy_plays_and_a_run_starts_from_it(world, tmp_path):
    start(world, tmp_path / "first", updates=30)
    arguments = ["plan", world, "--episodes", "3", "--json", "--out", str(tmp_path / "play")]
    played = CliRunner().invoke(cli.cli, [*arguments, "--policy", str(tmp_path / "first"), "--temperature", "0.5"])
    assert played.exit_code == 0, played.output
    assert json.loads(played.stdout)["cost"]["evaluations"] >= 1.0
    record = start(world, tmp_path / "second", init=str(tmp_path / "first"), updates=1)
    assert record["policy"] == "tabular"
    learned = load_learned(tmp_path / "second", POLICY, load_world(world).instance(0)).record
    assert learned.filled[0] >= load_learned(tmp_path / "first", POLICY, load_world(world).instance(0)).record.filled[0] > 0
    for given, words in (
        ({"policy_params": {"capacity": "64"}}, "capacity = 262144, not 64"),
        ({"policy": "mlp"}, "of kind tabular"),
    ):
        with pytest.raises(UsageError, match=words):
            resolve_train(TrainConfig(env=world, method="mc-ppo", updates=1, init=str(tmp_path / "first"), **given))
    (tmp_path / "first" / "policy.safetensors").unlink()  # the second has its own copy
    run = RunDirectory(tmp_path / "second")
    assert train(resumed_train(run, {"env": world, "updates": 2}), run, resume=True)["updates"] == 2


def test_diverging_training_keeps_the_last_good_policy_and_names_the_update(world, tmp_path):
    method = tmp_path / "mine.py"
    method.write_text(METHOD + SPOILT)
    said = []
    config = resolve_train(TrainConfig(env=world, method=str(method), params=CHEAP, updates=12, episodes=2))
    run = RunDirectory.create(tmp_path / "run")
    record = train(config, run, say=said.append)
    assert record["status"] == "diverged" and "in update 6" in record["problem"] and "in update 6" in said[0]
    kept = load_learned(run.path, POLICY, load_world(world).instance(0)).record
    assert np.isfinite(kept.numbers).all() and kept.filled[0] > 0 and record["updates"] == 5
    lines = (run.path / "learning.jsonl").read_text().splitlines()
    assert [json.loads(line)["update"] for line in lines] == [1, 2, 3, 4, 5]
    start(world, tmp_path / "shorter", str(method), updates=5, episodes=2)
    assert (tmp_path / "shorter" / "policy.safetensors").read_bytes() == (run.path / "policy.safetensors").read_bytes()


def test_what_cannot_be_trained_is_refused_in_a_line(world, tmp_path):
    for changes, words in (
        ({"method": "mc-pp"}, "did you mean 'mc-ppo'"),
        ({"params": {"clp": 1}}, "did you mean 'clip'"),
        ({"policy": "tabluar"}, "did you mean 'tabular'"),
        ({"updates": 0}, "say how long to learn"),
        ({"policy_params": {"capacity": 0}}, "capacity=0 is not possible"),
        ({"init": str(tmp_path)}, "holds no policy"),
    ):
        with pytest.raises((UsageError, GameplanError), match=words):
            config = resolve_train(TrainConfig(**{"env": world, "method": "mc-ppo", "updates": 1, **changes}))
            train(config, RunDirectory.create(tmp_path / "run"))
        assert not (tmp_path / "run" / "config.json").exists()


def needing(path, need, planner=""):
    """Write a method that needs something to `path`; return its name."""
    path.write_text(f"{METHOD}\nNEEDS = ({need!r},)\nPARAMS['planner'] = {planner!r}\n")
    return str(path)


@pytest.mark.parametrize(
    ("env", "need", "planner", "told"),
    [
        ("2048-2x2", "success", "", "needs episodes that succeed or fail; 2048-2x2 has no goals"),
        ("sokoban-proact", "positive", "", "never negative; in sokoban-proact the action up can earn -0.1"),
        ("2048-3x3-proact", "positive", "", r"never negative; in 2048-3x3-proact the action \w+ can earn -1,"),
        ("2048-2x2", "positive", "", None),
        ("kg-walk", "positive", "", None),
        ("2048-2x2", "planner", "astar", "cannot ask planner=astar in 2048-2x2: astar plans without chance"),
        ("2048-2x2", "planner", "mtcs", "did you mean 'mcts'"),
        ("2048-2x2", "planner", "random", None),
    ],
)
def test_a_world_that_lacks_what_a_method_needs_is_refused_before_it_begins(env, need, planner, told, tmp_path):
    config = TrainConfig(env=env, method=needing(tmp_path / "mine.py", need, planner), updates=1)
    if told is None:
        assert resolve_train(config).updates == 1
        return
    with pytest.raises(UsageError, match=told) as caught:
        resolve_train(config)
    assert "\n" not in str(caught.value)


def test_a_penalty_that_comes_late_ends_training_in_a_line(world, tmp_path):
    late = tmp_path / "late.py"
    late.write_text((tmp_path / "count.py").read_text().replace("1.0 / k", "1.0 / k if n < 100 else -2.0").replace(
        '"top": 4', '"top": 110').replace("horizon=6", "horizon=120"))  # fmt: skip
    with pytest.raises(GameplanError, match="needs rewards that are never negative, and met -2"):
        start(str(late), tmp_path / "run", needing(tmp_path / "mine.py", "positive"), updates=60)


@pytest.mark.parametrize(("body", "told"), [("params['zeta']", "KeyError: 'zeta'"), ("exit(0)", "SystemExit: 0")])
def test_an_own_method_that_fails_while_learning_is_told_its_line(body, told, world, tmp_path):
    method = tmp_path / "mine.py"
    method.write_text(METHOD.replace("batch.rewards", body))
    with pytest.raises(GameplanError, match=f"method .*mine.py, line 8: {told}"):
        start(world, tmp_path / "run", str(method), updates=1)


def test_an_own_method_runs_again_only_if_it_is_named(world, tmp_path):
    method = tmp_path / "mine.py"
    method.write_text(METHOD)
    start(world, tmp_path / "run", str(method), updates=1)
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(UsageError, match=r"has a method of its own|has a world of its own"):
        resumed_train(run, {})
    with pytest.raises(UsageError, match="has a method of its own"):
        resumed_train(run, {"env": world})
    assert resumed_train(run, {}, trusted=True).updates == 1
    method.write_text(METHOD + "\n")
    with pytest.raises(UsageError, match="is not the file with which"):
        resumed_train(run, {"env": world, "method": str(method)})


def killed_after(seconds, work):
    """Do `work` in a child that gets SIGKILL after so many `seconds`; return whether it was still at work."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL)
    return status != 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a child")
@pytest.mark.parametrize(
    ("env", "method", "updates", "given"),
    [
        ("count", "step-ppo", 300, {"params": CHEAP}),
        ("2048-3x3", "tc", 40, {"params": {"restart": 8}, "value_params": {"tuples": "0145-012"}}),
    ],
)
def test_kills_at_any_moment_cost_nothing(env, method, updates, given, world, tmp_path, monkeypatch):
    """The same bytes after SIGKILL at ten random moments of the run."""
    monkeypatch.setattr("workbench.training.loop.CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr("workbench.training.run.describe_environment", lambda threads: {})  # asks git
    env = {"count": world}.get(env, env)
    config = resolve_train(TrainConfig(env=env, method=method, updates=updates, episodes=2, **given))
    path, rng, kills = tmp_path / "killed", np.random.default_rng(0), 0
    train(replace(config, updates=1), RunDirectory.create(tmp_path / "warm"))  # compiles
    begun = time.perf_counter()
    train(config, RunDirectory.create(tmp_path / "whole"))
    whole = time.perf_counter() - begun

    def work():
        if (path / "config.json").exists():
            run = RunDirectory.open(path)
            train(resumed_train(run, {}, trusted=True), run, resume=True)
        else:
            train(config, RunDirectory.create(path))

    while kills < 10:
        if not killed_after(whole * rng.uniform(0.02, 0.15), work):
            break
        kills += 1
    work()
    assert kills >= 7
    assert contents(path) == contents(tmp_path / "whole")
