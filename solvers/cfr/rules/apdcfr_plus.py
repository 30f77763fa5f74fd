"""APDCFR+: APCFR+ with weights that grow with t, as discounts would have it (Meng et al. 2026, arXiv 2503.12770, appendix C).

The weight w(t) = scale t^exponent / (offset + t^exponent) multiplies r where regrets are added and R where the policy looks ahead,
as it is printed. E and D are APCFR+'s, taken of this rule's own r and R.

Parameters
----------
scale : what the weights grow to; above 0
offset : the value of t^exponent at which they have grown half-way; at least 0
exponent : how fast they grow; any number
a_max : greatest asymmetry of the step sizes, also where the regrets have not moved yet; at least 0
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

import math

from solvers.rule import add_to_average, njit, regret_matching

PARAMS = {"scale": 20.0, "offset": 500.0, "exponent": 1.5, "a_max": 9.0, "gamma": 2.5}
STATE = {"last": "action", "error": "infoset", "drift": "infoset"}


@njit
def weight(t, params):
    """Return the weight of iteration t."""
    power = t**params.exponent
    return params.scale * power / (params.offset + power)


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t^gamma."""
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = max(R + w(t) r, 0); add up how far r is from the last one, and how far R has moved."""
    w = weight(t, params)
    last, error, drift = state.last, state.error, state.drift
    for i in range(len(infosets.first)):
        begin = infosets.first[i]
        for k in range(begin, begin + infosets.count[i]):
            before = R[k]
            R[k] = max(before + w * r[k], 0.0)
            error[i] += (r[k] - last[k]) * (r[k] - last[k])
            drift[i] += (R[k] - before) * (R[k] - before)
            last[k] = r[k]


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play RM(w(t + 1) R + r / (1 + a)) with the infoset's own a."""
    w = weight(t + 1.0, params)
    error, drift = state.error, state.drift
    for i in range(len(infosets.first)):
        begin = infosets.first[i]
        a = params.a_max
        if drift[i] > 0.0:
            a = min(a, math.sqrt(error[i] / drift[i]))
        for k in range(begin, begin + infosets.count[i]):
            r[k] = w * R[k] + r[k] / (1.0 + a)
    regret_matching(sigma, r, infosets)
