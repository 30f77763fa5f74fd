"""APCFR+: predictive CFR+ whose step to the prediction follows how wrong predictions were (Meng et al. 2026, arXiv 2503.12770).

At every infoset a = sqrt(E / D), where E gathers the squared norms of the predictions' errors, r less the r before, and D those of
the moves of the regrets R.

Parameters
----------
a_max : greatest asymmetry of the step sizes, also where the regrets have not moved yet; at least 0, which is PCFR+
gather : how the squared norms are gathered over the iterations: their sums (equation 3) or their maxima (version 2, section 5)
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

import math

from solvers.rule import add_to_average, njit, regret_matching

PARAMS = {"a_max": 5.0, "gather": "sum", "gamma": 2.0}
CHOICES = {"gather": ("sum", "max")}
STATE = {"last": "action", "error": "infoset", "drift": "infoset"}


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t^gamma."""
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = max(R + r, 0); gather how far r is from the last one, and how far R has moved."""
    summed = params.gather == "sum"
    last, error, drift = state.last, state.error, state.drift
    for i in range(len(infosets.first)):
        begin = infosets.first[i]
        missed = 0.0
        moved = 0.0
        for k in range(begin, begin + infosets.count[i]):
            before = R[k]
            R[k] = max(before + r[k], 0.0)
            missed += (r[k] - last[k]) * (r[k] - last[k])
            moved += (R[k] - before) * (R[k] - before)
            last[k] = r[k]
        error[i] = error[i] + missed if summed else max(error[i], missed)
        drift[i] = drift[i] + moved if summed else max(drift[i], moved)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play RM(R + r / (1 + a)) with the infoset's own a."""
    error, drift = state.error, state.drift
    for i in range(len(infosets.first)):
        begin = infosets.first[i]
        a = params.a_max
        if drift[i] > 0.0:
            a = min(a, math.sqrt(error[i] / drift[i]))
        for k in range(begin, begin + infosets.count[i]):
            r[k] = R[k] + r[k] / (1.0 + a)
    regret_matching(sigma, r, infosets)
