"""SAPCFR+: predictive CFR+ that steps less far to its prediction than to its regrets (Meng et al. 2026, arXiv 2503.12770).

Parameters
----------
a : asymmetry of the step sizes, the prediction counting 1 / (1 + a) of the last regret; at least 0, which is PCFR+
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

from solvers.rule import add_to_average, njit, regret_matching

PARAMS = {"a": 2.0, "gamma": 2.0}
STATE: dict = {}


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t^gamma."""
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = max(R + r, 0)."""
    for k in range(len(R)):
        R[k] = max(R[k] + r[k], 0.0)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play RM(R + r / (1 + a))."""
    for k in range(len(r)):
        r[k] = R[k] + r[k] / (1.0 + params.a)
    regret_matching(sigma, r, infosets)
