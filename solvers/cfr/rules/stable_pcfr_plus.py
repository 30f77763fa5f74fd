"""Stable PCFR+: infosets whose regrets have all become small begin anew (Farina et al. 2023, arXiv 2305.14709, algorithm 1).

Parameters
----------
F : regret, in units of payoff, that one action must exceed; at least 0
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

from solvers.rule import add_to_average, highest_in, njit, regret_matching

PARAMS = {"F": 1.0, "gamma": 2.0}
STATE: dict = {}


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t^gamma."""
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = max(R + r, 0), or F for all actions where none exceeds it."""
    for k in range(len(R)):
        R[k] = max(R[k] + r[k], 0.0)
    for i in range(len(infosets.first)):
        if highest_in(R, infosets, i) <= params.F:
            R[infosets.first[i] : infosets.first[i] + infosets.count[i]] = params.F


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play RM(R + r), without the prediction r where the infoset has just begun anew."""
    for i in range(len(infosets.first)):
        ahead = 0.0 if highest_in(R, infosets, i) <= params.F else 1.0
        for k in range(infosets.first[i], infosets.first[i] + infosets.count[i]):
            r[k] = R[k] + ahead * r[k]
    regret_matching(sigma, r, infosets)
