"""Counterfactual values and regrets of a policy against itself (Zinkevich et al. 2007, equations 5 and 7)."""

from typing import NamedTuple

import numpy as np

from games.sequence_form import SequenceGame
from solvers.kernels import regrets
from solvers.plans import plan_of


class Counterfactual(NamedTuple):
    """What a player's infosets and actions are worth when all play a policy.

    Sums over the histories of an infoset, weighted by the probability with which chance and the others lead there; divided by that,
    by `reach`, they are expected payoffs to one who is there.

    Attributes
    ----------
    values, regrets : (pairs of the player,) float64 arrays
        Of every action its value, and what that is above the policy's own at its infoset.
    reach : (infosets of the player,) float64 array
        Of every infoset its reach by chance and the others.
    """

    values: np.ndarray
    regrets: np.ndarray
    reach: np.ndarray


def counterfactual(game: SequenceGame, policy: np.ndarray) -> list[Counterfactual]:
    """Return what every player's infosets and actions are worth under `policy` (pairs of all players)."""
    plans = [plan_of(game, player, policy[game.player_actions(player)]) for player in range(game.players)]
    found = []
    for player in range(game.players):
        infosets = game.player_infosets(player)
        tree = tuple(part[infosets] for part in (game.tree.parent, game.tree.first, game.tree.count))
        others = np.ones(len(game.rows.chance))
        for other, plan in enumerate(plans):
            if other != player:
                others *= plan[game.rows.sequences[:, other]]
        own, sigma = game.rows.sequences[:, player], policy[game.player_actions(player)]
        size = game.actions[player] + 1
        worth, mass, gain = (np.zeros(size) for _ in range(3))
        for into, weight in ((mass, game.rows.chance), (worth, game.rows.utility[player])):
            into += np.bincount(own, weight * others, size)
            regrets(into, sigma, *tree, 1.0, gain[1:])  # a payoff of 1 everywhere: what it sums up is how often one comes
        found.append(Counterfactual(worth[1:], gain[1:], mass[1:][tree[1]]))
    return found
