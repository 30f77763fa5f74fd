"""DCFR: positive and negative regrets discounted at different rates (Brown & Sandholm 2019).

Parameters
----------
alpha : exponent of the discount t^alpha / (t^alpha + 1) of positive regrets; any number, greater ones forget less
beta : exponent of the discount of negative regrets; any number, 0 halves them at every iteration
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

from solvers.rule import add_to_average, discount, njit, regret_matching

PARAMS = {"alpha": 1.5, "beta": 0.0, "gamma": 2.0}
STATE: dict = {}


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t^gamma."""
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R += r, then R *= t^alpha / (t^alpha + 1) where R >= 0 and t^beta / (t^beta + 1) where R < 0."""
    positive = discount(t, params.alpha)
    negative = discount(t, params.beta)
    for k in range(len(R)):
        total = R[k] + r[k]
        R[k] = total * (positive if total >= 0.0 else negative)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play RM(R)."""
    regret_matching(sigma, R, infosets)
