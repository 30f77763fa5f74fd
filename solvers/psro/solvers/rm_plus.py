"""RM+: regret matching with regrets cut at zero and linear averaging (Tammelin 2014)."""

from solvers.psro import dynamics

TRAIN = EVAL = {"steps": 20_000}
STATE: dict = {}


def train(payoffs, iteration, params):
    """Return the linear average of regret matching plus."""
    return dynamics.split(dynamics.regret_average(payoffs.meta, params.steps, True, True, False), payoffs.meta)


evaluate = train
