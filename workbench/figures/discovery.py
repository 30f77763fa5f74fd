"""Figures of a discovery: scores as they came, where the best program comes from, and the front of size against score."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from games.errors import GameplanError
from workbench.discovery.population.ranking import rank
from workbench.figures.frame import PLAIN, Look, check_format, count_along, fit_axes, legend_below, panels_of, save_figure
from workbench.figures.style import LINES, QUIET, part_colour, style_of
from workbench.views.discovery import DiscoveryView, across, front, measure, published

NAMED = 12  # ancestors of the best program whose names are written beside them, at most; of more, the oldest and the best
NAME = 6  # characters of a program's name that a figure shows: `gameplan evolve show` takes any unique beginning
WIDE = 4.6  # inches of a figure for which no width is asked
DOT: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.0, "color": QUIET, "alpha": 0.45}


def draw_discovery(
    points: Sequence[tuple[int, float]], known: Mapping[str, float], path: Path | None, *, title: str = "", look: Look = PLAIN
) -> Figure:
    """Return the figure of `points` (step, score; higher is better), with the best of the `known` scores as a line.

    It is written to `path` (PNG, SVG or PDF by its suffix), unless that is None.

    Raises
    ------
    UsageError
        For another suffix.
    GameplanError
        If there is nothing to draw, or the file cannot be written.
    """
    _check(points, path)
    steps, scores = zip(*sorted(points), strict=True)
    best = [max(scores[: k + 1]) for k in range(len(scores))]
    with look.context():
        figure, panels = panels_of(1, look)
        panel = panels.flat[0]
        panel.plot(steps, scores, label="program", **DOT)
        panel.step(steps, best, where="post", color=part_colour(0), linewidth=1.2, label="best so far")
        if known:
            name = max(known, key=lambda key: known[key])
            panel.axhline(known[name], color=part_colour(1), linewidth=0.9, linestyle="--", label=f"{name} (published)")
        panel.set(xlabel="step", ylabel="score")
        count_along(panel.xaxis)
        panel.set_title(title)
        handles, labels = panel.get_legend_handles_labels()
        return _finish(figure, panel, dict(zip(labels, handles, strict=True)), path, look)


def draw_scores(view: DiscoveryView, path: Path | None, *, look: Look = PLAIN) -> Figure:
    """Return the figure of the scores of a discovery's programs, as `draw_discovery` draws them."""
    kind = view.config.ranking
    known = {} if kind == "capped-log" else {name: rank(kind, values) for name, values in view.known.items()}
    return draw_discovery([(m.n, m.score) for m in view.members], known, path, look=look)


def draw_front(view: DiscoveryView, path: Path | None, *, look: Look = PLAIN) -> Figure:
    """Return the figure of all programs by size and score, with the line of those that no smaller one is as good as.

    The published programs that the run has measured are marked as in all figures. Arguments and errors as in `draw_discovery`.
    """
    _check(view.members, path)
    measured, line, known = measure(view), front(view), published(view)
    with look.context():
        figure, panels = panels_of(1, look, alone=WIDE)
        panel = panels.flat[0]
        panel.plot([m.size for m in view.members], [measured.of(m.values) for m in view.members], label="program", **DOT)
        sizes, up = [m.size for m in line], [measured.of(m.values) for m in line]
        largest = max([*(m.size for m in view.members), *(size for size, _ in known.values())])
        panel.plot(
            [*sizes, largest], [*up, up[-1]], drawstyle="steps-post", color="0.25", linewidth=1.1, marker="o", markersize=3.0,
            markevery=range(len(sizes)), label="best of its size",
        )  # fmt: skip
        for name, (size, value) in known.items():
            style = style_of(name)
            panel.plot(
                size, value, linestyle="none", color=style.colour, marker=style.marker, markersize=4.5, label=look.label(name),
                markerfacecolor=style.colour if style.line == LINES[0] else "white",  # lines tell such names apart
            )  # fmt: skip
        panel.set(xlabel="size in nodes", ylabel=measured.text, yscale="log" if measured.less else "linear")
        count_along(panel.xaxis)
        handles, labels = panel.get_legend_handles_labels()
        return _finish(figure, panel, dict(zip(labels, handles, strict=True)), path, look)


def draw_lineage(view: DiscoveryView, path: Path | None, *, look: Look = PLAIN) -> Figure:
    """Return the figure of where the best program comes from: its ancestors by when they came and how good they are.

    A line leads from every parent, dashed from those that are not a program's first; colours and markers say which operator made
    a program. All other programs are dots, the best published one is a level. Arguments and errors as in `draw_discovery`.
    """
    _check(view.members, path)
    measured, by_id = measure(view), {m.id: m for m in view.members}
    shown = [(by_id[entry["program"]], entry) for entry in view.lineage if entry["program"] in by_id]
    places = {member.id: (across(view, member.n), measured.of(member.values)) for member in by_id.values()}
    legend: dict[str, Any] = {}
    with look.context():
        figure, panels = panels_of(1, look, alone=WIDE)
        panel = panels.flat[0]
        panel.plot(*zip(*places.values(), strict=True), label="_program", **DOT)
        for member, entry in shown:
            for number, parent in enumerate(p for p in entry["parents"] if p in places):
                ends = zip(places[parent], places[member.id], strict=True)
                panel.plot(*ends, color="0.25", linewidth=0.9, linestyle=":" if number else "-", label="_edge", zorder=2.1)
        for member, entry in shown:
            style = style_of(entry["operator"])
            drawn: dict[str, Any] = {"linestyle": "none", "color": style.colour, "marker": style.marker, "markersize": 4.5}
            panel.plot(*places[member.id], label=f"_{member.id}", zorder=2.2, **drawn)
            legend.setdefault(look.label(entry["operator"]), Line2D([], [], **drawn))
        named = shown if len(shown) <= NAMED else [shown[0], shown[-1]]
        for member, entry in named:
            _name(panel, str(entry["detail"].get("name") or member.id[:NAME]), places[member.id], len(view.steps))
        known = {name: measured.of(values) for name, values in view.known.items()}
        if known:
            name = (min if measured.less else max)(known, key=lambda key: known[key])
            level = panel.axhline(known[name], color=QUIET, linewidth=0.9, linestyle="--")
            legend[f"{look.label(name)} (published)"] = level
        legend["other programs"] = Line2D([], [], **DOT)
        panel.set(xlabel="evaluations", ylabel=measured.text, xscale="log", yscale="log" if measured.less else "linear")
        count_along(panel.xaxis)
        return _finish(figure, panel, legend, path, look)


def _name(panel: Any, text: str, place: tuple[float, float], last: int) -> None:
    """Write the name of a program beside it: to the left of those in the right half, where the axis ends."""
    right = place[0] > last**0.5
    panel.annotate(
        text, place, xytext=(-4 if right else 4, -4), textcoords="offset points", ha="right" if right else "left", va="top",
        fontsize="x-small", color="0.15", zorder=2.3, path_effects=[withStroke(linewidth=1.6, foreground="white")],
    )  # fmt: skip


def _check(points: Sequence[Any], path: Path | None) -> None:
    if path is not None:
        check_format(path.suffix)
    if not points:
        raise GameplanError("there is nothing to draw: no program has a score yet")


def _finish(figure: Figure, panel: Any, legend: Mapping[str, Any], path: Path | None, look: Look) -> Figure:
    fit_axes(panel, look)
    legend_below(figure, legend, look.font_size)
    return save_figure(figure, path)
