"""Comparisons of methods of learning: bands over seeds, tables, figures; and what is drawn of single runs."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import cli
from tests.test_training import CHEAP, WORLD, contents, start
from workbench.comparison.bands import band, interquartile_mean
from workbench.comparison.methods import make_cells
from workbench.engines import local_pool, thread_pool
from workbench.training.config import TrainConfig


def test_the_interquartile_mean_leaves_out_a_quarter_at_either_end():
    assert interquartile_mean(np.array([1.0, 2.0, 3.0, 100.0])) == 2.5
    assert interquartile_mean(np.array([5.0, 1.0, 2.0])) == pytest.approx(8 / 3)
    table = np.random.default_rng(0).normal(size=(9, 4))
    slow = [np.mean(sorted(column)[2:-2]) for column in table.T]
    np.testing.assert_allclose(interquartile_mean(table), slow)


def test_a_band_is_that_of_draws_within_each_task():
    """With two tasks whose runs are all alike within, no draw can differ; as one task they do."""
    scores = np.array([1.0, 1.0, 1.0, 9.0, 9.0, 9.0])
    assert band(scores, [0, 0, 0, 1, 1, 1]) == (5.0, 5.0, 5.0)
    middle, low, high = band(scores)
    assert middle == 5.0 and low < 3.0 and high > 7.0
    assert band(scores) == band(scores)


def test_a_band_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    tables = rng.normal(size=(120, 30))
    inside = [low <= 0.0 <= high for _, low, high in (band(runs, draws=300) for runs in tables)]
    assert 0.85 <= np.mean(inside) <= 1.0


SMALL = [word for name, value in CHEAP.items() for word in ("--set", f"{name}={value}")]


def gameplan(*arguments, code=0):
    result = CliRunner().invoke(cli.cli, [str(word) for word in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.mark.slow
def test_compare_makes_a_table_and_a_figure_and_goes_on_where_it_was(tmp_path):
    world = tmp_path / "count.py"
    world.write_text(WORLD)
    request = ["compare", world, "--methods", "reinforce,step-grpo", "--seeds", 3, "-n", 4, "--episodes", 3, "--engine", "threads",
        "--jobs", 2, "--out", tmp_path / "out", "--json"]  # fmt: skip
    record = json.loads(gameplan(*request).stdout)
    rows = record["rows"]
    assert [row["method"] for row in rows] == ["reinforce", "step-grpo"] and all(row["seeds"] == 3 for row in rows)
    for row in rows:
        assert row["low"] <= row["score"] <= row["high"] and row["updates"] == 4 and len(row["scores"]) == 3
    table = list(csv.DictReader((tmp_path / "out" / "table.csv").open()))
    assert [float(line["score"]) for line in table] == [row["score"] for row in rows]
    assert (tmp_path / "out" / "figure.png").stat().st_size > 4000 and (tmp_path / "out" / "table.md").exists()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "runs").rglob("result.json")}
    assert len(before) == 6 and json.loads(gameplan(*request).stdout)["rows"] == rows
    assert before == {path: path.stat().st_mtime_ns for path in before}
    for by, measure in (("cost", "score"), ("iteration", "entropy"), ("seconds", "kl")):
        gameplan("plot", tmp_path / "out", "--by", by, "--measure", measure, "--out", tmp_path / f"{measure}.svg")
        assert "reinforce" in (tmp_path / f"{measure}.svg").read_text()
    assert "nothing to draw" in str(
        gameplan("plot", tmp_path / "out", "--measure", "luck", "--out", tmp_path / "no.png", code=1).exception
    )


@pytest.mark.parametrize("pool", [thread_pool, pytest.param(local_pool, marks=pytest.mark.slow)])
def test_seeds_learn_beside_each_other_and_end_with_the_same_bytes_however_many_do_at_once(pool, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.engines.local_pool", pool)
    world = tmp_path / "count.py"
    world.write_text(WORLD)
    request = ["train", world, "--method", "reinforce", "--seed", 3, "--seeds", 2, "--updates", 4, "--episodes", 3, *SMALL]
    once, twice = tmp_path / "once", tmp_path / "twice"
    gameplan(*request, "--jobs", 1, "--out", once)
    record = json.loads(gameplan(*request, "--jobs", 2, "--out", twice, "--json").stdout)
    assert record["command"] == "train" and record["rows"][0]["seeds"] == 2
    assert {path.name for path in twice.iterdir()} >= {"table.csv", "table.json", "table.md", "figure.png"}
    assert [path.name for path in sorted((twice / "runs").iterdir())] == ["count-reinforce-s3", "count-reinforce-s4"]
    for run in (twice / "runs").iterdir():
        assert contents(run) == contents(once / "runs" / run.name)
    alone = start(str(world), tmp_path / "alone", "reinforce", updates=4, episodes=3, seed=4)
    assert contents(tmp_path / "alone") == contents(twice / "runs" / "count-reinforce-s4") and alone["status"] == "done"


def test_asking_for_longer_runs_goes_on_with_the_shorter_ones(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.engines.local_pool", thread_pool)
    world = tmp_path / "count.py"
    world.write_text(WORLD)
    request = ["train", world, "--method", "reinforce", "--seeds", 1, "--episodes", 3, *SMALL, "--out", tmp_path / "out"]
    run = tmp_path / "out" / "runs" / "count-reinforce-s0"
    for updates in (3, 6, 2):  # a shorter one is another
        gameplan(*request, "--updates", updates)
        start(str(world), tmp_path / str(updates), "reinforce", updates=updates, episodes=3)
        assert contents(run) == contents(tmp_path / str(updates))
        timing = (run / "timing.jsonl").read_text().splitlines()
        assert len(timing) == updates
        if updates == 3:
            first = timing
        if updates == 6:
            assert timing[:3] == first  # not learned again


def test_what_does_not_go_with_seeds_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    for words, told in (
        (["--seeds", 2, "--force", "--out", tmp_path], "choose another --out"),
        (["--jobs", 2, "--out", tmp_path], "--jobs goes with --seeds"),
        (["--seeds", 2, "--updates", 1, "--out", tmp_path], "is a single run"),
    ):
        result = CliRunner().invoke(cli.cli, ["train", "2048-2x2", *map(str, words)])
        assert result.exit_code == 2 or "is a single run" in str(result.exception)
        assert told in result.output + str(result.exception)


def test_runs_of_one_seed_do_not_depend_on_what_ran_beside_them(tmp_path):
    world = tmp_path / "count.py"
    world.write_text(WORLD)
    alone = start(str(world), tmp_path / "alone", "reinforce", updates=4, episodes=3, seed=1)
    gameplan("compare", world, "--methods", "reinforce", "--seeds", 2, "-n", 4, *SMALL, "--episodes", 3, "--engine", "threads",
        "--out", tmp_path / "out")  # fmt: skip
    (beside,) = (tmp_path / "out" / "runs").glob("*-s1")
    assert (beside / "policy.safetensors").read_bytes() == (tmp_path / "alone" / "policy.safetensors").read_bytes()
    assert alone["score"] == json.loads((beside / "result.json").read_text())["score"]


def test_methods_of_one_name_are_told_apart(tmp_path):
    methods = [tmp_path / folder / "mine.py" for folder in "ab"]
    for method in methods:
        method.parent.mkdir()
        method.write_text((Path(cli.__file__).parent / "planners/learning/methods/reinforce.py").read_text())
    cells, _ = make_cells(["2048-2x2"], [*map(str, methods), str(methods[0])], 2, TrainConfig("", "", updates=1), tmp_path, None)
    assert [(cell.method, cell.path.name) for cell in cells] == [
        (name, f"2048-2x2-{name}-s{seed}") for name in ("mine", "mine-2") for seed in (0, 1)
    ]
