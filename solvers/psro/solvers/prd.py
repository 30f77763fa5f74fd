"""PRD: projected replicator dynamics (Lanctot et al. 2017).

Parameters
----------
dt : step of the replicator dynamics; above 0, and small beside 1 / payoff
steps : steps of the dynamics, of which the second half is averaged; at least 1
gamma : every policy keeps at least gamma / (policies + 1) of probability; from 0 to 1
"""

import numpy as np

from solvers.rule import all_payoffs, dot, min_of, njit, sum_of, uniform

TRAIN = EVAL = {"dt": 1e-3, "steps": 50_000, "gamma": 1e-6}
STATE: dict = {}


@njit
def project(x, floor):
    """Project `x` onto the strategies with every probability at least `floor`, in place, by Euclidean distance."""
    size = len(x)
    excess = (sum_of(x) - 1.0) / size
    if min_of(x) - excess >= floor:  # the usual case: only the sum has drifted
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
def train(meta, iteration, params):
    """Return the average of the second half of the dynamics, started uniformly."""
    x = uniform(meta)
    values = np.empty(len(x))
    average = np.zeros(len(x))
    for step in range(params.steps):
        all_payoffs(x, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            mean = dot(x[a:b], values[a:b])
            for k in range(a, b):
                x[k] += params.dt * x[k] * (values[k] - mean)
            project(x[a:b], params.gamma / (b - a + 1.0))
        if 2 * step >= params.steps:
            average += x
    return average / (params.steps - (params.steps + 1) // 2)


evaluate = train
