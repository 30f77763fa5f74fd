"""SHOR: smoothed hybrid optimistic regret (Li, Schultz, Hennes, Lanctot 2026, arXiv 2602.16928).

A regret-matching strategy on optimistic, rescaled gains is blended with a softmax of the payoffs; blend, temperature and the bonus
for diversity are annealed over the iterations of PSRO.
"""

import numpy as np

from games.jit import njit
from solvers.psro import dynamics
from solvers.psro.dynamics import largest, smallest, total
from solvers.psro.meta_game import payoff_vector, refresh
from solvers.rule import exponentiate

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
    strategies = dynamics.uniform(meta)
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
            mean, best = total(v) / len(v), largest(v)
            for k in range(len(s)):
                c = v[k] - mean
                u[k] = (1.0 + momentum) * c - momentum * G[k] + diversity * (1.0 - s[k])
                G[k] = c
                v[k] = (v[k] - best) / temperature
            size = max(largest(u), -smallest(u))
            scale = size if size > 1e-8 else 1.0
            for k in range(len(s)):
                C[k] = max(0.0, C[k] + u[k] / scale)
            exponentiate(v)
            regret, smooth = total(C), total(v)
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


def train(payoffs, iteration, params):
    """Return the average of the hybrid, annealed over the iterations."""
    p = params
    q = min(1.0, iteration / p.horizon)
    strategies = hybrid(
        payoffs.meta,
        min(p.base_iterations + p.iterations_per_policy * (payoffs.sizes[0] - 1), p.max_iterations),
        p.initial_blend + (p.final_blend - p.initial_blend) * q,
        p.initial_temperature + (p.final_temperature - p.initial_temperature) * q,
        p.momentum,
        p.initial_diversity + (p.final_diversity - p.initial_diversity) * q,
        True,
    )
    return dynamics.split(strategies, payoffs.meta)


def evaluate(payoffs, iteration, params):
    """Return the last strategies of a sharper hybrid."""
    p = params
    steps = min(p.base_iterations + p.iterations_per_policy * (payoffs.sizes[0] - 1), p.max_iterations)
    strategies = hybrid(payoffs.meta, steps, p.blend, p.temperature, p.momentum, p.diversity, False)
    return dynamics.split(strategies, payoffs.meta)
