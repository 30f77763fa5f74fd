"""Uniform: every policy of the population with equal probability."""

from solvers.psro import dynamics

STATE: dict = {}


def train(payoffs, iteration):
    """Return uniform strategies."""
    return dynamics.split(dynamics.uniform(payoffs.meta), payoffs.meta)


evaluate = train
