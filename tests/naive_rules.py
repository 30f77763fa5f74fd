"""The twins of the CFR rules, infoset by infoset over dictionaries keyed by action: one entry of `TWINS` a rule of the catalogue.

An infoset has the tables R (regrets), S (summed policies), r (this iteration's regrets), sigma (policy) and trend, the player's own
`reach`, and two memories, `memory` of its own and `shared` by all infosets; t counts iterations from 1 and `p` has the rule's parameters.
"""

from collections.abc import Callable
from math import exp
from typing import NamedTuple


class Twin(NamedTuple):
    """A rule: S becomes keep * S + weight * reach * sigma with (keep, weight) from `average`, then `update` sets R and sigma.

    `terms` are added to the counterfactual values of an infoset's actions, and so to those of the actions on the way there.
    """

    average: Callable
    update: Callable
    defaults: dict = {}
    terms: Callable = lambda infoset, t, p: dict.fromkeys(infoset.actions, 0.0)


def normalised(weights):
    positive = {a: max(w, 0.0) for a, w in weights.items()}
    total = sum(positive.values())
    return {a: w / total if total > 0 else 1.0 / len(weights) for a, w in positive.items()}


def faded(t, exponent):
    return t**exponent / (t**exponent + 1.0) if t else 0.0


def matching(accumulate, predict=lambda R, r, t, p: R):
    """Return the update that accumulates every action's regret and applies regret matching to what `predict` makes of it."""

    def update(infoset, t, p):
        for a in infoset.actions:
            infoset.R[a] = accumulate(infoset.R[a], infoset.r[a], t, p)
        infoset.sigma = normalised({a: predict(infoset.R[a], infoset.r[a], t, p) for a in infoset.actions})

    return update


def power(infoset, t, p):
    return 1.0, t**p.gamma


def linear(infoset, t, p):
    return 1.0, t


def scheduled(infoset, t, p):
    return ((t - 1) / t) ** (p.g0 - p.slope * (t - 1) / p.planned_iterations), 1.0


def plus(R, r, t, p):
    return max(R + r, 0.0)


def discounted(R, r, t, p):
    return (R + r) * faded(t, p.alpha if R + r >= 0 else p.beta)


def discounted_plus(R, r, t, p):
    return max(R * faded(t - 1, p.alpha) + r, 0.0)


def discounted_by_schedule(R, r, t, p):
    progress = (t - 1) / p.planned_iterations
    return (R + r) * faded(t, 1 + 3 * progress if R + r >= 0 else -1 - 2 * progress)


def last_regret(R, r, t, p):
    return R + r


def vad_average(infoset, t, p):
    if t - 1 < p.warmup_iterations:
        return 1.0, 0.0
    m = max(abs(x) for x in infoset.r.values())
    gamma = min(p.gamma_max, p.gamma + p.gamma_sensitivity * min(1.0, m / p.max_expected_regret))
    return 1.0, t**gamma / (1 + m**p.stability_exponent) * max(0.1, (1 + m / 2) ** p.magnitude_exponent)


def vad(infoset, t, p):
    """VAD-CFR's regret and policy steps, each with its own running average."""
    memory = infoset.shared if p.scope == "global" else infoset.memory

    def adaptive(step):
        m = max(abs(x) for x in infoset.r.values())
        memory[step] = m if t == 1 else p.ewma_decay * m + (1 - p.ewma_decay) * memory[step]
        v = min(1.0, memory[step] / p.max_expected_regret)
        alpha = max(0.1, p.base_alpha - p.volatility_sensitivity * v)
        beta = min(alpha, p.base_beta - p.volatility_sensitivity * v)
        return v, faded(t, alpha), faded(t, beta)

    boosted = {a: p.boost * x if x > 0 else x for a, x in infoset.r.items()}
    R = infoset.R
    _, high, low = adaptive("regret")
    for a in infoset.actions:
        R[a] = max(p.regret_floor, (high if R[a] >= 0 else low) * R[a] + boosted[a])
    v, high, low = adaptive("policy")
    hope = p.optimism / (1 + (t - 1) / p.optimism_horizon) * max(0.0, 1 - 0.5 * v)
    projected = {a: (high if R[a] >= 0 else low) * R[a] + hope * boosted[a] for a in infoset.actions}
    infoset.sigma = normalised({a: max(x, 0.0) ** p.policy_exponent for a, x in projected.items()})


def aod_average(infoset, t, p):
    gamma = p.gamma + p.gamma_gain * min(1.0, (t - 1) / p.horizon)
    return faded(t, gamma), t**gamma


def aod(infoset, t, p):
    """AOD-CFR's regret and policy steps."""

    def sign(x):
        return (x > p.sign_threshold) - (x < -p.sign_threshold)

    scales = {
        (1, 1): p.agree_positive, (1, -1): p.oppose_positive, (-1, 1): p.oppose_negative, (-1, -1): p.agree_negative,
    }  # fmt: skip
    progress = min(1.0, (t - 1) / p.horizon)
    for a in infoset.actions:
        R, r = infoset.R[a], infoset.r[a]
        exponent = p.alpha + p.alpha_gain * progress if R > 0 else p.beta + p.beta_gain * progress
        infoset.R[a] = R * faded(t, exponent) + scales.get((sign(R), sign(r)), 1.0) * r
    R, E = infoset.R, infoset.trend
    squares = {a: max(0.0, R[a] + p.trend_weight * (R[a] - E[a])) ** 2 for a in infoset.actions}
    infoset.trend = {a: p.trend_decay * R[a] + (1 - p.trend_decay) * E[a] for a in infoset.actions}
    infoset.sigma = normalised(squares if sum(squares.values()) > p.sum_threshold else dict.fromkeys(squares, 0.0))


def distilled_average(infoset, t, p):
    return 1.0, t ** (p.gamma_gain * (t - 1) / p.horizon)


def aod_distilled(infoset, t, p):
    """What is left of AOD-CFR: growing discounts, optimism by the trend, squares."""
    for a in infoset.actions:
        R = infoset.R[a]
        exponent = p.alpha + (t - 1) / p.horizon if R > 0 else p.beta
        infoset.R[a] = R * faded(t, exponent) + infoset.r[a]
    R, E = infoset.R, infoset.trend
    infoset.sigma = normalised({a: max(0.0, R[a] + p.trend_weight * (R[a] - E[a])) ** 2 for a in infoset.actions})
    infoset.trend = {a: p.trend_decay * R[a] + (1 - p.trend_decay) * E[a] for a in infoset.actions}


def trend_dcfr(infoset, t, p):
    played = {}
    for a in infoset.actions:
        R = infoset.R[a] + infoset.r[a]
        R *= faded(t, p.alpha if R > 0 else p.beta)
        infoset.R[a] = R
        infoset.trend[a] = (1 - p.trend_rate) * infoset.trend[a] + p.trend_rate * R
        played[a] = max(R + p.trend_weight * (R - infoset.trend[a]), infoset.r[a], 0.0)
    infoset.sigma = normalised(played)


def nothing(infoset, t, p):
    return 0.0, 0.0


def last_dcfr(infoset, t, p):
    """The average is the policy that was last played."""
    infoset.S = dict(infoset.sigma)
    progress = (t - 1) / p.horizon
    for a in infoset.actions:
        R = infoset.R[a] + infoset.r[a]
        infoset.R[a] = R * faded(t, p.alpha + p.alpha_gain * progress if R >= 0 else p.beta + p.beta_gain * progress)
    R, E = infoset.R, infoset.trend
    infoset.sigma = normalised({a: max(0.0, R[a] + p.trend_weight * (R[a] - E[a])) ** 2 for a in infoset.actions})
    infoset.trend = {a: p.trend_rate * R[a] + (1 - p.trend_rate) * E[a] for a in infoset.actions}


def norm2(x):
    return sum(value * value for value in x)


def asymmetric(weigh, w_after):
    """Return APCFR+'s update; `weigh` is the weight of r where it is added, `w_after` that of R where the policy looks ahead."""

    def update(infoset, t, p):
        R, r, memory = dict(infoset.R), dict(infoset.r), infoset.memory
        infoset.R = {a: max(R[a] + weigh(t, p) * r[a], 0.0) for a in infoset.actions}
        last = memory.get("last", dict.fromkeys(r, 0.0))
        errors, moves = memory.setdefault("errors", []), memory.setdefault("moves", [])
        errors.append(norm2(r[a] - last[a] for a in r))
        moves.append(norm2(infoset.R[a] - R[a] for a in r))
        memory["last"] = r
        gather = max if getattr(p, "gather", "sum") == "max" else sum
        asymmetry = min((gather(errors) / gather(moves)) ** 0.5, p.a_max) if gather(moves) > 0 else p.a_max
        infoset.sigma = normalised({a: w_after(t, p) * infoset.R[a] + r[a] / (1 + asymmetry) for a in infoset.actions})

    return update


def grown(t, p):
    return p.scale * t**p.exponent / (p.offset + t**p.exponent)


def projected(z, least):
    """Return the nearest point to z among those that are non-negative and have at least this sum; every support is tried."""
    cut = {a: max(x, 0.0) for a, x in z.items()}
    if sum(cut.values()) > least:
        return cut
    order = sorted(z, key=z.get, reverse=True)
    shifts = [(least - sum(z[a] for a in order[:n])) / n for n in range(1, len(order) + 1)]
    points = [{a: max(x + shift, 0.0) for a, x in z.items()} for shift in shifts]
    return min(points, key=lambda point: abs(sum(point.values()) - least))


def smooth(infoset, t, p):
    R = dict.fromkeys(infoset.actions, 1.0 / len(infoset.actions)) if t == 1 else infoset.R
    infoset.R = projected({a: R[a] + p.eta * infoset.r[a] for a in infoset.actions}, p.F)
    infoset.sigma = normalised(projected({a: infoset.R[a] + p.eta * infoset.r[a] for a in infoset.actions}, p.F))


def stable(infoset, t, p):
    infoset.R = {a: max(infoset.R[a] + infoset.r[a], 0.0) for a in infoset.actions}
    if max(infoset.R.values()) <= p.F:
        infoset.R = dict.fromkeys(infoset.actions, p.F)
        infoset.sigma = normalised(infoset.R)
    else:
        infoset.sigma = normalised({a: infoset.R[a] + infoset.r[a] for a in infoset.actions})


def robust(infoset, t, p):
    for a in infoset.actions:
        infoset.R[a] = discounted_plus(infoset.R[a], infoset.r[a], t, p)
        infoset.trend[a] = (1 - p.rate) * faded(t, p.alpha) * infoset.trend[a] + p.rate * infoset.r[a]
    infoset.sigma = normalised({a: (1 - p.weight) * infoset.R[a] + p.weight * infoset.trend[a] for a in infoset.actions})


def mmd(infoset, t, p):
    """Magnetic mirror descent on probabilities, as it is printed."""
    temperature, eta = p.alpha * t**-p.decay, p.eta * t**-p.decay
    magnet = infoset.memory.setdefault("magnet", dict(infoset.sigma))
    weights = {
        a: (max(infoset.sigma[a], 1e-300) * magnet[a] ** (eta * temperature) * exp(eta * infoset.r[a]))
        ** (1 / (1 + eta * temperature))
        for a in infoset.actions
    }
    infoset.sigma = normalised(weights)
    infoset.memory["magnet"] = normalised({a: magnet[a] ** (1 - p.pull) * infoset.sigma[a] ** p.pull for a in infoset.actions})


def mmd_q(infoset, t, p):
    """The same with values to one who is at the infoset, whatever the chances of that."""
    if infoset.counterfactual_reach > 0:
        infoset.r = {a: r / infoset.counterfactual_reach for a, r in infoset.r.items()}
    mmd(infoset, t, p)


def to_the_anchor(infoset, t, p):
    played = {a: infoset.reach * infoset.sigma[a] for a in infoset.actions}
    if (t - 1) % p.period == 0:
        infoset.memory["anchor"] = played
    return {a: -p.pull * (played[a] - infoset.memory["anchor"][a]) for a in infoset.actions}


def rtcfr(infoset, t, p):
    """CFR+ or PCFR+ with a floor under what is played."""
    infoset.R = {a: max(infoset.R[a] + infoset.r[a], 0.0) for a in infoset.actions}
    matched = normalised({a: infoset.R[a] + p.predictive * infoset.r[a] for a in infoset.actions})
    floor = p.floor / 2 ** (t // p.period)
    infoset.sigma = {a: (1 - len(matched) * floor) * x + floor for a, x in matched.items()}


def perturbed(infoset, t, p):
    """CFR+ on what is chosen, above the floor that the policy had; and that mixed with the present floor."""
    n, played = len(infoset.actions), infoset.memory.get("floor", 0.0)
    chosen = {a: (infoset.sigma[a] - played) / (1 - n * played) for a in infoset.actions}
    by_choice = sum(chosen[a] * infoset.r[a] for a in infoset.actions)
    infoset.R = {a: max(infoset.R[a] + infoset.r[a] - by_choice, 0.0) for a in infoset.actions}
    infoset.memory["floor"] = floor = min(p.floor / t**p.decay, 0.5 / n)
    infoset.sigma = {a: (1 - n * floor) * x + floor for a, x in normalised(infoset.R).items()}


VAD = {
    "base_alpha": 1.5, "base_beta": -0.1, "volatility_sensitivity": 0.5, "max_expected_regret": 2.0, "boost": 1.1,
    "ewma_decay": 0.1, "regret_floor": -20.0, "optimism": 1.0, "optimism_horizon": 100.0, "policy_exponent": 1.5, "gamma": 2.0,
    "gamma_max": 4.0, "gamma_sensitivity": 1.5, "stability_exponent": 1.5, "magnitude_exponent": 0.5,
    "warmup_iterations": 500, "scope": "global",
}  # fmt: skip
AOD = {
    "horizon": 500.0, "alpha": 1.0, "alpha_gain": 1.5, "beta": 0.5, "beta_gain": -0.5, "gamma": 1.0, "gamma_gain": 4.0,
    "agree_positive": 1.1, "oppose_positive": 0.9, "oppose_negative": 0.7, "agree_negative": 1.2, "trend_weight": 0.5,
    "trend_decay": 0.1, "sign_threshold": 1e-9, "sum_threshold": 1e-12,
}  # fmt: skip
TWINS = {
    "cfr": Twin(lambda infoset, t, p: (1.0, 1.0), matching(lambda R, r, t, p: R + r)),
    "cfr+": Twin(linear, matching(plus)),
    "lcfr": Twin(linear, matching(lambda R, r, t, p: (R + r) * t / (t + 1))),
    "dcfr": Twin(power, matching(discounted), {"alpha": 1.5, "beta": 0.0, "gamma": 2.0}),
    "dcfr+": Twin(power, matching(discounted_plus), {"alpha": 1.5, "gamma": 4.0}),
    "pcfr+": Twin(power, matching(plus, last_regret), {"gamma": 2.0}),
    "dpcfr+": Twin(
        power, matching(discounted_plus, lambda R, r, t, p: R * faded(t, p.alpha) + r), {"alpha": 2.3, "gamma": 5.0}
    ),
    "hs-pcfr+": Twin(scheduled, matching(plus, last_regret), {"g0": 30.0, "slope": 5.0}),
    "hs-dcfr": Twin(scheduled, matching(discounted_by_schedule), {"g0": 30.0, "slope": 5.0}),
    "sapcfr+": Twin(power, matching(plus, lambda R, r, t, p: R + r / (1 + p.a)), {"a": 2.0, "gamma": 2.0}),
    "apcfr+": Twin(power, asymmetric(lambda t, p: 1.0, lambda t, p: 1.0), {"a_max": 5.0, "gather": "sum", "gamma": 2.0}),
    "apdcfr+": Twin(
        power, asymmetric(grown, lambda t, p: grown(t + 1, p)),
        {"scale": 20.0, "offset": 500.0, "exponent": 1.5, "a_max": 9.0, "gamma": 2.5},
    ),
    "smooth-pcfr+": Twin(power, smooth, {"F": 1.0, "eta": 1.0, "gamma": 2.0}),
    "stable-pcfr+": Twin(power, stable, {"F": 1.0, "gamma": 2.0}),
    "rpdcfr+": Twin(power, robust, {"alpha": 3.0, "weight": 0.6, "rate": 0.3, "gamma": 5.0}),
    "mmd": Twin(power, mmd, {"alpha": 1.0, "eta": 1.0, "decay": 0.5, "pull": 0.0, "gamma": 2.0}),
    "mmd-q": Twin(power, mmd_q, {"alpha": 1.0, "eta": 1.0, "decay": 0.5, "pull": 0.0, "gamma": 2.0}),
    "rtcfr+": Twin(
        power, rtcfr, {"floor": 1e-10, "pull": 1e-3, "period": 100, "predictive": False, "gamma": 2.0}, to_the_anchor
    ),
    "perturbed-cfr+": Twin(power, perturbed, {"floor": 0.1, "decay": 0.25, "gamma": 6.0}),
    "vad-cfr": Twin(vad_average, vad, VAD),
    "aod-cfr": Twin(aod_average, aod, AOD),
    "aod-distilled": Twin(
        distilled_average, aod_distilled,
        {"horizon": 500.0, "alpha": 1.0, "beta": 0.0, "gamma_gain": 4.0, "trend_weight": 1.0, "trend_decay": 0.1},
    ),
    "trend-dcfr": Twin(
        power, trend_dcfr, {"alpha": 3.7, "beta": 0.3, "gamma": 13.6, "trend_weight": 0.6, "trend_rate": 0.13}
    ),
    "last-dcfr": Twin(
        nothing, last_dcfr,
        {
            "horizon": 500.0, "alpha": 1.0, "alpha_gain": 4.0, "beta": -1.0, "beta_gain": -2.0, "trend_weight": 1.5,
            "trend_rate": 0.1,
        },
    ),
}  # fmt: skip
