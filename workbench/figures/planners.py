"""Figures of planners: score or success against what it cost, one row of panels a world."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from workbench.comparison.planners import is_share, success
from workbench.figures.convergence import COLOURS, LINES, MARKERS, STABLE, check_format, save_figure

COSTS = {  # what a panel has on its horizontal axis, a decision
    "evaluations": "evaluator calls a decision",
    "expansions": "expansions a decision",
    "transitions": "simulated steps a decision",
    "milliseconds": "milliseconds a decision",
}


def draw_success(summary: Mapping[str, Any], path: Path, *, font_size: float = 8.0) -> None:
    """Draw a comparison of planners (`workbench.comparison.planners.summarise`) to `path` (PNG, SVG or PDF by its suffix).

    Raises
    ------
    UsageError
        For another suffix.
    GameplanError
        If the file cannot be written.
    """
    check_format(path.suffix)
    rows = [row for row in summary["rows"] if "reason" not in row]
    envs = list(dict.fromkeys(row["env"] for row in rows))
    planners = list(dict.fromkeys(row["planner"] for row in rows))
    costs = [cost for cost in COSTS if any(_cost(row, cost) > 0.0 for row in rows)]
    legend = 0.2 * -(-len(planners) // 4) + 0.25
    with matplotlib.rc_context({"font.size": font_size, **STABLE}):
        figure = Figure(figsize=(max(3.6, 2.6 * len(costs)), 2.3 * len(envs) + legend), layout="constrained")
        panels = figure.subplots(len(envs), len(costs), squeeze=False)
        for line, env in zip(panels, envs, strict=True):
            for panel, cost in zip(line, costs, strict=True):
                for index, planner in enumerate(planners):
                    _draw(panel, index, planner, [r for r in rows if r["env"] == env and r["planner"] == planner], cost)
                if panel.get_lines():
                    panel.set_xscale("log")
                panel.set_xlabel(COSTS[cost])
                panel.grid(True, which="major", linewidth=0.3, alpha=0.6)
            solved = any(row["env"] == env and is_share(row) for row in rows)
            line[0].set_ylabel("share solved" if solved else "mean score")
            line[0].set_title(env, fontsize=font_size, loc="left")
        handles = {h.get_label(): h for panel in panels.flat for h in panel.containers}
        figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=4, frameon=False, fontsize=font_size)
        save_figure(figure, path)


def _draw(panel: Any, index: int, planner: str, rows: Sequence[Mapping[str, Any]], cost: str) -> None:
    points = sorted((_cost(row, cost), *found) for row in rows if (found := success(dict(row))) and _cost(row, cost) > 0.0)
    if not points:
        return
    across, up, half = zip(*points, strict=True)
    style = LINES[index // len(COLOURS) % len(LINES)]
    panel.errorbar(
        across, up, yerr=half, label=planner, color=COLOURS[index % len(COLOURS)], linestyle=style,
        marker=MARKERS[index % len(MARKERS)], markersize=3, linewidth=1.0, capsize=2, elinewidth=0.7,
    )  # fmt: skip


def _cost(row: Mapping[str, Any], cost: str) -> float:
    return float(row["milliseconds"] if cost == "milliseconds" else row["decision"][cost])
