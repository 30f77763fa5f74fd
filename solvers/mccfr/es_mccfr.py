"""External-sampling Monte-Carlo CFR (Lanctot, Waugh, Zinkevich, Bowling 2009): own actions walked, all else drawn.

Parameters
----------
and those of solvers.mccfr.weights
"""

from solvers.mccfr import weights
from solvers.mccfr.external import iterate

PARAMS, CHOICES, ITERATE = weights.PARAMS, weights.CHOICES, iterate
