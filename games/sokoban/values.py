"""What a box set is worth: the lower bound as a distance, FLARE's local score of a step, and the heuristic value of a state."""

import numpy as np

from games.jit import embedded
from games.sokoban.bits import has
from games.sokoban.board import FAR, on_goals
from games.sokoban.matching import matching, notes_size

ON_GOAL, SOLVED, STEP = 1.0, 10.0, -0.1  # rewards of Boxoban (Guez et al. 2018) and ProAct alike


@embedded
def lower_bound(board, boxes):
    """Return the matching lower bound on the pushes still needed, infinite if some box has no goal left."""
    h = matching(board, boxes, np.empty(notes_size(board.boxes), np.int64), board.table, board.pushes)
    return np.inf if h >= FAR else float(h)


@embedded
def step_score(board, boxes, after):
    """Return how good a step between two box sets looks, in [0, 1]: 1/4 for each push nearer, and for each box put on a goal."""
    h = lower_bound(board, after)
    if h == np.inf:
        return 0.0
    gain = lower_bound(board, boxes) - h + on_goals(board, after) - on_goals(board, boxes)
    return min(1.0, max(0.0, 0.5 + 0.25 * gain))


@embedded
def state_value(board, boxes, h0):
    """Return exp(-h / h0) for the lower bound h of `boxes`: 1 at the goal, 0 if there is no way to it."""
    return np.exp(-lower_bound(board, boxes) / h0)


@embedded
def push_reward(board, boxes, cell, ahead):
    """Return the reward of the push of a box from `cell` to `ahead`, which is already made in `boxes`."""
    was, now = has(board.table, board.goals, cell), has(board.table, board.goals, ahead)
    reward = STEP
    if was and not now:
        reward -= ON_GOAL
    elif now and not was:
        reward += ON_GOAL
        if on_goals(board, boxes) == board.boxes:
            reward += SOLVED
    return reward
