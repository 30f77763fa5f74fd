"""PRD: projected replicator dynamics (Lanctot et al. 2017)."""

import numpy as np

from games.jit import embedded, njit
from solvers.psro import dynamics
from solvers.psro.core import dot
from solvers.psro.dynamics import smallest, total

TRAIN = EVAL = {"dt": 1e-3, "steps": 50_000, "gamma": 1e-6}
STATE: dict = {}


@embedded
def project(x, floor):
    """Project `x` onto the strategies with every probability at least `floor`, in place, by Euclidean distance."""
    size = len(x)
    excess = (total(x) - 1.0) / size
    if smallest(x) - excess >= floor:  # the usual case: only the sum has drifted
        x -= excess
        return
    mass = 1.0 - size * floor
    ordered = np.sort(x)[::-1] - floor
    cumulated, shift = 0.0, 0.0
    for k in range(size):
        cumulated += ordered[k]
        candidate = (cumulated - mass) / (k + 1)
        if ordered[k] - candidate > 0.0:
            shift = candidate
    for k in range(size):
        x[k] = max(x[k] - floor - shift, 0.0) + floor


@njit
def replicate(meta, dt, steps, gamma):
    """Return the average of the second half of the dynamics, started uniformly."""
    x = dynamics.uniform(meta)
    values = np.empty(len(x))
    average = np.zeros(len(x))
    for step in range(steps):
        dynamics.all_payoffs(x, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            mean = dot(x[a:b], values[a:b])
            for k in range(a, b):
                x[k] += dt * x[k] * (values[k] - mean)
            project(x[a:b], gamma / (b - a + 1.0))
        if 2 * step >= steps:
            average += x
    return average / (steps - (steps + 1) // 2)


def train(payoffs, iteration, params):
    """Return the players' averages."""
    return dynamics.split(replicate(payoffs.meta, params.dt, params.steps, params.gamma), payoffs.meta)


evaluate = train
