"""AOD-CFR: asymmetric optimistic discounted CFR (Li, Schultz, Hennes, Lanctot 2026, arXiv 2602.16928).

Parameters
----------
horizon : iterations over which exponents go from their first values to their last; above 0
alpha, beta : exponents of the discounts of positive and of negative regrets at the first iteration; any number
alpha_gain, beta_gain : what these exponents have gained after the horizon; any number
gamma : exponent of the weight t^gamma in the average policy at the first iteration; at least 0
gamma_gain : what that exponent has gained after the horizon; at least -gamma
agree_positive, oppose_positive : factors of a positive and of a negative instantaneous regret where the cumulated one is
    positive; at least 0
oppose_negative, agree_negative : factors of a positive and of a negative instantaneous regret where the cumulated one is
    negative; at least 0
trend_weight : how far the policy looks ahead along the trend of the regrets; at least 0
trend_decay : weight of the latest regrets in the running average that the trend is seen against; from 0 to 1
sign_threshold : regret, in units of payoff, up to which its sign does not count; at least 0
sum_threshold : sum of squared regrets, in squared units of payoff, up to which an infoset is played uniformly; at least 0
"""

from solvers.rule import add_to_average, discount, njit

PARAMS = {
    "horizon": 500.0,
    "alpha": 1.0,
    "alpha_gain": 1.5,
    "beta": 0.5,
    "beta_gain": -0.5,
    "gamma": 1.0,
    "gamma_gain": 4.0,
    "agree_positive": 1.1,
    "oppose_positive": 0.9,
    "oppose_negative": 0.7,
    "agree_negative": 1.2,
    "trend_weight": 0.5,
    "trend_decay": 0.1,
    "sign_threshold": 1e-9,
    "sum_threshold": 1e-12,
}
STATE = {"trend": "action"}


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """S = S d + t^gamma x sigma with d = t^gamma / (t^gamma + 1)."""
    gamma = params.gamma + params.gamma_gain * min(1.0, (t - 1.0) / params.horizon)
    add_to_average(S, sigma, reach, infosets, discount(t, gamma), t**gamma)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """Discount R and add r, scaled by whether it agrees with the sign that R had."""
    progress = min(1.0, (t - 1.0) / params.horizon)
    positive = discount(t, params.alpha + params.alpha_gain * progress)
    negative = discount(t, params.beta + params.beta_gain * progress)
    threshold = params.sign_threshold
    for k in range(len(R)):
        scale = 1.0
        if R[k] > threshold:
            if r[k] > threshold:
                scale = params.agree_positive
            elif r[k] < -threshold:
                scale = params.oppose_positive
        elif R[k] < -threshold:
            if r[k] > threshold:
                scale = params.oppose_negative
            elif r[k] < -threshold:
                scale = params.agree_negative
        R[k] = R[k] * (positive if R[k] > 0.0 else negative) + scale * r[k]


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play the squared positive part of C = R + weight (R - trend), the trend being a running average of R."""
    trend = state.trend
    first, count = infosets.first, infosets.count
    for i in range(len(first)):
        begin = first[i]
        end = begin + count[i]
        total = 0.0
        for k in range(begin, end):
            corrected = max(0.0, R[k] + params.trend_weight * (R[k] - trend[k]))
            trend[k] = params.trend_decay * R[k] + (1.0 - params.trend_decay) * trend[k]
            sigma[k] = corrected * corrected
            total += sigma[k]
        if total > params.sum_threshold:
            for k in range(begin, end):
                sigma[k] /= total
        else:
            for k in range(begin, end):
                sigma[k] = 1.0 / count[i]
