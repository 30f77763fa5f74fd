"""Uniform strategies, in the open form of `skeleton`: regrets are there, but do not count yet."""

import numpy as np

from solvers.rule import all_payoffs, dot, njit, scale_to_one, uniform

TRAIN = {"steps": 500, "weight": 1.0, "pull": 0.0}
EVAL = {"steps": 2000, "weight": 1.0, "pull": 0.0}
STATE: dict = {}


@njit
def train(meta, iteration, params):
    """Return the average of strategies."""
    strategies = uniform(meta)
    values, positive = np.empty(len(strategies)), np.empty(len(strategies))
    regrets, average = np.zeros(len(strategies)), np.zeros(len(strategies))
    for _ in range(params.steps):
        all_payoffs(strategies, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            mean = dot(strategies[a:b], values[a:b])
            for k in range(a, b):
                average[k] = average[k] + strategies[k]
                gain = values[k] - mean
                regrets[k] = regrets[k] + gain
                positive[k] = max(params.weight + params.pull * regrets[k], 0.0)
            scale_to_one(positive[a:b], strategies[a:b])
    return average


@njit
def evaluate(meta, iteration, params):
    """Return the average of strategies."""
    strategies = uniform(meta)
    values, positive = np.empty(len(strategies)), np.empty(len(strategies))
    regrets, average = np.zeros(len(strategies)), np.zeros(len(strategies))
    for _ in range(params.steps):
        all_payoffs(strategies, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            mean = dot(strategies[a:b], values[a:b])
            for k in range(a, b):
                average[k] = average[k] + strategies[k]
                gain = values[k] - mean
                regrets[k] = regrets[k] + gain
                positive[k] = max(params.weight + params.pull * regrets[k], 0.0)
            scale_to_one(positive[a:b], strategies[a:b])
    return average
