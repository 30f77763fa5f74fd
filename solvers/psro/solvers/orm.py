"""ORM: optimistic regret matching, the last regrets as prediction of the next (Farina, Kroer, Sandholm 2021)."""

from solvers.psro import dynamics

TRAIN = EVAL = {"steps": 20_000}
STATE: dict = {}


def train(payoffs, iteration, params):
    """Return the average of optimistic regret matching."""
    return dynamics.split(dynamics.regret_average(payoffs.meta, params.steps, False, False, True), payoffs.meta)


evaluate = train
