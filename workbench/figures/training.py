"""Figures of learning: what was measured while learning against what it cost, with bands over seeds, a panel a world."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from games.errors import GameplanError
from workbench.figures.frame import PLAIN, Look, check_format, count_along, fit_axes, legend_below, panels_of, save_figure
from workbench.figures.style import style_of

AXES = {
    "cost": "environment steps + expansions", "environment_steps": "environment steps", "expansions": "expansions",
    "update": "updates", "seconds": "CPU seconds of learning",
}  # fmt: skip

Curve = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def draw_learning(
    worlds: Mapping[str, Mapping[str, Curve]], path: Path | None, *, x: str = "cost", y: str = "score", look: Look = PLAIN
) -> Figure:
    """Return the figure of world -> label -> (x, middle, low, high).

    It is written to `path` (PNG, SVG or PDF by its suffix), unless that is None.

    Raises
    ------
    UsageError
        For another suffix.
    GameplanError
        If there is nothing to draw, or the file cannot be written.
    """
    if path is not None:
        check_format(path.suffix)
    shown = {world: {k: c for k, c in lines.items() if len(c[0])} for world, lines in worlds.items()}
    shown = {world: lines for world, lines in shown.items() if lines}
    if not shown:
        raise GameplanError(f"there is nothing to draw: no run has measured {y} yet")
    with look.context():
        figure, panels = panels_of(len(shown), look, own=2.9, height=2.5, alone=3.6)
        for panel, (world, lines) in zip(panels.flat, shown.items(), strict=False):
            for label, curve in lines.items():
                _draw(panel, label, look.label(label), curve)
            panel.set_title(world, loc="left")
            panel.set_xscale("log")
            if x != "seconds":
                count_along(panel.xaxis)
            panel.set_xlabel(AXES[x])
            fit_axes(panel, look)
        for line in panels:
            line[0].set_ylabel("score while learning" if y == "score" else y.replace("_", " "))
        handles = {h.get_label(): h for panel in panels.flat for h in panel.get_lines()}
        legend_below(figure, handles, look.font_size)
        return save_figure(figure, path)


def _draw(panel: Any, name: str, label: str, curve: Sequence[np.ndarray]) -> None:
    x, middle, low, high = curve
    style = style_of(name)
    panel.plot(
        x, middle, label=label, color=style.colour, linestyle=style.line, linewidth=1.0, marker=style.marker, markersize=2.6,
        markevery=max(1, len(x) // 6),
    )  # fmt: skip
    panel.fill_between(x, low, high, color=style.colour, alpha=0.18, linewidth=0.0)
