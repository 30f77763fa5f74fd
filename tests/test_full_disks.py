"""Disks that are full, places that cannot be written, names that are too long, and commands that are refused: one line, nothing left."""

import errno
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_run_kills import RULE, contents, resume, start_planner, start_solver

import cli
from games.errors import GameplanError
from workbench.discovery.config import DiscoveryConfig, resolve
from workbench.discovery.session import begin

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = ("os.rename", "os.mkdir", "os.chmod", "os.truncate")
OLD = Path(__file__).parent / "cases" / "run-0.1.0"


def gameplan(*arguments):
    return CliRunner().invoke(cli.cli, [str(a) for a in arguments], standalone_mode=False)


def fails_from(n: int, place: Path, work) -> bool:
    """Run `work` in a child for which the disk is full from the n-th change at or below `place` on; return whether that came about.

    The child must end well, or with one line of ours.
    """
    child = os.fork()
    if child == 0:
        left = n

        def hook(event, arguments):
            nonlocal left
            changes = event in CHANGES or (event == "open" and (arguments[2] or 0) & WRITES)
            if changes and str(arguments[0]).startswith(str(place)):
                left -= 1
                if left < 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(arguments[0]))

        sys.addaudithook(hook)
        try:
            work()
        except GameplanError as error:
            os._exit(3 if "\n" not in str(error) and "No space left" in str(error) else 4)
        except BaseException:
            os._exit(5)
        os._exit(0 if left >= 0 else 6)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 3), f"ended with {code} when the disk was full from change {n} on"
    return code == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fills the disk of a child")
@pytest.mark.parametrize(("start", "least"), [pytest.param(start_solver, 25, marks=pytest.mark.slow), (start_planner, 20)])
def test_a_disk_that_is_full_from_any_moment_on_is_one_line_and_the_run_goes_on(start, least, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.solving.run.CHECKPOINT_SECONDS", 0.0)
    for module in ("solving.run", "planning.run"):
        monkeypatch.setattr(f"workbench.{module}.describe_environment", lambda threads: {})
    rule = tmp_path / "rule.py"
    rule.write_text(RULE)
    start(tmp_path / "whole", rule)
    expected = contents(tmp_path / "whole")
    n = 0
    while fails_from(n, tmp_path / f"run-{n}", lambda n=n: start(tmp_path / f"run-{n}", rule)):
        path = tmp_path / f"run-{n}"
        if (path / "config.json").exists():
            resume(path)
        else:
            start(path, rule)
        assert contents(path) == expected, n
        n += 1
    assert n >= least


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A discovery that has only begun."""
    path = tmp_path_factory.mktemp("made") / "discovery"
    begin(resolve(DiscoveryConfig("cfr")), path).close()
    return path


COMMANDS = {
    "solve": ["solve", "kuhn_2p", "--algo", "cfr", "-n", "2", "--out", "{}"],
    "plan": ["plan", "2048-2x2", "--planner", "random", "--episodes", "1", "--out", "{}"],
    "compare games": ["compare", "kuhn_2p", "--algos", "cfr", "--out", "{}"],
    "compare worlds": ["compare", "2048-2x2", "--planners", "random", "--out", "{}"],
    "export": ["export", OLD / "solve", "{}.json"],
    "plot": ["plot", OLD / "solve", "--out", "{}.svg"],
    "psro-show": ["psro-show", OLD / "psro", "--out", "{}.svg"],
    "replay": ["replay", OLD / "plan", "--to", "1", "--gif", "{}.gif"],
    "new-rule": ["new-rule", "{}.py"],
    "evolve new": ["evolve", "new", "cfr", "--out", "{}"],
    "evolve export": ["evolve", "export", "DISCOVERY", "--out", "{}"],
    "evolve report": ["evolve", "report", "DISCOVERY", "--out", "{}.html"],
    "evolve compare": ["evolve", "compare", "cfr", "--out", "{}"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_places_that_cannot_be_written_are_one_line(name, made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name in ("plot", "psro-show"):
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda self, file, **how: file.write(b"drawn"))
    (tmp_path / "file").write_text("in the way")
    places = [tmp_path / "file" / "x", Path("/proc/nowhere/x"), tmp_path / ("n" * 300)]
    for place in places[:1] if name == "replay" else places:
        arguments = [made if a == "DISCOVERY" else str(a).format(place) for a in COMMANDS[name]]
        error = gameplan(*arguments).exception
        # What the operating system says of a name is put into one line by `cli.main`.
        assert isinstance(error, GameplanError | OSError), (arguments, error)
        assert "\n" not in str(error) and (str(place)[:40] in str(error))
    assert [path.name for path in tmp_path.iterdir()] == ["file"] and (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize(
    "arguments",
    [
        ["solve", "kuhn_3p_typo"],
        ["solve", "kuhn_2p", "--algo", "crf"],
        ["solve", "kuhn_2p", "--algo", "dcfr", "--set", "alpa=1"],
        ["solve", "kuhn_3p", "--algo", "lp"],
        ["solve", "leduc_2p", "--algo", "cfr", "--max-histories", "10"],
        ["solve", "./broken.efg", "--algo", "cfr"],
        ["solve", "kuhn_2p", "--algo", "./broken.py"],
        ["plan", "2048", "--planner", "astar"],
        ["plan", "sokoban", "--levels", "broken.xsb"],
        ["compare", "kuhn_2p", "--algos", "crf"],
        ["evolve", "new", "cfr", "--from", "nobody"],
        ["evolve", "new", "cfg"],
    ],
)
def test_a_refused_command_leaves_nothing(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("broken.efg", "broken.py", "broken.xsb"):
        (tmp_path / name).write_text("broken (")
    result = gameplan(*arguments)
    assert getattr(result.exception, "exit_code", None) in (1, 2), result.exception
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.efg", "broken.py", "broken.xsb"]
