"""Regret matching with every step of it in the open: what regrets are, how they become weights, and how strategies are averaged."""

import numpy as np

from solvers.rule import all_payoffs, dot, njit, scale_to_one, uniform

TRAIN = {"steps": 1000, "keep": 0.99, "optimism": 0.5}
EVAL = {"steps": 4000, "keep": 0.99, "optimism": 0.5}
STATE: dict = {}


@njit
def train(meta, iteration, params):
    """Return the weighted average of strategies."""
    strategies = uniform(meta)
    values, positive = np.empty(len(strategies)), np.empty(len(strategies))
    regrets, average = np.zeros(len(strategies)), np.zeros(len(strategies))
    for step in range(params.steps):
        t = step + 1.0
        all_payoffs(strategies, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            mean = dot(strategies[a:b], values[a:b])
            for k in range(a, b):
                average[k] = average[k] + t * strategies[k]
                gain = values[k] - mean
                regrets[k] = params.keep * regrets[k] + gain
                positive[k] = max(regrets[k] + params.optimism * gain, 0.0)
            scale_to_one(positive[a:b], strategies[a:b])
    return average


@njit
def evaluate(meta, iteration, params):
    """Return the weighted average of strategies."""
    strategies = uniform(meta)
    values, positive = np.empty(len(strategies)), np.empty(len(strategies))
    regrets, average = np.zeros(len(strategies)), np.zeros(len(strategies))
    for step in range(params.steps):
        t = step + 1.0
        all_payoffs(strategies, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            mean = dot(strategies[a:b], values[a:b])
            for k in range(a, b):
                average[k] = average[k] + t * strategies[k]
                gain = values[k] - mean
                regrets[k] = params.keep * regrets[k] + gain
                positive[k] = max(regrets[k] + params.optimism * gain, 0.0)
            scale_to_one(positive[a:b], strategies[a:b])
    return average
