"""What a run says of how it ended, what to type next, and that it was finished already; plays are shown to their end."""

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from planners.metrics import Marks, interval, wilson
from workbench.comparison.planners import Cell, entry, judged
from workbench.planning.config import PlanConfig
from workbench.terminal import plan as shown
from workbench.terminal.solve import curve_rows, ending, round_up


@pytest.fixture
def gameplan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments, code=0):
        result = CliRunner().invoke(cli.cli, [str(a) for a in arguments], standalone_mode=False, catch_exceptions=False)
        assert result.return_value == code, result.output
        return result

    return run


def fact(result, name):
    return next(line[len(name) :].strip() for line in result.stdout.splitlines() if line.startswith(f"{name} "))


def test_a_target_without_a_number_is_iterated_to(gameplan):
    found = json.loads(gameplan("solve", "kuhn_2p", "--algo", "cfr", "--target", 3e-4, "--out", "r", "--json").stdout)
    assert found["status"] == "target reached" and found["ended_by"] == "target" and found["iterations"] > 1000
    assert json.loads((gameplan("solve", "--resume", "r", "--json")).stdout)["iterations"] == found["iterations"]
    again = gameplan("solve", "--resume", "r")
    assert f"r was finished: the target is reached at iteration {found['iterations']:,}" in again.stderr
    assert (
        json.loads(gameplan("solve", "kuhn_3p", "--algo", "hs-pcfr+", "--target", 1e-12, "--out", "h", "--json", code=3).stdout)[
            "iterations"
        ]
        == 1000
    )


def test_a_missed_target_says_by_which_limit_and_what_to_type(gameplan):
    missed = gameplan("solve", "kuhn_2p", "--algo", "cfr", "-n", 100, "--target", 1e-3, "--out", "r", code=3)
    assert fact(missed, "ended").startswith(
        "target 0.001 missed: -n 100 was done; as the curve goes, it is reached at about iteration "
    )
    command = shlex.split(fact(missed, "go on"))
    assert command[:5] == ["gameplan", "solve", "--resume", "r", "-n"] and int(command[5]) > 200
    for _ in range(4):  # what it says to type leads there
        result = CliRunner().invoke(cli.cli, command[1:], standalone_mode=False, catch_exceptions=False)
        if result.return_value == 0:
            break
        command = shlex.split(fact(result, "go on"))
    assert "target reached" in result.stdout


def test_a_time_limit_alone_ends_a_run_and_can_be_raised(gameplan):
    found = gameplan("solve", "kuhn_2p", "--algo", "cfr+", "--time-limit", "50ms", "--out", "r")
    assert fact(found, "ended") == "the time limit of 50 ms was up" and "kuhn_2p  cfr+" in found.stdout
    assert fact(found, "go on") == "gameplan solve --resume r --time-limit 1s"
    before = json.loads((cfg := gameplan("solve", "--resume", "r", "--time-limit", "60ms", "--json")).stdout)
    assert before["ended_by"] == "time limit" and before["time_limit"] == 0.06 and "no checkpoint" not in cfg.stderr


def test_finished_runs_say_so(gameplan):
    gameplan("solve", "kuhn_2p", "--algo", "cfr", "-n", 20, "--out", "s")
    assert "s was finished: 20 iterations are done; -n with more goes on" in gameplan("solve", "--resume", "s").stderr
    gameplan("plan", "kg-walk", "--planner", "random", "--episodes", 2, "--out", "p")
    assert "p was finished: 2 episodes are played; --episodes with more goes on" in gameplan("plan", "--resume", "p").stderr


def test_equal_rows_are_one_and_the_warm_up_is_said_in_one_line(gameplan):
    out = gameplan("solve", "kuhn_2p", "-n", 600, "--set", "warmup_iterations=100", "--out", "r").stdout
    assert " 1 to 100" in out and out.count("0.458333") == 1
    assert (
        fact(out and gameplan("solve", "--resume", "r"), "warm-up")
        == "nothing is averaged in the first 100 iterations: uniform until then"
    )
    lines = [{"iteration": t, "exploitability": e} for t, e in ((1, 0.5), (2, 0.5), (3, 0.25), (4, 0.5))]
    assert [row[:2] for row in curve_rows({"iterations": 4}, lines, {})] == [("1 to 2", "0.5"), ("3", "0.25"), ("4", "0.5")]


def test_a_comparison_that_ends_in_the_warm_up_says_so_once(gameplan):
    def said(n):
        return gameplan("compare", "kuhn_2p", "kuhn_3p", "--algos", "cfr,vad-cfr", "-n", n, "--jobs", 1, "--out", f"c{n}").stderr

    assert said(5).count("warning: vad-cfr averages nothing in its first 500 iterations") == 1
    assert "warning" not in said(501)


def test_nothing_is_said_where_what_was_asked_for_is_done():
    record = {"ended_by": "iterations", "status": "done", "iterations": 10, "run": "r", "target": None, "time_limit": None}
    assert ending(record, []) == ("", "") and ending({**record, "ended_by": "target"}, []) == ("", "")
    assert [round_up(n) for n in (1.2, 10, 101, 12345)] == [2, 10, 110, 13000]


def test_intervals_of_shares_are_wilsons_and_within_0_and_1():
    assert wilson(10, 10) == pytest.approx((0.722467, 1.0), abs=1e-6) and wilson(0, 10) == pytest.approx((0.0, 0.277533), abs=1e-6)
    assert wilson(8, 10) == pytest.approx((0.490162, 0.943318), abs=1e-6)  # by hand
    row = {"played": 10, "solved": 10, "max": 1.0, "mean": 1.0, "standard_error": 0.0}
    middle, low, high = judged(Cell(PlanConfig("kg-walk", "greedy", 10), Path("none"), "10"), row)
    assert (middle, low, high) == (1.0, *wilson(10, 10))
    assert entry({**row, "middle": middle, "low": low, "high": high}) == "100.0 % (72.2 to 100.0)"
    marks = [Marks(solved, True, False, False, True, True, 1, 3.0, 0.5, True) for solved in (True, True, False)]
    assert interval(marks, "success") == wilson(2, 3) and interval(marks, "good in candidates") == wilson(3, 3)
    assert interval(marks, "first error") == (1.0, 1.0)


def test_a_plan_made_at_once_is_shown_step_by_step(gameplan):
    """A* decides once; every state on its way is shown, with the action taken there."""
    out = gameplan("plan", "sokoban", "--planner", "astar", "--episodes", 1, "--render", "--out", "p").stdout
    steps = json.loads((gameplan("plan", "--resume", "p", "--json")).stdout)["episodes"][0]["steps"]
    assert steps > 2 and [out.count(f"  step {k}  ") for k in range(steps + 1)] == [1] * (steps + 1)
    assert out.count("-> push") == steps
    assert "sokoban  astar  1 episode  done" in out  # no gap where there is no budget


def test_values_have_headings():
    from workbench.planning.replay import Frame

    frame = Frame("t", None, "board", "up", [("up", 1.5, 12), ("down", 0.5, 3)])
    text = [str(part) for part in shown.render(frame).renderables]
    assert text[2].split() == ["action", "value", "visits"] and text[3].split() == ["up", "1.5", "12"]
    assert len(text[2]) == len(text[3])
