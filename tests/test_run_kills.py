"""Runs killed before every single thing that they do to the file system: resume, or the same command, ends with the same bytes."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from games.errors import GameplanError
from games.files import is_temporary
from games.loader import load_game
from solvers.exploitability import uniform_policy
from workbench.discovery.books.store import FILE, Store
from workbench.discovery.config import DiscoveryConfig
from workbench.discovery.session import begin
from workbench.planning.config import PlanConfig, resolve_plan, saved_plan
from workbench.planning.run import run_plan
from workbench.runs.directory import RunDirectory
from workbench.runs.removal import remove
from workbench.solving.config import SolveConfig, resumed_config
from workbench.solving.isolated import Trust
from workbench.solving.policies import save_policy
from workbench.solving.run import solve
from workbench.views.removable import LAST, check_removable

EVENTS = ("sqlite3.connect", "open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "fcntl.flock")
KILLED = 9
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


def killed_at(n: int, place: Path, work) -> bool:
    """Run `work` in a child that dies before its n-th operation on something at or below `place`; return whether it did."""
    child = os.fork()
    if child == 0:
        left = n

        def hook(event, arguments):
            nonlocal left
            if event in EVENTS and (event in ("fcntl.flock", "sqlite3.connect") or str(arguments[0]).startswith(str(place))):
                if left == 0:
                    os._exit(KILLED)
                left -= 1

        sys.addaudithook(hook)
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, KILLED)
    return status == KILLED


def start_solver(path: Path, rule: Path, *, force: bool = False) -> None:
    config = SolveConfig("kuhn_2p", str(rule), 3)
    solve(config, RunDirectory.create(path, force=force), stop=lambda: False)


def start_locked(path: Path, rule: Path, *, force: bool = False) -> None:
    policy = rule.with_name("given.json")
    if not policy.exists():
        game = load_game("kuhn_2p")
        save_policy(game, uniform_policy(game), policy)
    config = SolveConfig("kuhn_2p", "cfr", 3, lock=str(policy), lock_player=1, lock_probability=0.5)
    solve(config, RunDirectory.create(path, force=force), stop=lambda: False)


def start_planner(path: Path, rule: Path, *, force: bool = False) -> None:
    config = resolve_plan(PlanConfig("2048-2x2", "random", 2))
    run_plan(config, RunDirectory.create(path, force=force))


def resume(path: Path) -> None:
    run = RunDirectory.open(path)
    if (path / "episodes.jsonl").exists() or "planner" in (path / "config.json").read_text():
        run_plan(saved_plan(run), run, resume=True)
    else:
        solve(resumed_config(run, {}), run, resume=True, trust=Trust(trusted=True))


def contents(path: Path) -> dict[str, bytes]:
    clocks = ("timing.jsonl", "environment.json", "result.json")
    return {file.name: b"" if file.name in clocks else file.read_bytes() for file in sorted(path.iterdir())}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a child")
@pytest.mark.parametrize(
    ("start", "least"),
    [
        pytest.param(start_solver, 40, marks=pytest.mark.slow),
        pytest.param(start_locked, 40, marks=pytest.mark.slow),
        (start_planner, 30),
    ],
)
def test_a_kill_before_any_operation_costs_nothing(start, least, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.solving.run.CHECKPOINT_SECONDS", 0.0)  # a checkpoint after every evaluation
    for module in ("solving.run", "planning.run"):
        monkeypatch.setattr(f"workbench.{module}.describe_environment", lambda threads: {})  # asks git
    rule = tmp_path / "rule.py"
    rule.write_text(RULE)
    start(tmp_path / "whole", rule)
    expected = contents(tmp_path / "whole")
    n = fresh = 0
    while True:
        path = tmp_path / f"killed-{n}"
        if not killed_at(n, path, lambda path=path: start(path, rule)):
            break
        if (path / "config.json").exists():
            resume(path)
        else:
            start(path, rule)
            fresh += 1
        assert contents(path) == expected, f"killed before operation {n}"
        n += 1
    assert n >= least and fresh >= 10


def test_a_kill_while_an_earlier_run_is_replaced_leaves_a_run_or_nothing(tmp_path):
    rule = tmp_path / "rule.py"
    rule.write_text(RULE)
    n = 0
    while True:
        path = tmp_path / f"run-{n}"
        start_planner(path, rule)
        if not killed_at(n, path, lambda path=path: RunDirectory.create(path, force=True)):
            break
        start_planner(path, rule, force=True)
        n += 1
    assert n >= 6


def test_what_somebody_else_keeps_is_never_taken_for_a_leftover(tmp_path):
    """A directory with a file of a run's name, but without a run, is not overwritten."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "program.py").write_text("print()")
    with pytest.raises(GameplanError, match="exists"):
        RunDirectory.create(tmp_path / "mine")
    with pytest.raises(GameplanError, match="not a run directory"):
        RunDirectory.create(tmp_path / "mine", force=True)
    assert (tmp_path / "mine" / "program.py").read_text() == "print()"


@pytest.mark.slow  # to compile
def test_a_discovery_begins_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setenv("GAMEPLAN_LLM_BASE_URL", "http://127.0.0.1:9/v1")  # nothing is asked there
    monkeypatch.setenv("GAMEPLAN_LLM_MODEL", "none")
    config = DiscoveryConfig("cfr", operators={"llm": 1.0})
    imported = {"mine": "source"}
    n = fresh = 0
    while True:
        path = tmp_path / f"killed-{n}"
        if not killed_at(n, path, lambda path=path: begin(config, path, imported)):
            break
        if not (path / FILE).exists():
            begin(config, path, imported)  # the same command
            fresh += 1
        store = Store.open(path)
        assert store.get("imported") == imported and store.get("config")["task"] == "cfr"
        store.close()
        assert (path / "prompts").is_dir() and not any(is_temporary(place.name) for place in path.iterdir() if place.is_file())
        n += 1
    assert n > 15 and fresh > 10
    with pytest.raises(GameplanError, match="not empty"):
        begin(config, path, imported)


@pytest.mark.parametrize("kind", ["run", "comparison"])
@pytest.mark.slow  # a process a moment
def test_a_kill_while_a_run_is_removed_leaves_what_can_be_removed(kind, tmp_path):
    place = tmp_path / "out"

    whole = tmp_path / "whole"
    if kind == "run":
        solve(SolveConfig("kuhn_2p", "cfr", 1), RunDirectory.create(whole))
    else:  # of operators of evolution: its runs lie beside what it is known by
        RunDirectory(whole).write_json("comparison.json", {})
        begin(DiscoveryConfig("cfr", evals=1), whole / "symbolic-s0", None).close()

    def work() -> None:
        check_removable(place)
        remove(place, LAST)

    n = 0
    while True:
        shutil.copytree(whole, place)
        if not killed_at(n, place, work):
            break
        if place.exists() and any(place.iterdir()):  # an empty directory is nobody's
            work()
        shutil.rmtree(place, ignore_errors=True)
        n += 1
    assert n > 3 and not place.exists()
