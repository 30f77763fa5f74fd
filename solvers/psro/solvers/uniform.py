"""Uniform: every policy of the population with equal probability."""

from solvers.rule import njit, uniform

STATE: dict = {}


@njit
def train(meta, iteration, params):
    """Return uniform strategies."""
    return uniform(meta)


evaluate = train
