"""Outcome-sampling Monte-Carlo CFR (Lanctot, Waugh, Zinkevich, Bowling 2009): one history a walk, by an exploring policy.

Parameters
----------
epsilon : share of the uniform policy in what the player whose walk it is draws from; above 0, at most 1
and those of solvers.mccfr.weights
"""

from games.params import Value
from solvers.mccfr import weights
from solvers.mccfr.outcome import iterate

PARAMS: dict[str, Value] = {"epsilon": 0.6, **weights.PARAMS}
CHOICES, ITERATE = weights.CHOICES, iterate
