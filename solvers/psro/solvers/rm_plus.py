"""RM+: regret matching with regrets cut at zero and linear averaging (Tammelin 2014).

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
    """Return the players' averages, step t counting t times."""
    strategies = uniform(meta)
    values = np.empty(len(strategies))
    regrets, average = np.zeros(len(strategies)), np.zeros(len(strategies))
    for t in range(1, params.steps + 1):
        average += t * strategies
        all_payoffs(strategies, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            mean = dot(strategies[a:b], values[a:b])
            for k in range(a, b):
                regrets[k] = max(regrets[k] + values[k] - mean, 0.0)
            scale_to_one(regrets[a:b], strategies[a:b])
    return average / (params.steps * (params.steps + 1) / 2.0)


evaluate = train
