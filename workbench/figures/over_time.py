"""What was played at infosets over time: the current policy, which jumps about, and the average, which is reported."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workbench.figures.frame import PLAIN, Look, check_format, count_along, fit_axes, legend_below, panels_of, save_figure
from workbench.figures.style import QUIET, part_colour
from workbench.views.history import History
from workbench.views.policy import InfosetRow

MOST = 9  # infosets, each with a panel


def draw_over_time(history: History, rows: Sequence[InfosetRow], path: Path | None, *, look: Look = PLAIN) -> Figure:
    """Draw current (thin) and average policies over iterations, a panel for each of `rows`, a colour an action; return the figure.

    It is written to `path` (PNG, SVG or PDF by its suffix), unless that is None. The pairs of `history` are those of the
    `rows` in their order. Errors are those of `workbench.figures.frame`.
    """
    if path is not None:
        check_format(path.suffix)
    names = list(dict.fromkeys(name for row in rows for name in row.names))
    start = 0
    with look.context():
        figure, panels = panels_of(len(rows), look, own=2.3, height=1.7)
        for row, panel in zip(rows, panels.flat, strict=False):
            for k, name in enumerate(row.names):
                colour = part_colour(names.index(name))
                panel.plot(history.iterations, history.current[:, start + k], color=colour, linewidth=0.5, alpha=0.55)
                panel.plot(history.iterations, history.average[:, start + k], color=colour, linewidth=1.4, label=name)
            start += len(row.names)
            panel.set_xscale("log")
            count_along(panel.xaxis)
            panel.set_ylim(-0.03, 1.03)
            panel.set_title(f"{row.player}: {row.label}")
            fit_axes(panel, look)
        for panel in panels[-1]:
            panel.set_xlabel("iteration")
        figure.supylabel("probability", fontsize=look.font_size)
        entries: dict[str, Any] = {name: Line2D([], [], color=part_colour(k), linewidth=1.4) for k, name in enumerate(names)}
        entries["average"] = Line2D([], [], color=QUIET, linewidth=1.4)
        entries["current"] = Line2D([], [], color=QUIET, linewidth=0.5, alpha=0.55)
        legend_below(figure, entries, look.font_size)
        return save_figure(figure, path)
