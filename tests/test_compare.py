"""Comparisons and figures: counts, reasons, reuse of finished runs, files."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest

from games.errors import GameplanError, UsageError
from workbench.comparison import planners as compare_planners
from workbench.comparison import solvers as compare
from workbench.comparison.curves import run_curves
from workbench.figures.convergence import draw_convergence
from workbench.figures.frame import Look
from workbench.planning.config import PlanConfig
from workbench.solving.config import SolveConfig
from workbench.terminal.durations import format_duration, parse_duration

TOP = Path(__file__).resolve().parent.parent


def run(tmp_path: Path, games: list[str], algos: list[str], **settings) -> tuple[dict, list[str]]:
    base = SolveConfig(**{"game": "", "algo": "", "iterations": 50, **settings})
    jobs = compare.make_jobs(games, algos, base, lambda configs: tmp_path / "out")
    told: list[str] = []
    with ThreadPoolExecutor(1) as executor:
        cells = compare.run_comparison(jobs, executor, stop=lambda: False, on_done=told.append)
    return compare.summarise(games, algos, compare.gathered(cells)), told


def test_counts_best_and_reasons(tmp_path):
    summary, told = run(tmp_path, ["kuhn_2p", "kuhn_3p"], ["cfr", "cfr+", "lp"])
    assert len(told) == 6
    assert summary["best"]["kuhn_2p"] == "lp" and summary["best"]["kuhn_3p"] == "cfr+"
    assert summary["counts"]["lp"] == {"matches": 1, "best": 1, "ran": 1, "tied": 0}
    assert "two-player" in summary["cells"]["kuhn_3p"]["lp"]["reason"]
    table = compare.markdown_table(summary)
    assert "| kuhn_3p |" in table and "| - |" in table and "kuhn_3p, lp: lp solves two-player" in table
    compare.write_table(summary, tmp_path / "out")
    assert json.loads((tmp_path / "out/table.json").read_text()) == json.loads(json.dumps(summary))
    assert (tmp_path / "out/table.csv").read_text().count("\n") == 7


@pytest.mark.parametrize(
    ("value", "others", "expected"),
    [(2e-3, [1e-3, 2e-3], True), (2.1e-3, [1e-3], False), (9e-13, [1e-17], True), (1e-11, [1e-17], False), (-1e-17, [1e-16], True)],
)
def test_what_counts_as_a_match(value, others, expected):
    assert compare.matches(value, others) is expected


def cell(value, low=None, high=None):
    return compare.Cell(value, 1.0, "", None, runs=1 if low is None else 5, low=low, high=high)


def test_what_rounding_decides():
    """Medians count; a verdict that the ends of the bands could turn round is marked, and no other is."""
    runs = {("g", "a", k): cell(value) for k, value in enumerate([2.0, 1.0, 9.0, 3.0, 8.0])}
    found = compare.gathered({**runs, ("g", "sure", 0): cell(1.4), ("g", "far", 0): cell(7.0), ("g", "off", 0): cell(None)})
    assert (found["g", "a"].exploitability, found["g", "a"].low, found["g", "a"].high, found["g", "a"].runs) == (3.0, 1.0, 9.0, 5)
    assert {algo: c.tied for (_, algo), c in found.items()} == {"a": True, "sure": False, "far": False, "off": False}
    close = compare.gathered({**runs, ("g", "open", 0): cell(2.5)})
    assert close["g", "open"].tied  # 2.5 is level with 3 and 9, not with 1
    summary = compare.summarise(["g"], ["a", "open"], close)
    assert summary["counts"]["open"] == {"matches": 1, "best": 1, "ran": 1, "tied": 1} and summary["best"] == {"g": "open"}
    assert "2.5~" in compare.markdown_table(summary) and "rounding decides" in compare.markdown_table(summary)
    alone = compare.gathered({("g", "a", 0): cell(1.0), ("h", "b", 0): cell(2.0)})
    assert not any(c.tied for c in alone.values()) and not compare.said_of_repeats(compare.summarise(["g"], ["a"], alone))


def test_only_close_ones_are_repeated_with_other_payoffs(tmp_path):
    base = SolveConfig(game="", algo="", iterations=200, seed=7)
    jobs = compare.make_jobs(["kuhn_2p"], ["cfr", "cfr+", "lcfr", "dpcfr+"], base, lambda configs: tmp_path / "out")
    with ThreadPoolExecutor(1) as executor:
        cells = compare.run_comparison(jobs, executor, stop=lambda: False, on_done=lambda name: None)
        close = sorted(cells, key=lambda place: cells[place].exploitability)
        again = compare.repeated(jobs, cells, 3, 1e-6)
        assert {job.config.algo for job in again} == {"dpcfr+"} == {close[0][1]} and len(again) == 2
        assert [(job.config.seed, job.config.jitter, job.path.name) for job in again] == [
            (8, 1e-6, "kuhn_2p-dpcfr+-r1"), (9, 1e-6, "kuhn_2p-dpcfr+-r2"),
        ]  # fmt: skip
        cells |= compare.run_comparison(again, executor, stop=lambda: False, on_done=lambda name: None)
    summary = compare.conclude(jobs, ["kuhn_2p"], cells)
    found = summary["cells"]["kuhn_2p"]["dpcfr+"]
    assert found["runs"] == 3 and found["low"] < found["exploitability"] < found["high"]
    assert summary["cells"]["kuhn_2p"]["cfr"]["runs"] == 1 and summary["cells"]["kuhn_2p"]["cfr"]["low"] is None
    curve = compare.curves(summary)["kuhn_2p"]
    assert curve["dpcfr+"].runs == 3 and "low" in curve["dpcfr+"].points[-1] and "low" not in curve["cfr"].points[-1]
    assert not compare.repeated(jobs, cells, 1, 1e-6)


def test_algorithms_that_sample_are_repeated_with_other_seeds(tmp_path):
    base = SolveConfig(game="", algo="", iterations=200)
    jobs = compare.make_jobs(["kuhn_2p"], ["es-mccfr", "os-mccfr"], base, lambda configs: tmp_path / "out")
    with ThreadPoolExecutor(1) as executor:
        cells = compare.run_comparison(jobs, executor, stop=lambda: False, on_done=lambda name: None)
        again = compare.repeated(jobs, cells, 2, 1e-3)
        assert again and all((job.config.jitter, job.config.seed) == (0.0, 1) for job in again)
        cells |= compare.run_comparison(again, executor, stop=lambda: False, on_done=lambda name: None)
    assert compare.conclude(jobs, ["kuhn_2p"], cells)["cells"]["kuhn_2p"]["es-mccfr"]["runs"] == 2
    with pytest.raises(UsageError, match="es-mccfr samples: how sure its results are is said by other seeds"):
        compare.make_jobs(["kuhn_2p"], ["es-mccfr"], SolveConfig(game="", algo="", jitter=1e-3), lambda configs: tmp_path / "out")


def test_finished_runs_are_reused_and_changed_requests_are_not(tmp_path):
    run(tmp_path, ["kuhn_2p"], ["cfr"])
    result = tmp_path / "out/runs/kuhn_2p-cfr/result.json"
    before = result.stat().st_mtime_ns
    run(tmp_path, ["kuhn_2p"], ["cfr"])
    assert result.stat().st_mtime_ns == before
    run(tmp_path, ["kuhn_2p"], ["cfr"], iterations=60)
    assert json.loads(result.read_text())["iterations"] == 60


def test_two_rules_of_one_name_stay_apart(tmp_path):
    from workbench.own.begin import RULE, write_new

    for directory in ("a", "b"):
        write_new(tmp_path / directory / "rule.py", RULE)
        plain = (tmp_path / directory / "rule.py").read_text().replace("@njit", "")  # nothing to compile
        (tmp_path / directory / "rule.py").write_text(plain)
    algos = [str(tmp_path / directory / "rule.py") for directory in ("a", "b")]
    summary, _ = run(tmp_path, ["kuhn_2p"], algos, iterations=5)
    assert len({cell["run"] for cell in summary["cells"]["kuhn_2p"].values()}) == 2
    assert "| game | rule | rule-2 |" in compare.markdown_table(summary)
    assert list(compare.curves(summary)["kuhn_2p"]) == ["rule", "rule-2"]


def test_what_is_named_twice_is_meant_once(tmp_path):
    base = SolveConfig(game="", algo="", iterations=5)
    jobs = compare.make_jobs(["kuhn_2p", "kuhn_2p"], ["cfr+", "cfr", "cfr+"], base, lambda configs: tmp_path)
    assert [(job.config.algo, job.path.name, job.column) for job in jobs] == [
        ("cfr+", "kuhn_2p-cfr+", 0),
        ("cfr", "kuhn_2p-cfr", 1),
    ]
    cells, _ = compare_planners.make_cells(["kg-walk"], ["greedy", "greedy"], ["1ms", "1ms", "2ms"], "time", PlanConfig("", ""),
        tmp_path, None)  # fmt: skip
    assert [cell.budget for cell in cells] == ["1ms", "2ms"]


def test_psro_is_compared_by_any_eval_solver(tmp_path):
    summary, _ = run(tmp_path, ["kuhn_2p"], ["psro-uniform", "double-oracle"], iterations=4, eval="anytime")
    found = {algo: cell["exploitability"] for algo, cell in summary["cells"]["kuhn_2p"].items()}
    plain, _ = run(tmp_path / "plain", ["kuhn_2p"], ["psro-uniform", "double-oracle"], iterations=4)
    assert all(found[algo] < cell["exploitability"] - 1e-3 for algo, cell in plain["cells"]["kuhn_2p"].items())
    with pytest.raises(UsageError, match="cfr has no meta-strategy solvers, so --train and --eval do not apply"):
        run(tmp_path, ["kuhn_2p"], ["cfr"], eval="anytime")


def test_unknown_names_stop_a_comparison_before_it_starts(tmp_path):
    with pytest.raises(UsageError, match="did you mean"):
        run(tmp_path, ["kuhn_2p", "kuhn_5"], ["cfr"])
    with pytest.raises(UsageError, match="name a suite"):
        compare.expand_games([])
    assert compare.expand_games(["quick", "kuhn_2p"]) == ["kuhn_2p", "kuhn_3p", "goofspiel_4", "leduc_2p"]


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_figures(suffix, tmp_path):
    run(tmp_path, ["kuhn_2p", "kuhn_3p"], ["cfr", "cfr+"])
    curves = run_curves([tmp_path / "out"])
    assert set(curves) == {"kuhn_2p", "kuhn_3p"} and set(curves["kuhn_2p"]) == {"cfr", "cfr+"}
    for x in ("iteration", "seconds"):
        path = tmp_path / f"figure-{x}.{suffix}"
        draw_convergence(curves, path, x=x, look=Look(title="A title"))
        assert path.stat().st_size > 4000
        if suffix == "svg":
            text = "".join(ElementTree.parse(path).getroot().itertext())
            assert all(word in text for word in ("kuhn_2p", "cfr+", "exploitability", "A title"))
    with pytest.raises(UsageError, match="gif"):
        draw_convergence(curves, tmp_path / "figure.gif")
    with pytest.raises(GameplanError, match="nothing to draw"):
        draw_convergence({}, tmp_path / "figure.png")


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished(tmp_path):
    arguments = [
        sys.executable,
        "-m",
        "cli",
        "compare",
        "kuhn_2p",
        "leduc_2p",
        "--algos",
        "cfr,cfr+",
        "-n",
        "300000",
        "--jobs",  # the small game gets a process beside the two large runs, which are not done when it is
        "3",
        "--out",
        "out",
    ]
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    process = subprocess.Popen(
        arguments, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.time() + 60
    while not list(tmp_path.glob("out/runs/kuhn_2p-*/result.json")) and time.time() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does: parent and workers alike
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "the same command goes on" in err and list(tmp_path.glob("out/runs/kuhn_2p-*/result.json"))


def test_durations():
    assert parse_duration("1ms") == 1e-3 and parse_duration("1.5h") == 5400 and parse_duration(" 10s ") == 10
    for text in ("10", "s", "-1s", "1 fortnight", "0s", ""):
        with pytest.raises(UsageError, match="is not a duration"):
            parse_duration(text)
    for text in ("300000h", "9" * 400 + "us"):
        with pytest.raises(UsageError, match="is too long; at most 277778h"):
            parse_duration(text)
    assert parse_duration("5min") == 300 and parse_duration("3 µs") == 3e-6
    for seconds, text in {
        0: "0 s", 2e-6: "2 µs", 0.0025: "2.5 ms", 0.99999: "1 s", 59.94: "59.9 s", 59.96: "1 min", 89: "1 min 29 s", 3599.7: "1 h",
        7500: "2 h 5 min", 86399: "1 d", 273600: "3 d 4 h",
    }.items():  # fmt: skip
        assert format_duration(seconds) == text


def test_a_comparison_that_was_moved_goes_on_where_it_is_now(tmp_path, monkeypatch):
    run(tmp_path, ["kuhn_2p"], ["cfr"])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").rename(tmp_path / "elsewhere/out")
    summary, _ = run(tmp_path / "elsewhere", ["kuhn_2p"], ["cfr"])
    assert summary["cells"]["kuhn_2p"]["cfr"]["run"] == str(tmp_path / "elsewhere/out/runs/kuhn_2p-cfr")
    assert compare.curves(summary)["kuhn_2p"]["cfr"].points[-1]["iteration"] == 50


def test_planners_play_again_what_a_finished_run_has_lost(tmp_path):
    def played() -> dict:
        base = PlanConfig(env="", planner="", episodes=3)
        cells, _ = compare_planners.make_cells(["kg-walk"], ["greedy"], [], "simulations", base, tmp_path, tmp_path / "out")
        results = compare_planners.run_cells(cells, lambda: None, 1, stop=lambda: False, on_cell=lambda name: None)
        return compare_planners.summarise(results)["rows"][0]

    first = played()
    (tmp_path / "out/runs/kg-walk-greedy/episodes.jsonl").write_text("")
    again = played()
    assert again["mean"] == first["mean"] and again["played"] == 3
    (tmp_path / "out").rename(tmp_path / "moved")
    (tmp_path / "moved").rename(tmp_path / "out")
    assert played()["run"] == str(tmp_path / "out/runs/kg-walk-greedy")
