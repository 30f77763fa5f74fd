"""Anytime: the mixture of the population that an opponent who may play anything gains least against (McAleer et al. 2022).

An equilibrium of the meta-game is safe against the opponent's population only. What Anytime PSRO learns against a best response
that learns as well is found exactly here, by one linear program a player; the exploitability that is reported never rises.

As train solver it also says which best responses join the populations: those of the programs, against which no other mixture does
better. Best responses that share ties uniformly would come to a halt before an equilibrium, in Kuhn poker at an exploitability of
1/28.8, since each gains nothing new and the opponent may still gain by another.
"""

from solvers.rule import check_constant_sum

STATE: dict = {}


def train(payoffs, iteration):
    """Return both players' least exploitable mixtures in a two-player constant-sum game."""
    check_constant_sum(payoffs.game, "anytime")
    return [payoffs.least_exploitable(player).weights for player in range(2)]


def answers(payoffs, strategies, respond):
    """Return each player's answer to the other's mixture."""
    return [[payoffs.least_exploitable(1 - player).answer] for player in range(2)]


evaluate = train
