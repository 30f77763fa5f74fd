"""Figures of policies, trees and dynamics: they show what the policy, the game and the meta-solvers are."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from naive_meta_solvers import fp, rm

from games.errors import GameplanError, UsageError
from games.loader import load_game
from solvers.exploitability import Evaluator
from workbench.figures.over_time import draw_over_time
from workbench.figures.policy import _shortened, draw_bars, draw_policy
from workbench.figures.simplex import CORNERS, draw_simplex
from workbench.figures.style import COLOURS, style_of
from workbench.figures.tree import draw_tree
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig
from workbench.solving.labels import action_names
from workbench.solving.policies import save_policy
from workbench.solving.run import solve
from workbench.views.dynamics import DYNAMICS, matrix_of, written_matrix
from workbench.views.game_tree import expected, game_tree, leaves
from workbench.views.history import replayed
from workbench.views.policy import PolicyView, view_run


@pytest.fixture(scope="module")
def kuhn(tmp_path_factory):
    """Return the directories of two runs on Kuhn poker, of CFR+ and of VAD-CFR without a warm-up."""
    place = tmp_path_factory.mktemp("kuhn")
    for algo, params in (("cfr+", {}), ("vad-cfr", {"warmup_iterations": 0})):
        solve(SolveConfig("kuhn_2p", algo, iterations=40, params=params), RunDirectory.create(place / algo))
    return place


def test_a_policy_is_drawn_as_map_and_bars(kuhn):
    view = view_run(kuhn / "cfr+")
    figure = draw_policy(view, None, most=4)
    maps = [panel for panel in figure.axes if panel.images and panel.get_yticks().size]
    for player, panel in enumerate(maps):
        rows = sorted(sorted(view.rows(player), key=lambda row: -row.reach)[:4], key=lambda row: row.number)
        assert [text.get_text() for text in panel.get_yticklabels()] == [row.label for row in rows]
        assert [text.get_text() for text in panel.get_xticklabels()] == ["Pass", "Bet"]
        assert np.allclose(panel.images[0].get_array(), [row.probabilities for row in rows])
        assert "4 of 6" in panel.get_ylabel()
    bars = {p.get_title(): [bar.get_width() for bar in p.patches] for p in figure.axes if p.patches}
    assert bars["reach"] == [row.reach for row in rows] and bars["regret"] == [row.regret for row in rows]


def test_two_policies_and_their_difference(kuhn, tmp_path):
    mine, other = view_run(kuhn / "cfr+"), view_run(kuhn / "vad-cfr")
    figure = draw_policy(mine, None, other=other, players=[1])
    one, two, gap = (panel.images[0].get_array() for panel in figure.axes[:3])
    assert np.allclose(one, [row.probabilities for row in mine.rows(1)]) and np.allclose(
        two, [r.probabilities for r in other.rows(1)]
    )
    assert np.allclose(gap, one - two) and np.abs(gap).max() > 0.01
    assert np.allclose([bar.get_width() for bar in figure.axes[3].patches], 0.5 * np.abs(gap).sum(axis=1))
    bars = draw_bars(mine, None, other=other, pattern="1pb")
    heights = [bar.get_height() for bar in bars.axes[0].patches]
    rows = [next(view.rows(0, "1pb")) for view in (mine, other)]
    assert heights == [*rows[0].probabilities, *rows[1].probabilities] and not any(p.get_visible() for p in bars.axes[1:])
    solve(SolveConfig("kuhn_3p", "cfr", iterations=2), RunDirectory.create(tmp_path / "other"))
    with pytest.raises(UsageError, match="only policies of one game"):
        draw_policy(mine, None, other=view_run(tmp_path / "other"))
    with pytest.raises(UsageError, match="no infoset"):
        draw_policy(mine, None, pattern="xyz")


def test_long_names_keep_their_ends_and_stay_distinct():
    names = [f"Private: {card}; Round 1; Pot: 2; Money: 99 99; Round1: {end}" for card in "01" for end in ("1 2", "2 2")]
    short = _shortened(names, 5.0)
    assert (
        all(len(label) <= 32 for label in short) and [label[-3:] for label in short] == ["1 2", "2 2"] * 2 and len(set(short)) == 4
    )
    alike = _shortened([f"{'a' * 20}{k}{'b' * 30}" for k in range(3)], 3.3)
    assert len(set(alike)) == 3


def test_a_tree_has_every_history_with_its_reach(kuhn):
    view = view_run(kuhn / "cfr+")
    root = game_tree(view)
    ends = leaves(root)
    assert len(ends) == 30 and sum(end.reach for end in ends) == pytest.approx(1.0)
    assert expected(root) == pytest.approx(Evaluator(view.game)(view.policy).values)
    figure = draw_tree(view, None)
    panel = figure.axes[0]
    edges = [line for line in panel.get_lines() if line.get_label() == "_edge"]
    assert len(edges) == view.game.histories - 1
    widths = {line.get_gid(): line.get_linewidth() for line in edges}
    assert widths["0.333333"] == pytest.approx(0.5 + 4.0 / 3.0) and min(widths.values()) == 0.4
    infosets = {line.get_label() for line in panel.get_lines() if line.get_label().startswith("_infoset")}
    assert len(infosets) == 12
    with pytest.raises(UsageError, match="histories; trees of up to"):
        game_tree(PolicyView(load_game("leduc_2p"), np.empty(0), kuhn))


def test_policies_over_time_are_those_of_the_run(kuhn, tmp_path):
    view = view_run(kuhn / "cfr+")
    rows = list(view.rows(0, "1pb"))
    told = []
    history = replayed(kuhn / "cfr+", view.pairs(0, rows[0].number), on_iteration=told.append)
    assert told[-1] == 40 == history.iterations[-1] and history.iterations[0] == 1
    assert history.average[-1] == pytest.approx(rows[0].probabilities)
    assert np.allclose(history.current.sum(axis=1), 1.0) and np.abs(history.current - history.average).max() > 0.1
    panel = draw_over_time(history, rows, None).axes[0]
    drawn = {(line.get_color(), line.get_linewidth() > 1.0): line.get_ydata() for line in panel.get_lines()}
    assert np.allclose(drawn[COLOURS[1], True], history.average[:, 1]) and np.allclose(
        drawn[COLOURS[1], False], history.current[:, 1]
    )
    changed = tmp_path / "changed"
    shutil.copytree(kuhn / "cfr+", changed)
    save_policy(view.game, view_run(kuhn / "vad-cfr").policy, changed / "policy.npz")
    with pytest.raises(GameplanError, match="another policy now"):
        replayed(changed, view.pairs(0, 0))
    solve(SolveConfig("kuhn_2p", "lp"), RunDirectory.create(tmp_path / "lp"))
    with pytest.raises(UsageError, match="no current policy"):
        replayed(tmp_path / "lp", view.pairs(0, 0))


BIASED = written_matrix("0,-1,2/1,0,-1/-2,1,0")


@pytest.mark.parametrize(("name", "naive"), [("rm", rm), ("fp", fp)])
def test_averages_are_those_of_the_meta_solvers(name, naive, monkeypatch):
    monkeypatch.setattr("workbench.views.dynamics.STEPS", 300)
    even = np.full(3, 1.0 / 3.0)
    way = DYNAMICS[name][1](BIASED, (even, even))
    assert way[-1] == pytest.approx(naive(list(BIASED.payoffs), 1, SimpleNamespace(steps=300))[0], abs=1e-6)
    begun = np.array([0.7, 0.2, 0.1])
    assert DYNAMICS[name][1](BIASED, (begun, even))[1] == pytest.approx(begun, abs=1.0 if name == "fp" else 1e-9)


def test_dynamics_keep_what_they_keep():
    start = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.5, 0.3])
    game = written_matrix("0,-1,1/1,0,-1/-1,1,0")
    way = DYNAMICS["rd"][1](game, start)
    other = DYNAMICS["rd"][1](game._replace(payoffs=-game.payoffs.transpose(0, 2, 1)[::-1] * -1.0), start[::-1])
    kept = np.log(way).sum(axis=1) + np.log(other).sum(axis=1)  # two-population RD is conservative in zero-sum games
    assert np.ptp(kept) < 1e-3 and np.ptp(way, axis=0).max() > 0.3 and np.allclose(way.sum(axis=1), 1.0)
    projected = DYNAMICS["prd"][1](game, start)
    assert projected.min() >= 0.02 - 1e-12
    ranked = DYNAMICS["alpharank"][1](written_matrix("0,0,0/1,1,1/-1,-1,-1"), start)
    assert np.abs(ranked[0] - 1 / 3).max() < 0.05 and ranked[-1][1] > 0.99  # the dominant action takes over


def test_a_triangle_shows_where_dynamics_go(monkeypatch):
    monkeypatch.setattr("workbench.views.dynamics.STEPS", 300)
    monkeypatch.setattr("workbench.views.dynamics.TIME", 3.0)
    game = load_game("matrix_rps")
    matrix = matrix_of(game, action_names(game))
    assert matrix.actions[0] == ("Rock", "Paper", "Scissors") and np.allclose(matrix.payoffs[0], -matrix.payoffs[0].T)
    figure = draw_simplex(matrix, None)
    assert [panel.get_title() for panel in figure.axes if panel.get_visible()] == [title for title, _ in DYNAMICS.values()]
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert lines["_rm"].get_color() == style_of("rm").colour
    assert np.column_stack(lines["_maximin"].get_data()) == pytest.approx(CORNERS.mean(axis=0)[None])
    for bad in ("", "1,2/3", "nan,1/1,1"):
        with pytest.raises(UsageError, match="no matrix"):
            written_matrix(bad)
    with pytest.raises(UsageError, match="triangle"):
        draw_simplex(written_matrix("1,2/3,4"), None)
    with pytest.raises(UsageError, match="no matrix game"):
        matrix_of(load_game("kuhn_2p"), ())
