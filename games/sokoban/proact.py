"""The world ``sokoban-proact``: the rules and levels on which ProAct was evaluated (Yu et al., arXiv 2602.05327).

Parameters
----------
levels : ProAct's file of levels; the shipped ones if it is empty
range : which of them, counted from 1, such as 3 or 1-6; all if it is empty
variant : which of the paper's tests: its levels, two further ones, four actions, or other symbols
check : whether the file must be the published one
masked : whether only actions that change something are legal
deadlocks : what search leaves out: nothing, dead squares, also boxes that block each other, pushes that can wait, goals shut off
horizon : actions after which an episode is cut; at least 1
"""

import hashlib
from pathlib import Path

from games.errors import UsageError
from games.sokoban.levels import read_levels
from games.sokoban.worlds import DATA, DEADLOCKS, SokobanWorld, in_range

PROACT_SHA256 = "d8dcf5dca79d2597741179dca221e9577baedbd0755d3f5e4c47b1a620aece29"
OPTIONS = {
    "levels": "",
    "range": "",
    "variant": "origin",
    "check": True,
    "masked": False,
    "deadlocks": "off",
    "horizon": 200,
}
CHOICES = {"variant": ("origin", "extra", "action", "symbol"), "deadlocks": tuple(DEADLOCKS)}


def make(name: str, levels: str, range: str, variant: str, check: bool, masked: bool, deadlocks: str, horizon: int) -> SokobanWorld:
    """Return the world ``sokoban-proact``: the published levels from a path, or shipped ones, under ProAct's rules.

    Variant ``extra`` takes levels 7 and 8, the others 1 to 6; ``action`` has four actions, the others eight.

    Raises
    ------
    UsageError
        For a file that cannot be read or, with `check`, that is not the published one.
    """
    found = read_levels(levels or DATA / "proact.xsb")
    if levels and check:
        digest = hashlib.sha256(Path(levels).read_bytes()).hexdigest()
        if digest != PROACT_SHA256:
            raise UsageError(
                f"{levels}: is not ProAct's levels_random.txt (SHA-256 {digest[:12]}...); for other levels say check=false"
            )
    if check:
        found = found[6:8] if variant == "extra" else found[:6]
    symbols, actions = ("symbol" if variant == "symbol" else "origin"), ("moves" if variant == "action" else "explicit")
    chosen = in_range(found, range)
    return SokobanWorld(name, chosen, actions, "pushes", deadlocks, False, masked, horizon, symbols, count_boxes=True)
