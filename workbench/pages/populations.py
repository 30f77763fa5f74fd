"""PSRO runs: the mixtures of every iteration under a slider, their exploitability, and the meta-game."""

from collections.abc import Sequence

from workbench.pages.parts import Section, words
from workbench.views.population import PopulationView

CONTROLS = """<div class="controls"><label>run <select id="populations-run"></select></label>
<label class="long">iteration <input type="range" id="populations-at" min="0" value="0">
<output id="populations-now"></output></label>
</div><div id="populations-mixtures"></div><div id="populations-exploitability"></div><div id="populations-game"></div>
<p class="paper">for paper: <code id="populations-paper"></code></p>"""


def section(populations: Sequence[PopulationView]) -> Section | None:
    """Return the section about `populations`."""
    if not populations:
        return None
    data = [
        {
            "name": view.path.name, "game": view.game, "train": view.train, "eval": view.eval, "iterations": view.iterations,
            "mixtures": view.mixtures, "exploitability": view.exploitability, "support": view.support,
            "payoffs": [[float(f"{payoff:.4g}") for payoff in row] for row in view.meta_game.tolist()],
            "paper": words("show", view.path, "--out", "population.pdf"),
        }
        for view in populations
    ]  # fmt: skip
    return Section("populations", "Populations", CONTROLS, data, figures=True)
