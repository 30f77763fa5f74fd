"""ORM: optimistic regret matching, the last regrets as prediction of the next (Farina, Kroer, Sandholm 2021).

Parameters
----------
steps : steps of regret matching that are averaged; at least 1
"""

import numpy as np

from solvers.rule import all_payoffs, dot, njit, scale_to_one, uniform

TRAIN = EVAL = {"steps": 20_000}
STATE: dict = {}


@njit
def train(meta, iteration, params):
    """Return the players' averages."""
    strategies = uniform(meta)
    values, positive = np.empty(len(strategies)), np.empty(len(strategies))
    regrets, average = np.zeros(len(strategies)), np.zeros(len(strategies))
    for _ in range(params.steps):
        average += strategies
        all_payoffs(strategies, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            mean = dot(strategies[a:b], values[a:b])
            for k in range(a, b):
                r = values[k] - mean
                regrets[k] += r
                positive[k] = max(regrets[k] + r, 0.0)
            scale_to_one(positive[a:b], strategies[a:b])
    return average / params.steps


evaluate = train
