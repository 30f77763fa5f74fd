"""Programs of one's own: every template runs at once and passes its check; and a world from outside has all that ours have."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from games.errors import GameplanError, UsageError
from games.worlds import load_world
from workbench.own.begin import template
from workbench.own.check import check_evaluator, check_planner, check_policy, check_task, check_world
from workbench.solving.rule_tools import check_rule_file
from workbench.testing.worlds import WorldSuite

SMALL = ("--world", "rows=2", "--world", "columns=2", "--world", "shuffle=5")


def gameplan(*arguments):
    return CliRunner().invoke(cli.cli, [str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("new", "check", "used"),
    [
        ("new-world w.py --python", "check-world ./w.py --world start=5", "plan ./w.py --planner astar --episodes 1 --out run"),
        ("new-planner p.py", "check-planner ./p.py", "plan p1 --planner ./p.py --set share=0.5 --episodes 2 --out run"),
        pytest.param(
            "new-evaluator e.py",
            "check-evaluator ./e.py p1",
            "plan p1 --planner greedy-value --set evaluator=./e.py --episodes 1 --out run",
            marks=pytest.mark.slow,
        ),
        (
            "new-evaluator e.py --python",
            "check-evaluator ./e.py 2048-2x2",
            "plan p1 --planner greedy-value --set evaluator=./e.py --episodes 1 --out run",
        ),
        ("new-policy p.py", "check-policy ./p.py p1", "plan p1 --policy ./p.py --temperature 1 --episodes 2 --out run"),
        pytest.param(
            "new-rule r.py --psro",
            "check-rule r.py",
            "solve kuhn_2p --algo ./r.py -n 3 --set train.steps=50 --out run",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "new-rule r.py",
            "check-rule r.py",
            "compare kuhn_2p --algos ./r.py,cfr+ -n 20 --engine threads --jobs 1 --out run",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "new-method m.py",
            "check-method m.py",
            "train 2048-2x2 --method ./m.py --updates 1 --episodes 2 --out run",
            marks=pytest.mark.slow,
        ),
        ("new-task curve", "check-task curve", "evolve new curve --budget-evals 3 --jobs 1 --out run"),
    ],
)
def test_a_template_runs_at_once_and_passes_its_check(new, check, used, here):
    begun = gameplan(*new.split())
    assert begun.exception is None and "gameplan" in begun.stdout, begun
    assert isinstance(gameplan(*new.split()).exception, UsageError), "it would be replaced"
    for command in (check, used):
        result = gameplan(*command.split())
        assert result.exception is None and not result.return_value, (command, result.output)
    assert Path("run").is_dir()


def test_a_check_says_what_is_wrong_in_a_line_each(here):
    faults = {
        "p.py": (template("planner").replace("count = effective(", "count = 1 + effective("), lambda: check_planner("./p.py", {})),
        "w.py": (
            template("python-world").replace("return -(-n // 3)", "return float(n)"),
            lambda: check_world("./w.py", {"start": 5}),
        ),
        "f.py": (
            template("policy").replace("return 10.0 *", "return np.random.rand(len(found)) + 0.0 *"),
            lambda: check_policy("./f.py", "kg-walk", {}),
        ),
        "n.py": (
            template("policy").replace("10.0 * np.array(found)", "np.log(np.zeros(1))"),
            lambda: check_policy("./n.py", "p1", {}),
        ),
        "t/task.py": (template("task").replace("+ 1e-9", "- 1e9"), lambda: check_task("t")),
    }
    said = {}
    Path("t").mkdir()
    for name, (text, check) in faults.items():
        Path(name).write_text(text)
        record = check()
        assert not record["ok"] and record["problems"] and not any("\n" in problem for problem in record["problems"]), name
        said[name] = " ".join(record["problems"])
    assert "lower bound" in said["w.py"] and "seed" in said["f.py"] and "costs are finite and not negative" in said["t/task.py"]
    with pytest.raises(UsageError, match=r"nothing\.py"):
        check_world("./nothing.py", {})
    failed = gameplan("check-world", "w.py", "--json")
    assert failed.return_value == 1 and not json.loads(failed.stdout)["ok"]


def test_a_planner_with_a_budget_says_what_a_unit_of_it_is(here):
    """That of docs/extending.md, in a file of one's own: without the word it is told which, and with it all is fine."""
    page = (Path(cli.__file__).parent / "docs/extending.md").read_text("utf-8")
    text = page.split("`planners/search/wanderer.py`:\n\n```python\n")[1].split("```")[0]
    for unit, problem in (
        (None, "UNIT = 'simulations' in its file"), ("simulations", ""), ("expansions", "a unit is no expansion"),
        ("walks", "'walks' is no unit of a budget; legal are simulations, evaluations"),
    ):  # fmt: skip
        Path("w.py").write_text(text if unit is None else text + f"\n\nUNIT = {unit!r}\n")
        record = check_planner("./w.py", {})
        assert record["ok"] == (not problem) and problem in " ".join(record["problems"]), (unit, record["problems"])


def test_a_file_of_ones_own_is_described_once(here):
    Path("r.py").write_text(template("rule"))
    told = gameplan("algos", "./r.py").stdout
    assert told.count("CFR+ with a power for the average") == 1 and "(file" not in told, told


def test_meta_solvers_in_a_file_make_a_psro_run_with_all_that_those_have(here):
    import workbench as gp

    Path("m.py").write_text(  # in Python: nothing is to be compiled
        "import numpy as np\n\nSTATE = {}\n\n\ndef train(payoffs, iteration):\n    return [np.ones(n) for n in payoffs.sizes]\n\n\n"
        "evaluate = train\n"
    )
    assert not gameplan("solve", "kuhn_2p", "--algo", "./m.py", "-n", 4, "--out", "run").return_value
    shown = json.loads(gameplan("show", "run", "--json").stdout)
    assert shown["view"]["kind"] == "psro" and shown["view"]["algo"] == "m" and len(shown["mixtures"]) == 4
    assert "exploitability of each mixture" in gameplan("show", "run", "--out", "population.png").stdout
    assert Path("population.png").stat().st_size
    listed = json.loads(gameplan("runs", "list", ".", "--kind", "psro", "--json").stdout)
    assert [run["name"] for run in listed["runs"]] == ["run"]
    told = [
        gameplan("solve", "kuhn_2p", *roles, "-n", 2).stdout
        for roles in (("--train", "./m.py", "--eval", "nash"), ("--train", "rm"))
    ]
    assert "solvers         train m, eval nash\n" in told[0] and "solvers         train rm, eval rm\n" in told[1]
    assert "solvers=m nash" in str(gp.psro("kuhn_2p", "./m.py", n=2, evaluate="nash"))
    for result in (gp.solve("kuhn_2p", "./m.py", n=4), gp.solve("kuhn_2p", "double-oracle", n=4)):
        assert isinstance(result, gp.PsroResult) and result.population.meta_game().shape == (4, 4)
    assert type(gp.solve("kuhn_2p", "cfr+", n=4)) is gp.SolveResult


@pytest.mark.slow
class TestTiles(WorldSuite):
    """The compiled world, of four cells: all of its states are met."""

    @pytest.fixture(autouse=True)
    def chosen(self, tmp_path):
        path = tmp_path / "tiles.py"
        path.write_text(template("world"))
        self.world, self.options = str(path), {"rows": 2, "columns": 2, "shuffle": 5}


JUDGE = """
from typing import NamedTuple
from games.random import unit
from planners.evaluator import evaluate, value
class Mine(NamedTuple):
    level: int
@evaluate.of(Mine)
def _evaluate(evaluator, model, trajectory, length, rng, cost):
    return RETURN
@value.of(Mine)
def _value(evaluator, model, state, rng, cost):
    return 0.5
def make(instance):
    return FIRST
"""


@pytest.mark.parametrize(
    ("returned", "made", "said"),
    [
        ("unit(rng)", "Mine(1)", ""),  # what it draws is given
        ("np.inf", "Mine(1)", "say numbers"),
        ("_touched(trajectory)", "Mine(1)", "changes what it judges"),
        ("0.5", "3", "makes no evaluator"),
    ],
)
def test_evaluators_are_judged_by_what_all_of_them_keep_to(returned, made, said, here):
    helpers = (
        "import numpy as np\nfrom games.jit import embedded\n@embedded\ndef _touched(trajectory):\n"
        "    trajectory.rewards[0] += 1.0\n    return 0.5\n"
    )
    text = JUDGE.replace("RETURN", returned).replace("FIRST", made)
    Path("e.py").write_text(helpers + text)
    record = check_evaluator("./e.py", "p1", {})
    assert record["ok"] == (not said) and said in " ".join(record["problems"]), record
    assert (record["worths"] is None) == bool(said)


def test_a_world_without_a_horizon_is_warned_of(here):
    text = template("python-world")
    Path("w.py").write_text(text)
    assert check_world("./w.py", {"start": 5})["warnings"] == []
    Path("w.py").write_text(text.replace(", horizon=1000", ""))
    result = gameplan("check-world", "./w.py", "--world", "start=5")
    assert result.exception is None and not result.return_value  # it is fine, and yet
    assert "have no horizon" in result.stdout and "fine" in result.stdout


def test_a_world_that_is_named_again_is_trusted(here):
    Path("w.py").write_text(template("python-world"))
    Path("p.py").write_text(template("planner"))
    gameplan("plan", "./w.py", "--world", "start=5", "--planner", "./p.py", "--episodes", 1, "--out", "run")
    shown = gameplan("replay", "run", "./w.py")
    assert shown.exception is None and shown.stdout.count("step") >= 3, shown.exception
    planned = gameplan("replay", "run", "./w.py", "--planner", "./p.py", "--values")
    assert planned.exception is None and planned.stdout.count("->") == shown.stdout.count("->")
    for words, said in (
        (("run",), "name it again or trust the run"),
        (("run", "./w.py", "--values"), "has a planner of its own"),
        (("run", "kg-walk"), "has a world of its own"),
        (("run", "./p.py"), "is not the world with which"),
    ):
        error = gameplan("replay", *words).exception
        assert isinstance(error, UsageError) and said in str(error), (words, error)
    gameplan("plan", "p1", "--planner", "greedy", "--episodes", 1, "--out", "ours")
    assert gameplan("replay", "ours", "p1").exception is None
    assert "has env = p1, not p2a" in str(gameplan("replay", "ours", "p2a").exception)


@pytest.mark.slow
def test_a_compiled_world_from_outside_has_all_that_ours_have(here):
    Path("tiles.py").write_text(template("world"))
    for planner, more in (("astar", ()), ("mcts", ("--simulations", 100)), ("flare-paper", ("--simulations", 20))):
        played = gameplan("plan", "./tiles.py", *SMALL, "--planner", planner, *more, "--episodes", 2, "--out", planner, "--json")
        assert played.exception is None and json.loads(played.stdout)["solved"] == 2, played
    assert (
        gameplan("plan", "./tiles.py", *SMALL, "--planner", "greedy", "--render", "--episodes", 1, "--out", "seen").exception
        is None
    )
    shown = gameplan("replay", "astar", "--trusted")
    assert shown.exception is None and "-> " in shown.stdout
    assert gameplan("replay", "astar", "--trusted", "--gif", "tiles.gif").exception is None and Path("tiles.gif").stat().st_size
    critic = gameplan("critic", "./tiles.py", *SMALL, "-m", 50, "--json")
    assert critic.exception is None and len(json.loads(critic.stdout)["q"]) >= 2
    for kind in ("tabular", "mlp"):
        learned = gameplan(
            "train", "./tiles.py", *SMALL, "--method", "reinforce", "--policy", kind, "--updates", 2, "--episodes", 2, "--out", kind
        )
        assert learned.exception is None and not learned.return_value, learned.output
        again = gameplan("plan", "./tiles.py", *SMALL, "--policy", kind, "--episodes", 1, "--out", f"{kind}-played")
        assert again.exception is None, again
    with pytest.raises(GameplanError, match="rows=9 is not possible; legal: from 2 to 8"):
        load_world("./tiles.py", {"rows": 9})


FLAWS = {
    "none": "",
    "a parameter of which nothing is told": "no sentence about beta",
    "a policy that stays uniform": "no better than the uniform one",
}


@pytest.mark.slow
@pytest.mark.parametrize("flaw", FLAWS)
def test_a_rule_that_runs_and_is_odd_is_warned_of(flaw, here):
    text = template("rule")
    if flaw == "a parameter of which nothing is told":
        text = text.replace('{"gamma": 2.0}', '{"gamma": 2.0, "beta": 0.5}')
    elif flaw == "a policy that stays uniform":
        text = text.replace("    regret_matching(sigma, R, infosets)", "    pass")
    Path("r.py").write_text(text)
    record = check_rule_file(Path("r.py"))
    assert record["ok"] and len(record["warnings"]) == bool(FLAWS[flaw])
    assert FLAWS[flaw] in " ".join(record["warnings"])
