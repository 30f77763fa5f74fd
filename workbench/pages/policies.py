"""The policy browser: the infosets of a run's policy with what is played there, their reach and their regret."""

from collections.abc import Sequence

from workbench.pages.parts import Section, words
from workbench.views.policy import InfosetRow, PolicyView

MOST = 12_000  # infosets on a page, of all policies
LEAST = 100  # of every policy
CONTROLS = """<div class="controls"><label>policy <select id="policies-run"></select></label>
<label>search <input type="search" id="policies-search" placeholder="infoset or action; * is anything"></label>
<label>player <select id="policies-player"></select></label>
<label>reached at least <select id="policies-reach"><option value="0">never</option><option value="0.0001">1 in 10,000</option>
<option value="0.001">1 in 1,000</option><option value="0.01">1 in 100</option><option value="0.1">1 in 10</option></select></label>
<label>sorted by <select id="policies-sort"><option value="order">the game</option><option value="reach">reach</option>
<option value="regret">regret</option></select></label><output id="policies-count"></output></div>
<div class="wide"><table id="policies-table"><thead><tr><th>player</th><th>infoset</th><th>after</th><th>plays</th><th>reach</th>
<th>regret</th></tr></thead><tbody></tbody></table></div><button type="button" id="policies-more">more</button>
<div id="policies-map"></div><p class="paper">for paper: <code id="policies-paper"></code></p>"""


def section(policies: Sequence[PolicyView]) -> Section | None:
    """Return the section about `policies`; of large ones what is reached most often."""
    if not policies:
        return None
    most, texts = max(LEAST, MOST // len(policies)), _Texts()
    data = [
        {
            "run": str(view.source), "name": view.source.name, "game": view.game.name, "players": view.game.players,
            "total": sum(view.game.infosets), "missing": view.missing, "rows": [_row(row, texts) for row in _reached(view, most)],
            "paper": words("plot", "--policy", view.source, "--out", "policy.pdf"), "show": words("show", view.source),
        }
        for view in policies
    ]  # fmt: skip
    return Section("policies", "Policies", CONTROLS, {"texts": list(texts.places), "policies": data}, figures=True)


class _Texts:
    """Texts that are said once and then by their place."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self.places.setdefault(text[:500], len(self.places))


def _reached(view: PolicyView, most: int) -> list[InfosetRow]:
    """Return at most `most` rows of a policy, in the game's order, those that are reached most often."""
    rows = list(view.rows(most=None))
    if len(rows) <= most:
        return rows
    kept = sorted(range(len(rows)), key=lambda place: -rows[place].reach)[:most]
    return [rows[place] for place in sorted(kept)]


def _row(row: InfosetRow, texts: _Texts) -> list[object]:
    numbers = [float(f"{p:.4g}") for p in row.probabilities]
    return [
        row.player, texts(row.label), texts(", ".join(row.after)), [texts(name) for name in row.names], numbers,
        float(f"{row.reach:.4g}"), float(f"{row.regret:.3g}"), [float(f"{regret:.3g}") for regret in row.regrets],
    ]  # fmt: skip
