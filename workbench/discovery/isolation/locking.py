"""A lock (`solvers.locked`) as text, for the order of a session: a locked process loads the game by name, and locks it itself."""

import json

import numpy as np

from solvers.locked import Lock


def text_of(lock: Lock) -> str:
    """Return `lock` as text, from which `lock_of` makes the same bits."""
    return json.dumps([lock.player, lock.infosets.tolist(), lock.sigma.tolist(), lock.probability])


def lock_of(text: str) -> Lock:
    """Return the lock that `text_of` has written."""
    player, infosets, sigma, probability = json.loads(text)
    return Lock(player, np.array(infosets, bool), np.array(sigma, np.float64), probability)
