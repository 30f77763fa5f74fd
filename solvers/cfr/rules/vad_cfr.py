"""VAD-CFR: volatility-adaptive discounted CFR (Li, Schultz, Hennes, Lanctot 2026, arXiv 2602.16928).

Volatility is a running average of the largest regret of the infosets, as they come in canonical order: one average for the
regret step and one for the policy step, shared by all infosets of all players (scope "global"), or one an infoset ("infoset").
"""

import math

from solvers.rule import njit, normalise

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
STATE = {
    "regret_volatility": "game",
    "policy_volatility": "game",
    "infoset_regret_volatility": "infoset",
    "infoset_policy_volatility": "infoset",
}


@njit
def largest(r, begin, end):
    """Return max |r| over one infoset."""
    m = 0.0
    for k in range(begin, end):
        m = max(m, abs(r[k]))
    return m


@njit
def power(x, exponent):
    """Return x^exponent for x >= 0, with the usual exponents done by square roots, which are far cheaper."""
    if exponent == 1.5:
        return x * math.sqrt(x)
    if exponent == 0.5:
        return math.sqrt(x)
    return x**exponent


@njit
def discounts(v, log_t, t_alpha, t_beta, params):
    """Return the discounts of positive and negative regrets at volatility v, given log t, t^base_alpha and t^base_beta."""
    shrink = math.exp(-params.volatility_sensitivity * v * log_t)
    alpha = params.base_alpha - params.volatility_sensitivity * v
    beta = params.base_beta - params.volatility_sensitivity * v
    positive = t_alpha * shrink if alpha > 0.1 else math.exp(0.1 * log_t)
    negative = t_beta * shrink if beta < max(alpha, 0.1) else positive
    return positive / (positive + 1.0), negative / (negative + 1.0)


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """After the warm-up, add the policy that was played, with more weight where it is stable and much is at stake."""
    if t - 1 < params.warmup_iterations:
        return
    log_t = math.log(t)
    base = math.exp(params.gamma * log_t)
    first, count = infosets.first, infosets.count
    for i in range(len(first)):
        begin = first[i]
        end = begin + count[i]
        m = largest(r, begin, end)
        v = min(1.0, m / params.max_expected_regret)
        extra = min(params.gamma_max - params.gamma, params.gamma_sensitivity * v)
        stability = 1.0 / (1.0 + power(m, params.stability_exponent))
        magnitude = max(0.1, power(1.0 + 0.5 * m, params.magnitude_exponent))
        weight = base * math.exp(extra * log_t) * stability * magnitude * reach[i]
        for k in range(begin, end):
            S[k] += weight * sigma[k]


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = max(floor, d R + boosted r), d adapted to the volatility of the regrets."""
    log_t = math.log(t)
    t_alpha, t_beta = math.exp(params.base_alpha * log_t), math.exp(params.base_beta * log_t)
    shared = params.scope == "global"
    e = state.regret_volatility[0]
    first, count = infosets.first, infosets.count
    for i in range(len(first)):
        begin = first[i]
        end = begin + count[i]
        m = largest(r, begin, end)
        if not shared:
            e = state.infoset_regret_volatility[i]
        e = m if t == 1 else params.ewma_decay * m + (1.0 - params.ewma_decay) * e
        if not shared:
            state.infoset_regret_volatility[i] = e
        v = min(1.0, e / params.max_expected_regret)
        positive, negative = discounts(v, log_t, t_alpha, t_beta, params)
        for k in range(begin, end):
            boosted = r[k] * params.boost if r[k] > 0.0 else r[k]
            R[k] = max(params.regret_floor, (positive if R[k] >= 0.0 else negative) * R[k] + boosted)
    state.regret_volatility[0] = e


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play the positive part of the projected regrets d R + optimism * boosted r, raised to an exponent."""
    log_t = math.log(t)
    t_alpha, t_beta = math.exp(params.base_alpha * log_t), math.exp(params.base_beta * log_t)
    hope = params.optimism / (1.0 + (t - 1.0) / params.optimism_horizon)
    shared = params.scope == "global"
    e = state.policy_volatility[0]
    first, count = infosets.first, infosets.count
    for i in range(len(first)):
        begin = first[i]
        end = begin + count[i]
        m = largest(r, begin, end)
        if not shared:
            e = state.infoset_policy_volatility[i]
        e = m if t == 1 else params.ewma_decay * m + (1.0 - params.ewma_decay) * e
        if not shared:
            state.infoset_policy_volatility[i] = e
        v = min(1.0, e / params.max_expected_regret)
        positive, negative = discounts(v, log_t, t_alpha, t_beta, params)
        optimism = hope * max(0.0, 1.0 - 0.5 * v)
        for k in range(begin, end):
            boosted = r[k] * params.boost if r[k] > 0.0 else r[k]
            projected = (positive if R[k] >= 0.0 else negative) * R[k] + optimism * boosted
            sigma[k] = power(max(0.0, projected), params.policy_exponent)
    state.policy_volatility[0] = e
    normalise(sigma, infosets)
