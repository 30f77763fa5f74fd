"""The oracle: an exact best response to the others' mixture, ties mixed uniformly."""

import numpy as np

from games.jit import njit
from games.sequence_form import SequenceGame
from solvers.kernels import gradient

TIE = 1e-10  # actions within this of the best one share


@njit
def best_response_policy(q, parent, first, count, tie, sigma):
    """Write the uniform mixture of best actions at every infoset to `sigma`; `q` turns from gradient to action values."""
    for infoset in range(len(parent) - 1, -1, -1):
        begin = first[infoset]
        end = begin + count[infoset]
        best = q[begin + 1]
        for k in range(begin + 1, end):
            best = max(best, q[k + 1])
        ties = 0
        for k in range(begin, end):
            ties += q[k + 1] >= best - tie
        for k in range(begin, end):
            sigma[k] = 1.0 / ties if q[k + 1] >= best - tie else 0.0
        q[parent[infoset]] += best


def best_response(game: SequenceGame, player: int, plan: np.ndarray, buffer: np.ndarray) -> np.ndarray:
    """Return the policy (the player's pairs) of a best response to the others' plans in `plan` (sequences of all players).

    Also at infosets that the others never reach, where all actions tie.
    """
    infosets, tree = game.player_infosets(player), game.tree
    q, sigma = np.zeros(game.actions[player] + 1), np.zeros(game.actions[player])
    gradient(player, plan, game.blocks, tree, buffer, q)
    tie = TIE / game.blocks.unit[0]
    best_response_policy(q, tree.parent[infosets], tree.first[infosets], tree.count[infosets], tie, sigma)
    return sigma
