"""The world ``sokoban-rooms``: generated levels, one for every seed, so that what is learned on some can be tried on others.

Parameters
----------
rows, columns : cells of a room within the walls; from 3 to 60
boxes : in every level; at least 1
difficulty : of the generator, a few pulls for 0, the best of 40 long games of pulls for 1; from 0 to 1
pushes : levels are passed over whose lower bound of pushes is less; at least 0
actions : what an action is, a push or a move
deadlocks : what search leaves out: nothing, dead squares, also boxes that block each other, pushes that can wait, goals shut off
horizon : actions after which an episode is cut; at least 1, or 0 for 120 moves, or 100 pushes and 5 for each that is needed
"""

from games.errors import UsageError
from games.sokoban.board import compile_level
from games.sokoban.generator import generate
from games.sokoban.levels import Level
from games.sokoban.pushes import start_bound
from games.sokoban.worlds import DEADLOCKS, SokobanWorld
from games.sokoban.worlds import ROLLOUTS as ROLLOUTS
from games.world import Instance

OPTIONS = {
    "rows": 7,
    "columns": 7,
    "boxes": 2,
    "difficulty": 0.5,
    "pushes": 0,
    "actions": "moves",
    "deadlocks": "walls",
    "horizon": 0,
}
CHOICES = {"actions": ("pushes", "moves"), "deadlocks": tuple(DEADLOCKS)}


_TRIES = 200  # levels that are passed over before giving up
_APART = 1 << 40  # between the seeds of the generator for one level


class RoomWorld(SokobanWorld):
    """Levels of `games.sokoban.generator`; one instance for every seed. `rows` and `columns` are those within the walls."""

    def __init__(
        self, name: str, rows: int, columns: int, boxes: int, difficulty: float, pushes: int, actions: str, deadlocks: str,
        horizon: int,
    ) -> None:  # fmt: skip
        super().__init__(name, [], actions, deadlocks=deadlocks, horizon=horizon)
        self._size, self._boxes, self._difficulty, self._pushes = (rows, columns), boxes, difficulty, pushes
        self._level(0)  # what cannot be made is refused before anything begins

    def _level(self, seed: int) -> Level:
        for number in range(_TRIES):
            level = generate(seed + number * _APART, *self._size, self._boxes, self._difficulty)
            if self._pushes == 0:
                return level
            compiled = compile_level(level)
            if start_bound(compiled.board, compiled.boxes) >= self._pushes:
                return level
        raise UsageError(
            f"{self.name}: none of {_TRIES} levels needs pushes={self._pushes}; say fewer, more room, or a difficulty nearer to 1"
        )

    def instance(self, seed: int) -> Instance:
        """See `games.world.World`."""
        return self.instance_of(self._level(seed), f"seed {seed}", seed)

    def grid(self, instance: Instance) -> tuple[int, int, int]:
        """See `SokobanWorld.grid`."""
        rows, columns = (n + 2 for n in self._size)
        compiled = instance.extra["compiled"]
        return rows, columns, compiled.top * columns + compiled.left


def make(
    name: str, rows: int, columns: int, boxes: int, difficulty: float, pushes: int, actions: str, deadlocks: str, horizon: int
) -> RoomWorld:
    """Return the world ``sokoban-rooms``.

    Raises
    ------
    UsageError
        For sizes out of range, boxes that do not fit, or a number of pushes that levels do not need.
    """
    return RoomWorld(name, rows, columns, boxes, difficulty, pushes, actions, deadlocks, horizon)
