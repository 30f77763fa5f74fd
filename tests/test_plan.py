"""Planner runs: what they leave behind, how they go on after a kill, how they are repeated, compared and shown."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from workbench.figures.animation import write_gif
from workbench.planning.config import EPISODES, PlanConfig, resolve_plan
from workbench.planning.replay import MAX_GIF_FRAMES, load_frames, thinned
from workbench.planning.run import Conduct, run_plan
from workbench.runs.directory import RunDirectory

TOP = Path(__file__).resolve().parent.parent


def gameplan(*arguments):
    return CliRunner().invoke(cli.cli, [str(a) for a in arguments], standalone_mode=False)


def run(path, **settings):
    config = resolve_plan(PlanConfig(**settings))
    return run_plan(config, RunDirectory.create(Path(path)))


def test_the_record_has_its_keys_and_is_what_was_saved(tmp_path):
    result = gameplan(
        "plan", "2048-2x3", "--planner", "flat", "--simulations", 20, "--episodes", 4, "--out", tmp_path / "run", "--json"
    )
    record = json.loads(result.stdout)
    for key in ("env", "planner", "mean", "standard_error", "seconds", "run", "episodes"):
        assert key in record
    for key in ("seed", "score", "solved", "steps", "cost"):
        assert all(key in episode for episode in record["episodes"])
    assert record == json.loads((tmp_path / "run" / "result.json").read_text())
    assert record["mean"] == pytest.approx(sum(e["score"] for e in record["episodes"]) / 4)
    assert [e["seed"] for e in record["episodes"]] == [0, 1, 2, 3]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_any_number_of_processes(tmp_path, monkeypatch):
    from workbench.engines import local_pool

    settings = {"env": "2048-3x3", "planner": "flat", "episodes": 7, "seed": 5, "simulations": 12}
    run(tmp_path / "one", **settings)
    monkeypatch.setattr("workbench.planning.run.SLOW_SECONDS", 0.0)
    with local_pool(2) as pool:
        run_plan(resolve_plan(PlanConfig(**settings)), RunDirectory.create(tmp_path / "two"), Conduct(lambda: pool, workers=2))
    for name in (EPISODES, "config.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path):
    command = [sys.executable, TOP / "cli.py", "plan", "2048-3x3", "--planner", "flat", "--simulations", "400", "--jobs", "1"]
    command += ["--episodes", "40"]
    subprocess.run([*command, "--out", tmp_path / "whole"], check=True, capture_output=True)
    whole = (tmp_path / "whole" / EPISODES).read_bytes()
    process = subprocess.Popen([*command, "--out", tmp_path / "killed"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = tmp_path / "killed" / EPISODES
    while process.poll() is None and not (lines.exists() and lines.read_bytes().count(b"\n") >= 3):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    cut = lines.read_bytes()
    lines.write_bytes(cut + b'{"episode": 99, "sc')  # a line that the crash cut off
    result = gameplan("plan", "--resume", tmp_path / "killed", "--jobs", 1)
    assert result.exit_code == 0 and result.return_value == 0, result.output
    assert lines.read_bytes() == whole and cut.count(b"\n") >= 3


def test_more_episodes_can_be_asked_for_but_nothing_else(tmp_path):
    settings = {"env": "2048-2x2", "planner": "flat", "simulations": 8}
    run(tmp_path / "long", episodes=5, **settings)
    run(tmp_path / "short", episodes=2, **settings)
    assert gameplan("plan", "--resume", tmp_path / "short", "--episodes", 5).return_value == 0
    assert (tmp_path / "short" / EPISODES).read_bytes() == (tmp_path / "long" / EPISODES).read_bytes()
    result = gameplan("plan", "--resume", tmp_path / "short", "--simulations", 9)
    assert "simulations = 8, not 9" in str(result.exception)


def test_a_run_against_the_clock_is_repeated_from_its_units(tmp_path):
    run(tmp_path / "timed", env="2048-3x3", planner="flat", episodes=2, time_per_move=0.001)
    assert gameplan("plan", "--repeat", tmp_path / "timed", "--out", tmp_path / "again").return_value == 0
    timed, again = (RunDirectory.open(tmp_path / name).read_lines(EPISODES) for name in ("timed", "again"))
    assert timed == again and max(timed[0]["units"]) > 1


def test_a_stopped_run_keeps_its_episodes(tmp_path):
    config = resolve_plan(PlanConfig(env="2048-2x2", planner="flat", episodes=9, simulations=8))
    count = 0

    def stop():
        return count >= 3

    def ended(_record):
        nonlocal count
        count += 1

    record = run_plan(config, RunDirectory.create(tmp_path / "run"), Conduct(stop=stop, on_episode=ended))
    assert record["status"] == "interrupted" and record["played"] == 3
    assert run_plan(config, RunDirectory.open(tmp_path / "run"), resume=True)["played"] == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "2049"], "did you mean '2048"),
        (["plan", "2048", "--planner", "flot"], "did you mean 'flat'"),
        (["plan", "2048", "--planner", "flat", "--set", "rolouts=3"], "did you mean 'rollouts'"),
        (["plan", "2048", "--planner", "flat", "--world", "rows=9"], "rows=9"),
        (["plan", "2048", "--planner", "flat", "--time-per-move", "5"], "with a unit"),
        (["plan"], "name a world"),
        (["plan", "--resume", "nowhere"], "not a run directory"),
        (["replay", "nowhere"], "not a run directory"),
        (["compare", "2048-2x2", "--planners", "flat", "--budgets", "ten"], "not a budget"),
        (["compare", "2048-2x2", "--planners", "flat", "--budgets", "0"], "too small"),
    ],
)
def test_mistakes_get_one_line_and_leave_nothing(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = gameplan(*arguments)
    assert message in str(result.exception) and "\n" not in str(result.exception)
    assert getattr(result.exception, "exit_code", None) == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_planners_are_compared_at_equal_budgets(tmp_path):
    arguments = ["compare", "2048-2x2", "2048-2x3", "--planners", "flat,random", "--budgets", "4,16", "--episodes", 6]
    result = gameplan(*arguments, "--out", tmp_path / "c", "--format", "png,svg", "--json")
    record = json.loads(result.stdout)
    assert len(record["rows"]) == 8 and {row["budget"] for row in record["rows"]} == {"4", "16"}
    flat = {row["budget"]: row for row in record["rows"] if row["planner"] == "flat" and row["env"] == "2048-2x2"}
    assert flat["4"]["decision"]["simulations"] == pytest.approx(4) and flat["16"]["decision"]["simulations"] == pytest.approx(16)
    assert (tmp_path / "c" / "figure.png").stat().st_size > 5000 and (tmp_path / "c" / "figure.svg").exists()
    assert (tmp_path / "c" / "table.md").read_text().count("\n") == 9
    assert "random makes no simulations" in (tmp_path / "c" / "table.md").read_text()
    before = (tmp_path / "c" / "table.json").read_bytes()
    gameplan(*arguments, "--out", tmp_path / "c")  # everything is there already
    assert (tmp_path / "c" / "table.json").read_bytes() == before
    assert gameplan("plot", tmp_path / "c", "--out", tmp_path / "scores.png").exception is None  # their scores are drawn
    assert (tmp_path / "scores.png").stat().st_size > 1000


def test_a_replay_shows_every_step_and_what_was_known(tmp_path):
    record = run(tmp_path / "run", env="2048-2x3", planner="flat", episodes=2, simulations=16)
    frames = load_frames(RunDirectory.open(tmp_path / "run"), 1, values=True)
    assert len(frames) == record["episodes"][1]["steps"] + 1
    assert frames[0].action in ("up", "right", "down", "left") and frames[-1].action == ""
    assert all(frame.picture and frame.values for frame in frames[:-1])
    shown = gameplan("replay", tmp_path / "run", "--episode", 1, "--to", 2).stdout
    assert shown.count("step") == 3 and f"-> {frames[0].action}" in shown
    drawn = []
    write_gif(frames[:5], tmp_path / "play.gif", 0.1, drawn.append)
    assert (tmp_path / "play.gif").read_bytes()[:6] == b"GIF89a" and drawn == [frame.title for frame in frames[:5]]
    count = MAX_GIF_FRAMES + 2
    shown = thinned(frames[:1] * (count - 1) + frames[-1:])
    assert len(shown) == count // 2 + 1 and shown[-1] is frames[-1]
    assert "no episode 7" in str(gameplan("replay", tmp_path / "run", "--episode", 7).exception)


def test_a_render_in_a_pipe_prints_the_boards(tmp_path):
    result = gameplan(
        "plan", "2048-2x2", "--planner", "flat", "--simulations", 8, "--episodes", 1, "--render", "--out", tmp_path / "r"
    )
    assert result.stdout.count("->") == RunDirectory.open(tmp_path / "r").read_lines(EPISODES)[0]["steps"]


def test_walks_are_judged_against_the_exact_solution(tmp_path):
    record = run(tmp_path / "greedy", env="kg-walk", planner="greedy", episodes=60)
    metrics = record["metrics"]
    assert metrics["trap@1 strict"]["value"] == 1.0  # greedy walks into every trap that looks best, by definition
    assert metrics["err@1"]["low"] <= metrics["err@1"]["value"] <= metrics["err@1"]["high"]
    assert metrics["success"]["value"] == pytest.approx(record["mean"])
    forced = run(tmp_path / "forced", env="kg-walk", planner="greedy", episodes=60, world={"start": "trap"})
    assert forced["mean"] < record["mean"]


def test_the_configuration_is_saved_resolved(tmp_path):
    run(tmp_path / "run", env="2048-2x2", planner="flat", episodes=1)
    saved = json.loads((tmp_path / "run" / "config.json").read_text())
    assert saved["world"]["rows"] == 2 and saved["params"]["rollouts"] > 0
    assert asdict(PlanConfig(**saved)) == saved


def test_the_critic_prints_values_with_errors_whatever_the_threads():
    arguments = ["critic", "2048-2x2", "--board", "2 4/2 4", "-m", 200, "-t", 1, "--gamma", 0.5, "--json"]
    record = json.loads(gameplan(*arguments).stdout)
    assert record == json.loads(gameplan(*arguments, "--jobs", 3).stdout)
    q = {row["action"]: row for row in record["q"]}
    assert {name for name, row in q.items() if row["legal"]} == {"up", "down"}  # up and down merge both columns: 4 + 8
    # ProAct's rollouts make illegal moves too (-1); T counts the steps after the first.
    assert q["left"]["value"] == pytest.approx(-1.0 + 0.5 * (12 + 12 - 1 - 1) / 4, abs=4 * q["left"]["standard_error"])
    legal = json.loads(gameplan("critic", "2048-2x2", "--board", "2 2/. .", "-m", 50, "--policy", "legal", "--json").stdout)
    assert {row["action"]: row["legal"] for row in legal["q"]} == {"left": True, "right": True, "down": True}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["critic", "2048", "--board", "2 5 4 4"], "4x4 cells"),
        (["critic", "2048", "--policy", "al"], "did you mean 'all'"),
        (["critic", "kg-walk", "--board", "x"], "reads no --board"),
        (["bench", "planning", "--parts", "sokban"], "did you mean 'sokoban'"),
    ],
)
def test_mistakes_about_positions_get_one_line(arguments, message):
    error = gameplan(*arguments).exception
    assert message in str(error) and getattr(error, "exit_code", None) == 2
