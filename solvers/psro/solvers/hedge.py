"""Hedge: simultaneous exponential weights with rate sqrt(8 log K / steps) / payoff range, time average (Freund & Schapire 1997)."""

import math

import numpy as np

from games.jit import njit
from solvers.psro import dynamics
from solvers.psro.dynamics import largest, smallest
from solvers.rule import exponentiate

TRAIN = EVAL = {"steps": 20_000}
STATE: dict = {}


@njit
def play(meta, steps):
    """Return the average of exponential weights."""
    strategies = dynamics.uniform(meta)
    gains = np.zeros(len(strategies))
    values = np.empty(len(strategies))
    average = np.zeros(len(strategies))
    spread = np.zeros(len(meta.sizes))  # largest range of payoffs seen, the scale of the rate
    for _ in range(steps):
        average += strategies
        dynamics.all_payoffs(strategies, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            spread[player] = max(spread[player], largest(values[a:b]) - smallest(values[a:b]))
            gains[a:b] += values[a:b]
            rate = math.sqrt(8.0 * math.log(max(b - a, 2)) / steps) / max(spread[player], 1e-12)
            best = largest(gains[a:b])
            for k in range(a, b):
                strategies[k] = rate * (gains[k] - best)
            exponentiate(strategies[a:b])
            dynamics.normalise(strategies[a:b], strategies[a:b])
    return average / steps


def train(payoffs, iteration, params):
    """Return the players' averages."""
    return dynamics.split(play(payoffs.meta, params.steps), payoffs.meta)


evaluate = train
