"""The tree of a small game: who moves where, what is played there, and how often one comes."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workbench.figures.frame import PLAIN, Look, check_format, legend_below, save_figure
from workbench.figures.style import QUIET, part_colour
from workbench.views.game_tree import CHANCE, Node, game_tree, leaves
from workbench.views.policy import PolicyView

LEAF = 0.15  # inches of an end
SELDOM = 1e-3  # edges that are taken less often are dotted


def draw_tree(view: PolicyView, path: Path | None, *, look: Look = PLAIN) -> Figure:
    """Draw the game tree of `view` from left to right, and return the figure.

    It is written to `path` (PNG, SVG or PDF by its suffix), unless that is None.
    The width of an edge is the probability of coming along it; beside it stand the action and its probability, at the ends the
    payoffs. Nodes of one infoset are joined by dotted lines.

    Raises
    ------
    UsageError
        For another suffix, or a game too large.
    """
    if path is not None:
        check_format(path.suffix)
    root = game_tree(view)
    ends = leaves(root)
    depth = _depth(root)
    places: dict[int, tuple[float, float]] = {}
    _place(root, 0, {id(end): -k for k, end in enumerate(ends)}, places)
    with look.context():
        size = (look.width or max(3.4, 1.3 * depth + 0.8), max(1.6, LEAF * len(ends)))
        figure = Figure(figsize=(size[0], size[1] + (0.25 if look.title else 0.0)), layout="constrained")
        panel = figure.subplots()
        panel.set_axis_off()
        small = min(look.font_size - 2, 72 * LEAF * 0.62)
        infosets: dict[tuple[int, int], list[tuple[float, float]]] = {}
        _draw(panel, root, places, small, infosets)
        for (player, number), at in infosets.items():
            if len(at) > 1:
                panel.plot(*zip(*at, strict=True), linestyle=":", linewidth=0.6, color=part_colour(player), zorder=1,
                           label=f"_infoset {player} {number}")  # fmt: skip
        for end in ends:
            text = ", ".join(f"{x:.3g}" for x in end.payoffs)
            panel.annotate(text, places[id(end)], (4, 0), textcoords="offset points", va="center", fontsize=small)
        panel.set_xlim(-0.15, depth + 0.25 * view.game.players)
        panel.set_ylim(-len(ends) + 0.3, 0.7)
        figure.suptitle(look.title or view.game.name, fontsize=look.font_size + 1)
        marks: dict[str, Any] = {"chance": Line2D([], [], linestyle="none", marker="D", color="white", markeredgecolor="black")}
        marks |= {
            f"player {p}": Line2D([], [], linestyle="none", marker="o", color=part_colour(p)) for p in range(view.game.players)
        }
        legend_below(figure, marks, look.font_size)
        return save_figure(figure, path)


def _depth(node: Node) -> int:
    return 1 + max(map(_depth, node.children)) if node.children else 0


def _place(node: Node, depth: int, rows: dict[int, float], places: dict[int, tuple[float, float]]) -> float:
    """Write the places of `node` and all below it to `places`; return its height."""
    y = float(np.mean([_place(child, depth + 1, rows, places) for child in node.children])) if node.children else rows[id(node)]
    places[id(node)] = float(depth), y
    return y


def _draw(panel: Any, node: Node, places: dict[int, tuple[float, float]], small: float, infosets: dict[Any, Any]) -> None:
    x, y = places[id(node)]
    for child in node.children:
        across, up = places[id(child)]
        seldom = child.reach < SELDOM
        panel.plot(
            (x, across), (y, up), color="0.7" if seldom else "0.25", linewidth=0.4 if seldom else 0.5 + 4.0 * child.reach,
            linestyle=":" if seldom else "-", zorder=2, solid_capstyle="round", label="_edge", gid=f"{child.reach:.6g}",
        )  # fmt: skip
        panel.text(
            x + 0.62 * (across - x), y + 0.62 * (up - y), f"{child.by} {_share(child.probability)}", fontsize=small, ha="center",
            va="center", zorder=4, color=QUIET if seldom else "black",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3, "alpha": 0.75},
        )  # fmt: skip
        _draw(panel, child, places, small, infosets)
    if node.player == CHANCE:
        panel.plot(x, y, marker="D", color="white", markeredgecolor="black", markersize=4, markeredgewidth=0.7, zorder=5)
    elif node.player is not None:
        panel.plot(x, y, marker="o", color=part_colour(node.player), markersize=4.5, zorder=5)
        infosets.setdefault((node.player, node.infoset), []).append((x, y))


def _share(p: float) -> str:
    return f"{p:.2f}".replace("0.", ".") if 0.005 <= p <= 0.995 else f"{p:.0f}"
