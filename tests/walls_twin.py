"""The bound with walls, the order of the goals and the parts of the floor, as a student would write them."""

from collections import deque
from math import inf

import numpy as np
from scipy.optimize import linear_sum_assignment
from sokoban_twin import STEPS

LOST = 1e9


def joined(free, start):
    """Return the cells of `free` that are joined to `start`."""
    found, queue = {start}, [start]
    for r, c in queue:
        for dr, dc in STEPS:
            x = (r + dr, c + dc)
            if x in free and x not in found:
                found.add(x)
                queue.append(x)
    return frozenset(found)


def parts(free):
    """Return the parts of `free`."""
    return {joined(free, cell) for cell in free}


def lone(free, box, players, backwards=False):
    """Return {cell: fewest pushes (or pulls) of a lone box to it}, for a player who begins in one of the cells `players`."""
    begin = {(box, joined(free - {box}, player)) for player in players if player in free - {box}}
    far, queue = {box: 0}, deque((state, 0) for state in begin)
    seen = set(begin)
    while queue:
        ((r, c), region), steps = queue.popleft()
        for dr, dc in STEPS:
            ahead, behind = (r + dr, c + dc), (r - dr, c - dc)
            if backwards:
                ahead, stand, player = behind, behind, (r - 2 * dr, c - 2 * dc)
            else:
                stand, player = behind, (r, c)
            if stand not in region or ahead not in free or player not in free:
                continue
            state = (ahead, joined(free - {ahead}, player))
            if state not in seen:
                seen.add(state)
                far[ahead] = min(far.get(ahead, inf), steps + 1)
                queue.append((state, steps + 1))
    return far


def held(twin, boxes, live):
    """Return the boxes that can never move again."""
    left = set(boxes)
    while True:
        free = set()
        for r, c in left:
            for one, two in (((r - 1, c), (r + 1, c)), ((r, c - 1), (r, c + 1))):
                inside = one in twin.area and two in twin.area and one not in left and two not in left
                if inside and (one in live or two in live):
                    free.add((r, c))
        if not free:
            return left
        left -= free


def least(twin, boxes, walls):
    """Return the cheapest assignment of boxes to goals, those of `walls` being walls that keep their goals; None if there is none."""
    free = twin.area - walls
    table = np.full((len(boxes), len(boxes)), LOST)
    for row, box in enumerate(sorted(boxes)):
        far = {box: 0} if box in walls else lone(free, box, free)
        for column, goal in enumerate(sorted(twin.goals)):
            if goal in far and (goal not in walls or goal == box):
                table[row, column] = far[goal]
    total = table[linear_sum_assignment(table)].sum()
    return None if total >= LOST else int(total)


def away(twin, goals):
    """Return {goal: fewest pulls of its box to where a box stood at the start}, `goals` holding boxes; None where there is no way."""
    player, boxes = twin.start
    free = twin.area - set(goals)
    outside = set().union(*(joined(free, cell) for cell in (*boxes, player) if cell in free), set())
    found = {}
    for goal in goals:
        far = lone(free | {goal}, goal, outside, backwards=True)
        found[goal] = min((steps for cell, steps in far.items() if cell in boxes and steps), default=None)
    return found
