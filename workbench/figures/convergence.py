"""Convergence figures: exploitability on a logarithmic axis, one panel a game, one legend for all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from games.errors import GameplanError, UsageError
from workbench.comparison.curves import FLOOR, Curve, Curves
from workbench.figures.frame import PLAIN, Look, check_format, count_along, fit_axes, legend_below, panels_of, save_figure
from workbench.figures.style import QUIET, Style, style_of

ROUNDING = 1e-15  # exploitabilities below it tell of rounding, not of the algorithm
AXES = {"iteration": "iteration", "seconds": "seconds of iterating", "nodes": "nodes visited"}
TITLE = 38  # columns of a panel's title
WARMUP, ZONE = "warm-up", "rounding"  # labels of what is no algorithm


def draw_convergence(curves: Curves, path: Path | None, *, x: str = "iteration", look: Look = PLAIN) -> Figure:
    """Return the figure of `curves`, game -> label -> curve, over `x` (a key of `AXES`).

    It is written to `path` (PNG, SVG or PDF by its suffix), unless that is None.

    What lies below `ROUNDING` is shaded, and where a rule's average has not begun its line is thin and pale.

    Raises
    ------
    UsageError
        For another suffix.
    GameplanError
        If there is nothing to draw, of a curve `x` is not known, or the file cannot be written.
    """
    if path is not None:
        check_format(path.suffix)
    shown = {game: {label: c for label, c in lines.items() if c.points} for game, lines in curves.items()}
    shown = {game: lines for game, lines in shown.items() if lines}
    if not shown:
        raise GameplanError("there is nothing to draw: no run has an evaluated iteration yet")
    missing = [label for lines in shown.values() for label, curve in lines.items() if x not in curve.points[-1]]
    if missing:
        raise GameplanError(
            f"{missing[0]} has no {x}: only CFR rules and methods that sample count them; leave it out, or draw by iteration"
        )
    with look.context():
        figure, panels = panels_of(len(shown), look)
        columns = panels.shape[1]
        for index, (panel, (game, lines)) in enumerate(zip(panels.flat, shown.items(), strict=False)):
            for label, curve in lines.items():
                _draw(panel, look.label(label), curve, x)
            panel.set_title(fill(game, TITLE, break_long_words=False))  # a game with a lock has a long name
            panel.set_xscale("log")
            panel.set_yscale("log")
            if x != "seconds":
                count_along(panel.xaxis)
            fit_axes(panel, look)
            _shade_rounding(panel)
            if index + columns >= len(shown):  # under the lowest panel of each column
                panel.set_xlabel(AXES[x])
        figure.supylabel("exploitability (NashConv / players)", fontsize=look.font_size)
        legend_below(figure, _legend(shown, look), look.font_size)
        return save_figure(figure, path)


def keep_games(curves: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Any]:
    """Return what there is (`curves`) of the games called `names`; without names, all.

    Raises
    ------
    UsageError
        If there is none of a name.
    """
    for name in names:
        if name not in curves:
            raise UsageError(f"there is no run of {name}; there are runs of {', '.join(curves) or 'no game'}")
    return {name: curves[name] for name in names} if names else curves


def _draw(panel: Any, label: str, curve: Curve, x: str) -> None:
    style = style_of(curve.name, curve.variant)
    points = [point for point in curve.points if point[x] > 0.0]
    before = [p for p in points if p["iteration"] <= curve.warmup]
    after = points[max(0, len(before) - 1) :] if before else points  # the line goes on where the warm-up ends
    if len(before) > 1:
        across, up = _places(before, x)
        panel.plot(across, up, color=style.colour, linewidth=0.8, alpha=0.35, label=f"_{WARMUP}")
        panel.plot(across[-1:], up[-1:], color=style.colour, marker="|", markersize=7, linestyle="none", label=f"_{WARMUP} ends")
    across, up = _places(after, x)
    panel.plot(across, up, label=label, markevery=max(1, len(across) // 8), **_line(style))
    if after and "low" in after[0]:
        ends = ([max(p[end], FLOOR) for p in after] for end in ("low", "high"))
        panel.fill_between(across, *ends, color=style.colour, alpha=0.18, linewidth=0.0)


def _places(points: Sequence[Any], x: str) -> tuple[list[float], list[float]]:
    return [point[x] for point in points], [max(point["exploitability"], FLOOR) for point in points]


def _line(style: Style) -> dict[str, Any]:
    return {"color": style.colour, "linestyle": style.line, "marker": style.marker, "markersize": 2.6, "linewidth": 1.0}


def _shade_rounding(panel: Any) -> None:
    low, high = panel.get_ylim()
    if low < ROUNDING:
        panel.axhspan(low, min(ROUNDING, high), color="0.5", alpha=0.18, linewidth=0.0, label=f"_{ZONE}", zorder=0.5)
        panel.text(0.02, (low * min(ROUNDING, high)) ** 0.5, ZONE, transform=panel.get_yaxis_transform(), ha="left", va="center",
                   color=QUIET, fontsize="x-small")  # fmt: skip
        panel.set_ylim(low, high)


def _legend(shown: Curves, look: Look) -> dict[str, Any]:
    curves = {look.label(label): curve for lines in shown.values() for label, curve in lines.items()}
    entries = {label: Line2D([], [], **_line(style_of(curve.name, curve.variant))) for label, curve in curves.items()}
    if any(sum(p["iteration"] <= c.warmup for p in c.points) > 1 for c in curves.values()):
        entries[WARMUP] = Line2D([], [], color=QUIET, linewidth=0.8, alpha=0.5, marker="|", markersize=7)
    return entries
