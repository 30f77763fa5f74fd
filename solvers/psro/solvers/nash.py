"""Nash: an equilibrium of the meta-game by linear programming; with it PSRO is double oracle (McMahan, Gordon, Blum 2003)."""

from solvers.rule import check_constant_sum, maximin

STATE: dict = {}


def train(payoffs, iteration):
    """Return equilibrium strategies of a two-player constant-sum game."""
    check_constant_sum(payoffs.game, "nash")
    payoff = payoffs.tensor(0)
    return [maximin(payoff), maximin(-payoff.T)]


evaluate = train
