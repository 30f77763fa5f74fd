"""Convergence figures: exploitability on a logarithmic axis, one panel a game, one legend for all."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from games.errors import GameplanError, UsageError
from games.files import write_output

SUFFIXES = (".png", ".svg", ".pdf")
FLOOR = 1e-17  # exploitabilities at or below zero are rounding; they are drawn here

# Okabe & Ito's colours, told apart by colour-blind readers, first with solid then with dashed lines; markers help in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "h")

STABLE: dict[Any, Any] = {
    "svg.hashsalt": "gameplan",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}  # text stays text, equal figures equal bytes

Curves = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]


def draw_convergence(curves: Curves, path: Path, *, x: str = "iteration", title: str = "", font_size: float = 8.0) -> None:
    """Draw `curves`, game -> algorithm -> lines with `x` and "exploitability", to `path` (PNG, SVG or PDF by its suffix).

    Raises
    ------
    UsageError
        For another suffix.
    GameplanError
        If there is nothing to draw or the file cannot be written.
    """
    check_format(path.suffix)
    curves = {game: lines for game, lines in curves.items() if any(lines.values())}
    if not curves:
        raise GameplanError("there is nothing to draw: no run has an evaluated iteration yet")
    labels = list(dict.fromkeys(label for lines in curves.values() for label in lines))
    columns = min(len(curves), 4 if len(curves) > 6 else 3 if len(curves) != 4 else 2)
    rows = -(-len(curves) // columns)
    width = 3.4 if columns == 1 else 2.4 * columns
    legend_rows = -(-len(labels) // max(1, int(width / 0.95)))
    legend_columns = -(-len(labels) // legend_rows)
    legend_height = 0.2 * legend_rows + 0.25
    with matplotlib.rc_context({"font.size": font_size, **STABLE}):
        height = (2.4 if columns == 1 else 1.9) * rows + legend_height + (0.25 if title else 0.0)
        figure = Figure(figsize=(width, height), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False)
        for panel, (game, lines) in zip(panels.flat, curves.items(), strict=False):
            for label, points in lines.items():
                _draw_line(panel, labels.index(label), label, points, x)
            panel.set_title(game, fontsize=font_size)
            panel.set_xscale("log")
            panel.set_yscale("log")
            panel.grid(True, which="major", linewidth=0.3, alpha=0.6)
            panel.tick_params(which="minor", length=0)
        for panel in panels.flat[len(curves) :]:
            panel.set_visible(False)
        for index in range(len(curves)):  # under the lowest panel of each column; a label of the figure would hit the legend
            if index + columns >= len(curves):
                panels.flat[index].set_xlabel({"iteration": "iteration", "seconds": "seconds of iterating"}[x])
        figure.supylabel("exploitability (NashConv / players)", fontsize=font_size)
        if title:
            figure.suptitle(title, fontsize=font_size + 1)
        handles = {h.get_label(): h for panel in panels.flat for h in panel.get_lines()}
        figure.legend(
            [handles[label] for label in labels], labels, loc="outside lower center", ncols=legend_columns, frameon=False,
            fontsize=font_size, handlelength=2.4, columnspacing=1.2,
        )  # fmt: skip
        save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write `figure` to `path`, the same bytes for the same figure.

    Raises
    ------
    GameplanError
        If it cannot be written.
    """
    drawn = io.BytesIO()
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix)
    figure.savefig(drawn, format=path.suffix[1:], dpi=200, metadata=metadata)
    write_output(path, drawn.getvalue())


def check_format(suffix: str) -> None:
    """Raise UsageError unless figures of this kind can be drawn."""
    if suffix not in SUFFIXES:
        raise UsageError(f"no figure ends in {suffix!r}; legal are {', '.join(SUFFIXES)}")


def _draw_line(panel: Any, index: int, label: str, points: Sequence[Mapping[str, Any]], x: str) -> None:
    across = [point[x] for point in points]
    up = [max(point["exploitability"], FLOOR) for point in points]
    panel.plot(
        across, up, label=label, color=COLOURS[index % len(COLOURS)], linestyle=LINES[index // len(COLOURS) % len(LINES)],
        marker=MARKERS[index % len(MARKERS)], markersize=2.6, markevery=max(1, len(across) // 8), linewidth=1.0,
    )  # fmt: skip
