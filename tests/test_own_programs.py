"""Worlds and planners of the user's own: from a file or module:attribute, kept with the run, and run only if named or trusted."""

import json
import os
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import cli
from games.errors import GameplanError, UsageError
from games.modules import digest_of, read_text
from games.worlds import load_world
from workbench.planning.config import PlanConfig, resolve_plan, resumed_plan
from workbench.planning.replay import load_frames
from workbench.planning.run import Chunk, play_chunk, run_plan
from workbench.runs.directory import RunDirectory
from workbench.runs.programs import kept_programs
from workbench.solving.config import SolveConfig, resolve_config, resumed_config
from workbench.solving.isolated import trust_of
from workbench.solving.run import solve

WORLD = '''"""Take 1, 2 or 3 from a number; reaching exactly 0 wins."""
from games.model_world import ModelWorld

OPTIONS = {"start": 5}


class Countdown:
    def legal(self, n):
        return [f"take {k}" for k in (1, 2, 3) if k <= n]

    def step(self, n, action):
        return n - int(action[-1]), GAIN

    def goal(self, n):
        return n == 0


GAIN = 1.0


def make(name, start):
    return ModelWorld(name, Countdown(), start, actions=3)
'''
PLANNER = '''"""The first or last legal action."""
import numpy as np

from planners.budget import new_cost
from planners.planner import Decision

PARAMS = {"last": False}


class Edge:
    def __init__(self, name, last):
        self.name, self.last = name, last

    def begin(self, instance, rng):
        self.model, self.actions = instance.model, np.zeros(instance.model.actions, np.int64)

    def decide(self, state, steps_left, budget):
        count = self.model.legal(state, self.actions)
        return Decision(int(self.actions[count - 1 if self.last else 0]), new_cost(), units=1)


def make(name, last):
    return Edge(name, last)
'''


def gameplan(*arguments):
    return CliRunner().invoke(cli.cli, [str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Return the paths of a world and a planner, in the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("my_world.py").write_text(WORLD)
    Path("my_planner.py").write_text(PLANNER)
    return "./my_world.py", "./my_planner.py"


def played(env, planner, path="run", **settings):
    config = resolve_plan(PlanConfig(env=env, planner=planner, episodes=2, **settings))
    run = RunDirectory.create(Path(path))
    return config, run, run_plan(config, run)


def test_a_run_keeps_their_texts_and_goes_on_with_them(files):
    config, run, record = played(*files)
    assert record["mean"] == 5.0 and record["solved"] == 2  # five times 1
    before = Path("run/episodes.jsonl").read_bytes()
    assert set(config.programs) == {"env", "planner"} and Path("run/world.py").read_text() == WORLD
    Path("my_world.py").write_text(WORLD.replace("GAIN = 1.0", "GAIN = 9.0"))
    texts = kept_programs(run, config.programs)
    lines = play_chunk(Chunk(json.dumps(json.loads(Path("run/config.json").read_text())), (0, 1), tuple(texts.items())))  # a worker
    assert [line["return"] for line, _ in lines] == [5.0, 5.0]
    run_plan(resumed_plan(run, {"episodes": 2}, trusted=True), run, resume=True)
    assert Path("run/episodes.jsonl").read_bytes() == before
    frames = load_frames(run, 1, values=True, trusted=True)
    assert [frame.action for frame in frames] == ["take 1"] * 5 + [""] and frames[0].title.startswith("my_world")


def test_a_run_directory_alone_makes_nothing_run(files):
    config, run, _ = played(*files)
    for given in ({}, {"env": files[0]}, {"planner": files[1]}):
        with pytest.raises(UsageError, match="--trusted"):
            resumed_plan(run, given)
    assert resumed_plan(run, {"env": files[0], "planner": files[1]}) == config  # named again, equal digest
    with pytest.raises(UsageError, match="gameplan replay run --trusted"):
        load_frames(run, 0)
    Path("my_planner.py").write_text(PLANNER + "# changed\n")
    with pytest.raises(UsageError, match="is not the planner with which the run"):
        resumed_plan(run, {"env": files[0], "planner": files[1]})
    Path("run/world.py").write_text(WORLD + "# changed\n")
    with pytest.raises(GameplanError, match="another digest"):
        run_plan(config, run, resume=True)


def test_module_and_attribute(files, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    _, _, record = played("my_world:make", "my_planner:make", world={"start": 4}, params={"last": True})
    assert record["mean"] == 2.0  # 3 and 1
    with pytest.raises(UsageError, match="no module 'no_such'"):
        load_world("no_such:make")
    with pytest.raises(UsageError, match="did you mean 'make'"):
        load_world("my_world:mke")
    for name in ("my_world", "my_planner"):
        sys.modules.pop(name)


FAULTS = {
    "nothing": ("X = 1\n", "has no OPTIONS"),
    "both": (WORLD + "PARAMS = {}\n", "has both OPTIONS"),
    "no maker": ("OPTIONS = {}\n", "has no make"),
    "import": ("import no_such_module\n", r"line 1: ModuleNotFoundError on import"),
    "syntax": ("def\n", "line 1: not valid Python"),
    "signature": (WORLD.replace("def make(name, start)", "def make(name)"), r"takes \(name, start\)"),
    "options": (WORLD.replace('{"start": 5}', '{"start": [5]}'), "OPTIONS must be a dictionary"),
    "making": (WORLD.replace("return ModelWorld", "start / 0; return ModelWorld"), r"line \d+: make\(\) failed: ZeroDivisionError"),
    "no world": (WORLD + "def make(name, start):\n    return {}\n", r"makes a dict, which is no world; it needs"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_a_world_are_one_line(fault, tmp_path):
    text, message = FAULTS[fault]
    path = tmp_path / "w.py"
    path.write_text(text)
    with pytest.raises(GameplanError, match=message) as caught:
        load_world(str(path))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_faults_of_a_planner_and_faults_in_play_name_the_line(files):
    for text, message in (
        (PLANNER.replace("def decide(self, state, steps_left, budget)", "def decide(self, state)"), r"decide\(\) with 3 arguments"),
        (PLANNER.replace("self.name, self.last = name, last", "self.last = last"), "a text called name"),
        (WORLD, "it is a world, not a planner"),
    ):
        Path("bad.py").write_text(text)
        with pytest.raises(GameplanError, match=message) as caught:
            played("p1", "./bad.py")
        assert str(Path.cwd()) not in str(caught.value)  # the path is shown as it was typed
    Path("bad.py").write_text(WORLD.replace("return n - int(action[-1]), GAIN", "return n - action, GAIN"))
    with pytest.raises(GameplanError, match=r"^world bad.py, line 12: TypeError"):
        played("./bad.py", "greedy")


def test_two_worlds_of_one_name_stay_apart(files):
    Path("other").mkdir()
    Path("other/my_world.py").write_text(WORLD.replace("GAIN = 1.0", "GAIN = 2.0"))
    assert [played(env, files[1], f"run{k}")[2]["mean"] for k, env in enumerate((files[0], "other/my_world.py"))] == [5.0, 10.0]


RULE = '''"""CFR+ in NumPy."""
import numpy as np

PARAMS = {}


def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    S += sigma * np.repeat(reach, infosets.count)


def accumulate_regret(R, r, t, infosets, params, state):
    R[:] = np.maximum(R + r, 0.0)


def derive_policy(sigma, R, r, t, infosets, params, state):
    for first, count in zip(infosets.first, infosets.count, strict=True):
        own = R[first : first + count]
        sigma[first : first + count] = own / own.sum() if own.sum() > 0.0 else 1.0 / count
'''
META = '''"""Uniform."""
import numpy as np

TRAIN = {}
STATE = {}


def train(payoffs, iteration):
    return [np.ones(n) for n in payoffs.sizes]


evaluate = train
'''


@pytest.fixture
def rules(tmp_path, monkeypatch):
    """Return the working directory, with a package whose import fails, a rule and meta-strategy solvers in it, and beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("own_rules").mkdir()
    Path("own_rules/__init__.py").write_text("raise SystemExit\n")
    for folder in ("own_rules", "."):
        Path(folder, "own_rule.py").write_text(RULE)
        Path(folder, "own_meta.py").write_text(META)
    return tmp_path


@pytest.mark.parametrize("algo", ["own_rules:own_rule", "own_rule:derive_policy", "own_rules.own_rule:PARAMS"])
def test_an_algorithm_by_module_and_attribute_is_that_of_its_file(algo, rules):
    named, _ = resolve_config(SolveConfig("kuhn_2p", algo, 5))
    by_file, _ = resolve_config(SolveConfig("kuhn_2p", f"./{'own_rules/' * ('rules' in algo)}own_rule.py", 5))
    assert named == by_file and named.programs["algo"] == digest_of(RULE)
    run = RunDirectory.create(Path("run"))
    record = solve(named, run)
    assert Path("run/program.py").read_text() == RULE and "own_rule" not in sys.modules and "own_rules" not in sys.modules
    given = {"algo": algo, "iterations": 9}
    again = solve(resumed_config(run, given), run, resume=True, trust=trust_of(False, False, given))  # named again: as the user
    assert again["exploitability"] < record["exploitability"]


def test_meta_solvers_by_module_and_attribute(rules):
    config, algorithm = resolve_config(SolveConfig("kuhn_2p", "psro", train="own_meta:train", eval="own_rules:own_meta"))
    assert config.programs == dict.fromkeys(("train", "eval"), digest_of(META)) and algorithm.program.train.name == "own_meta.py"
    assert resolve_config(SolveConfig("kuhn_2p", "own_meta:evaluate"))[1].family.name == "psro"


def test_modules_and_attributes_that_are_not_there(rules):
    Path("own_world.py").write_text(WORLD)
    for name, message in (
        ("no_such:rule", "no module 'no_such'"),
        ("own_rule:derive_polcy", "did you mean 'derive_policy'"),
        ("own_rules:nothing", "own_rules has no 'nothing'"),
        ("own_rules.nothing:rule", "no module 'own_rules.nothing'"),
        ("math:sin", "not written in Python"),
        ("itertools:count", "not written in Python"),  # a part of the interpreter itself, as math is in Debian's
        ("own_world:make", "own_world.py is a world, not an algorithm"),
    ):
        with pytest.raises(UsageError, match=message):
            resolve_config(SolveConfig("kuhn_2p", name))


def test_a_run_is_repeated_with_its_copies_whatever_becomes_of_the_files(files):
    world, planner = files
    assert gameplan("plan", world, "--planner", planner, "--episodes", 2, "--out", "first").return_value == 0
    Path(world).unlink()
    Path(planner).write_text(PLANNER.replace("count - 1", "0"))
    assert gameplan("plan", "--repeat", "first", "--trusted", "--out", "again").return_value == 0
    assert gameplan("plan", "--repeat", "first", "--trusted", "--render", "--out", "shown").return_value == 0
    for name in ("episodes.jsonl", "world.py", "planner.py"):
        first, again, shown = (Path(run, name).read_bytes() for run in ("first", "again", "shown"))
        assert first == again == shown


WORTH = '''"""What is left, best if divisible by 4."""


def worth(instance, state):
    return float(instance.model.value(state) % 4 == 0)
'''


def test_an_evaluator_of_ones_own_is_kept_and_named_like_any_program(files):
    world, _ = files
    Path("my_worth.py").write_text(WORTH)
    by_worth = ("--planner", "greedy-value", "--set", "evaluator=./my_worth.py")
    assert gameplan("plan", world, *by_worth, "--episodes", 1, "--out", "run").exception is None
    (line,) = [json.loads(text) for text in Path("run/episodes.jsonl").read_text().splitlines()]
    assert line["steps"] >= 2 and load_frames(RunDirectory.open(Path("run")), 0, trusted=True)[0].action == "take 1"
    assert Path("run/evaluator.py").read_text() == WORTH
    assert isinstance(gameplan("plan", world, "--resume", "run", "--episodes", 2).exception, UsageError)
    assert gameplan("plan", world, "--resume", "run", "--episodes", 2, *by_worth[2:]).exception is None
    Path("my_worth.py").write_text(WORTH.replace("% 4", "% 3"))
    assert "is not the evaluator" in str(gameplan("plan", world, "--resume", "run", "--episodes", 3, *by_worth[2:]).exception)
    assert gameplan("plan", "--repeat", "run", "--trusted", "--out", "again").exception is None
    assert Path("again/episodes.jsonl").read_bytes() == Path("run/episodes.jsonl").read_bytes()
    Path("bad.py").write_text(WORTH.replace("float(", "1 / 0 + float("))
    failed = gameplan("plan", world, "--planner", "greedy-value", "--set", "evaluator=./bad.py", "--out", "bad").exception
    assert isinstance(failed, GameplanError) and "evaluator bad.py, line 5: ZeroDivisionError" in str(failed), failed


BROKEN = {"pipe.py": "it is not a regular file", "binary.py": "it is not text", "folder.py": "directory"}


@pytest.mark.parametrize("command", [
    "plan {}", "plan 2048-2x2 --planner {}", "solve kuhn_2p --algo {}", "solve kuhn_2p --train {}", "check-rule {}",
    "compare kuhn_2p --algos {}", "evolve run {}", "evolve ablate {}", "evolve import cfr {}",
    "stub-server --mode scripted --script {}", "stub-server --script {}",
])  # fmt: skip
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_text_is_refused_in_one_line(name, command, files):
    os.mkfifo("pipe.py")  # nobody writes to it: reading would wait for ever
    Path("binary.py").write_bytes(b"\x8d\x00\xff" * 100)
    Path("folder.py").mkdir()
    error = gameplan(*command.format(f"./{name}").split()).exception
    assert isinstance(error, (GameplanError, click.UsageError)) and "\n" not in str(error) and name in str(error), repr(error)
    assert BROKEN[name] in str(error) or "import" in command or "stub" in command, str(error)


def test_a_program_is_read_like_python_reads_it(files):
    Path("my_planner.py").write_bytes(b"\xef\xbb\xbf" + PLANNER.replace("\n", "\r\n").encode())
    assert read_text(Path("my_planner.py")) == PLANNER


BEHAVIOUR = "class _End(BaseException): pass\nclass _Mute(Exception):\n    def __str__(self): raise ValueError('inner')\n"
ENDS = {"raise SystemExit(0)": "SystemExit: 0", "raise _End('x')": "_End: x", "raise _Mute": "_Mute: no message"}
KERNEL = "from solvers.rule import add_to_average, regret_matching\nPARAMS = {}\nSTATE = {}\n"
KERNEL += "def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):\n    THERE\n"
KERNEL += "def accumulate_regret(R, r, t, infosets, params, state):\n    R += r\n"
KERNEL += "def derive_policy(sigma, R, r, t, infosets, params, state):\n    regret_matching(sigma, R, infosets)\n"
RAISING = {  # kind: (text, arguments that run it)
    "rule": (KERNEL, "solve kuhn_2p -n 2 --algo"),
    "meta-solver": ("def train(payoffs, iteration):\n    THERE\nevaluate = train\n", "solve kuhn_2p -n 2 --algo"),
    "world": (
        WORLD.replace("        return n - int", "        THERE\n        return n - int"),
        "plan --planner random --episodes 1",
    ),
    "planner": (PLANNER.replace("        count =", "        THERE\n        count ="), "plan 2048-2x2 --episodes 1 --planner"),
    "planner's making": (PLANNER.replace("    return Edge", "    THERE\n    return Edge"), "plan 2048-2x2 --episodes 1 --planner"),
    "policy": ("def logits(instance, state, actions):\n    THERE\n", "plan 2048-2x2 --episodes 1 --policy"),
}


@pytest.mark.parametrize("ends", range(len(ENDS)))
@pytest.mark.parametrize("kind", RAISING)
def test_whatever_a_program_raises_ends_in_a_line(kind, ends, tmp_path, monkeypatch):
    raising, told = list(ENDS.items())[ends]
    monkeypatch.chdir(tmp_path)
    text, arguments = RAISING[kind]
    Path("mine.py").write_text(BEHAVIOUR + text.replace("THERE", raising))
    with pytest.raises(GameplanError) as error:
        CliRunner().invoke(cli.cli, [*arguments.split(), "./mine.py"], standalone_mode=False, catch_exceptions=False)
    assert told in str(error.value) and "mine.py" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("gain", ["float('nan')", "float('inf')", "1e308"])
def test_a_reward_that_is_not_finite_is_told_of_and_no_score(gain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(WORLD.replace("GAIN = 1.0", f"GAIN = {gain}"))
    with pytest.raises(GameplanError, match=r"step \d in \S+ pays \S+; rewards must be finite"):
        CliRunner().invoke(cli.cli, ["plan", "./mine.py", "--planner", "random"], standalone_mode=False, catch_exceptions=False)
