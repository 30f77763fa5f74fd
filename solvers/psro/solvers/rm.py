"""RM: simultaneous regret matching on the meta-game, time average (Hart & Mas-Colell 2000)."""

from solvers.psro import dynamics

TRAIN = EVAL = {"steps": 20_000}
STATE: dict = {}


def train(payoffs, iteration, params):
    """Return the average of regret matching."""
    return dynamics.split(dynamics.regret_average(payoffs.meta, params.steps, False, False, False), payoffs.meta)


evaluate = train
