"""Training runs: what they measured while learning, a figure a world."""

from collections.abc import Sequence

from workbench.pages.parts import Section, look, paper
from workbench.views.curves import Learner

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
        '<p class="quiet">One line a seed.</p><div id="learning-figures"></div>'
        + paper("plot", *(learner.path for learner in shown), "--out", "learning.pdf")
    )
    worlds: dict[str, list[dict[str, object]]] = {}
    for learner in shown:
        columns = {key: [line.get(key) for line in learner.lines] for key in (*AXES, *measures)}
        line = {"method": learner.method, "seed": learner.seed, "run": learner.path.name, **look(learner.method)}
        worlds.setdefault(learner.world, []).append({**line, "columns": columns})
    data = {"measures": measures, "axes": AXES, "worlds": worlds}
    return Section("learning", "Learning", html, data, figures=True)
