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


def losses(game: SequenceGame, policy: np.ndarray) -> list[np.ndarray]:
    """Return what every player's infosets lose to a best response: what makes the exploitability what it is.

    The loss of an infoset is what the policy gives away by its choice there, the player going on with a best response, times how
    often the player comes there; the others play `policy` (pairs of all players). Losses are not negative, and a player's
    (infosets) sum up to what it could gain by a best response, all of them to NashConv.
    """
    found = []
    for player in range(game.players):
        plans = [plan_of(game, p, policy[game.player_actions(p)]) for p in range(game.players)]
        infosets, own = game.player_infosets(player), policy[game.player_actions(player)]
        others = game.rows.utility[player].copy()
        for other, plan in enumerate(plans):
            if other != player:
                others *= plan[game.rows.sequences[:, other]]
        worth = np.bincount(game.rows.sequences[:, player], others, game.actions[player] + 1)
        first, count = (part[infosets].astype(np.int64).tolist() for part in (game.tree.first, game.tree.count))
        parent, loss = game.tree.parent[infosets].astype(np.int64).tolist(), np.zeros(len(first))
        for i in range(len(first) - 1, -1, -1):
            values = worth[first[i] + 1 : first[i] + count[i] + 1]
            best = values.max()
            loss[i] = plans[player][parent[i]] * float(own[first[i] : first[i] + count[i]] @ (best - values))
            worth[parent[i]] += best
        found.append(loss)
    return found
