"""The shell completes games, algorithms, planners, worlds, runs and parameters, without importing anything heavy."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from planners.catalogue import PLANNERS
from workbench.catalogue.declared import declared, module_file
from workbench.commands import completing
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig
from workbench.solving.run import solve

TOP = Path(__file__).resolve().parent.parent
WATCHED = "import sys, cli\ntry:\n    cli.main()\nfinally:\n    print('HEAVY', *[m for m in ('numba', 'pyspiel', 'jax', 'matplotlib', 'scipy') if m in sys.modules])\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    top = tmp_path_factory.mktemp("completing")
    solve(SolveConfig("kuhn_2p", "cfr", 3), RunDirectory.create(top / "runs" / "2026-01-01-kuhn_2p-cfr-s0"))
    (top / "mine.py").write_text("PARAMS = {'speed': 2.5}\nraise SystemExit('this must not run')\n")
    return top


def completed(place, *words):
    environment = {
        **os.environ, "PYTHONPATH": str(TOP), "_GAMEPLAN_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["gameplan", *words]),
        "COMP_CWORD": str(len(words)),
    }  # fmt: skip
    result = subprocess.run([sys.executable, "-c", WATCHED], cwd=place, env=environment, capture_output=True, text=True, check=True)
    *lines, heavy = result.stdout.splitlines()
    assert heavy == "HEAVY", heavy
    return [line.partition(",")[2] for line in lines]


@pytest.mark.parametrize(("line", "expected"), [
    ("solve ku", {"kuhn_2p", "kuhn_3p", "kuhn_4p"}),
    ("solve kuhn_2p --algo pcfr", {"pcfr+"}),
    ("compare quick --algos cfr,lc", {"cfr,lcfr"}),
    ("plan 2048-3x", {"2048-3x3", "2048-3x3-proact"}),
    ("plan 2048 --planner flat", {"flat", "flat-critic"}),
    ("solve kuhn_2p --algo dcfr --set a", {"alpha=1.5"}),
    ("solve kuhn_2p --algo mine.py --set s", {"speed=2.5"}),
    ("plan 2048 --world ro", {"rows=4"}),
    ("show ku", {"kuhn_2p-cfr-s0"}),
    ("runs rm 2026", {"2026-01-01-kuhn_2p-cfr-s0"}),
    ("solve --resume @", {"@last"}),
    ("evolve new so", {"sokoban-h"}),
])  # fmt: skip
def test_the_shell_is_offered_names(place, line, expected):
    assert set(completed(place, *line.split(" "))) == expected


def test_what_is_read_from_text_is_what_there_is():
    from games.worlds import WORLDS
    from planners.policies.catalogue import KINDS
    from workbench.catalogue.families import ALGORITHMS

    assert list(completing.planners()) == list(PLANNERS) and list(completing.worlds()) == list(WORLDS)
    assert list(completing.policies()) == list(KINDS) and set(completing.algorithms()) == set(ALGORITHMS)
    for name, entry in PLANNERS.items():
        if name == "llm":  # the settings of its endpoint are made of a class's fields
            continue
        assert list(completing._declared_by(name, "planner", "PARAMS")) == list(importlib.import_module(entry.module).PARAMS), name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(shell, place):
    script = subprocess.run(
        [sys.executable, "-m", "cli", "completion", shell], cwd=place, env={**os.environ, "PYTHONPATH": str(TOP)},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert f"_GAMEPLAN_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_tables_of_other_modules_are_followed_and_broken_files_are_none(tmp_path):
    path = tmp_path / "own.py"
    path.write_text("from planners.parts import assembly\nMORE = {'b': 2}\nPARAMS: dict = {'a': 1, **MORE, **assembly.PARAMS}\n")
    found = declared(path, "PARAMS")
    assert list(found)[:2] == ["a", "b"] and {"proposal", "evaluator"} <= set(found)
    path.write_text("PARAMS = {**PARAMS}\n")  # of itself
    assert declared(path, "PARAMS") == {}
    path.write_text("PARAMS = {")
    assert declared(path, "PARAMS") == {} and declared(module_file("games.nowhere"), "X") == {}


def test_only_names_that_are_plain_to_a_shell_are_offered(place, monkeypatch):
    monkeypatch.chdir(place)
    strange = ["$(id)", "`id`", ";id", "it's", 'q"', "a b", "-force", "new\nline", "a&b", "a>b", "~root", "a*", "\x1b[2J"]
    for name in strange:
        shutil.copytree("runs/2026-01-01-kuhn_2p-cfr-s0", f"runs/{name}")
    offered = [item.value for item in completing.complete_runs("")]
    for name in strange:
        shutil.rmtree(f"runs/{name}")
    assert offered == ["@last", "2026-01-01-kuhn_2p-cfr-s0"]
    assert completing.is_plain("speed=2.5") and completing.is_plain("policy='a text'") and not completing.is_plain("policy='$(id)'")
    assert not completing.is_plain("x='a'$(id)")
