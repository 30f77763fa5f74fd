"""Between behavioural policies and realisation plans, one player at a time."""

import numpy as np

from games.sequence_form import SequenceGame
from solvers.kernels import refresh_plan


def plan_of(game: SequenceGame, player: int, sigma: np.ndarray) -> np.ndarray:
    """Return the realisation plan (sequences, the empty one first) of the policy `sigma` (the player's pairs)."""
    infosets = game.player_infosets(player)
    tree = game.tree
    plan, reach = np.zeros(game.actions[player] + 1), np.zeros(game.infosets[player])
    refresh_plan(sigma, tree.parent[infosets], tree.first[infosets], tree.count[infosets], plan, reach)
    return plan


def policy_of(game: SequenceGame, player: int, plan: np.ndarray) -> np.ndarray:
    """Return the behavioural policy (the player's pairs) of a realisation plan; uniform where the plan has no mass."""
    infosets = game.player_infosets(player)
    count = game.tree.count[infosets].astype(np.int64)
    mass = np.maximum(plan[1:], 0.0)
    if not len(count):
        return mass
    total = np.repeat(np.add.reduceat(mass, game.tree.first[infosets].astype(np.int64)), count)
    return np.where(total > 0.0, mass / np.where(total > 0.0, total, 1.0), 1.0 / np.repeat(count, count))
