"""Scores of planner runs: how many episodes come to how much, the middle with its band, and how far they climb."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workbench.comparison.bands import band, mean
from workbench.comparison.episodes import Episodes
from workbench.figures.frame import PLAIN, Look, check_format, fit_axes, legend_below, save_figure
from workbench.figures.style import style_of

DRAWS = 500  # of a bootstrap


def draw_scores(worlds: Mapping[str, Mapping[str, Episodes]], path: Path | None, *, look: Look = PLAIN) -> Figure:
    """Draw the scores of planner runs, world -> label -> episodes, a row of panels a world, and return the figure.

    The first panel has the share of episodes with at least a score, the second interquartile means with 95 % bands of a bootstrap
    over episodes, stratified by levels where those were played several times; where the world has a ladder, such as the largest
    tile of 2048, a third has the share that reached each rung, with a band. It is written to `path` (PNG, SVG or PDF by its
    suffix), unless that is None.

    Raises
    ------
    UsageError
        For another suffix.
    """
    if path is not None:
        check_format(path.suffix)
    climbs = any(each.ladder for runs in worlds.values() for each in runs.values())
    columns = 3 if climbs else 2
    with look.context():
        width = look.width or 2.5 * columns
        figure = Figure(figsize=(width, 2.1 * len(worlds) + (0.25 if look.title else 0.0)), layout="constrained")
        panels = figure.subplots(len(worlds), columns, squeeze=False)
        for line, (world, runs) in zip(panels, worlds.items(), strict=True):
            for label, each in runs.items():
                _draw_share(line[0], look.label(label), each)
            line[0].set(xlabel="score", ylabel="share with at least this", ylim=(-0.03, 1.03))
            line[0].set_title(world, loc="left")
            _draw_middles(line[1], runs, look)
            line[1].set_xlabel("score, interquartile mean")
            for panel in line[:2]:
                fit_axes(panel, look)
            if climbs:
                _draw_ladder(line[2], runs, look)
        if look.title:
            figure.suptitle(look.title, fontsize=look.font_size + 1)
        legend_below(figure, _legend(worlds, look), look.font_size)
        return save_figure(figure, path)


def _draw_share(panel: Any, label: str, each: Episodes) -> None:
    style = style_of(each.name, each.variant)
    scores = np.sort(each.scores)
    across = np.concatenate([scores[:1], scores, scores[-1:]])
    up = np.concatenate([[1.0], 1.0 - np.arange(len(scores)) / len(scores), [0.0]])
    panel.plot(across, up, drawstyle="steps-pre", color=style.colour, linestyle=style.line, linewidth=1.1, label=label)


def _draw_middles(panel: Any, runs: Mapping[str, Episodes], look: Look) -> None:
    for place, each in enumerate(runs.values()):
        style = style_of(each.name, each.variant)
        middle, low, high = band(each.scores, each.strata, draws=DRAWS)
        panel.plot((low, high), (place, place), color=style.colour, linewidth=1.4, label="_band")
        panel.plot(middle, place, color=style.colour, marker=style.marker, markersize=4.5, label="_middle")
    panel.set_yticks(range(len(runs)), [look.label(label) for label in runs])
    panel.set_ylim(len(runs) - 0.5, -0.5)


def _draw_ladder(panel: Any, runs: Mapping[str, Episodes], look: Look) -> None:
    climbing = {label: each for label, each in runs.items() if each.ladder}
    if not climbing:
        panel.set_visible(False)
        return
    rungs = np.unique(np.concatenate([each.climbed for each in climbing.values()]))
    for label, each in climbing.items():
        style = style_of(each.name, each.variant)
        reached = (each.climbed[:, None] >= rungs).astype(np.float64)
        middle, low, high = band(reached, each.strata, draws=DRAWS, middle=mean)
        places = np.arange(len(rungs))
        panel.plot(
            places, middle, color=style.colour, linestyle=style.line, marker=style.marker, markersize=3, linewidth=1.1,
            label=look.label(label),
        )  # fmt: skip
        panel.fill_between(places, low, high, color=style.colour, alpha=0.18, linewidth=0.0)
    panel.set_xticks(range(len(rungs)), [f"{rung:g}" for rung in rungs])
    panel.set(xlabel=next(iter(climbing.values())).ladder.replace("_", " "), ylabel="share that reached it", ylim=(-0.03, 1.03))
    panel.grid(True, linewidth=0.3, alpha=0.6)


def _legend(worlds: Mapping[str, Mapping[str, Episodes]], look: Look) -> dict[str, Any]:
    found = {}
    for runs in worlds.values():
        for label, each in runs.items():
            style = style_of(each.name, each.variant)
            found[look.label(label)] = Line2D(
                [], [], color=style.colour, linestyle=style.line, marker=style.marker, markersize=3, linewidth=1.1
            )
    return found
