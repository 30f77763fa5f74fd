"""DCFR+: CFR+ with discounted regrets (Xu et al. 2024).

Parameters
----------
alpha : exponent of the discount t^alpha / (t^alpha + 1) of the regrets; any number, greater ones forget less
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

from solvers.rule import add_to_average, discount, njit, regret_matching

PARAMS = {"alpha": 1.5, "gamma": 4.0}
STATE: dict = {}


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t^gamma."""
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = max(R d(t - 1) + r, 0) with d(t) = t^alpha / (t^alpha + 1)."""
    keep = discount(t - 1.0, params.alpha)
    for k in range(len(R)):
        R[k] = max(R[k] * keep + r[k], 0.0)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play RM(R)."""
    regret_matching(sigma, R, infosets)
