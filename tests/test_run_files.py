"""The files of run directories as data: what is read, what is refused and how, whose they are, and who writes them."""

import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from games.errors import GameplanError
from games.files import is_temporary, remove_stale, write_atomically
from games.reading import Mismatch, parse_json
from workbench.comparison.curves import run_curves
from workbench.discovery.config import DiscoveryConfig, resolve
from workbench.discovery.session import begin
from workbench.planning.config import PlanConfig, resolve_plan, resumed_plan
from workbench.planning.run import run_plan
from workbench.runs import formats, locks
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig, resumed_config
from workbench.solving.population import Population
from workbench.solving.run import solve
from workbench.terminal.evolve import print_discovery
from workbench.training.config import TrainConfig
from workbench.training.language import LanguageConfig

OLD = Path(__file__).parent / "cases" / "run-0.1.0"
SAME = ("config.json", "metrics.jsonl", "policy.npz", "policy.json", "policy.csv", "checkpoint.safetensors")


def gameplan(*arguments):
    return CliRunner().invoke(cli.cli, [str(a) for a in arguments], standalone_mode=False)


def solved(path: Path, **settings) -> Path:
    solve(SolveConfig(**{"game": "kuhn_2p", "algo": "cfr+", "iterations": 20, **settings}), RunDirectory.create(path))
    return path


def played(path: Path, **settings) -> Path:
    run_plan(
        resolve_plan(PlanConfig(**{"env": "2048-2x2", "planner": "random", "episodes": 3, **settings})), RunDirectory.create(path)
    )
    return path


def go_on(path: Path, **changes) -> dict:
    """Resume the run in `path`, whichever kind it is."""
    run = RunDirectory.open(path)
    if (path / "episodes.jsonl").exists():
        return run_plan(resumed_plan(run, changes), run, resume=True)
    return solve(resumed_config(run, changes), run, resume=True)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A solver's run and a planner's, not to be changed."""
    top = tmp_path_factory.mktemp("runs")
    return {"solve": solved(top / "solve"), "plan": played(top / "plan")}


def test_runs_of_version_0_1_0_are_read_and_go_on_to_the_bytes_of_a_new_run(tmp_path):
    shutil.copytree(OLD, tmp_path / "old")
    old = tmp_path / "old"
    listed = json.loads(gameplan("runs", "list", old, "--json").stdout)["runs"]
    assert [run["status"] for run in listed] == ["done"] * 3
    assert gameplan("plot", old, "--out", tmp_path / "figure.svg").exception is None
    assert Population.open(old / "psro").mixtures()[-1]["iteration"] == 3
    assert "step" in gameplan("replay", old / "plan", "--episode", 2).stdout
    go_on(old / "solve", iterations=40)
    go_on(old / "plan", episodes=5)
    solved(tmp_path / "solve", iterations=40)
    played(tmp_path / "plan", planner="flat", episodes=5, simulations=8)
    assert all((old / "solve" / name).read_bytes() == (tmp_path / "solve" / name).read_bytes() for name in SAME)
    assert all((old / "plan" / n).read_bytes() == (tmp_path / "plan" / n).read_bytes() for n in ("episodes.jsonl", "config.json"))


def test_a_newer_schema_is_refused_with_a_line_that_says_so(runs, tmp_path):
    for kind, name in (("solve", "config.json"), ("plan", "config.json"), ("solve", "result.json")):
        path = tmp_path / f"{kind}-{name}"
        shutil.copytree(runs[kind], path)
        record = json.loads((path / name).read_text())
        (path / name).write_text(json.dumps({**record, "schema": 99, "future": {}}))
        with pytest.raises(GameplanError, match=f"{name} has schema 99, this version reads up to .*newer"):
            RunDirectory.open(path).read_json(name)
        (path / name).write_text(json.dumps({**record, "schema": -1}))
        with pytest.raises(GameplanError, match=f"{name} has schema -1; this version reads 1 to .*run again"):
            RunDirectory.open(path).read_json(name)


def test_the_kinds_know_every_setting():
    """A setting that is added to a configuration gets a kind, so that nothing is read unseen."""
    for kind, config in (
        (formats.SOLVE_CONFIG, SolveConfig("g", "a", 1)),
        (formats.PLAN_CONFIG, PlanConfig("w", "p")),
        (formats.TRAIN_CONFIG, TrainConfig("w", "m", updates=1)),
        (formats.LANGUAGE_CONFIG, LanguageConfig("d")),
    ):
        kind(asdict(config), "")
        for field in fields(config):
            with pytest.raises(Mismatch, match=f"^{field.name}"):
                kind({**asdict(config), field.name: {"no": [[]]}}, "")


WRONG = [
    ("solve", "config.json", "iterations", "20", "a whole number from 1"),
    ("solve", "config.json", "iterations", -3, "a whole number from 1"),
    ("solve", "config.json", "updates", "sideways", "one of alternating, simultaneous"),
    ("solve", "config.json", "params", [], "an object"),
    ("solve", "config.json", "target", -1.0, "a finite number from 0 on"),
    ("solve", "config.json", "max_histories", True, "a whole number from 1"),
    ("solve", "config.json", "seed", 10**40, "a whole number"),
    ("plan", "config.json", "world", {"rows": [2]}, "a number, a text"),
    ("plan", "config.json", "steps", 0, "a whole number from 1"),
    ("plan", "config.json", "units", {}, "a list"),
    ("solve", "result.json", "seconds", -1.0, "a finite number from 0 on"),
    ("solve", "result.json", "exploitability", None, "a finite number"),
    ("plan", "result.json", "cost", {"simulations": "many"}, "a finite number"),
]


@pytest.mark.parametrize(("kind", "name", "key", "value", "legal"), WRONG)
def test_wrong_values_are_named_with_file_line_and_what_is_legal(kind, name, key, value, legal, runs, tmp_path):
    record = json.loads((runs[kind] / name).read_text())
    assert key in record
    path = tmp_path / "run"
    path.mkdir()
    (path / name).write_text(json.dumps({**record, key: value}, indent=2))
    line = next(n for n, text in enumerate((path / name).read_text().splitlines(), 1) if text.startswith(f'  "{key}"'))
    with pytest.raises(GameplanError) as caught:
        RunDirectory(path).read_json(name)
    message = str(caught.value)
    assert f"{path / name}, line" in message and f"{key}" in message and legal in message and "\n" not in message
    assert f"line {line}:" in message or isinstance(value, dict)


LINES = [
    ("solve", "metrics.jsonl", "iteration", 0, "a whole number from 1"),
    ("solve", "metrics.jsonl", "exploitability", -0.5, "a finite number from 0 on"),
    ("solve", "metrics.jsonl", "nash_conv", "0.5", "a finite number"),
    ("solve", "metrics.jsonl", "values", [0.0, None], r"values\[1\] = null; it must be a finite number"),
    ("solve", "timing.jsonl", "seconds", -1, "a finite number from 0 on"),
    ("plan", "episodes.jsonl", "score", True, "a finite number"),
    ("plan", "episodes.jsonl", "actions", [0, 0.5], r"actions\[1\] = 0.5; it must be a whole number"),
    ("plan", "episodes.jsonl", "cost", {"simulations": 0.5}, r"cost.simulations = 0.5; it must be a whole number"),
    ("plan", "timing.jsonl", "cpu_seconds", [], "a list of 0; it must be a finite number"),
]


@pytest.mark.parametrize(("kind", "name", "key", "value", "legal"), LINES)
def test_wrong_lines_are_named_by_their_number(kind, name, key, value, legal, runs, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(runs[kind], path)
    lines = (path / name).read_text().splitlines()
    lines[1] = json.dumps({**json.loads(lines[1]), key: value})
    (path / name).write_text("\n".join(lines) + "\n")
    with pytest.raises(GameplanError, match=rf"{name}, line 2: .*{legal}.*; remove .*--resume"):
        go_on(path)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'{"a": 1, "a": 2}', "'a' appears twice"),
        (b'{"a":\n NaN}', "NaN is no number"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' * 70 + b"1" + b"}" * 70, "nested too deeply"),
        (b'{"a":\n\n 1,}', "x, line 3: not JSON"),
        (b"9" * 10_000, "too many digits"),
        (b"[1, -" + b"9" * 400 + b"]", "too many digits"),
        (b'{"a":\n 1e999}', "1e999 is too large"),
        (b"-" + b"9" * 250 + b".5E0060", "too large"),
        (b'"\xff"', "byte 2 is not UTF-8"),
        (b"", "not JSON"),
    ],
)
def test_json_that_is_none_is_one_line(data, told):
    with pytest.raises(GameplanError, match=told) as caught:
        parse_json(data, "x")
    assert "\n" not in str(caught.value)


def test_numbers_that_were_changed_are_not_taken_for_the_runs_own(runs, tmp_path):
    """A digit of a metric, of an episode, of a result, of a setting, of the checkpoint: each is found by its digest."""
    for number, (kind, name, old, new) in enumerate([
        ("solve", "metrics.jsonl", '"exploitability": 0.4', '"exploitability": 0.3'),
        ("solve", "config.json", '"seed": 0', '"seed": 1'),
        ("plan", "episodes.jsonl", '"score": ', '"score": 1'),
        ("plan", "config.json", '"seed": 0', '"seed": 1'),
    ]):  # fmt: skip
        path = tmp_path / str(number)
        shutil.copytree(runs[kind], path)
        text = (path / name).read_text()
        assert old in text
        (path / name).write_text(text.replace(old, new, 1))
        with pytest.raises(GameplanError, match=r"digest|belongs to a run with seed = 0"):
            go_on(path)
    path = tmp_path / "result"
    shutil.copytree(runs["solve"], path)
    text = (path / "result.json").read_text()
    (path / "result.json").write_text(text.replace('"exploitability": 0.', '"exploitability": 0.0'))
    with pytest.raises(GameplanError, match="was changed after it was written"):
        RunDirectory(path).read_json("result.json")


def test_lines_in_another_order_or_twice_change_nothing(runs, tmp_path):
    for kind, name in (("solve", "metrics.jsonl"), ("plan", "episodes.jsonl")):
        shutil.copytree(runs[kind], tmp_path / kind)
        lines = (tmp_path / kind / name).read_text().splitlines(keepends=True)
        (tmp_path / kind / name).write_text("".join([*reversed(lines), lines[1]]))
        go_on(tmp_path / kind)
        assert (tmp_path / kind / name).read_bytes() == (runs[kind] / name).read_bytes()


def test_a_lost_line_is_noticed(runs, tmp_path):
    shutil.copytree(runs["solve"], tmp_path / "run")
    for name in ("metrics.jsonl", "timing.jsonl"):
        lines = (tmp_path / "run" / name).read_text().splitlines(keepends=True)
        (tmp_path / "run" / name).write_text("".join(lines[:4] + lines[5:]))
    with pytest.raises(GameplanError, match="no line for iteration 5"):
        go_on(tmp_path / "run", iterations=40)


def test_a_checkpoint_of_another_run_is_refused_by_what_differs(runs, tmp_path):
    others = {
        "game": solved(tmp_path / "game", game="leduc_2p", iterations=2),
        "algo": solved(tmp_path / "algo", algo="cfr"),
        "updates": solved(tmp_path / "updates", updates="simultaneous"),
        "params": solved(tmp_path / "params", algo="dcfr"),
    }
    base = {"params": solved(tmp_path / "base", algo="dcfr", params={"alpha": 1.25})}
    for key, other in others.items():
        path = base.get(key, tmp_path / f"with-{key}")
        if key not in base:
            shutil.copytree(runs["solve"], path)
        shutil.copy(other / "checkpoint.safetensors", path)
        with pytest.raises(GameplanError, match=f"checkpoint.safetensors belongs to a run with {key} = .*remove it to run again"):
            go_on(path, iterations=40)
    path = tmp_path / "with-game"
    (path / "checkpoint.safetensors").unlink()  # the advice that was given
    go_on(path)
    assert all((path / name).read_bytes() == (runs["solve"] / name).read_bytes() for name in SAME)


def test_no_file_of_a_run_leads_to_another_or_to_nowhere(tmp_path):
    """Whoever made a directory does not say which file grows, and a pipe there keeps nobody waiting."""
    victim = tmp_path / "victim"
    for make in (lambda file: file.symlink_to(victim), os.mkfifo):
        run = RunDirectory.create(tmp_path / make.__name__)
        make(run.path / "metrics.jsonl")
        with pytest.raises(GameplanError, match="cannot write"):
            run.append("metrics.jsonl", {})
        assert not victim.exists()
    with pytest.raises(GameplanError, match="no regular file; remove it"):
        (run.path / "checkpoint.safetensors").symlink_to(os.devnull)
        run.load_checkpoint({})


def test_every_flipped_byte_of_a_checkpoint_is_noticed(runs, tmp_path):
    whole = (runs["solve"] / "checkpoint.safetensors").read_bytes()
    run = RunDirectory(tmp_path)
    identity = json.loads(json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])["__metadata__"]["checkpoint"])["identity"]
    (tmp_path / "checkpoint.safetensors").write_bytes(whole)
    assert run.load_checkpoint(identity)[0] == 20
    for place in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        (tmp_path / "checkpoint.safetensors").write_bytes(damaged)
        with pytest.raises(GameplanError, match=r"is damaged|belongs to|schema"):
            run.load_checkpoint(identity)


def test_a_second_writer_is_told_who_is_at_work(runs, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(runs["solve"], path)
    code = (
        "import sys; from pathlib import Path; from workbench.runs.locks import writing\n"
        "with writing(Path(sys.argv[1])):\n    print('locked', flush=True); sys.stdin.read()"
    )
    top = Path(__file__).resolve().parent.parent
    child = subprocess.Popen(
        [sys.executable, "-c", code, path], cwd=top, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    assert child.stdout.readline() == "locked\n"
    for arguments in (["solve", "--resume", path], ["solve", "kuhn_2p", "--out", path, "--force"]):
        error = gameplan(*arguments).exception
        assert isinstance(error, GameplanError) and f"process {child.pid} on " in str(error) and "since" in str(error)
    child.kill()
    child.communicate()
    assert (path / locks.LOCK).exists()  # what a killed process leaves binds nobody
    go_on(path)
    assert not (path / locks.LOCK).exists()


def test_comparisons_and_discoveries_have_one_writer_too(tmp_path):
    """Somebody else holds the directory, here another thread."""
    holding, done = threading.Event(), threading.Event()
    paths = [tmp_path / name for name in ("games", "worlds", "evolve", "operators")]
    begin(resolve(DiscoveryConfig("cfr")), paths[2]).close()

    def hold():
        with ExitStack() as stack:
            for path in paths:
                stack.enter_context(locks.writing(path, make=True))
            holding.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(10)
    for arguments in (
        ["compare", "kuhn_2p", "--algos", "cfr", "--out", paths[0]],
        ["compare", "2048-2x2", "--planners", "random", "--out", paths[1]],
        ["evolve", "resume", paths[2]],
        ["evolve", "verify", paths[2], "--best", "1"],
        ["evolve", "compare", "cfr", "--out", paths[3]],
    ):
        error = gameplan(*arguments).exception
        assert isinstance(error, locks.InUse) and str(arguments[-1] if arguments[1] != "verify" else paths[2]) in str(error), (
            arguments
        )
    done.set()
    thread.join()
    assert not any((path / locks.LOCK).exists() for path in paths) and not paths[0].exists()


def test_a_run_that_was_made_in_the_meantime_is_not_overwritten(tmp_path):
    first, second = RunDirectory.create(tmp_path / "run"), RunDirectory.create(tmp_path / "run")
    solve(SolveConfig("kuhn_2p", "cfr", 2), first)
    with pytest.raises(GameplanError, match="another process has made it"):
        solve(SolveConfig("kuhn_2p", "cfr", 3), second)
    assert json.loads((tmp_path / "run/config.json").read_text())["iterations"] == 2


def test_temporary_files_of_dead_processes_are_removed(runs, tmp_path, monkeypatch):
    shutil.copytree(runs["plan"], tmp_path / "run")
    places = tmp_path / "run", tmp_path / "run" / "lists", tmp_path / "cache"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with monkeypatch.context() as patch:  # a process that dies after its temporary file is written
        patch.setattr(Path, "replace", lambda self, target: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr(Path, "unlink", lambda self, missing_ok=False: None)
        patch.setattr(os, "getpid", lambda: dead.pid)
        for place in places:
            with pytest.raises(KeyboardInterrupt):
                write_atomically(place / "file", b"half")
    for place in places:
        assert any(is_temporary(path.name) for path in place.iterdir())
    go_on(tmp_path / "run")
    remove_stale(tmp_path / "cache")
    for place in places:
        assert not any(is_temporary(path.name) for path in place.iterdir())


def test_a_solvers_configuration_among_a_planners_files_is_refused_by_line(tmp_path):
    solved(tmp_path / "solved")
    played(tmp_path / "played")
    shutil.copy(tmp_path / "solved" / "config.json", tmp_path / "played")
    with pytest.raises(GameplanError, match=r"timing\.jsonl, line 1.*episode"):
        run_curves([tmp_path / "played"])


def test_a_reference_of_a_store_may_know_other_instances_than_the_best(capsys):
    known = {
        "a": {"log": -1.0, "average": 0.1, "values": {"x": 0.1, "y": 0.2}},
        "b": {"log": -2.0, "average": 0.1, "values": {"x": 0.1}},
    }
    record = dict.fromkeys(("evaluations", "steps", "programs", "archive", "events", "flagged"), 0)
    cost = dict.fromkeys(("run_seconds", "run_seconds_per_evaluation"), 1.0)
    with pytest.raises(KeyError, match="task"):  # the table is printed before the rest is asked for
        print_discovery({**record, "best": None, "known": known, "cost": cost})
    assert "-" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "key", "read"),
    [
        ("solve kuhn_2p --algo cfr -n 2", "game", "export run out.json"),
        ("solve kuhn_2p --algo cfr -n 2", "algo", "solve --resume run -n 3"),
        ("plan 2048-2x2 --planner random --episodes 1", "env", "replay run"),
    ],
)
def test_a_name_that_a_configuration_has_wrong_is_said_to_be_there(command, key, read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert gameplan(*command.split(), "--out", "run").exception is None
    config = json.loads(Path("run/config.json").read_text())
    for wrong in ("", "nonsense"):
        Path("run/config.json").write_text(json.dumps({**config, key: wrong}))
        found = gameplan(*read.split())
        assert isinstance(found.exception, GameplanError) and str(found.exception).startswith("run/config.json: "), found.exception


# The keys that every configuration of a solver run has had since schema 2 began; a field that comes later is marked as younger.
FIRST = (
    *("game", "algo", "iterations", "params", "train", "eval", "programs", "updates", "iterate", "every", "target", "time_limit"),
    *("seed", "threads", "max_histories", "max_memory", "schema"),
)


def test_runs_from_before_a_setting_came_are_read_on(tmp_path):
    run = solved(tmp_path / "run")
    config = run / "config.json"
    saved = json.loads(config.read_text())
    config.write_text(json.dumps({key: saved[key] for key in FIRST}))
    assert not gameplan("show", run).exception and go_on(run, iterations=30)["iterations"] == 30
    config.write_text(json.dumps({key: saved[key] for key in FIRST if key != "threads"}))
    refused = str(gameplan("show", run).exception)
    assert "threads" in refused and "config.json is damaged" in refused
