"""What commands print under --json: one object whose keys are those of the reference, or an error in its place."""

import importlib
import json
import re
import shlex
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner
from test_words import ALL

import cli
from games.errors import Interrupted
from planners.language.stub import StubServer

TOP = Path(__file__).resolve().parent.parent
TOY = str(TOP / "tests" / "toy_task")


def reference():
    """Return command -> (keys that are always there, further ones), as docs/reference/json.md lists them."""
    found = {}
    for commands, keys in re.findall(r"^\| (`.+?`) \| (.+) \|$", (TOP / "docs/reference/json.md").read_text(), re.MULTILINE):
        further = {key for group in re.findall(r"\[(.*?)\]", keys) for key in group.split()}
        for command in re.findall(r"`(.+?)`", commands):
            found[command] = ({*re.sub(r"\[.*?\]", "", keys).split()}, further)
    return found


def test_the_reference_has_every_command_and_every_command_prints_json():
    for name, command in ALL.items():
        if name in ("completion",):  # it prints a program for a shell
            continue
        assert any("--json" in param.opts for param in command.params), name
        assert name in reference(), f"{name} is not in docs/reference/json.md"
    assert set(reference()) <= set(ALL)


def printed(line):
    """Run a command with --json in this process, and return the object; its keys are those of the reference."""
    words = shlex.split(line)
    result = CliRunner().invoke(cli.cli, [*words, "--json"], standalone_mode=False)
    assert result.exception is None, f"{line}: {result.exception}"
    record = json.loads(result.stdout)
    name = next(" ".join(words[:n]) for n in (2, 1) if " ".join(words[:n]) in ALL)
    assert isinstance(record["schema"], int) and list(record)[:2] == ["schema", "command"], line
    always, further = reference()[record["command"] if record["command"] in ALL else name]
    keys = {*record} - {"schema", "command"}
    assert always <= keys <= always | further, f"{line}: {sorted(always - keys)} missing, {sorted(keys - always - further)} new"
    return record


def test_objects_have_the_keys_of_the_reference(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in (
        "solve kuhn_2p --algo cfr+ -n 20 --out mine", "exploit kuhn_2p mine/policy.npz", "export mine p.csv", "show mine", "report mine",
        "plan 2048-2x2 --planner greedy --episodes 1 --jobs 1 --out played", "replay played", "games", "games kuhn_2p",
        "games 2048-2x2", "algos dcfr", "algos tabular", "algos rm", "new-rule rule.py", "new-method method.py", "runs list .",
        "runs diff mine played", "runs rm played --yes",
    ):  # fmt: skip
        assert printed(line)["command"] in ALL


@pytest.mark.slow
def test_objects_of_longer_work_have_them_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in (
        "solve kuhn_2p --algo psro-uniform -n 3 --out grown", "show grown", "plot grown",
        "compare kuhn_2p --algos cfr,cfr+ -n 5 --engine threads --out c1",
        "compare 2048-2x2 --planners greedy --episodes 2 --engine threads --out c2",
        "compare 2048-2x2 --methods td --seeds 1 -n 1 --episodes 2 --engine threads --out c3",
        "critic 2048-2x2 -m 5 --jobs 1", "train 2048-2x2 --method td -n 1 --episodes 2 --out learned", "algos", "algos cfr",
        "check-rule rule.py", "check-method method.py", "bench flare --worlds kg-walk --seeds 1 --instances 1",
        f"evolve new {TOY} --budget-evals 4 --jobs 1 --out found", f"evolve status found --task {TOY}",
        f"evolve resume found --task {TOY} --jobs 1 --budget-evals 5", f"evolve lineage found --task {TOY}",
        f"evolve export found --task {TOY} --out exported", f"evolve report found --task {TOY}",
        f"evolve verify found --task {TOY} --best 1 --jobs 1", f"evolve ablate found --task {TOY} --limit 3 --jobs 1",
        f"evolve compare {TOY} --budget-evals 3 --operators random --seeds 1 --jobs 1 --out ec", "runs list .",
    ):  # fmt: skip
        if line.startswith("check-"):
            printed(line.replace("check", "new", 1))
        printed(line)
    best = printed(f"evolve best found --task {TOY}")["id"]
    assert printed(f"evolve list found --task {TOY}")["programs"][0]["id"] == best
    assert printed(f"evolve show found {best} --task {TOY}")["id"] == best
    assert printed(f"evolve diff found {best} {best} --task {TOY}")["diff"] == ""


@pytest.mark.slow
def test_objects_about_language_models_have_them_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sizes = "--layers 1 --width 16 --heads 2 --context 512 --batch 4"
    lines = [
        "distill 2048-3x3 --samples 9 --form short --set simulations=8 --set per_game=3 --jobs 1 --out data", "distill --check data",
        f"train-lm data --epochs 1 {sizes} --episodes 1 --out model", "play-lm model --episodes 1",
    ]  # fmt: skip
    for line in lines[: None if find_spec("jax") and find_spec("optax") else 2]:
        assert line.startswith(printed(line)["command"])


@pytest.mark.slow
def test_objects_of_benchmarks_have_them_too():
    for line in (
        "bench cfr --games kuhn_2p --algos cfr+,cfr --budget 10ms", "bench psro --games kuhn_2p --algos psro-uniform -n 2 --no-peers",
        "bench planning --parts graphs --repeats 1", "bench learning --budget 10ms",
    ):  # fmt: skip
        assert printed(line)["command"] in ALL


def test_servers_say_where_they_are(monkeypatch):
    def interrupted(server):
        raise KeyboardInterrupt

    monkeypatch.setattr(signal, "signal", lambda *given: None)
    monkeypatch.setattr(StubServer, "serve", interrupted)
    assert printed("stub-server --model mine")["model"] == "mine"
    pytest.importorskip("jax", reason="the rest needs the extra learn")
    files = importlib.import_module("planners.language.small.files")
    for name in ("jax", "optax"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))  # the model is not asked
    monkeypatch.setattr(files, "read_model", lambda run: None)

    class Served:
        def __init__(self, model, name, port, batch):
            self.url, self.counts = "http://127.0.0.1:1/v1", {"requests": 0, "batches": 0}

        serve, stop = interrupted, lambda self: None

    serving = ModuleType("planners.language.small.serving")
    serving.ModelServer = Served
    monkeypatch.setitem(sys.modules, serving.__name__, serving)
    assert printed("serve-lm model.npz --model mine")["base_url"].startswith("http://127.0.0.1")


ERRORS = {
    "a name": (["solve", "kuhn_pokr"], 2, "did you mean"),
    "an option": (["plan", "2048", "--planer", "x"], 2, "--planner"),
    "a command": (["sovle"], 2, "no such command"),
    "a game": (["solve", "catch"], 1, "information-state"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_an_error_is_an_object_too_and_stderr_has_its_line(case, tmp_path):
    arguments, code, fragment = ERRORS[case]
    command = [sys.executable, "-m", "cli", *arguments, "--json"]
    result = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(TOP), "PATH": ""}, capture_output=True, text=True)
    told = json.loads(result.stdout)
    assert (result.returncode, told["exit_code"], set(told)) == (code, code, {"schema", "error", "exit_code"})
    assert fragment in told["error"] and told["error"] in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "code"), [(Interrupted("what was measured is kept"), 130), (KeyboardInterrupt(), 130), (MemoryError(), 1)]
)
@pytest.mark.parametrize("asked", [["--json"], ["--", "--json"], []])
def test_whatever_ends_a_command_is_told_once(raised, code, asked, monkeypatch, capsys):
    from workbench.commands import options

    def fails(*_arguments, **_options):
        raise raised

    monkeypatch.setattr(cli.cli, "main", fails)
    monkeypatch.setattr(sys, "argv", ["gameplan", "solve", "kuhn_2p", *asked])
    monkeypatch.setattr(options, "printed", [])
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, err = capsys.readouterr()
    assert end.value.code == code and err.startswith("gameplan: ")
    assert (json.loads(out)["exit_code"] == code) if asked == ["--json"] else out == ""
    monkeypatch.setattr(options, "printed", [{}])  # its own object is on stdout
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().out == ""
