"""Training runs: what they measured while learning, a figure a world."""

from collections.abc import Sequence

import numpy as np

from workbench.pages.parts import Section, look, paper
from workbench.views.curves import Learner, together

AXES = {
    "cost": "environment steps + expansions", "environment_steps": "environment steps", "expansions": "expansions",
    "update": "updates", "seconds": "CPU seconds of learning",
}  # fmt: skip


def section(learners: Sequence[Learner]) -> Section | None:
    """Return the section about training runs."""
    shown = [learner for learner in learners if learner.lines]
    if not shown:
        return None
    measures = sorted({key for learner in shown for line in learner.lines for key in line} - set(AXES))
    measures.sort(key=lambda name: name != "score")
    across = "".join(f'<option value="{key}">{name}</option>' for key, name in AXES.items())
    html = (
        '<div class="controls"><label>measure <select id="learning-measure"></select></label>'
        f'<label>by <select id="learning-by">{across}</select></label>'
        '<label><input type="checkbox" id="learning-log-x" checked> logarithmic across</label></div>'
        '<p class="quiet">One line a seed; bold the interquartile mean of several seeds with its 95 % band, as far as all have '
        'been.</p><div id="learning-figures"></div>' + paper("plot", *(learner.path for learner in shown), "--out", "learning.pdf")
    )
    worlds: dict[str, list[dict[str, object]]] = {}
    for learner in shown:
        columns = {key: [line.get(key) for line in learner.lines] for key in (*AXES, *measures)}
        line = {"method": learner.method, "seed": learner.seed, "run": learner.path.name, **look(learner.method)}
        worlds.setdefault(learner.world, []).append({**line, "columns": columns})
    bands: dict[str, list[dict[str, object]]] = {}
    for each in together(shown, AXES, measures):
        curves = {x: {y: _rounded(curve) for y, curve in by.items()} for x, by in each.curves.items()}
        bands.setdefault(each.world, []).append({"method": each.method, "seeds": each.seeds, **look(each.method), "curves": curves})
    data = {"measures": measures, "axes": AXES, "worlds": worlds, "bands": bands}
    return Section("learning", "Learning", html, data, figures=True)


def _rounded(curve: Sequence[np.ndarray]) -> list[list[float]]:
    return [[float(f"{value:.5g}") for value in part] for part in curve]
