"""Algorithms that sample in comparisons and figures: several seeds make one cell and one curve, and nodes are an axis for all."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import cli
import workbench as gp
from games.errors import GameplanError
from workbench.comparison.bands import interquartile_mean
from workbench.comparison.curves import Visits, run_curves
from workbench.comparison.solvers import Cell, together


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
        ["kuhn_2p-cfr+", *(f"kuhn_2p-{algo}-s{seed}" for algo in ("es-mccfr", "os-mccfr") for seed in (3, 4, 5, 6))]
    )
    cells = record["cells"]["kuhn_2p"]
    assert len(cells["cfr+"]["runs"]) == 1 and cells["cfr+"]["low"] is None
    for algo in ("es-mccfr", "os-mccfr"):
        results = [json.loads((Path(run) / "result.json").read_text()) for run in cells[algo]["runs"]]
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
    for metrics in path.glob("runs/kuhn_2p-es-mccfr-s*/metrics.jsonl"):
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
    cells = [Cell(0.1, 1.0, "", "a", "average"), Cell(None, None, "disk full", "b"), Cell(0.001, 3.0, "", "c", "average")]
    found = together(cells)
    assert (
        found.exploitability == pytest.approx(0.01)
        and found.seconds == 2.0
        and found.reason == ""
        and found.runs == ["a", "b", "c"]
    )
    assert together(cells[1:2]).reason == "disk full" and together(cells[:1]).low is None


def test_the_same_from_python():
    found = gp.compare("kuhn_2p", ["cfr+", "es-mccfr"], n=50, seeds=3)
    assert found.status == "done"
    rows = {row["algo"]: row for row in found.rows()}
    assert rows["es-mccfr"]["low"] <= rows["es-mccfr"]["exploitability"] <= rows["es-mccfr"]["high"]
    assert "low" not in rows["cfr+"] and "runs" not in rows["cfr+"]
