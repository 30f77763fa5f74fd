"""The programs that a search for update rules starts from: the shipped rules."""

import re
from functools import cache
from importlib.resources import files

from solvers.cfr.rule_file import FUNCTIONS
from workbench.catalogue.entries import PUBLISHED
from workbench.discovery.genome.canonical import canonical

HORIZON = 1000.0


@cache
def shipped() -> dict[str, str]:
    """Return the catalogue's CFR rules by name, CFR+ first, in normal form.

    A rule's ``planned_iterations`` becomes a constant, the horizon of training: a search must not be told how long it runs.
    """
    found = {}
    for name, entry in PUBLISHED.items():
        text = (files("solvers.cfr.rules") / f"{entry.module.rpartition('.')[2]}.py").read_text()
        text = re.sub(r'"planned_iterations": 0\b', f'"planned_iterations": {HORIZON}', text)
        found[name] = canonical(text.replace("planned_iterations", "horizon"), FUNCTIONS)
    return {"cfr+": found["cfr+"], **found}
