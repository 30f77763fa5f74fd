"""RRD: replicator dynamics that stop early, so that the answer is a regularised one (Wang, Ma, Wellman 2023).

The dynamics run from the uniform strategies without a floor; what is returned is their average over time, as soon as its regret in
the meta-game, summed over the players, is below a limit. The limit and the steps are those of the authors' published program; that
the regret is the sum is our reading.

Parameters
----------
regret : sum of the players' gains by deviating at which the average is good enough, in units of payoff; at least 0
dt : step of the replicator dynamics; above 0, and small beside 1 / payoff
first : steps after which the regret is looked at; at least 1
steps : steps at most; at least 1
"""

import numpy as np

from solvers.rule import all_payoffs, dot, max_of, njit, scale_to_one, uniform

TRAIN = EVAL = {"regret": 0.5, "dt": 1e-3, "first": 10_000, "steps": 100_000}
STATE: dict = {}


@njit
def train(meta, iteration, params):
    """Return the average of the dynamics until its regret is below the limit."""
    x, values = uniform(meta), uniform(meta)
    total, average = np.zeros(len(x)), uniform(meta)
    for step in range(1, params.steps + 1):
        all_payoffs(x, meta, values)
        for player in range(len(meta.sizes)):
            a, b = meta.start[player], meta.start[player + 1]
            mean = dot(x[a:b], values[a:b])
            for k in range(a, b):
                values[k] = max(x[k] + params.dt * x[k] * (values[k] - mean), 0.0)
            scale_to_one(values[a:b], x[a:b])
        total += x
        if step >= params.first or step == params.steps:
            for k in range(len(x)):
                average[k] = total[k] / step
            all_payoffs(average, meta, values)
            regret = 0.0
            for player in range(len(meta.sizes)):
                a, b = meta.start[player], meta.start[player + 1]
                regret += max_of(values[a:b]) - dot(average[a:b], values[a:b])
            if regret < params.regret:
                break
    return average


evaluate = train
