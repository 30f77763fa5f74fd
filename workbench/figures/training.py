"""Figures of learning: what was measured while learning against what it cost, with bands over seeds, a panel a world."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from games.errors import GameplanError
from workbench.figures.convergence import COLOURS, LINES, STABLE, check_format, save_figure

AXES = {
    "cost": "environment steps + expansions", "environment_steps": "environment steps", "expansions": "expansions",
    "update": "updates", "seconds": "CPU seconds of learning",
}  # fmt: skip

Curve = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def draw_learning(
    worlds: Mapping[str, Mapping[str, Curve]], path: Path, *, x: str = "cost", y: str = "score", title: str = "",
    font_size: float = 8.0,
) -> None:  # fmt: skip
    """Draw world -> label -> (x, middle, low, high) to `path` (PNG, SVG or PDF by its suffix).

    Raises
    ------
    UsageError
        For another suffix.
    GameplanError
        If there is nothing to draw, or the file cannot be written.
    """
    check_format(path.suffix)
    shown = {world: {k: c for k, c in lines.items() if len(c[0])} for world, lines in worlds.items()}
    shown = {world: lines for world, lines in shown.items() if lines}
    if not shown:
        raise GameplanError(f"there is nothing to draw: no run has measured {y} yet")
    labels = list(dict.fromkeys(label for lines in shown.values() for label in lines))
    legend = 0.2 * -(-len(labels) // 3) + 0.25
    with matplotlib.rc_context({"font.size": font_size, **STABLE}):
        figure = Figure(figsize=(max(3.6, 2.9 * len(shown)), 2.5 + legend + (0.25 if title else 0.0)), layout="constrained")
        panels = figure.subplots(1, len(shown), squeeze=False)[0]
        for panel, (world, lines) in zip(panels, shown.items(), strict=True):
            for label, curve in lines.items():
                _draw(panel, labels.index(label), label, curve)
            panel.set_title(world, fontsize=font_size, loc="left")
            panel.set_xscale("log")
            panel.set_xlabel(AXES[x])
            panel.grid(True, which="major", linewidth=0.3, alpha=0.6)
            panel.tick_params(which="minor", length=0)
        panels[0].set_ylabel("score while learning" if y == "score" else y.replace("_", " "))
        if title:
            figure.suptitle(title, fontsize=font_size + 1)
        handles = {h.get_label(): h for panel in panels for h in panel.get_lines()}
        figure.legend([handles[label] for label in labels], labels, loc="outside lower center", ncols=3, frameon=False)
        save_figure(figure, path)


def _draw(panel: Any, index: int, label: str, curve: Sequence[np.ndarray]) -> None:
    x, middle, low, high = curve
    colour = COLOURS[index % len(COLOURS)]
    panel.plot(x, middle, label=label, color=colour, linestyle=LINES[index // len(COLOURS) % len(LINES)], linewidth=1.0)
    panel.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0.0)
