"""Figures by what is in them: colours by name, labels that do not overlap, legends that fit, the data of every line."""

import itertools
import zlib

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from games.errors import UsageError
from planners.catalogue import PLANNERS
from planners.learning.names import METHODS
from solvers.psro.catalogue import PRESETS, SOLVERS
from workbench.catalogue.entries import CFR, EXACT
from workbench.comparison.bands import interquartile_mean
from workbench.comparison.curves import Curve, merged, run_curves
from workbench.comparison.episodes import planner_runs
from workbench.discovery.operators.catalogue import OPERATORS
from workbench.figures import frame
from workbench.figures.animation import Film
from workbench.figures.convergence import ROUNDING, draw_convergence
from workbench.figures.frame import INCH, WIDTHS, Look, overlap, settle
from workbench.figures.scores import draw_scores
from workbench.figures.search import board_heat, draw_search
from workbench.figures.style import COLOURS, style_of
from workbench.planning.config import PlanConfig, resolve_plan
from workbench.planning.replay import load_frames, load_search
from workbench.planning.run import run_plan
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig
from workbench.solving.run import solve

LINEAR = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
SEEN = {  # what linear RGB becomes for whom (Machado, Oliveira, Fernandes 2009, severity 1)
    "normal": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
}  # fmt: skip


@pytest.fixture
def figures(monkeypatch):
    """Return the list into which every figure that is saved comes."""
    kept = []

    def settled(figure):
        kept.append(figure)
        settle(figure)

    monkeypatch.setattr(frame, "settle", settled)
    return kept


def lab(colour, whom):
    """Return CIE L*a*b* of a colour as it is seen."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = LINEAR @ np.clip(SEEN[whom] @ linear, 0.0, 1.0) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("whom", SEEN)
def test_colours_are_told_apart(whom):
    for a, b in itertools.combinations(COLOURS, 2):
        assert np.linalg.norm(lab(a, whom) - lab(b, whom)) > 14.0, (a, b)
    assert all(lab(colour, "normal")[0] < 75.0 for colour in COLOURS)  # seen on white


@pytest.mark.parametrize("names", [{**CFR, **EXACT}, {**PRESETS, "psro": 0}, SOLVERS, PLANNERS, METHODS, OPERATORS])
def test_names_of_one_kind_have_styles_of_their_own(names):
    styles = [style_of(name) for name in names]
    assert len(set(map(str, styles))) == len(styles)
    told = {(s.line if isinstance(s.line, str) else "dashes", s.marker) for s in styles}
    assert len(told) >= min(len(styles), len(COLOURS))  # in grey


def test_a_style_is_that_of_the_name():
    mine = style_of("my_rule")
    assert mine == style_of("my_rule") and mine.colour == COLOURS[zlib.crc32(b"my_rule") % len(COLOURS)]
    assert style_of("cfr", 1).colour == style_of("cfr").colour and style_of("cfr", 1) != style_of("cfr")
    assert str(style_of("my_rule").line) not in {str(style_of(name).line) for name in CFR}


def falling(name, low=-16.0, stop=3000, warmup=0, **kwargs):
    """Return a made-up curve from 1 down to 10^low."""
    places = np.unique(np.geomspace(1, stop, 30).astype(int))
    points = [
        {"iteration": int(t), "seconds": 0.01 * float(t), "exploitability": 10.0 ** (low * np.log(t) / np.log(stop))}
        for t in places
    ]
    return Curve(name, points, warmup, **kwargs)


def test_an_algorithm_has_one_colour_in_all_figures(figures, tmp_path):
    draw_convergence({"a": {"vad-cfr": falling("vad-cfr")}}, tmp_path / "one.png")
    draw_convergence({"b": {name: falling(name) for name in ("cfr", "my", "vad-cfr")}}, tmp_path / "two.png")
    one, two = ({line.get_label(): line for line in figure.axes[0].get_lines()} for figure in figures)
    assert one["vad-cfr"].get_color() == two["vad-cfr"].get_color() == style_of("vad-cfr").colour
    assert len({line.get_color() for line in two.values()}) == 3
    texts = [text.get_text() for text in figures[1].legends[0].get_texts()]
    handles = dict(zip(texts, figures[1].legends[0].legend_handles, strict=True))
    assert all(handles[name].get_color() == two[name].get_color() for name in texts)


@pytest.mark.parametrize("width", [None, *WIDTHS])
@pytest.mark.parametrize("stop", [7, 2_000_000])
def test_labels_of_ticks_are_apart_and_the_legend_fits(width, stop, figures, tmp_path):
    names = [*CFR, "a_rule_with_a_rather_long_name", "psro"]
    look = Look(width=width and WIDTHS[width] / INCH)
    games = {f"game {k}": {name: falling(name, low, stop) for name in names} for k, low in enumerate((-0.2, -1.5, -17.0))}
    draw_convergence(games, tmp_path / "figure.png", look=look)
    figure = figures[0]
    figure.draw_without_rendering()
    assert width is None or figure.get_size_inches()[0] == pytest.approx(WIDTHS[width] / INCH)
    for panel in figure.axes:
        if panel.get_visible():
            assert not overlap(panel.xaxis) and not overlap(panel.yaxis)
            assert all(len(frame.labels_of(axis)) >= 2 for axis in (panel.xaxis, panel.yaxis))
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y0 >= 0
    assert all(box.y1 <= panel.get_tightbbox().y0 + 1 for panel in figure.axes if panel.get_visible())
    if width != "column":
        assert len({round(text.get_window_extent().y0) for text in figure.legends[0].get_texts()}) < len(names)


def test_without_settling_labels_would_overlap():
    figure = Figure(figsize=(1.2, 1.2))
    panel = figure.subplots()
    panel.set(xscale="log", xlim=(100, 700))
    figure.draw_without_rendering()
    before = overlap(panel.xaxis)
    settle(figure)
    assert before and not overlap(panel.xaxis) and len(frame.labels_of(panel.xaxis)) >= 2


def test_rounding_is_shaded_and_a_warm_up_is_marked(figures, tmp_path):
    curves = {"deep": {"vad-cfr": falling("vad-cfr", -17.0, warmup=500)}, "shallow": {"cfr": falling("cfr", -3.0)}}
    draw_convergence(curves, tmp_path / "figure.png")
    deep, shallow = figures[0].axes
    zone = next(p for p in deep.patches if p.get_label() == "_rounding")
    assert zone.get_y() + zone.get_height() == pytest.approx(ROUNDING) and not shallow.patches
    lines = {line.get_label(): line for line in deep.get_lines()}
    before, points = lines["_warm-up"].get_xdata(), curves["deep"]["vad-cfr"].points
    assert list(before) == [p["iteration"] for p in points if p["iteration"] <= 500]
    assert list(lines["_warm-up ends"].get_xdata()) == [before[-1]] == [lines["vad-cfr"].get_xdata()[0]]
    assert "warm-up" in [text.get_text() for text in figures[0].legends[0].get_texts()]


def test_limits_labels_and_titles(figures, tmp_path):
    look = Look(xlim=(10.0, 100.0), ylim=(1e-4, None), labels={"cfr": "Vanilla"}, title="Above")
    draw_convergence({"g": {"cfr": falling("cfr")}}, tmp_path / "figure.svg", look=look)
    panel = figures[0].axes[0]
    assert panel.get_xlim() == (10.0, 100.0) and panel.get_ylim()[0] == 1e-4
    assert [text.get_text() for text in figures[0].legends[0].get_texts()] == ["Vanilla"]
    assert panel.get_lines()[0].get_color() == style_of("cfr").colour and "Above" in (tmp_path / "figure.svg").read_text()
    with pytest.raises(UsageError, match="above 0"):
        draw_convergence({"g": {"cfr": falling("cfr")}}, tmp_path / "figure.svg", look=Look(ylim=(0.0, 1.0)))


def test_names_are_no_formulas(figures, tmp_path):
    name = "a$\\frac{$b\ud800"
    draw_convergence({name: {name: falling("cfr")}}, tmp_path / "figure.svg", look=Look(title=name))
    assert (tmp_path / "figure.svg").read_text().count("a$\\frac{$b?") >= 3  # as title, panel and entry of the legend
    assert "<tspan" in (tmp_path / "figure.svg").read_text()  # but decades are


def test_several_runs_are_told_apart_or_make_a_band(figures, tmp_path):
    for seed, warmup in ((0, 2), (1, 2), (2, 3)):
        config = SolveConfig("kuhn_2p", "vad-cfr", iterations=5, seed=seed, params={"warmup_iterations": warmup})
        solve(config, RunDirectory.create(tmp_path / "runs" / str(seed)))
    single = run_curves([tmp_path / "runs", tmp_path / "runs" / "0"])["kuhn_2p"]
    assert list(single) == [f"vad-cfr warmup_iterations={w} seed={s}" for s, w in ((0, 2), (1, 2), (2, 3))]
    assert [curve.variant for curve in single.values()] == [0, 1, 2] and {curve.name for curve in single.values()} == {"vad-cfr"}
    banded = run_curves([tmp_path / "runs"], bands=True)["kuhn_2p"]
    assert {label: (curve.runs, curve.warmup) for label, curve in banded.items()} == {
        "vad-cfr warmup_iterations=2": (2, 2), "vad-cfr warmup_iterations=3": (1, 3)
    }  # fmt: skip
    curves = [falling("cfr", low) for low in (-2.0, -4.0, -4.0, -6.0)]
    band = merged(curves)
    last = band.points[-1]
    assert np.log10(last["exploitability"]) == pytest.approx(-4.0) and last["low"] < last["exploitability"] < last["high"]
    draw_convergence({"g": {"cfr": band}}, tmp_path / "figure.png")
    (area,) = figures[0].axes[0].collections
    assert area.get_facecolor()[0][:3] == pytest.approx(to_rgb(style_of("cfr").colour))


def test_an_animation_shows_graph_values_and_score(tmp_path):
    config = resolve_plan(PlanConfig(env="p4", planner="oracle", episodes=1))
    run_plan(config, RunDirectory.create(tmp_path / "run"))
    frames = load_frames(RunDirectory.open(tmp_path / "run"), 0, values=True)
    film = Film(frames)
    for number, shown in enumerate(frames):
        film.draw(number)
        nodes = next(c for c in film.stage.collections if c.get_label() == "_nodes")
        assert len(nodes.get_offsets()) == len(shown.network.names)
        assert np.argmax(nodes.get_sizes()) == shown.network.here
        assert sum(line.get_label() == "_walk" for line in film.stage.get_lines()) == number
        assert f"score {shown.score:g}" in film.figure.get_suptitle().replace("\n", " ")
    assert frames[-1].score == 1.0 and frames[0].score == 0.0
    film.draw(0)
    bars = {bar.get_facecolor()[:3]: bar.get_width() for bar in film.bars.patches}
    best = max(value for _, value, _ in frames[0].values)
    assert len(film.bars.patches) == len(frames[0].values) and bars[to_rgb(COLOURS[5])] == best  # the oracle takes the best


@pytest.mark.slow  # to compile
def test_scores_of_planners_and_the_ladder_of_a_world(tmp_path):
    for planner in ("greedy", "random"):
        run_plan(resolve_plan(PlanConfig(env="2048-2x3", planner=planner, episodes=12)), RunDirectory.create(tmp_path / planner))
    runs = planner_runs([tmp_path])
    lines = {name: RunDirectory.open(tmp_path / name).read_lines("episodes.jsonl") for name in ("greedy", "random")}
    assert set(runs) == {"2048-2x3"} and set(runs["2048-2x3"]) == {"greedy", "random"}
    figure = draw_scores(runs, None)
    share, middle, ladder = figure.axes
    for name in ("greedy", "random"):
        each = runs["2048-2x3"][name]
        assert list(each.scores) == [line["score"] for line in lines[name]] and list(each.climbed) == [
            x["max_tile"] for x in lines[name]
        ]
        drawn = {line.get_label(): line for line in share.get_lines()}[name]
        assert drawn.get_color() == style_of(name).colour and sorted(each.scores) == list(drawn.get_xdata()[1:-1])
        climbs = {line.get_label(): line for line in ladder.get_lines()}[name].get_ydata()
        rungs = [float(text.get_text()) for text in ladder.get_xticklabels()]
        assert list(climbs) == [np.mean(each.climbed >= rung) for rung in rungs]
    marks = [line.get_xdata()[0] for line in middle.get_lines() if line.get_label() == "_middle"]
    assert marks == [interquartile_mean(runs["2048-2x3"][name].scores) for name in runs["2048-2x3"]]
    run_plan(resolve_plan(PlanConfig(env="p4", planner="oracle", episodes=2)), RunDirectory.create(tmp_path / "graph"))
    assert len(draw_scores({"p4": planner_runs([tmp_path / "graph"])["p4"]}, None).axes) == 2  # no ladder there


def planned(path, **settings):
    """Return the directory of a planner run."""
    run_plan(resolve_plan(PlanConfig(episodes=1, **settings)), RunDirectory.create(path))
    return RunDirectory.open(path)


@pytest.mark.parametrize(("planner", "env"), [("mcts", "2048-2x2"), ("flare-paper", "kg-walk")])
def test_a_search_tree_has_what_the_planner_knew(planner, env, tmp_path):
    run = planned(tmp_path / "run", env=env, planner=planner, simulations=30, steps=3)
    frames = load_frames(run, 0, values=True)
    world, instance, root, title = load_search(run, 0, 1)
    known = {name: (visits, value) for name, value, visits in frames[1].values if visits}
    assert {each.action: (each.visits, pytest.approx(each.value)) for each in root.below} == known
    assert root.visits == sum(visits for visits, _ in known.values()) and title.endswith("step 1")
    assert all(sum(below.visits for below in each.below) <= each.visits for each in root.below)
    figure = draw_search(world, instance, root, None)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert all(any(text.startswith(f"{name}  n {visits}") for text in texts) for name, (visits, _) in known.items())
    edges = [line.get_linewidth() for line in figure.axes[0].get_lines() if line.get_label() == "_edge"]
    assert max(edges) == pytest.approx(0.5 + 4.0 * max(visits for visits, _ in known.values()) / root.visits)
    with pytest.raises(UsageError, match="no 9"):
        load_search(run, 0, 9)


@pytest.mark.slow  # to compile
def test_expansions_are_shown_on_the_board_and_on_the_graph(tmp_path):
    run = planned(tmp_path / "sokoban", env="sokoban", planner="astar")
    world, instance, found, _ = load_search(run, 0, 1)
    line = run.read_lines("episodes.jsonl")[0]
    assert found.opened.sum() == line["cost"]["expansions"] and len(found.plan) == line["steps"] + 1
    assert np.array_equal(found.states[0], instance.start)
    figure = draw_search(world, instance, found, None)
    bars = [bar.get_height() for bar in figure.axes[1].patches]
    assert sum(bars) == found.opened.sum()
    before = world.picture(instance, instance.start)
    heat = board_heat(before, [world.picture(instance, state) for state in found.states[found.opened]])
    pixels = np.asarray(figure.axes[0].images[0].get_array())
    grounds = np.array([[to_rgb(cell.ground) for cell in row] for row in before])
    changed = np.abs(pixels - grounds).max(axis=2) > 1e-9
    assert 0.0 < heat.max() <= 1.0 and np.array_equal(changed, heat > 0.0)
    graph = draw_search(*load_search(planned(tmp_path / "graph", env="p4", planner="astar"), 0, 0)[:3], None)
    rings = next(c for c in graph.axes[0].collections if c.get_label() == "_expanded")
    assert len(rings.get_offsets()) == 4
    with pytest.raises(UsageError, match="keeps nothing of its search"):
        load_search(planned(tmp_path / "greedy", env="p4", planner="greedy"), 0, 0)
