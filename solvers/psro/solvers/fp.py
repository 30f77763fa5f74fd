"""FP: simultaneous fictitious play, everybody answers the others' average (Brown 1951); ties are shared."""

import numpy as np

from games.jit import njit
from solvers.psro import dynamics

TRAIN = EVAL = {"steps": 20_000}
STATE: dict = {}


@njit
def play(meta, steps):
    """Return the average after `steps` best responses."""
    average = dynamics.uniform(meta)
    values = np.empty(len(average))
    for t in range(1, steps + 1):
        dynamics.all_payoffs(average, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            best = dynamics.largest(values[a:b])
            ties = 0
            for k in range(a, b):
                ties += values[k] >= best - 1e-12
            for k in range(a, b):
                answer = 1.0 / ties if values[k] >= best - 1e-12 else 0.0
                average[k] += (answer - average[k]) / (t + 1.0)
    return average


def train(payoffs, iteration, params):
    """Return the players' averages."""
    return dynamics.split(play(payoffs.meta, params.steps), payoffs.meta)


evaluate = train
