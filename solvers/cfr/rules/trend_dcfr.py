"""Trend-DCFR: what evolution made of CFR+ alone in 1,000 evaluations, taken apart and written anew.

Found by "gameplan evolve new cfr --seed 4" on four games and reduced by ablation: DCFR with discounts after the step, a policy that
also follows the trend of the regrets and never forgets an action that has just gained, and an average of the latest policies.

Parameters
----------
alpha : exponent of the discount of positive regrets; any number, greater ones forget less
beta : exponent of the discount of negative regrets; any number, 0 halves them at every iteration
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
trend_weight : how far the policy looks ahead along the trend of the regrets; at least 0
trend_rate : weight of the latest regrets in the running average that the trend is seen against; from 0 to 1
"""

import math

from solvers.rule import add_to_average, discount, ema, njit, normalise

PARAMS = {"alpha": 3.7, "beta": 0.3, "gamma": 13.6, "trend_weight": 0.6, "trend_rate": 0.13}
STATE = {"trend": "action"}


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t^gamma; S is kept in units of the latest weight."""
    keep = math.exp(params.gamma * math.log((t - 1.0) / t)) if t > 1.0 else 0.0
    add_to_average(S, sigma, reach, infosets, keep, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = (R + r) d, with d by the sign of the sum."""
    positive, negative = discount(t, params.alpha), discount(t, params.beta)
    for k in range(len(R)):
        updated = R[k] + r[k]
        R[k] = updated * (positive if updated > 0.0 else negative)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play max(R + weight (R - trend), r+), the trend being a running average of R that knows this step's."""
    trend = state.trend
    for k in range(len(R)):
        trend[k] = ema(trend[k], R[k], params.trend_rate)
        sigma[k] = max(R[k] + params.trend_weight * (R[k] - trend[k]), r[k], 0.0)
    normalise(sigma, infosets)
