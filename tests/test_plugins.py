"""Plug-ins: names that installed packages and Python code register, of every kind of program."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from games import plugins
from games.errors import GameplanError, UsageError
from games.plugins import Registry
from tests.test_own_programs import META, PLANNER, RULE, WORLD
from workbench.own.begin import template

METHOD = template("method")
HOOK = """from pathlib import Path

HERE = Path(__file__).parent


def plug_in(registry):
    registry.register("world", "count", "tiny_plugin.world:make", "count down to 0")
    registry.register("planner", "edge", "tiny_plugin.planner:make")
    registry.register("rule", "numpy-plus", HERE / "rule.py")
    registry.register("meta-solver", "even", HERE / "meta.py")
    registry.register("method", "mean", HERE / "method.py")
    registry.register("task", "toy", HERE / "toy_task")


def broken(registry):
    raise RuntimeError("out of order")
"""


def gameplan(*arguments):
    return CliRunner().invoke(cli.cli, [str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return an empty working directory, with a package beside it that is installed as far as Python can tell."""
    place = tmp_path / "site"
    (place / "tiny_plugin").mkdir(parents=True)
    texts = {"__init__": "", "hook": HOOK, "world": WORLD, "planner": PLANNER, "rule": RULE, "meta": META, "method": METHOD}
    for name, text in texts.items():
        (place / "tiny_plugin" / f"{name}.py").write_text(text)
    toy = Path(__file__).parent / "toy_task"
    (place / "tiny_plugin" / "toy_task").symlink_to(toy)
    info = place / "tiny_plugin-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[gameplan.plugins]\ntiny = tiny_plugin.hook:plug_in\nbroken = tiny_plugin.hook:broken\ngone = no_such_module:f\n"
    )
    monkeypatch.syspath_prepend(str(place))
    fresh = Registry()
    monkeypatch.setattr(plugins, "REGISTRY", fresh)
    monkeypatch.chdir(tmp_path)
    yield fresh
    for name in [name for name in sys.modules if name.partition(".")[0] == "tiny_plugin"]:
        del sys.modules[name]


def test_an_installed_package_brings_programs_of_every_kind(package):
    told = []
    played = gameplan("plan", "count", "--planner", "edge", "--set", "last=true", "--episodes", 1, "--out", "run", "--json")
    assert played.exception is None and json.loads(played.stdout)["mean"] == 2.0, played  # 5 = 3 + 2
    config = json.loads(Path("run/config.json").read_text())
    assert config["env"] == "tiny_plugin.world:make" and Path("run/planner.py").read_text() == PLANNER
    for line in ("(tiny_plugin.hook:broken) is left out: RuntimeError: out of order", "gone (no_such_module:f) is left out"):
        assert played.stderr.count(line) == 1, played.stderr
    package.warn = told.append
    assert isinstance(gameplan("plan", "--resume", "run").exception, UsageError)  # what a directory names does not run
    assert gameplan("plan", "count", "--planner", "edge", "--episodes", 2, "--resume", "run").exception is None
    solved = gameplan("solve", "kuhn_2p", "--algo", "numpy-plus", "-n", 5, "--out", "solved")
    assert solved.exception is None and Path("solved/program.py").read_text() == RULE
    assert gameplan("solve", "kuhn_2p", "--algo", "psro", "--train", "even", "-n", 2, "--out", "psro").exception is None
    trained = gameplan("train", "count", "--method", "mean", "--updates", 1, "--episodes", 2, "--out", "trained")
    assert trained.exception is None and Path("trained/method.py").read_text() == METHOD, trained
    begun = gameplan("evolve", "new", "toy", "--budget-evals", 2, "--jobs", 1, "--out", "evolved")
    assert begun.exception is None, begun
    listed = json.loads(gameplan("algos", "--json").stdout)["plugins"]
    assert {(p["kind"], p["name"]) for p in listed} >= {("planner", "edge"), ("world", "count"), ("method", "mean")}
    assert "count down to 0" in gameplan("games").stdout and "gameplan plan count" in gameplan("games", "count").stdout
    assert not told


def test_entry_points_are_loaded_when_a_name_is_not_found(package):
    assert gameplan("plan", "p1", "--planner", "greedy", "--episodes", 1, "--out", "run").exception is None
    assert "tiny_plugin" not in sys.modules
    with pytest.raises(GameplanError, match="did you mean 'edge'"):
        raise gameplan("plan", "p1", "--planner", "edg", "--out", "other").exception
    assert "tiny_plugin" in sys.modules


def test_python_code_registers_paths_modules_and_functions(package, tmp_path):
    from tests import toy_discovery

    package.register("world", "down", tmp_path / "site/tiny_plugin/world.py")
    assert gameplan("plan", "down", "--planner", "mcts", "--simulations", 20, "--episodes", 1, "--out", "run").exception is None
    package.register("planner", "mine", toy_discovery)
    assert package.find("planner", "mine").program == "tests.toy_discovery:make"
    package.register("planner", "mine", gameplan, "another\nline")
    assert package.find("planner", "mine") == (f"{__name__}:gameplan", "another line")
    for arguments, message in (
        (("plannr", "x", "a:b"), "did you mean 'planner'"),
        (("planner", "x y", "a:b"), "cannot be the name"),
        (("planner", "x", "nothing"), "is no program"),
        (("planner", "x", "./gone.py"), "'./gone.py' is no file that is there"),
        (("task", "x", "./gone"), "'./gone' is no folder that is there"),
        (("planner", "x", lambda name: None), "in no file"),
    ):
        with pytest.raises(UsageError, match=message):
            package.register(*arguments)


@pytest.mark.parametrize("name", ["", "-x", "../x", "a/b", "@last", ".hidden", "a b", "a\nb", "\x1b[2J", "a,b", "a=b"])
def test_names_that_mean_something_else_are_refused(name, package):
    with pytest.raises(UsageError, match="cannot be the name of a plug-in"):
        package.register("planner", name, "a:b")


def test_a_name_that_ships_is_told_of_once(package, tmp_path):
    told = []
    package.warn = told.append
    package.register("rule", "cfr", tmp_path / "site/tiny_plugin/rule.py")
    assert plugins.expanded("algorithm", "cfr", ("cfr",)) == plugins.expanded("algorithm", "cfr", ("cfr",)) == "cfr"
    assert told == ["the algorithm 'cfr' is the one that ships, not the plug-in of that name; register it under another"]


def test_who_registers_first_stays_and_what_fails_leaves_nothing(package, tmp_path):
    hook = tmp_path / "site/tiny_plugin/hook.py"
    text = hook.read_text().replace(
        "    raise Runtime", "    registry.register('planner', 'half', 'tiny_plugin.planner:make')\n    raise Runtime"
    )
    hook.write_text(text)
    told = []
    package.warn = told.append
    package.register("planner", "edge", "mine.planners:edge")
    assert package.find("planner", "half") is None
    assert package.find("planner", "edge").program == "mine.planners:edge" and package.find("world", "count") is not None
    assert any("the planner 'edge' of the plug-in tiny (tiny_plugin.hook:plug_in) is left out" in line for line in told), told
