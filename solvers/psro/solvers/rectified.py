"""Rectified: PSRO_rN, a response for every policy that is played to those that it does not lose to (Balduzzi et al. 2019).

The strategies are an equilibrium of the meta-game. Every policy in a player's support then gets a best response to the other's
strategy restricted to the policies that it beats or ties with: those against which it has at least half of what the two share. One
that loses to all of them gets a response to the whole strategy. So populations grow by several policies an iteration, each only
once: responses that a player has are left out.
"""

import numpy as np

from solvers.rule import check_constant_sum, maximin

STATE: dict = {}
PLAYED = 1e-8  # a policy with less probability has no response
TIE = 1e-12  # payoffs this close, next to the largest, are a tie


def train(payoffs, iteration):
    """Return equilibrium strategies of a two-player constant-sum game."""
    check_constant_sum(payoffs.game, "rectified")
    payoff = payoffs.tensor(0)
    return [maximin(payoff), maximin(-payoff.T)]


def answers(payoffs, strategies, respond):
    """Return a response for every policy that is played."""
    lead = payoffs.tensor(0) - payoffs.game.constant_sum / 2.0
    found = []
    for player, gains in enumerate((lead, -lead.T)):
        known = {plan.tobytes() for plan in payoffs.populations[player]}
        new = []
        for policy in np.flatnonzero(strategies[player] > PLAYED):
            other = strategies[1 - player]
            beaten = np.where(gains[policy] >= -TIE * np.abs(lead).max(), other, 0.0)
            target = beaten / beaten.sum() if beaten.sum() > TIE else other
            plan = respond(player, [strategies[0], target] if player == 0 else [target, strategies[1]])
            if plan.tobytes() not in known:
                known.add(plan.tobytes())
                new.append(plan)
        found.append(new)
    return found


evaluate = train
