"""The world ``sokoban-traps``: positions in which the push that looks best loses, and another wins (FLARE's trap suite).

Positions of generated levels, at most 10x10 with 2 to 4 boxes. The push with the best local score cannot be solved any more, some
push that scores less can; both by exhaustive search. What a search of `MOST` states cannot decide is left out, and counted.

Parameters
----------
deadlocks : what search leaves out: nothing, dead squares, also boxes that block each other, pushes that can wait, goals shut off
horizon : pushes after which an episode is cut; at least 1, or 0 for 100 and 5 for each that is needed
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from games.errors import GameplanError
from games.jit import njit
from games.process import apply, goal, legal, score
from games.random import below, stream
from games.sokoban.board import compile_level
from games.sokoban.exhaustive import SOLVABLE, UNDECIDED, UNSOLVABLE, nearest, verdict
from games.sokoban.generator import generate
from games.sokoban.levels import Level
from games.sokoban.pushes import pushes_model
from games.sokoban.worlds import DEADLOCKS, SokobanWorld, board_text
from games.world import Instance

MOST = 20_000  # states of an exhaustive search
DEPTHS = 8  # lookahead depths tried
_LEVELS = 1000  # generated before giving up on a seed
OPTIONS = {"deadlocks": "freeze", "horizon": 0}
CHOICES = {"deadlocks": tuple(DEADLOCKS)}


class Trap(NamedTuple):
    """A trap: the position as a level, the pushes, and how deep it is.

    `push` is the push that looks best and loses, `winning` the pushes that can still be solved. `depth` is the least number of
    pushes, the first included, after which some line through a winning push looks better (by the lower bound) than all lines
    through `push`; 0 if it is more than `DEPTHS` or not known. `undecided` counts the positions left out on the way.
    """

    level: Level
    push: int
    winning: tuple[int, ...]
    depth: int
    undecided: int


def find_trap(seed: int) -> Trap:
    """Return the trap of `seed`: the first that random play by winning pushes meets in levels made from `seed`.

    Raises
    ------
    GameplanError
        If none of many levels has one.
    """
    rng, undecided = stream("sokoban trap", seed), 0
    for number in range(_LEVELS):
        boxes, rows, columns = 2 + int(below(rng, 3)), 4 + int(below(rng, 4)), 4 + int(below(rng, 4))
        level = generate(1_000_000 * seed + number, rows, columns, min(boxes, rows * columns // 8), 0.3)
        compiled = compile_level(level)
        model, state = pushes_model(compiled)
        for _ in range(12):
            pushes, scores, verdicts = (array.tolist() for array in _judged(model, state, MOST))
            undecided += UNDECIDED in verdicts
            winning = [push for push, found in zip(pushes, verdicts, strict=True) if found == SOLVABLE]
            best = int(np.argmax(scores)) if pushes else 0
            if not winning or UNDECIDED in verdicts:
                break
            good = max(s for s, found in zip(scores, verdicts, strict=True) if found == SOLVABLE)
            if verdicts[best] == UNSOLVABLE and scores[best] > good:
                rows_now = tuple(row.rstrip() for row in board_text(level, compiled, state).split("\n"))
                position = Level(rows_now, f"trap {seed}")
                return Trap(position, pushes[best], tuple(winning), _depth(model, state, pushes[best], winning), undecided)
            apply(model, state, winning[int(below(rng, len(winning)))])
            if goal(model, state):
                break
    raise GameplanError(f"no trap was found in {_LEVELS} levels of seed {seed}; take another seed")


@njit
def _judged(model, state, most):
    """Return the pushes in `state`, their local scores, and what becomes of each."""
    pushes, after = np.empty(model.actions, np.int64), state.copy()
    count = legal(model, state, pushes)
    scores, verdicts = np.empty(count), np.empty(count, np.int64)
    for k in range(count):
        after[:] = state
        reward = apply(model, after, pushes[k])
        scores[k] = score(model, state, pushes[k], after, reward)
        verdicts[k] = verdict(model, after, most)
    return pushes[:count], scores, verdicts


def _depth(model: Any, state: np.ndarray, push: int, winning: Sequence[int]) -> int:
    """Return `Trap.depth`."""
    lines = {}
    for action in (push, *winning):
        after = state.copy()
        apply(model, after, action)
        lines[action] = nearest(model, after, DEPTHS - 1, MOST)
    for depth in range(DEPTHS):
        if any(lines[action][depth] < lines[push][depth] for action in winning):
            return depth + 1
    return 0


class TrapWorld(SokobanWorld):
    """Traps by pushes; one instance for every seed, with its `Trap` in ``extra["trap"]``."""

    def __init__(self, name: str, deadlocks: str, horizon: int) -> None:
        super().__init__(name, [], deadlocks=deadlocks, horizon=horizon)

    def instance(self, seed: int) -> Instance:
        """See `games.world.World`."""
        trap = find_trap(seed)
        instance = self.instance_of(trap.level, trap.level.title, seed)
        instance.extra["trap"] = trap  # type: ignore[index]
        return instance

    def outcome(
        self, instance: Instance, states: Sequence[np.ndarray], actions: Sequence[int], rewards: Sequence[float]
    ) -> dict[str, Any]:
        """See `SokobanWorld.outcome`; adds ``trapped``, whether the first push lost, and the trap's ``depth``."""
        trap: Trap = instance.extra["trap"]
        trapped = bool(actions) and actions[0] == trap.push
        return {**super().outcome(instance, states, actions, rewards), "trapped": trapped, "depth": trap.depth}


def make(name: str, deadlocks: str, horizon: int) -> TrapWorld:
    """Return the world ``sokoban-traps``."""
    return TrapWorld(name, deadlocks, horizon)
