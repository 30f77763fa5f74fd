"""Corrals as a student would write them: sets of cells; a round looks at every push and then lets everything join at once."""

from sokoban_twin import STEPS


def regions(twin, state):
    """Return the regions that the player cannot enter."""
    left = twin.area - state[1] - twin.region(state)
    found = []
    while left:
        here = twin.region((min(left), state[1]))
        found.append(frozenset(here))
        left -= here
    return found


def beside(cells):
    return {(r + dr, c + dc) for r, c in cells for dr, dc in STEPS}


def to_push(twin, state, live):
    """Return the sets of boxes of the corrals that have to be opened, with the number of pushes that open each."""
    boxes, player = state[1], twin.region(state)
    others, found = regions(twin, state), []
    for seed in others:
        inside = set(seed)
        fence = beside(inside) & boxes
        closed = True
        while True:
            more, cells = set(), set()
            for r, c in fence:
                for dr, dc in STEPS:
                    stand, to = (r - dr, c - dc), (r + dr, c + dc)
                    if not {stand, to} <= twin.area or stand in inside | fence or to in fence or to not in live:
                        continue
                    if stand not in player:
                        (more if stand in boxes else cells).add(stand)
                    elif to in player:
                        closed = False
                    elif to not in inside:
                        (more if to in boxes else cells).add(to)
            if not closed or not more | cells:
                break
            for region in others:
                if region & cells:
                    inside |= region
            fence |= more | beside(inside) & boxes
        if closed and fence != boxes and (fence - twin.goals or inside & twin.goals):
            pushes = sum(
                box in fence and (box[0] + STEPS[d][0], box[1] + STEPS[d][1]) in inside & live for box, d in twin.pushes(state)
            )
            found.append((frozenset(fence), pushes))
    return found
