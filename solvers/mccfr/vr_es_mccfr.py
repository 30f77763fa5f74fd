"""External sampling with baselines (Schmid, Burch, Lanctot, Moravcik, Kadlec, Bowling 2019) where the others draw.

At a node of another player the value is what the baselines of its actions are worth under its policy, and what was seen beyond the
baseline of the drawn one. Baselines are running averages of what was seen after an action, one for every player, infoset and
action.

Parameters
----------
baseline : step of the running averages that are the baselines; above 0, at most 1
and those of solvers.mccfr.weights
"""

from games.params import Value
from solvers.mccfr import weights
from solvers.mccfr.external import iterate

PARAMS: dict[str, Value] = {"baseline": 0.5, **weights.PARAMS}
CHOICES, ITERATE = weights.CHOICES, iterate
