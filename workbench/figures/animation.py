"""Animations of episodes: the board or graph of every step, the score so far, and what the planner knew of its actions."""

import tempfile
import textwrap
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from games.errors import GameplanError, UsageError
from games.files import reason, write_output
from games.world import Cell, Network
from workbench.figures.board import draw_board
from workbench.figures.style import COLOURS, QUIET
from workbench.planning.replay import Frame

KINDS = {"goal": COLOURS[2], "trap": COLOURS[1], "end": "0.75", "live": COLOURS[5]}  # ground of nodes of a graph
MOST_BARS = 8  # actions whose values are shown, the best
LONGEST = 26  # characters of an action's name beside its bar
NAMED = 40  # nodes up to which all are named


def write_gif(frames: Sequence[Frame], path: Path, delay: float, tell: Callable[[str], None] = lambda name: None) -> None:
    """Draw `frames` as an animation to `path` (GIF), `delay` seconds a frame; `tell` hears of every frame drawn.

    Raises
    ------
    UsageError
        If the file is not to end in .gif.
    GameplanError
        If it cannot be written.
    """
    if path.suffix != ".gif":
        raise UsageError(f"{path} does not end in .gif, the only animation that can be written")
    film = Film(frames)
    animation = FuncAnimation(film.figure, film.draw, frames=len(frames), interval=1000 * delay, repeat=False)
    try:
        with tempfile.TemporaryDirectory() as folder:  # the writer wants a file's name
            writer = PillowWriter(fps=1.0 / max(delay, 0.02))  # type: ignore[arg-type]
            done = lambda k, count: tell(frames[k].title)  # noqa: E731
            animation.save(Path(folder) / "play.gif", writer, progress_callback=done)
            drawn = (Path(folder) / "play.gif").read_bytes()
    except OSError as error:
        raise GameplanError(f"cannot draw {path}: {reason(error)}; make room for temporary files") from error
    write_output(path, drawn, "--gif")


class Film:
    """A figure on which one of `frames` after the other is drawn: `stage` has the state, `bars` the values if any are known."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = frames
        self.valued = any(frame.values for frame in frames)
        self.walk = [frame.network.here for frame in frames if frame.network is not None]
        wide, high = _extent(frames[0])
        width = max(3.4, wide) + (2.6 if self.valued else 0.0)
        high = max(high, 2.2) + 0.8
        self.figure = Figure(figsize=(width, high), dpi=max(40, min(100, int(900 / max(width, high)))), layout="constrained")
        ratios = [max(3.4, wide), 2.6] if self.valued else [1.0]
        panels = self.figure.subplots(1, len(ratios), squeeze=False, width_ratios=ratios)[0]
        self.stage, self.bars = panels[0], panels[1] if self.valued else None
        network = frames[0].network
        self.layout = None if network is None else layout_of(network)

    def draw(self, number: int) -> list[Any]:
        """Draw the frame with this `number` in place of the one before."""
        frame = self.frames[number]
        self.stage.clear()
        self.stage.set_axis_off()
        score = "" if frame.score is None else f"score {frame.score:,.10g}"
        room = int(self.figure.get_size_inches()[0] / 0.085)
        self.figure.suptitle("\n".join(textwrap.wrap(f"{frame.title}   {score}", room)), fontsize=9)
        self.stage.set_title(frame.action and f"-> {frame.action}", fontsize=9)
        if frame.picture is not None:
            draw_board(self.stage, frame.picture)
        elif frame.network is not None and self.layout is not None:
            draw_network(self.stage, frame.network, self.layout, self.walk[: number + 1])
        else:
            self.stage.text(0, 1, frame.text, family="monospace", fontsize=9, va="top", transform=self.stage.transAxes)
        if self.bars is not None:
            draw_values(self.bars, frame)
        return []


def draw_values(panel: Any, frame: Frame) -> None:
    """Draw the values of the actions of `frame` as bars into `panel`, the best on top, the one that was taken in colour."""
    panel.clear()
    known = sorted((v for v in frame.values if np.isfinite(v[1])), key=lambda v: -v[1])
    shown = known[:MOST_BARS]
    left = len(known) - len(shown)
    panel.set_title("value of actions" + (f" ({left} more)" if left else ""), fontsize=8)
    if not shown:
        panel.set_axis_off()
        return
    panel.set_axis_on()
    colours = [COLOURS[5] if name == frame.action else "0.85" for name, _, _ in shown]
    panel.barh(range(len(shown)), [value for _, value, _ in shown], color=colours)
    for place, (name, value, visits) in enumerate(shown):
        text = f"{_short(name)}  {value:.4g}" + (f"  n {visits:,}" if visits else "")
        panel.text(0.02, place, text, transform=panel.get_yaxis_transform(), va="center", fontsize=7, clip_on=True)
    if not any(value for _, value, _ in shown):
        panel.set_xlim(0.0, 1.0)
    panel.set(yticks=[], ylim=(max(len(shown), 4) - 0.4, -0.6))
    panel.tick_params(labelsize=7)
    panel.locator_params(axis="x", nbins=4)


def layout_of(network: Network) -> np.ndarray:
    """Return places (nodes, 2) of a graph: columns by the steps from the start, nodes of a column apart."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(network.names)))
    graph.add_edges_from(network.edges.tolist())
    steps = nx.single_source_shortest_path_length(graph, network.start)
    deepest = max(steps.values(), default=0) + 1
    columns: dict[int, list[int]] = {}
    for node in range(len(network.names)):
        columns.setdefault(steps.get(node, deepest), []).append(node)
    places = np.zeros((len(network.names), 2))
    for column, nodes in columns.items():
        for k, node in enumerate(nodes):
            places[node] = column, 0.5 - (k + 0.5) / len(nodes)
    return places


def draw_network(panel: Any, network: Network, layout: np.ndarray, walk: Sequence[int]) -> None:
    """Draw a graph into `panel`: all edges pale, those that leave the state's node with their notes, and the `walk` so far."""
    segments, sources = layout[network.edges], network.edges[:, 0]
    leaving = np.flatnonzero(sources == network.here).tolist()
    panel.add_collection(LineCollection(segments[sources != network.here], colors="0.85", linewidths=0.4, zorder=1))
    for k in leaving:
        panel.annotate("", segments[k, 1], segments[k, 0], arrowprops={
            "arrowstyle": "-|>", "color": "0.25", "linewidth": 0.9, "shrinkA": 4, "shrinkB": 5, "mutation_scale": 7,
        })  # fmt: skip
    for before, after in pairwise(walk):
        panel.plot(*layout[[before, after]].T, color=COLOURS[0], linewidth=2.2, alpha=0.7, zorder=2, label="_walk")
    grounds = [KINDS.get(kind, "white") for kind in network.kinds]
    sizes = np.full(len(layout), 60.0 if len(layout) <= NAMED else 24.0)
    sizes[network.here] *= 2.4
    inks = ["black" if node == network.here else QUIET for node in range(len(layout))]
    panel.scatter(*layout.T, s=sizes, c=grounds, edgecolors=inks, linewidths=0.8, zorder=3, label="_nodes")
    targets = dict.fromkeys(int(network.edges[k, 1]) for k in leaving)
    for node in range(len(layout)):
        if len(layout) <= NAMED or node in targets or node in walk:
            panel.annotate(network.names[node], layout[node], (0, 7), textcoords="offset points", ha="center", fontsize=6, zorder=4)
    if len(leaving) <= NAMED:
        for k in leaving:
            at = 0.3 * segments[k, 0] + 0.7 * segments[k, 1]
            panel.annotate(network.notes[k], at, fontsize=5.5, ha="center", va="center", color="0.25", zorder=4,
                           bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.7})  # fmt: skip
    kinds = [kind for kind in KINDS if kind in network.kinds]
    for kind in kinds:
        panel.scatter([], [], s=24, c=KINDS[kind], edgecolors=QUIET, linewidths=0.8, label=kind)
    if kinds:
        panel.legend(loc="lower left", fontsize=6, frameon=False, ncols=len(kinds), borderaxespad=0.0, handletextpad=0.2)
    panel.margins(0.08, 0.12)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _extent(frame: Frame) -> tuple[float, float]:
    """Return the width and height in inches that the state of `frame` takes."""
    picture: Sequence[Sequence[Cell]] | None = frame.picture
    if picture is not None:
        return max(len(row) for row in picture) * 0.6, len(picture) * 0.6
    if frame.network is not None:
        size = len(frame.network.names)
        return 6.4, min(6.0, max(3.2, 0.13 * size))
    lines = frame.text.splitlines() or [""]
    return 0.09 * max(len(line) for line in lines), 0.2 * len(lines)
