"""Hedge: simultaneous exponential weights with rate sqrt(8 log K / steps) / payoff range, time average (Freund & Schapire 1997).

Parameters
----------
steps : steps of multiplicative weights that are averaged; at least 1
"""

import math

import numpy as np

from solvers.rule import all_payoffs, exponentiate, max_of, min_of, njit, scale_to_one, uniform

TRAIN = EVAL = {"steps": 20_000}
STATE: dict = {}


@njit
def train(meta, iteration, params):
    """Return the average of exponential weights."""
    strategies = uniform(meta)
    gains = np.zeros(len(strategies))
    values = np.empty(len(strategies))
    average = np.zeros(len(strategies))
    spread = np.zeros(len(meta.sizes))  # largest range of payoffs seen, the scale of the rate
    for _ in range(params.steps):
        average += strategies
        all_payoffs(strategies, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            spread[player] = max(spread[player], max_of(values[a:b]) - min_of(values[a:b]))
            gains[a:b] += values[a:b]
            rate = math.sqrt(8.0 * math.log(max(b - a, 2)) / params.steps) / max(spread[player], 1e-12)
            best = max_of(gains[a:b])
            for k in range(a, b):
                strategies[k] = rate * (gains[k] - best)
            exponentiate(strategies[a:b])
            scale_to_one(strategies[a:b], strategies[a:b])
    return average / params.steps


evaluate = train
