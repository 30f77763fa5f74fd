"""Figures of discoveries by what is in them: every program a dot, the front a student would find, ancestors and what made them."""

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

import cli
from games.errors import GameplanError, UsageError
from tests.toy_discovery import FAST, SLOW, discovery, folder, task  # noqa: F401 (fixtures)
from workbench.discovery.books.store import Store
from workbench.figures import discovery as figures
from workbench.figures.frame import Look, check_format
from workbench.figures.style import style_of
from workbench.pages.discoveries import article
from workbench.views.discovery import front, measure, view_discovery

BEST = "PARAMS = {'a': 0.05}\ndef step(x, t, params):\n    y = params.a * x\n    return y * 0.3"
WORSE = "PARAMS = {}\ndef step(x, t, params):\n    return 0.95 * x + 0.0 * t + 0.0 * x * x"
PROGRAMS = [
    (SLOW, "seed", ()), (FAST, "symbolic", (0,)), (WORSE, "random", (0,)), (BEST, "crossover", (1, 0)),
]  # fmt: skip


@pytest.fixture
def view(tmp_path, folder, task):  # noqa: F811
    store, _ = discovery(tmp_path / "run", folder, task, PROGRAMS)
    with store.transaction():
        store.set("references", {"plain": {"1": 0.004, "2": 0.008}})
    yield view_discovery(store)
    store.close()


def points(panel, label):
    """Return the points of all lines of a panel whose label begins so."""
    found = [line for line in panel.lines if line.get_label().startswith(label)]
    return [tuple(map(float, pair)) for line in found for pair in zip(*line.get_data(), strict=True)]


def test_the_front_is_that_of_a_student(view):
    of = measure(view).of
    better = [m for m in view.members if not any(o.size <= m.size and of(o.values) > of(m.values) for o in view.members)]
    assert [m.id for m in front(view)] == [m.id for m in sorted(better, key=lambda m: m.size)]
    assert 1 < len(better) < len(view.members)  # some are on it, some are not


def test_the_front_has_all_programs_and_the_published(view):
    (panel,) = figures.draw_front(view, None).axes
    of = measure(view).of
    assert sorted(points(panel, "program")) == sorted((float(m.size), of(m.values)) for m in view.members)
    line = points(panel, "best of its size")
    assert line[:-1] == [(float(m.size), of(m.values)) for m in front(view)]
    assert line[-1][1] == line[-2][1]  # it holds to the right
    ((size, value),) = points(panel, "plain")
    assert size > 0 and value == pytest.approx(of(view.known["plain"]))
    assert {text.get_text() for text in panel.figure.legends[0].get_texts()} == {"program", "best of its size", "plain"}
    assert "distance" in panel.get_ylabel()


def test_a_lineage_has_ancestors_edges_and_operators(view):
    (panel,) = figures.draw_lineage(view, None, look=Look(labels={"crossover": "mixed of two"})).axes
    of, by_step = measure(view).of, {m.n: m for m in view.members}
    places = {n: (float(max(1, view.steps[n].counted)), of(m.values)) for n, m in by_step.items()}
    best, fast, slow = by_step[3], by_step[1], by_step[0]
    assert view.best[0].id == best.id
    drawn = {line.get_label()[1:]: line for line in panel.lines}
    for member, operator in ((best, "crossover"), (fast, "symbolic"), (slow, "seed")):
        assert drawn[member.id].get_color() == style_of(operator).colour
        assert tuple(np.ravel(drawn[member.id].get_data())) == places[member.n]
    assert by_step[2].id not in drawn  # no ancestor
    edges = {tuple(map(tuple, np.transpose(line.get_data()))): line for line in panel.lines if line.get_label() == "_edge"}
    solid = {ends for ends, line in edges.items() if line.get_linestyle() == "-"}
    assert solid == {(places[0], places[1]), (places[1], places[3])}  # first parents
    assert set(edges) - solid == {(places[0], places[3])}
    assert sorted(points(panel, "_program")) == sorted(places.values())
    legend = {text.get_text() for text in panel.figure.legends[0].get_texts()}
    assert legend == {"mixed of two", "symbolic", "seed", "plain (published)", "other programs"}
    assert {text.get_text() for text in panel.texts} == {best.id[:6], fast.id[:6], "slow"}


def test_long_lines_are_named_at_their_ends(tmp_path, folder, task):  # noqa: F811
    sources = [f"PARAMS = {{}}\ndef step(x, t, params):\n    return {0.9 - 0.05 * k} * x" for k in range(15)]
    programs = [(source, "random" if k else "seed", (k - 1,) if k else ()) for k, source in enumerate(sources)]
    store, _ = discovery(tmp_path / "run", folder, task, programs)
    long = view_discovery(store)
    (panel,) = figures.draw_lineage(long, None).axes
    assert {text.get_text() for text in panel.texts} == {long.best[0].id[:6], "slow"}
    store.close()


def test_averages_are_costs_on_a_logarithmic_axis(tmp_path, folder, task):  # noqa: F811
    store, _ = discovery(tmp_path / "run", folder, task, PROGRAMS)
    with store.transaction():
        store.set("config", {**store.get("config"), "ranking": "average"})
    view = view_discovery(store)
    for draw in (figures.draw_front, figures.draw_lineage):
        (panel,) = draw(view, None).axes
        assert panel.get_yscale() == "log" and panel.get_ylabel() == "average distance"
    costs = [measure(view).of(m.values) for m in front(view)]
    assert costs == sorted(costs, reverse=True)
    store.close()


def test_the_command_draws_what_the_page_says(view, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Figure, "savefig", lambda self, file, **how: file.write(b"drawn"))
    page = article(view, 0)
    for what in ("scores", "front", "lineage"):
        assert f"gameplan evolve report {view.path} --draw {what}</code>" in page
        words = ["evolve", "report", str(view.path), "--task", view.config.task, "--draw", what]
        result = CliRunner().invoke(cli.cli, words, standalone_mode=False)
        assert result.exception is None and result.stdout.strip() == f"{what}.png"
        assert (tmp_path / f"{what}.png").read_bytes() == b"drawn"


def test_what_cannot_be_drawn_is_said(view, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = ["evolve", "report", str(view.path), "--task", view.config.task]
    for words, said in (
        ((*run, "--out", "x.png"), "say what to draw"),
        ((*run, "--width", "column"), "say what to draw"),
        ((*run, "--draw", "front", "--out", "x.html"), "legal are .png, .svg, .pdf"),
    ):
        error = CliRunner().invoke(cli.cli, words, standalone_mode=False).exception
        assert isinstance(error, UsageError) and said in str(error)
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".png", ".html")]
    with pytest.raises(UsageError):
        check_format(".html")


def test_nothing_is_drawn_of_nothing(tmp_path, folder, task):  # noqa: F811
    store, _ = discovery(tmp_path / "run", folder, task, [])
    empty = view_discovery(Store.open(store.path))
    for draw in (figures.draw_scores, figures.draw_front, figures.draw_lineage):
        with pytest.raises(GameplanError, match="no program has a score yet"):
            draw(empty, None)
    store.close()
