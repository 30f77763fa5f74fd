"""Algorithms that sample in comparisons and figures: several seeds make one cell and one curve, and nodes are an axis for all."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import cli
import workbench as gp
from games.errors import GameplanError, UsageError
from workbench.comparison.bands import interquartile_mean
from workbench.comparison.curves import Visits, run_curves
from workbench.comparison.solvers import Cell, gathered


def gameplan(*words):
    run = CliRunner().invoke(cli.cli, list(map(str, words)))
    if run.exception and not isinstance(run.exception, SystemExit):
        raise run.exception
    return run.stdout


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    path = tmp_path_factory.mktemp("compared") / "out"
    words = ["--algos", "cfr+,es-mccfr,os-mccfr", "--seeds", 4, "--seed", 3, "-n", 200, "--engine", "threads", "--out", path]
    return path, json.loads(gameplan("compare", "kuhn_2p", *words, "--json")), words


def test_only_those_that_draw_run_with_several_seeds(compared):
    path, record, _ = compared
    assert sorted(place.name for place in (path / "runs").iterdir()) == sorted(
        ["kuhn_2p-cfr+", *(f"kuhn_2p-{algo}{again}" for algo in ("es-mccfr", "os-mccfr") for again in ("", "-r1", "-r2", "-r3"))]
    )
    cells = record["cells"]["kuhn_2p"]
    assert cells["cfr+"]["runs"] == 1 and cells["cfr+"]["low"] is None and not cells["cfr+"]["seeds"]
    for algo in ("es-mccfr", "os-mccfr"):
        assert cells[algo]["runs"] == 4 and not cells[algo]["tied"]
        files = [Path(f"{cells[algo]['run']}{again}") / "result.json" for again in ("", "-r1", "-r2", "-r3")]
        results = [json.loads(file.read_text()) for file in files]
        assert [result["seed"] for result in results] == [3, 4, 5, 6]
        values = np.log10([result["exploitability"] for result in results])
        assert len(set(values)) == 4 and cells[algo]["exploitability"] == pytest.approx(10 ** interquartile_mean(values))
        assert cells[algo]["low"] < cells[algo]["exploitability"] < cells[algo]["high"]
    assert "Over seeds: interquartile means of 4 runs of es-mccfr, os-mccfr." in (path / "table.md").read_text()


def test_asking_again_goes_on_and_says_whose_figures_are_means(compared):
    path, _, words = compared
    before = {file: file.read_bytes() for file in path.rglob("metrics.jsonl")}
    text = gameplan("compare", "kuhn_2p", *words)
    assert "over seeds: interquartile means of 4 runs of es-mccfr, os-mccfr" in text
    assert {file: file.read_bytes() for file in path.rglob("metrics.jsonl")} == before and len(before) == 9


def test_nodes_are_an_axis_of_full_width_and_of_sampling(compared, tmp_path):
    path, _, _ = compared
    curves = run_curves([path], bands=True, read=Visits().curve)["kuhn_2p"]
    assert all(point["nodes"] == 2 * 58 * point["iteration"] for point in curves["cfr+"].points)
    sampled = curves["es-mccfr"]
    assert sampled.runs == 4 and {"nodes", "low", "high"} <= set(sampled.points[0])
    counted = []
    for metrics in path.glob("runs/kuhn_2p-es-mccfr*/metrics.jsonl"):
        counted.append(json.loads(metrics.read_text().splitlines()[-1])["nodes"])
    assert sampled.points[-1]["nodes"] == pytest.approx(np.mean(counted)) and sampled.points[-1]["nodes"] < 200 * 2 * 58
    gameplan("plot", path, "--by", "nodes", "--bands", "--out", tmp_path / "nodes.svg")
    assert "nodes visited" in (tmp_path / "nodes.svg").read_text()


def test_what_counts_no_nodes_is_said_in_a_line(tmp_path):
    gameplan("solve", "kuhn_2p", "--algo", "psro-uniform", "-n", 3, "--out", tmp_path / "run")
    with pytest.raises(GameplanError, match="psro-uniform has no nodes: only CFR rules and methods that sample count them"):
        gameplan("plot", tmp_path / "run", "--by", "nodes", "--out", tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_cells_of_seeds_are_one_and_failures_are_left_out():
    values = (0.1, None, 0.001)
    cells = {("g", "a", k): Cell(value, 1.0, "" if value else "disk full", f"run{k}", seeds=True) for k, value in enumerate(values)}
    found = gathered({**cells, ("g", "b", 0): Cell(0.01, 1.0, "", "other")})
    assert found["g", "a"].exploitability == pytest.approx(0.01) and found["g", "a"].runs == 2 and not found["g", "b"].tied
    assert found["g", "a"].low == pytest.approx(0.001) and found["g", "a"].high == pytest.approx(0.1)


def test_the_same_from_python():
    found = gp.compare("kuhn_2p", ["cfr+", "es-mccfr"], n=50, seeds=3)
    assert found.status == "done"
    rows = {row["algo"]: row for row in found.rows()}
    assert rows["es-mccfr"]["low"] < rows["es-mccfr"]["exploitability"] < rows["es-mccfr"]["high"]
    assert rows["cfr+"]["low"] is None


def test_repetitions_with_other_payoffs_are_not_for_what_draws(tmp_path):
    words = ["--algos", "cfr+,es-mccfr", "-n", 50, "--engine", "threads", "--repeats", 3, "--seeds", 2, "--out", tmp_path / "out"]
    cells = json.loads(gameplan("compare", "kuhn_2p", *words, "--json"))["cells"]["kuhn_2p"]
    assert cells["es-mccfr"]["runs"] == 2 and cells["cfr+"]["runs"] in (1, 3)
    with pytest.raises(UsageError, match="how sure its results are is said by other seeds"):
        gameplan("solve", "kuhn_2p", "--algo", "es-mccfr", "--jitter", 1e-3, "--out", tmp_path / "jittered")
