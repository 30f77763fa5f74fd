"""Figures of planners: score or success against what it cost, one row of panels a world."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from workbench.comparison.planners import is_share, success
from workbench.figures.frame import PLAIN, Look, check_format, fit_axes, legend_below, save_figure
from workbench.figures.style import style_of

COSTS = {  # what a panel has on its horizontal axis, a decision
    "evaluations": "evaluator calls a decision",
    "expansions": "expansions a decision",
    "transitions": "simulated steps a decision",
    "milliseconds": "milliseconds a decision",
}


def draw_success(summary: Mapping[str, Any], path: Path | None, *, look: Look = PLAIN) -> Figure:
    """Return the figure of a comparison of planners (`workbench.comparison.planners.summarise`).

    It is written to `path` (PNG, SVG or PDF by its suffix), unless that is None.

    Raises
    ------
    UsageError
        For another suffix.
    GameplanError
        If the file cannot be written.
    """
    if path is not None:
        check_format(path.suffix)
    rows = [row for row in summary["rows"] if "reason" not in row]
    envs = list(dict.fromkeys(row["env"] for row in rows))
    planners = list(dict.fromkeys(row["planner"] for row in rows))
    costs = [cost for cost in COSTS if any(_cost(row, cost) > 0.0 for row in rows)]
    costs = costs or [*COSTS][-1:]  # where no decision was taken
    with look.context():
        width = look.width or max(3.6, 2.6 * len(costs))
        figure = Figure(figsize=(width, 2.3 * len(envs)), layout="constrained")
        panels = figure.subplots(len(envs), len(costs), squeeze=False)
        for line, env in zip(panels, envs, strict=True):
            for panel, cost in zip(line, costs, strict=True):
                for planner in planners:
                    _draw(panel, planner, [r for r in rows if r["env"] == env and r["planner"] == planner], cost, look)
                if panel.get_lines():
                    panel.set_xscale("log")
                panel.set_xlabel(COSTS[cost])
                fit_axes(panel, look)
            solved = any(row["env"] == env and is_share(row) for row in rows)
            line[0].set_ylabel("share solved" if solved else "interquartile mean score")
            line[0].set_title(env, loc="left")
        handles = {h.get_label(): h for panel in panels.flat for h in panel.containers}
        legend_below(figure, handles, look.font_size)
        return save_figure(figure, path)


def _draw(panel: Any, planner: str, rows: Sequence[Mapping[str, Any]], cost: str, look: Look) -> None:
    points = sorted((_cost(row, cost), *found) for row in rows if (found := success(dict(row))) and _cost(row, cost) > 0.0)
    if not points:
        return
    across, up, low, high = (np.array(values) for values in zip(*points, strict=True))
    style = style_of(planner)
    panel.errorbar(
        across, up, yerr=[up - low, high - up], label=look.label(planner), color=style.colour, linestyle=style.line,
        marker=style.marker, markersize=3, linewidth=1.0, capsize=2, elinewidth=0.7,
    )  # fmt: skip


def _cost(row: Mapping[str, Any], cost: str) -> float:
    return float(row["milliseconds"] if cost == "milliseconds" else row["decision"][cost])
