"""The pushes of a position, and random play by them.

One loop over local numbers, since what calls hand over in counted references costs several times a push.
"""

import numpy as np

from games.jit import embedded
from games.random import below
from games.sokoban.bits import cells_of, flip, has, lowest, ones
from games.sokoban.board import all_on_goals, reach, reach_word
from games.sokoban.values import ON_GOAL, SOLVED, STEP, push_reward


@embedded
def pushes_of(board, boxes, found, landing, actions):
    """Write the pushes from the region `found` onto cells of `landing`, by box, then direction; return how many."""
    table, count = board.table, 0
    cells = np.empty(board.boxes, np.int64)
    for k in range(cells_of(boxes, board.words, cells)):
        cell = cells[k]
        for direction in range(4):
            behind, ahead = table[4 * cell + (direction ^ 1)], table[4 * cell + direction]
            if behind >= 0 and ahead >= 0 and has(found, 0, behind) and has(table, landing, ahead) and not has(boxes, 0, ahead):
                actions[count] = 4 * cell + direction
                count += 1
    return count


@embedded
def random_pushes(board, state, landing, steps, discount, rng):
    """Make up to `steps` uniformly random pushes onto cells of the set at `landing`; return (discounted return, pushes made).

    `state` has the box words and the player's cell, which is left where it stands; both are changed in place.
    """
    if board.words == 1:
        return _in_one_word(board, state, landing, steps, discount, rng)
    found, actions = np.empty(board.words, np.int64), np.empty(4 * board.boxes, np.int64)
    total, factor, done = 0.0, 1.0, 0
    while done < steps and not all_on_goals(board, state):
        reach(board, state, state[board.words], found)
        count = pushes_of(board, state, found, landing, actions)
        if count == 0:
            break
        action = actions[below(rng, count)]
        cell, ahead = action >> 2, board.table[action]
        flip(state, 0, cell)
        flip(state, 0, ahead)
        state[board.words] = cell
        total += factor * push_reward(board, state, cell, ahead)
        factor *= discount
        done += 1
    return total, done


@embedded
def _in_one_word(board, state, landing, steps, discount, rng):
    table, one, columns = board.table, np.uint64(1), np.uint64(board.columns)
    east, west, floor = np.uint64(table[board.east]), np.uint64(table[board.west]), np.uint64(table[board.floor])
    goals, land = np.uint64(table[board.goals]), np.uint64(table[landing])
    boxes, player, total, factor, done = np.uint64(state[0]), state[1], 0.0, 1.0, 0
    while done < steps and boxes & ~goals != np.uint64(0):
        found = reach_word(floor & ~boxes, east, west, columns, player)
        free = land & ~boxes
        up, down = boxes & (found >> columns) & (free << columns), boxes & (found << columns) & (free >> columns)
        left = boxes & ((found & west) >> one) & ((free & east) << one)
        right = boxes & ((found & east) << one) & ((free & west) >> one)
        a, b, c = ones(up), ones(down), ones(left)
        count = a + b + c + ones(right)
        if count == 0:
            break
        k = below(rng, count)
        if k < a:
            chosen, step = up, -board.columns
        elif k < a + b:
            chosen, step, k = down, board.columns, k - a
        elif k < a + b + c:
            chosen, step, k = left, -1, k - a - b
        else:
            chosen, step, k = right, 1, k - a - b - c
        for _ in range(k):
            chosen &= chosen - one
        player = lowest(np.int64(chosen))
        was, now = one << np.uint64(player), one << np.uint64(player + step)
        boxes ^= was | now
        reward = STEP
        if goals & was == np.uint64(0) and goals & now != np.uint64(0):
            reward += ON_GOAL + (SOLVED if boxes & ~goals == np.uint64(0) else 0.0)
        elif goals & was != np.uint64(0) and goals & now == np.uint64(0):
            reward -= ON_GOAL
        total += factor * reward
        factor *= discount
        done += 1
    state[0], state[1] = np.int64(boxes), player
    return total, done
