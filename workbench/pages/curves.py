"""Curves of solver runs, a figure a game."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.comparison.curves import FLOOR, Curve, Curves
from workbench.pages.parts import Section, look, paper

AXES = {"iteration": "iteration", "nodes": "nodes visited", "seconds": "seconds of iterating"}
ROUNDING = 1e-15  # exploitabilities below it tell of rounding, as in figures for paper


def section(curves: Curves, paths: Sequence[Path]) -> Section | None:
    """Return the section about the `curves` of the solver runs and comparisons at `paths`."""
    shown = {game: {label: curve for label, curve in lines.items() if curve.points} for game, lines in curves.items()}
    shown = {game: lines for game, lines in shown.items() if lines}
    if not shown:
        return None
    options = "".join(f'<option value="{key}">{name}</option>' for key, name in AXES.items())
    html = (
        f'<div class="controls"><label>by <select id="curves-by">{options}</select></label>'
        '<label><input type="checkbox" id="curves-log-x" checked> logarithmic across</label>'
        '<label><input type="checkbox" id="curves-log-y" checked> logarithmic up</label></div>'
        '<p class="quiet">A name in a legend hides or shows its line; two clicks leave it alone.</p><div id="curves-figures"></div>'
        + paper("plot", *paths, "--out", "convergence.pdf")
    )
    data = {
        "floor": FLOOR,
        "rounding": ROUNDING,
        "axes": AXES,
        "games": [{"game": game, "lines": _lines(lines)} for game, lines in shown.items()],
    }
    return Section("curves", "Convergence", html, data, figures=True)


def _lines(lines: Mapping[str, Curve]) -> list[dict[str, object]]:
    return [
        {
            "label": label, "warmup": curve.warmup, **look(curve.name, curve.variant),
            "y": [point["exploitability"] for point in curve.points],
            **{key: [point[key] for point in curve.points] for key in AXES if key in curve.points[0]},
        }
        for label, curve in lines.items()
    ]  # fmt: skip
