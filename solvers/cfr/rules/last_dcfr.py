"""Last-DCFR: a discounted CFR without an average; the latest policy converges.

Found by "gameplan evolve new cfr --from known --ranking average" on four games: it crossed HS-DCFR's regrets with AOD-CFR's policy
(arXiv 2404.09097, 2602.16928) and put all weight on the last iterate. Written anew with one trend for two and round numbers. It
takes alternating updates: with simultaneous ones the last iterate cycles.

Parameters
----------
horizon : iterations in which the exponents gain alpha_gain and beta_gain, again and again; above 0
alpha, beta : exponents of the discounts of positive and of negative regrets at the first iteration; any number
alpha_gain, beta_gain : what these exponents gain in a horizon; any number
trend_weight : how far the policy looks ahead along the trend of the regrets; at least 0
trend_rate : weight of the latest regrets in the running average that the trend is seen against; from 0 to 1
"""

from solvers.rule import discount, njit, normalise

PARAMS = {
    "horizon": 500.0, "alpha": 1.0, "alpha_gain": 4.0, "beta": -1.0, "beta_gain": -2.0, "trend_weight": 1.5, "trend_rate": 0.1,
}  # fmt: skip
STATE = {"trend": "action"}
ITERATE = "last"


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Keep the policy that was played last."""
    for k in range(len(S)):
        S[k] = sigma[k]


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = (R + r) d by the sign of the sum: ever less is taken from gains, ever more from losses."""
    progress = (t - 1.0) / params.horizon
    positive = discount(t, params.alpha + params.alpha_gain * progress)
    negative = discount(t, params.beta + params.beta_gain * progress)
    for k in range(len(R)):
        updated = R[k] + r[k]
        R[k] = updated * (positive if updated >= 0.0 else negative)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play the squared positive part of R + weight (R - trend), the trend being a running average of R."""
    trend = state.trend
    for k in range(len(R)):
        corrected = max(0.0, R[k] + params.trend_weight * (R[k] - trend[k]))
        trend[k] += params.trend_rate * (R[k] - trend[k])
        sigma[k] = corrected * corrected
    normalise(sigma, infosets)
