"""RPDCFR+: DCFR+ whose policy follows a running average of regrets, "robust historical weighting" (Yang & Sun 2025).

The formulas are those of the published code, whose loop discounts every player's tables in each player's turn; here the discounts
apply once an iteration.

Parameters
----------
alpha : exponent of the discount t^alpha / (t^alpha + 1) of the regrets; any number, greater ones forget less
weight : share of the running average in what the policy matches, the regrets having the rest; from 0 to 1
rate : weight of the latest regret in the running average; from 0 to 1
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

from solvers.rule import add_to_average, discount, flushed, njit, regret_matching

PARAMS = {"alpha": 3.0, "weight": 0.6, "rate": 0.3, "gamma": 5.0}
STATE = {"recent": "action"}


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
    """Play RM((1 - weight) R + weight E), where E = (1 - rate) d(t) E + rate r."""
    keep = (1.0 - params.rate) * discount(t, params.alpha)
    recent = state.recent
    for k in range(len(r)):
        recent[k] = flushed(keep * recent[k] + params.rate * r[k])
        r[k] = (1.0 - params.weight) * R[k] + params.weight * recent[k]
    regret_matching(sigma, r, infosets)
