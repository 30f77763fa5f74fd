"""PCFR+: predictive CFR+, the last instantaneous regret as prediction (Farina, Kroer, Sandholm 2021).

Parameters
----------
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

from solvers.rule import add_to_average, njit, regret_matching

PARAMS = {"gamma": 2.0}
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
    """Play RM(R + r)."""
    for k in range(len(r)):
        r[k] += R[k]
    regret_matching(sigma, r, infosets)
