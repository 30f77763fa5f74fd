"""Outcome sampling with baselines (Schmid, Burch, Lanctot, Moravcik, Kadlec, Bowling 2019): less variance, the same mean.

An action that was not drawn counts as its baseline, the drawn one as its baseline and what was seen beyond it over the probability
of the draw. Baselines are running averages of what was seen after an action, one for every player, infoset and action.

Parameters
----------
baseline : step of the running averages that are the baselines; above 0, at most 1
and those of solvers.mccfr.os_mccfr
"""

from games.params import Value
from solvers.mccfr import os_mccfr
from solvers.mccfr.outcome import iterate

PARAMS: dict[str, Value] = {"baseline": 0.5, **os_mccfr.PARAMS}
CHOICES, ITERATE = os_mccfr.CHOICES, iterate
