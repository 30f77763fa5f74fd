"""VAD-CFR: volatility-adaptive discounted CFR (Li, Schultz, Hennes, Lanctot 2026, arXiv 2602.16928).

Volatility is a running average of the largest regret of the infosets, as they come in canonical order: one average for the
regret step and one for the policy step, shared by all infosets of all players (scope "global"), or one an infoset ("infoset").

Parameters
----------
base_alpha : exponent of the discount of positive regrets where nothing is volatile; any number, what is left of it is at least
    0.1
base_beta : exponent of the discount of negative regrets where nothing is volatile; any number, never above that of positive ones
volatility_sensitivity : what full volatility takes from both exponents; at least 0
max_expected_regret : regret, in units of payoff, that counts as full volatility; above 0
boost : factor of positive instantaneous regrets; at least 0, 1 for none
ewma_decay : weight of the latest regret in the running average; from 0 to 1
regret_floor : least cumulated regret, in units of payoff; at most 0
optimism : weight of the instantaneous regrets in the projected ones at the first iteration; at least 0
optimism_horizon : iterations after which that weight is a half; above 0
policy_exponent : exponent of the projected regrets in the policy; above 0
gamma : exponent of the weight t^gamma in the average policy where no regret is left; at least 0
gamma_max : greatest exponent of that weight; at least gamma
gamma_sensitivity : what a regret of max_expected_regret adds to that exponent; at least 0
stability_exponent : e in 1 + m^e, by which the weight is divided where the largest regret is m; at least 0
magnitude_exponent : e in (1 + m / 2)^e, by which the weight is multiplied; any number
warmup_iterations : iterations before the average begins; at least 0
scope : whether all infosets share a running average of regrets, or each has its own
"""

import math

from solvers.rule import exponentiate, largest_regrets, njit, normalise, raise_to

PARAMS = {
    "base_alpha": 1.5,
    "base_beta": -0.1,
    "volatility_sensitivity": 0.5,
    "max_expected_regret": 2.0,
    "boost": 1.1,
    "ewma_decay": 0.1,
    "regret_floor": -20.0,
    "optimism": 1.0,
    "optimism_horizon": 100.0,
    "policy_exponent": 1.5,
    "gamma": 2.0,
    "gamma_max": 4.0,
    "gamma_sensitivity": 1.5,
    "stability_exponent": 1.5,
    "magnitude_exponent": 0.5,
    "warmup_iterations": 500,
    "scope": "global",
}
CHOICES = {"scope": ("global", "infoset")}
# The paper keeps one running average for the regret step and one for the policy step. Both see the same regrets in the same
# order, so they are equal bit for bit; the policy step therefore reads what the regret step has found. Powers t^a are the cost
# of this rule: they are taken as e^(a log t) for all infosets at once.
STATE = {
    "running": "game",
    "running_infoset": "infoset",
    "regret_size": "infoset",
    "volatility": "infoset",
    "power": "infoset",
    "positive_discount": "infoset",
    "negative_discount": "infoset",
}


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """After the warm-up, add the policy that was played, with more weight where it is stable and much is at stake."""
    m, power, stability, magnitude = state.regret_size, state.power, state.positive_discount, state.negative_discount
    largest_regrets(r, infosets, m)
    if t - 1 < params.warmup_iterations:
        return
    log_t = math.log(t)
    highest = params.gamma_max - params.gamma
    for i in range(len(m)):
        v = min(1.0, m[i] / params.max_expected_regret)
        power[i] = (params.gamma + min(highest, params.gamma_sensitivity * v)) * log_t
        stability[i] = m[i]
        magnitude[i] = 1.0 + 0.5 * m[i]
    exponentiate(power)
    raise_to(stability, params.stability_exponent)
    raise_to(magnitude, params.magnitude_exponent)
    first, count = infosets.first, infosets.count
    for i in range(len(m)):
        weight = power[i] * max(0.1, magnitude[i]) * reach[i] / (1.0 + stability[i])
        for k in range(first[i], first[i] + count[i]):
            S[k] += weight * sigma[k]


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = max(floor, d R + boosted r) with d = t^a / (t^a + 1), a shrinking with the volatility of the regrets."""
    v = state.volatility
    follow(v, state.regret_size, t, params, state)
    log_t = math.log(t)
    t_alpha, t_beta, t_lowest = t**params.base_alpha, t**params.base_beta, t**0.1
    sensitivity = params.volatility_sensitivity
    power, positive, negative = state.power, state.positive_discount, state.negative_discount
    for i in range(len(v)):
        power[i] = -sensitivity * v[i] * log_t
    exponentiate(power)  # one power serves both: t^(base - sensitivity v) = t^base * t^(-sensitivity v)
    for i in range(len(v)):
        alpha, beta = params.base_alpha - sensitivity * v[i], params.base_beta - sensitivity * v[i]
        grown = t_alpha * power[i] if alpha > 0.1 else t_lowest
        faded = t_beta * power[i] if beta < max(alpha, 0.1) else grown
        positive[i] = grown / (grown + 1.0)
        negative[i] = faded / (faded + 1.0)
    first, count = infosets.first, infosets.count
    for i in range(len(v)):
        d_positive, d_negative = positive[i], negative[i]
        for k in range(first[i], first[i] + count[i]):
            boosted = r[k] * (params.boost if r[k] > 0.0 else 1.0)
            R[k] = max(params.regret_floor, R[k] * (d_positive if R[k] >= 0.0 else d_negative) + boosted)


@njit
def follow(v, m, t, params, state):
    """Move the running average of the regrets' sizes `m` through the infosets and write their volatilities to `v`."""
    decay = params.ewma_decay
    shared = params.scope == "global"
    e = state.running[0]
    for i in range(len(m)):
        if not shared:
            e = state.running_infoset[i]
        e = m[i] if t == 1 else decay * m[i] + (1.0 - decay) * e
        if not shared:
            state.running_infoset[i] = e
        v[i] = min(1.0, e / params.max_expected_regret)
    state.running[0] = e


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play the positive part of the projected regrets d R + optimism * boosted r, raised to an exponent."""
    optimism = params.optimism / (1.0 + (t - 1.0) / params.optimism_horizon)
    first, count = infosets.first, infosets.count
    for i in range(len(first)):
        positive, negative = state.positive_discount[i], state.negative_discount[i]
        hope = optimism * max(0.0, 1.0 - 0.5 * state.volatility[i])
        for k in range(first[i], first[i] + count[i]):
            boosted = r[k] * (params.boost if r[k] > 0.0 else 1.0)
            sigma[k] = max(0.0, R[k] * (positive if R[k] >= 0.0 else negative) + hope * boosted)
    raise_to(sigma, params.policy_exponent)
    normalise(sigma, infosets)
