"""SHOR: smoothed hybrid optimistic regret (Li, Schultz, Hennes, Lanctot 2026, arXiv 2602.16928).

A regret-matching strategy on optimistic, rescaled gains is blended with a softmax of the payoffs; blend, temperature and the bonus
for diversity are annealed over the iterations of PSRO.

Parameters
----------
initial_blend, final_blend : share of the softmax in a strategy at the first iteration of PSRO and after the horizon; from 0 to 1
initial_temperature, final_temperature : temperature of the softmax, in units of payoff, likewise; above 0
initial_diversity, final_diversity : bonus of a policy that is not played, in units of payoff, likewise; at least 0
horizon : iterations of PSRO over which first values turn into final ones; above 0
blend : share of the softmax in a strategy for evaluation; from 0 to 1
temperature : temperature of the softmax for evaluation, in units of payoff; above 0
diversity : bonus of a policy that is not played for evaluation, in units of payoff; at least 0
momentum : weight of what the gains have changed by since the last step; at least 0
base_iterations : steps of the hybrid while there is one policy; at least 1
iterations_per_policy : further steps for every further policy; at least 0
max_iterations : steps of the hybrid at most; at least 1
"""

import numpy as np

from solvers.rule import exponentiate, max_of, min_of, njit, payoff_vector, refresh, sum_of, uniform

TRAIN = {
    "initial_blend": 0.3,
    "final_blend": 0.05,
    "initial_temperature": 0.5,
    "final_temperature": 0.01,
    "initial_diversity": 0.05,
    "final_diversity": 0.001,
    "momentum": 0.5,
    "horizon": 75,
    "base_iterations": 1000,
    "iterations_per_policy": 20,
    "max_iterations": 5000,
}
EVAL = {
    "blend": 0.01,
    "temperature": 0.001,
    "momentum": 0.2,
    "diversity": 0.0,
    "base_iterations": 8000,
    "iterations_per_policy": 50,
    "max_iterations": 15000,
}
STATE: dict = {}


@njit
def hybrid(meta, iterations, blend, temperature, momentum, diversity, averaging):
    """Return the average, or the last, of the hybrid's strategies (joint vector); players move in turn."""
    strategies = uniform(meta)
    cumulated = np.zeros(len(strategies))
    previous = np.zeros(len(strategies))
    average = np.zeros(len(strategies))
    scratch = np.empty((2, meta.sizes.max()))
    for player in range(len(meta.sizes)):
        refresh(player, strategies, meta)
    for _ in range(iterations):
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            s, C, G = strategies[a:b], cumulated[a:b], previous[a:b]
            v, u = scratch[0, : b - a], scratch[1, : b - a]
            payoff_vector(player, meta, v)
            mean, best = sum_of(v) / len(v), max_of(v)
            for k in range(len(s)):
                c = v[k] - mean
                u[k] = (1.0 + momentum) * c - momentum * G[k] + diversity * (1.0 - s[k])
                G[k] = c
                v[k] = (v[k] - best) / temperature
            size = max(max_of(u), -min_of(u))
            scale = size if size > 1e-8 else 1.0
            for k in range(len(s)):
                C[k] = max(0.0, C[k] + u[k] / scale)
            exponentiate(v)
            regret, smooth = sum_of(C), sum_of(v)
            for k in range(len(s)):
                o = C[k] / regret if regret > 1e-12 else 1.0 / len(s)
                s[k] = (1.0 - blend) * o + blend * v[k] / smooth
            refresh(player, strategies, meta)
            if averaging:
                average[a:b] += s
    if not averaging:
        return strategies
    for player in range(len(meta.sizes)):
        a, b = meta.start[player], meta.start[player + 1]
        average[a:b] /= average[a:b].sum()
    return average


@njit
def train(meta, iteration, params):
    """Return the average of the hybrid, annealed over the iterations."""
    q = min(1.0, iteration / params.horizon)
    steps = int(min(params.base_iterations + params.iterations_per_policy * (meta.sizes[0] - 1), params.max_iterations))
    blend = params.initial_blend + (params.final_blend - params.initial_blend) * q
    temperature = params.initial_temperature + (params.final_temperature - params.initial_temperature) * q
    diversity = params.initial_diversity + (params.final_diversity - params.initial_diversity) * q
    return hybrid(meta, steps, blend, temperature, params.momentum, diversity, True)


@njit
def evaluate(meta, iteration, params):
    """Return the last strategies of a sharper hybrid."""
    steps = int(min(params.base_iterations + params.iterations_per_policy * (meta.sizes[0] - 1), params.max_iterations))
    return hybrid(meta, steps, params.blend, params.temperature, params.momentum, params.diversity, False)
