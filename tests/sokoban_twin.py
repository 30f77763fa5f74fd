"""Sokoban as a student would write it: sets of cells and dictionaries, for the tests to compare the engines with."""

from collections import deque

STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1))


class Twin:
    """A level's rules on (player, frozenset of boxes)."""

    def __init__(self, level):
        self.area = level.area
        self.goals = frozenset(g for g in level.cells(".+*") if g in self.area)
        boxes = frozenset(b for b in level.cells("$*") if b in self.area)
        self.start = (level.cells("@+")[0], boxes)

    def move(self, state, direction, walk=True, push=True):
        """Return (state, reward) after a move that may walk, push, or do nothing."""
        player, boxes = state
        dr, dc = STEPS[direction]
        here, ahead = (player[0] + dr, player[1] + dc), (player[0] + 2 * dr, player[1] + 2 * dc)
        if here not in self.area:
            return state, -0.1
        if here not in boxes:
            return ((here, boxes) if walk else state), -0.1
        if not push or ahead not in self.area or ahead in boxes:
            return state, -0.1
        after = boxes - {here} | {ahead}
        reward = -0.1 + (ahead in self.goals) - (here in self.goals)
        return (here, after), reward + (10.0 if after == self.goals else 0.0)

    def region(self, state):
        """Return the cells that the player can walk to."""
        player, boxes = state
        found, queue = {player}, deque([player])
        while queue:
            r, c = queue.popleft()
            for dr, dc in STEPS:
                x = (r + dr, c + dc)
                if x in self.area and x not in boxes and x not in found:
                    found.add(x)
                    queue.append(x)
        return found

    def pushes(self, state):
        """Return the possible pushes as (box, direction), in reading order."""
        region, boxes = self.region(state), state[1]
        found = []
        for box in sorted(boxes):
            for d, (dr, dc) in enumerate(STEPS):
                ahead = (box[0] + dr, box[1] + dc)
                if (box[0] - dr, box[1] - dc) in region and ahead in self.area and ahead not in boxes:
                    found.append((box, d))
        return found

    def push(self, state, box, direction):
        """Return (state, reward) after a push."""
        dr, dc = STEPS[direction]
        return self.move(((box[0] - dr, box[1] - dc), state[1]), direction)

    def solved(self, state):
        """Return whether all boxes are on goals."""
        return state[1] == self.goals

    def fewest_moves(self, live=None):
        """Return (fewest moves or None, states inserted), breadth first; pushes onto cells outside `live` are left out if given."""
        seen, queue = {self.start}, deque([(self.start, 0)])
        while queue:
            state, depth = queue.popleft()
            if self.solved(state):
                return depth, len(seen)
            for d in range(4):
                after, _ = self.move(state, d)
                if after not in seen and (live is None or after[1] <= live):
                    seen.add(after)
                    queue.append((after, depth + 1))
        return None, len(seen)

    def fewest_pushes(self, start=None):
        """Return the fewest pushes to a solution, None if there is none, breadth first over (region, boxes)."""
        start = start or self.start
        normal = lambda s: (min(self.region(s)), s[1])  # noqa: E731
        seen, queue = {normal(start)}, deque([(start, 0)])
        while queue:
            state, depth = queue.popleft()
            if self.solved(state):
                return depth
            for box, d in self.pushes(state):
                after, _ = self.push(state, box, d)
                mark = normal(after)
                if mark not in seen:
                    seen.add(mark)
                    queue.append((after, depth + 1))
        return None

    def live(self):
        """Return the cells from which some goal can be reached, by pulls in reverse that ignore where the player is."""
        found, queue = set(self.goals), deque(self.goals)
        while queue:
            r, c = queue.popleft()
            for dr, dc in STEPS:
                one, two = (r + dr, c + dc), (r + 2 * dr, c + 2 * dc)
                if one in self.area and two in self.area and one not in found:
                    found.add(one)
                    queue.append(one)
        return found
