"""What several runs say together: one function behind tables and figures; axes that count have whole numbers."""

import statistics

import numpy as np
import pytest

from tests.toy_discovery import folder, task  # noqa: F401 (fixtures)
from workbench.comparison import planners
from workbench.comparison.bands import band, interquartile_mean
from workbench.discovery.analysis import compare
from workbench.discovery.config import DiscoveryConfig
from workbench.figures.frame import labels_of
from workbench.planning.config import EPISODES, PlanConfig
from workbench.planning.run import run_plan
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig
from workbench.solving.population import Population, draw_population
from workbench.solving.run import solve


def middle_half(values):
    """Return the mean of what is left when a quarter is struck off at either end, as a student would."""
    left = sorted(values)
    for _ in range(len(values) // 4):
        left.remove(max(left))
        left.remove(min(left))
    return sum(left) / len(left)


@pytest.mark.parametrize("runs", [1, 2, 3, 4, 7, 8, 20])
def test_the_middle_is_that_of_a_student_and_the_band_is_around_it(runs):
    scores = np.random.default_rng(runs).standard_normal(runs) ** 3
    middle, low, high = band(scores)
    assert middle == pytest.approx(middle_half(scores)) and low <= middle <= high
    assert (low == high) == (runs == 1) and low >= scores.min() and high <= scores.max()


def test_strata_are_drawn_apart():
    scores = np.array([0.0] * 8 + [100.0] * 8)  # two tasks, no spread in either
    assert band(scores, [0] * 8 + [1] * 8)[1:] == (50.0, 50.0)
    assert np.ptp(band(scores)[1:]) > 10.0  # as one task there is


CURVES = {
    "iid": [[(0, 1.0, -0.1), (5, 2.0, -0.01)], [(0, 1.0, -0.1), (9, 3.0, -0.001)], [(0, 1.0, -0.1)], [(2, 8.0, -1e-8)]],
    "random": [[(0, 1.0, -0.1)]],
}  # fmt: skip


def test_operators_have_bands_over_seeds(task, folder):  # noqa: F811
    record = compare.summarise(task, DiscoveryConfig(folder, ("slow",), evals=10), CURVES, {"plain": {"1": 0.5, "2": 0.5}}, [])
    (many, one) = record["rows"]
    at = many["at"]["10"]
    assert at["log"]["middle"] == pytest.approx(middle_half([2.0, 3.0, 1.0, 8.0])) == 2.5
    assert at["log"]["median"] == statistics.median([2.0, 3.0, 1.0, 8.0]) and (at["log"]["low"], at["log"]["high"]) == (1.0, 8.0)
    assert 1.0 <= at["log"]["band"][0] < 2.5 < at["log"]["band"][1] <= 8.0
    assert at["average"]["middle"] == pytest.approx(-(10.0 ** middle_half([-2.0, -3.0, -1.0, -8.0])))  # of costs their logarithms
    low, high = at["average"]["band"]
    assert low < at["average"]["middle"] < high < 0.0
    for ranking, mine, other in (("log", "2.50 (", "1.00"), ("average", "3.16e-03 (", "1.00e-01")):
        _, rows = compare.table(record, ranking)
        first, second = (float(x) for x in rows[0][-1].split("(")[1].rstrip(")").split(" to "))
        assert rows[0][-1].startswith(mine) and first < second and rows[1][-1] == other  # a single run has no band
    assert one["at"]["10"]["log"]["band"] == [1.0, 1.0]


def test_operators_are_drawn_with_the_same_bands(task, folder, tmp_path, monkeypatch):  # noqa: F811
    record = compare.summarise(task, DiscoveryConfig(folder, ("slow",), evals=10), CURVES, {}, [])
    kept = []
    monkeypatch.setattr(compare, "save_figure", lambda figure, path: kept.append(figure))
    compare.draw(record, tmp_path / "x.png")
    for panel, ranking, sign in zip(kept[0].axes, ("log", "average"), (1.0, -1.0), strict=True):
        line = {line.get_label(): line for line in panel.lines}["iid"]
        found = record["rows"][0]["at"]["10"][ranking]
        assert line.get_ydata()[-1] == pytest.approx(sign * found["middle"])
        (area,) = panel.collections  # the single run has none
        ends = area.get_paths()[0].vertices
        last = ends[ends[:, 0] == ends[:, 0].max()][:, 1]
        assert sorted({round(y, 12) for y in last}) == pytest.approx(sorted(sign * end for end in found["band"]))


def test_planners_have_bands_over_episodes(tmp_path):
    cells, _ = planners.make_cells(["2048-2x2"], ["random"], (), "simulations", PlanConfig("", "", 9), tmp_path, tmp_path / "c")
    results = {cells[0]: run_plan(cells[0].config, RunDirectory.create(cells[0].path))}
    (row,) = planners.summarise(results)["rows"]
    scores = [line["score"] for line in RunDirectory(cells[0].path).read_lines(EPISODES)]
    assert row["middle"] == pytest.approx(middle_half(scores)) == planners.success(row)[0]
    assert (row["low"], row["high"]) == tuple(float(end) for end in band(np.array(scores))[1:])
    assert planners.entry(row) == f"{row['middle']:.3g} ({row['low']:.3g} to {row['high']:.3g})"
    assert planners.entry({**row, "played": 1}) == f"{row['middle']:.3g}"


@pytest.mark.parametrize("iterations", [1, 3, 4])
def test_axes_that_count_have_whole_numbers(iterations, tmp_path):
    solve(SolveConfig("kuhn_2p", "psro-uniform", iterations), RunDirectory.create(tmp_path / "run"))
    population = Population.open(tmp_path / "run")
    figure = draw_population(population, None, population.mixtures())
    counting = ("policy", "policies", "iteration")
    axes = [axis for panel in figure.axes for axis in (panel.xaxis, panel.yaxis) if axis.get_label_text().startswith(counting)]
    assert len(axes) == 7
    for axis in axes:
        texts = [text.get_text() for text, _ in labels_of(axis)]
        assert texts and all("mathdefault" in text or text.isdigit() for text in texts), (axis.get_label_text(), texts)
        assert len(set(texts)) == len(texts)


def test_the_interquartile_mean_leaves_out_a_quarter_at_either_end():
    assert interquartile_mean(np.array([[1.0], [2.0], [3.0], [1e9]])) == pytest.approx([2.5])
