"""AOD-CFR distilled: what is left of AOD-CFR (arXiv 2602.16928) when all that does no good on eight games is taken out.

Ablation ("gameplan evolve ablate aod-cfr") drops the scaling of regrets by their sign's agreement and all caps on schedules, and
keeps discounts and average weights whose exponents grow with t, an optimism of twice AOD's, and the squared positive part.

Parameters
----------
horizon : iterations in which the exponent alpha gains 1, and that of the average gamma_gain; above 0
alpha : exponent of the discount of positive regrets at the first iteration; any number
beta : exponent of the discount of negative regrets; any number, 0 halves them at every iteration
gamma_gain : exponent of the weight t^gamma in the average policy after the horizon; at least 0
trend_weight : how far the policy looks ahead along the trend of the regrets; at least 0
trend_decay : weight of the latest regrets in the running average that the trend is seen against; from 0 to 1
"""

import math

from solvers.rule import add_to_average, discount, njit, normalise

PARAMS = {"horizon": 500.0, "alpha": 1.0, "beta": 0.0, "gamma_gain": 4.0, "trend_weight": 1.0, "trend_decay": 0.1}
STATE = {"trend": "action"}


@njit
def log_weight(t, params):
    """Return the logarithm of t^gamma with gamma = gain (t - 1) / horizon."""
    return params.gamma_gain * (t - 1.0) / params.horizon * math.log(t) if t > 1.0 else 0.0


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t^gamma; S is kept in units of the latest weight, which would overflow."""
    add_to_average(S, sigma, reach, infosets, math.exp(log_weight(t - 1.0, params) - log_weight(t, params)), 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = R d + r, with d rising to 1 for positive R, and constant for negative."""
    positive = discount(t, params.alpha + (t - 1.0) / params.horizon)
    negative = discount(t, params.beta)
    for k in range(len(R)):
        R[k] = R[k] * (positive if R[k] > 0.0 else negative) + r[k]


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play the squared positive part of R + weight (R - trend), the trend being a running average of R."""
    trend = state.trend
    for k in range(len(R)):
        corrected = max(0.0, R[k] + params.trend_weight * (R[k] - trend[k]))
        trend[k] += params.trend_decay * (R[k] - trend[k])
        sigma[k] = corrected * corrected
    normalise(sigma, infosets)
