"""Game files and files of levels: a run keeps a copy and goes on with that; no path in a run directory is followed."""

import json
import shutil
from pathlib import Path

import pytest

from games.errors import GameplanError, UsageError
from workbench.commands.policies import export
from workbench.planning.config import PlanConfig, repeated_plan, resolve_plan, resumed_plan
from workbench.planning.replay import load_frames
from workbench.planning.run import run_plan
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig, resolve_config, resumed_config
from workbench.solving.population import Population
from workbench.solving.run import solve

CASES = Path(__file__).parent / "cases" / "gambit"
LEVELS = "; one\r\n#####\r\n#@$.#\r\n#####\r\n\n; two\n######\n#@ $.#\n######\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Be in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def solved(name, path="run", **settings):
    config, _ = resolve_config(SolveConfig(name, **{"algo": "cfr+", "iterations": 3, **settings}))
    run = RunDirectory.create(Path(path))
    return config, run, solve(config, run)


def played(path="run", **settings):
    config = resolve_plan(PlanConfig("sokoban", "astar", world={"levels": "my.xsb"}, **settings))
    run = RunDirectory.create(Path(path))
    return config, run, run_plan(config, run)


def forget(run, role):
    """Make the run one of a version that kept no copies."""
    config = json.loads((run.path / "config.json").read_text())
    del config["programs"][role]
    (run.path / "config.json").write_text(json.dumps(config))
    for name in ("game.efg", "levels.xsb"):
        (run.path / name).unlink(missing_ok=True)


def test_a_solver_run_goes_on_with_its_copy_of_the_game(here):
    shutil.copy(CASES / "stage-payoffs.efg", "my.EFG")
    config, run, _ = solved("my.EFG")
    assert Path("run/game.efg").read_bytes() == Path("my.EFG").read_bytes()
    _, whole, _ = solved("my.EFG", "whole", iterations=6)
    Path("my.EFG").write_text("of another kind")
    with pytest.raises(UsageError, match=r"has game = my\.EFG, not my\.EFG"):
        resumed_config(run, {"game": "my.EFG", "iterations": 6})
    Path("my.EFG").rename("moved.efg")
    resumed = resumed_config(run, {"iterations": 6})
    assert resumed.programs == config.programs
    solve(resumed, run, resume=True)
    for name in ("metrics.jsonl", "policy.json", "config.json"):
        assert (run.path / name).read_bytes() == (whole.path / name).read_bytes(), name
    assert export.main(["run", "policy.csv"], standalone_mode=False) == 0
    shutil.copy(CASES / "stage-payoffs.efg", "again.efg")
    assert resumed_config(run, {"game": "again.efg"}).game == "my.EFG"  # the same content under another name
    Path("run/game.efg").write_bytes(Path("run/game.efg").read_bytes() + b" ")
    with pytest.raises(GameplanError, match="is not the game file with which the run started"):
        solve(resumed, run, resume=True)


def test_a_changed_game_file_is_another_run(here):
    shutil.copy(CASES / "stage-payoffs.efg", "my.efg")
    before, _ = resolve_config(SolveConfig("my.efg", "cfr+"))
    Path("my.efg").write_bytes(Path("my.efg").read_bytes() + b"\n")
    after, _ = resolve_config(SolveConfig("my.efg", "cfr+"))
    assert before != after  # so that a comparison does not take the old run's result
    with pytest.raises(GameplanError, match=r"my\.efg has changed since the command began"):
        from workbench.runs.programs import read_copies

        read_copies({"game": "my.efg"}, before.programs)


def test_a_run_without_a_copy_of_its_game_needs_it_named(here):
    shutil.copy(CASES / "stage-payoffs.efg", "my.efg")
    _, run, _ = solved("my.efg", algo="psro-uniform", iterations=2)
    Population.open(run.path)
    forget(run, "game")
    with pytest.raises(UsageError, match=r"gameplan solve my\.efg --resume run"):
        resumed_config(run, {"iterations": 3})
    for reader in (lambda: Population.open(run.path), lambda: export.main(["run", "policy.csv"], standalone_mode=False)):
        with pytest.raises(UsageError, match="keeps no copy of the file of its game"):
            reader()
    solve(resumed_config(run, {"iterations": 3, "game": "my.efg"}), run, resume=True)
    assert Path("run/game.efg").read_bytes() == Path("my.efg").read_bytes()  # from now on it has one
    Path("my.efg").unlink()
    Population.open(run.path)


def test_files_that_game_strings_name_are_named_again(here):
    run = RunDirectory.create(Path("run"))
    from dataclasses import asdict

    for name in ("efg_game(filename=my.efg)", "misere(game=nfg_game(filename=my.nfg))"):
        run.write_json("config.json", asdict(SolveConfig(name, "cfr+", 3, every=1)))
        with pytest.raises(UsageError, match="which is not read because a run directory says so"):
            resumed_config(run, {})
        assert resumed_config(run, {"game": name}).game == name


def test_a_planner_run_goes_on_with_its_copy_of_the_levels(here):
    Path("my.xsb").write_bytes(LEVELS.encode())
    config, run, record = played()
    assert record["solved"] == 2 and Path("run/levels.xsb").read_bytes() == LEVELS.encode()
    before = Path("run/episodes.jsonl").read_bytes()
    assert resumed_plan(run, {"world": {"levels": "my.xsb"}}) == config  # named again, from here
    Path("my.xsb").rename("moved.xsb")
    assert resumed_plan(run, {"world": {"levels": "moved.xsb"}}) == config
    Path("moved.xsb").write_text(LEVELS.replace("one", "won"))
    with pytest.raises(UsageError, match="a resumed run keeps it"):
        resumed_plan(run, {"world": {"levels": "moved.xsb"}})
    Path("run/episodes.jsonl").write_bytes(before.splitlines(keepends=True)[0])
    run_plan(resumed_plan(run, {}), run, resume=True)
    assert Path("run/episodes.jsonl").read_bytes() == before
    assert load_frames(run, 1)[-1].title == "sokoban two  step 1  return 10.9  solved"
    again = RunDirectory.create(Path("again"))
    run_plan(repeated_plan(run, {}), again)
    assert Path("again/episodes.jsonl").read_bytes() == before and Path("again/levels.xsb").read_bytes() == LEVELS.encode()
    Path("run/levels.xsb").write_bytes(LEVELS.replace("\r", "").encode())  # other line ends
    for reader in (lambda: load_frames(run, 0), lambda: run_plan(config, run, resume=True)):
        with pytest.raises(GameplanError, match="is not the file of levels with which the run started"):
            reader()


def test_a_run_without_a_copy_of_its_levels_needs_them_named_or_trusted(here):
    Path("my.xsb").write_bytes(LEVELS.encode())
    _, run, _ = played()
    forget(run, "levels")
    with pytest.raises(UsageError, match="gameplan replay run --trusted"):
        load_frames(run, 0)
    with pytest.raises(UsageError, match="gameplan plan --resume run --trusted"):
        resumed_plan(run, {})
    assert resumed_plan(run, {"world": {"levels": "my.xsb"}}).world["levels"] == str(here / "my.xsb")
    with pytest.raises(UsageError, match="a resumed run keeps it"):
        resumed_plan(run, {"world": {"levels": "other.xsb"}})


def test_a_replay_asks_no_address_and_writes_no_log_that_only_the_run_names(here):
    Path("my.xsb").write_bytes(LEVELS.encode())
    _, run, _ = played()
    config = json.loads(Path("run/config.json").read_text())
    config |= {"planner": "llm", "params": {"model": "m", "base_url": "http://127.0.0.1:9/v1", "log": str(here / "log")}}
    Path("run/config.json").write_text(json.dumps(config))
    assert load_frames(run, 0)
    with pytest.raises(UsageError, match="gameplan replay run --values --trusted"):
        load_frames(run, 0, values=True)
    assert not Path("log").exists()


def test_no_reader_waits_for_a_pipe(here):
    import os

    from games.files import read_file
    from games.sokoban.levels import read_levels

    os.mkfifo("pipe")
    for reader in (lambda: read_file(Path("pipe")), lambda: read_levels("pipe")):
        with pytest.raises(UsageError, match="pipe: it is not a regular file"):
            reader()
