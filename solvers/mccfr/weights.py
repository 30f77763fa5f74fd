"""How much the iterations of a sampling method count, and how its regrets age.

A sampled iteration visits few infosets, so those of all others cannot be discounted when it ends: an infoset remembers how far the
discounts had come when its regrets were changed last, and what has been missed since is made up for at its next change. Until then
its policy is right all the same, for positive regrets all shrink alike.

Parameters
----------
weights : uniform; linear: regrets and policies of iteration t count t; discounted: as in DCFR
alpha : discounted: exponent of the discount of positive regrets; from -20 to 20
beta : discounted: exponent of the discount of negative regrets; from -20 to 20
gamma : discounted: exponent of the weight of iteration t in the average; from 0 to 20
"""

from games.params import Value

UNIFORM, LINEAR, DISCOUNTED = "uniform", "linear", "discounted"
PARAMS: dict[str, Value] = {"weights": UNIFORM, "alpha": 1.5, "beta": 0.0, "gamma": 2.0}
CHOICES: dict[str, tuple[str, ...]] = {"weights": (UNIFORM, LINEAR, DISCOUNTED)}
