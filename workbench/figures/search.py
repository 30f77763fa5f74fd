"""Searches as pictures: a tree of actions with visits and values, or how a board or graph was searched."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure

from games.errors import UsageError
from games.world import Instance, World
from workbench.figures.animation import draw_network, layout_of
from workbench.figures.board import draw_board
from workbench.figures.frame import PLAIN, Look, check_format, count_along, save_figure
from workbench.figures.style import COLOURS, QUIET, SEQUENTIAL
from workbench.views.search import Expanded, Searched

ROW = 0.17  # inches of a leaf
MOST_STATES = 4000  # of which a board's heat is made, evenly taken


def draw_search(
    world: World, instance: Instance, found: Searched | Expanded, path: Path | None, *, title: str = "", look: Look = PLAIN
) -> Figure:
    """Return the figure of what was searched, written to `path` (PNG, SVG or PDF by its suffix) unless that is None.

    Raises
    ------
    UsageError
        For another suffix, or expansions in a world that has neither a board nor a graph.
    """
    if path is not None:
        check_format(path.suffix)
    with look.context():
        if isinstance(found, Searched):
            figure = _tree(found, look)
        else:
            figure = _expansions(world, instance, found, look)
        figure.suptitle(look.title or title, fontsize=look.font_size + 1)
        return save_figure(figure, path)


def _tree(root: Searched, look: Look) -> Figure:
    rows: dict[int, tuple[float, float]] = {}
    leaves = _place(root, 0, 0, rows)
    depth = max(x for x, _ in rows.values())
    longest = max(map(len, _texts(root)))
    column = max(1.5, 0.057 * longest + 0.35)  # inches
    figure = Figure(figsize=(look.width or column * depth + 2.2, max(1.8, ROW * leaves + 0.5)), layout="constrained")
    panel = figure.subplots()
    panel.set_axis_off()
    values = [value for value in _values(root) if np.isfinite(value)]
    norm = Normalize(min(values, default=0.0), max(values, default=1.0) + 1e-12)
    _draw(panel, root, rows, max(root.visits, 1), norm, min(look.font_size - 2.0, 72 * ROW * 0.6))
    panel.set_xlim(-0.1, depth + 0.95)
    panel.set_ylim(-leaves + 0.4, 0.6)
    shown = figure.colorbar(ScalarMappable(norm, SEQUENTIAL), ax=panel, shrink=0.6, aspect=20, pad=0.01)
    shown.set_label("value")
    return figure


def _place(node: Searched, depth: int, row: int, rows: dict[int, tuple[float, float]]) -> int:
    """Write the places of `node` and all below it, whose first leaf is in `row`, to `rows`; return the row after them."""
    after = row
    for child in node.below:
        after = _place(child, depth + 1, after, rows)
    heights = [rows[id(child)][1] for child in node.below]
    rows[id(node)] = float(depth), float(np.mean(heights)) if heights else -float(row)
    return max(after, row + 1)


def _values(node: Searched) -> list[float]:
    return [node.value] + [value for child in node.below for value in _values(child)]


def _text(node: Searched) -> str:
    return f"{node.action}  n {node.visits:,}  {node.value:.3g}" if node.action else ""


def _texts(node: Searched) -> list[str]:
    return [_text(node)] + [text for child in node.below for text in _texts(child)]


def _draw(panel: Any, node: Searched, rows: dict[int, tuple[float, float]], most: int, norm: Normalize, small: float) -> None:
    x, y = rows[id(node)]
    for k, child in enumerate(node.below):
        across, up = rows[id(child)]
        panel.plot(
            (x, across), (y, up), color="0.2" if k == 0 else "0.7", linewidth=0.5 + 4.0 * child.visits / most, zorder=1,
            solid_capstyle="round", label="_edge",
        )  # fmt: skip
        _draw(panel, child, rows, most, norm, small)
    colour = "white" if np.isnan(node.value) else colormaps[SEQUENTIAL](norm(node.value))
    panel.plot(x, y, marker="o", markersize=4.0 + 5.0 * (node.visits / most) ** 0.5, color=colour, markeredgecolor="0.2",
               markeredgewidth=0.5, zorder=3, label="_node")  # fmt: skip
    if node.action:
        panel.annotate(
            _text(node), (x, y), (6, 1), textcoords="offset points", fontsize=small, va="bottom",
            zorder=4, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.2, "alpha": 0.6},
        )  # fmt: skip


def _expansions(world: World, instance: Instance, found: Expanded, look: Look) -> Figure:
    figure = Figure(figsize=(look.width or 6.4, 3.0), layout="constrained")
    board, levels = figure.subplots(1, 2, width_ratios=(1.5, 1.0))
    board.set_axis_off()
    opened = np.flatnonzero(found.opened)
    taken = opened[:: -(-len(opened) // MOST_STATES) or 1]
    picture, network = getattr(world, "picture", None), getattr(world, "network", None)
    if picture is not None:
        start = picture(instance, found.states[0])
        heat = board_heat(start, [picture(instance, found.states[n]) for n in taken])
        grounds = np.array([[to_rgb(cell.ground) for cell in row] for row in start])
        share = heat[:, :, None] / (heat.max() or 1.0)
        draw_board(board, start, (1.0 - 0.85 * share) * grounds + 0.85 * share * np.array(to_rgb(COLOURS[1])), ink=12.0)
        board.set_title("cells changed in expanded states")
    elif network is not None:
        graph = network(instance, found.states[0])
        places = layout_of(graph)
        draw_network(board, graph, places, [network(instance, found.states[n]).here for n in found.plan])
        here = places[[network(instance, found.states[n]).here for n in taken]]
        board.scatter(*here.T, s=70, facecolors="none", edgecolors=COLOURS[1], linewidths=1.0, zorder=5, label="_expanded")
        board.set_title("expanded nodes ringed")
    else:
        raise UsageError(f"{world.name} has neither a board nor a graph on which expansions could be drawn")
    f = found.costs.sum(axis=1)
    values, counts = np.unique(np.round(f[opened], 9), return_counts=True)
    levels.bar(range(len(values)), counts, color=QUIET, label="_expansions")
    levels.set_xlim(-2.5 + 0.5 * min(len(values), 4), len(values) + 1.5 - 0.5 * min(len(values), 4))
    count_along(levels.yaxis)
    levels.set_xticks(range(len(values)), [f"{value:g}" for value in values])
    levels.set(xlabel="g + h", ylabel="expansions")
    told = f"plan of {len(found.plan) - 1} steps" if found.plan else "no plan"
    levels.set_title(f"{len(opened):,} expanded, {len(found.states):,} seen, {told}")
    return figure


def board_heat(start: Sequence[Sequence[Any]], pictures: Sequence[Sequence[Sequence[Any]]]) -> np.ndarray:
    """Return the share (rows, columns) of `pictures` in which a cell looks other than in `start`."""
    heat = np.zeros((len(start), max(map(len, start))))
    for picture in pictures:
        for i, (row, before) in enumerate(zip(picture, start, strict=True)):
            for j, (cell, was) in enumerate(zip(row, before, strict=True)):
                heat[i, j] += cell != was
    return heat / max(1, len(pictures))
