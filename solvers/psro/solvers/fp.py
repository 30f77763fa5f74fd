"""FP: simultaneous fictitious play, everybody answers the others' average (Brown 1951); ties are shared.

Parameters
----------
steps : best responses that are averaged; at least 1
"""

import numpy as np

from solvers.rule import all_payoffs, max_of, njit, uniform

TRAIN = EVAL = {"steps": 20_000}
STATE: dict = {}


@njit
def train(meta, iteration, params):
    """Return the average after `steps` best responses."""
    average = uniform(meta)
    values = np.empty(len(average))
    for t in range(1, params.steps + 1):
        all_payoffs(average, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            best = max_of(values[a:b])
            ties = 0
            for k in range(a, b):
                ties += values[k] >= best - 1e-12
            for k in range(a, b):
                answer = 1.0 / ties if values[k] >= best - 1e-12 else 0.0
                average[k] += (answer - average[k]) / (t + 1.0)
    return average


evaluate = train
