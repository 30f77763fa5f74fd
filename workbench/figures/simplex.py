"""Dynamics of three strategies, drawn in the triangle of all mixtures of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from games.errors import UsageError
from solvers.psro.maximin import maximin
from workbench.figures.frame import PLAIN, Look, check_format, panels_of, save_figure
from workbench.figures.style import COLOURS, QUIET, style_of
from workbench.views.dynamics import DYNAMICS, Matrix

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
STARTS = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.25, 0.25, 0.5], [0.4, 0.35, 0.25]])


def draw_simplex(matrix: Matrix, path: Path | None, *, dynamics: Sequence[str] = tuple(DYNAMICS), look: Look = PLAIN) -> Figure:
    """Draw how player 0's strategy in `matrix` moves under each of the `dynamics`, from several starts, and return the figure.

    It is written to `path` (PNG, SVG or PDF by its suffix), unless that is None.
    Player 1 begins with the same mixture where it has as many actions, its names in turn, else uniformly. Rings are starts, dots
    ends; the star is a maximin strategy of zero-sum games.

    Raises
    ------
    UsageError
        For another suffix, dynamics that there are not, or a game in which player 0 has not three actions.
    """
    if path is not None:
        check_format(path.suffix)
    unknown = [name for name in dynamics if name not in DYNAMICS]
    if unknown:
        raise UsageError(f"no dynamics are called {unknown[0]!r}; legal are {', '.join(DYNAMICS)}")
    if len(matrix.actions[0]) != 3:
        raise UsageError(f"player 0 has {len(matrix.actions[0])} actions in {matrix.name}; a triangle shows games with three")
    with look.context():
        figure, panels = panels_of(len(dynamics), look, own=2.2, height=2.2)
        for panel, name in zip(panels.flat, dynamics, strict=False):
            _triangle(panel, matrix.actions[0])
            title, follow = DYNAMICS[name]
            panel.set_title(title)
            for start in STARTS[:1] if name == "alpharank" else STARTS:
                columns = len(matrix.actions[1])
                other = np.roll(start, 1) if columns == 3 else np.full(columns, 1.0 / columns)
                way = follow(matrix, (start, other)) @ CORNERS
                panel.plot(*way.T, color=style_of(name).colour, linewidth=0.7, alpha=0.85, label=f"_{name}")
                panel.plot(*way[:1].T, marker="o", markersize=3, markerfacecolor="white", color=style_of(name).colour, zorder=4)
                panel.plot(*way[-1:].T, marker="o", markersize=3, color=style_of(name).colour, zorder=4)
            if np.allclose(matrix.payoffs[0], -matrix.payoffs[1]):
                star = maximin(matrix.payoffs[0]) @ CORNERS
                panel.plot(*star, marker="*", markersize=7, color=COLOURS[4], markeredgecolor="black", label="_maximin", zorder=3)
        if not look.title:
            figure.suptitle(matrix.name, fontsize=look.font_size + 1)
        return save_figure(figure, path)


def _triangle(panel: Any, names: Sequence[str]) -> None:
    panel.set_axis_off()
    panel.set_aspect("equal")
    panel.plot(*CORNERS[[0, 1, 2, 0]].T, color=QUIET, linewidth=0.8, label="_edge")
    for share in (0.25, 0.5, 0.75):
        for k in range(3):
            ends = np.zeros((2, 3))
            ends[:, k], ends[0, (k + 1) % 3], ends[1, (k + 2) % 3] = share, 1.0 - share, 1.0 - share
            panel.plot(*(ends @ CORNERS).T, color="0.88", linewidth=0.4, zorder=0, label="_grid")
    for name, corner, (across, up) in zip(names, CORNERS, (("left", "top"), ("right", "top"), ("center", "bottom")), strict=True):
        panel.annotate(name, corner, (0, -3 if up == "top" else 3), textcoords="offset points", ha=across, va=up)
    panel.margins(0.06, 0.12)
