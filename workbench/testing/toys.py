"""Two worlds in Python, small enough that everything about them is known: what the suites play with."""

from functools import cache

from games.python_model import PythonModel
from games.world import Instance

TRAP, HOPELESS, GOAL = 6, 7, 9


class Rooms:
    """Numbered rooms: choices, a forced way, a loop, a trap (6, nothing follows), a hopeless pair (7 and 8), a goal (9)."""

    doors = {0: (1, 2, 3), 1: (4,), 2: (5, 0, 6), 3: (7, 1, 2), 4: (5, 9), 5: (4, 2), 6: (), 7: (8,), 8: (7,), 9: ()}
    left = {0: 3.0, 1: 2.0, 2: 3.0, 3: 3.0, 4: 1.0, 5: 2.0, 6: float("inf"), 7: float("inf"), 8: float("inf"), 9: 0.0}

    def legal(self, room: int) -> list[int]:
        """Return the doors, named by where they lead."""
        return list(self.doors[room])

    def step(self, room: int, door: int) -> tuple[int, float]:
        """Return where it leads; a step costs a little, the goal is worth one."""
        return door, float(door == GOAL) - 0.01

    def goal(self, room: int) -> bool:
        """Return whether it is the goal."""
        return room == GOAL

    def dead(self, room: int) -> bool:
        """Return whether it is proven lost."""
        return room in (HOPELESS, HOPELESS + 1)

    def distance(self, room: int) -> float:
        """Return the steps to the goal."""
        return self.left[room]

    def potential(self, root: int, room: int) -> float:
        """Return how near the goal is."""
        return 1.0 / (1.0 + self.left[room])


class Pig:
    """A game of dice to ten points: bank two, or roll and win what the die shows, which ends it at one; four turns at most."""

    def legal(self, state: tuple[int, int]) -> list[str]:
        """Return what can be done with (points, turns left)."""
        points, turns = state
        return [] if points >= 10 or turns == 0 else ["bank", "roll"][turns == 4 :]  # the first turn is forced

    def step(self, state: tuple[int, int], action: str) -> tuple[tuple[int, int], float]:
        """Return the afterstate: the points so far, and turns, negative while the die is in the air."""
        points, turns = state
        return ((points + 2, turns - 1), 2.0) if action == "bank" else ((points, -turns), 0.0)

    def chance(self, state: tuple[int, int]) -> list[tuple[float, tuple[int, int]]]:
        """Return what the die does."""
        points, turns = state
        if turns >= 0:
            return [(1.0, state)]
        return [(1 / 3, (points, 0)), (1 / 3, (points + 3, -turns - 1)), (1 / 3, (points + 5, -turns - 1))]

    def potential(self, root: tuple[int, int], state: tuple[int, int]) -> float:
        """Return the share of ten points."""
        return min(1.0, state[0] / 10.0)


@cache
def rooms() -> Instance:
    """Return the instance of `Rooms`, cut after 12 steps."""
    model = PythonModel(Rooms(), actions=3)
    return Instance("rooms", 0, model, model.state(0), 12)


@cache
def pig() -> Instance:
    """Return the instance of `Pig`."""
    model = PythonModel(Pig(), actions=2, outcomes=3)
    return Instance("pig", 0, model, model.state((0, 4)), 8)
