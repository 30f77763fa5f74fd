"""The figure of a discovery: what every program scored when it came, the best so far, and the best that is published."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from games.errors import GameplanError
from workbench.figures.frame import PLAIN, Look, check_format, fit_axes, legend_below, panels_of, save_figure
from workbench.figures.style import QUIET, part_colour


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
    if path is not None:
        check_format(path.suffix)
    if not points:
        raise GameplanError("there is nothing to draw: no program has a score yet")
    steps, scores = zip(*sorted(points), strict=True)
    best = [max(scores[: k + 1]) for k in range(len(scores))]
    with look.context():
        figure, panels = panels_of(1, look)
        panel = panels.flat[0]
        panel.plot(steps, scores, linestyle="none", marker="o", markersize=2.0, color=QUIET, alpha=0.5, label="program")
        panel.step(steps, best, where="post", color=part_colour(0), linewidth=1.2, label="best so far")
        if known:
            name = max(known, key=lambda key: known[key])
            panel.axhline(known[name], color=part_colour(1), linewidth=0.9, linestyle="--", label=f"{name} (published)")
        panel.set(xlabel="step", ylabel="score")
        panel.set_title(title)
        fit_axes(panel, look)
        handles, labels = panel.get_legend_handles_labels()
        legend_below(figure, dict(zip(labels, handles, strict=True)), look.font_size)
        return save_figure(figure, path)
