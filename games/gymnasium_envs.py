"""2048 and Sokoban as Gymnasium environments (extra ``gym``).

    import games.gymnasium_envs, gymnasium                     # or gymnasium.make("games.gymnasium_envs:gameplan/Game2048-v0")
    env = gymnasium.make("gameplan/Game2048-v0")
    observation, info = env.reset(seed=0)                      # info["action_mask"]: which actions are legal
    observation, reward, terminated, truncated, info = env.step(0)

Observations are grids of uint8: exponents of tiles (0: empty) in 2048; 0 wall, 1 floor, 2 target, 3 box on target, 4 box, 5 player,
6 player on target in Sokoban. Actions are the world's: up, right, down, left in 2048, up, down, left, right in Sokoban. An illegal
action changes nothing; it costs what the world says of standing still (Boxoban: -0.1 a step), in standard 2048 nothing. 2048 ends
when no move is left; Sokoban when it is solved, and is truncated after its 120 steps.
"""

from typing import Any

import gymnasium
import numpy as np

from games.dispatch import operation
from games.game2048.model import Full2048, ProAct2048, Small2048
from games.jit import embedded, njit
from games.process import apply, draw, goal, legal
from games.random import stream
from games.sokoban.bits import has
from games.sokoban.board import Board
from games.sokoban.moves import SokobanMoves
from games.sokoban.values import STEP
from games.world import Instance
from games.worlds import load_world


@operation
def observe(model, state, grid, columns, origin):
    """Write `state` to `grid` (cells, uint8, row by row, `columns` a row); the board's first cell is at `origin`."""
    raise NotImplementedError


@operation
def refused(model):
    """Return the reward of an illegal action, which changes nothing."""
    return 0.0


@observe.of(Full2048)
def _observe_full(model, state, grid, columns, origin):
    board = np.uint64(state[0])
    for cell in range(16):
        grid[cell] = np.uint8((board >> np.uint64(4 * cell)) & np.uint64(15))


def _observe_small(model, state, grid, columns, origin):
    board, k = np.uint64(state[0]), 0
    for cell in range(16):
        if (model.shape.cells >> np.uint64(4 * cell)) & np.uint64(1) != np.uint64(0):
            grid[k] = np.uint8((board >> np.uint64(4 * cell)) & np.uint64(15))
            k += 1


observe.of(Small2048)(_observe_small)
observe.of(ProAct2048)(_observe_small)


@observe.of(SokobanMoves)
def _observe_sokoban(model, state, grid, columns, origin):
    yard = model.yard
    for cell in range(yard.cells):
        symbol = 0
        if has(yard.table, yard.floor, cell):
            on, box = has(yard.table, yard.goals, cell), has(state, 0, cell)
            player = state[yard.words] == cell
            symbol = (6 if on else 5) if player else (3 if on else 4) if box else (2 if on else 1)
        grid[origin + (cell // yard.columns) * columns + cell % yard.columns] = symbol


@refused.of(SokobanMoves)
def _refused(model):
    return STEP


@embedded
def move(model, state, action, rng, grid, columns, origin, mask, actions):
    """Do `action` in place and write the new observation and action mask; return (reward, ended)."""
    if mask[action]:
        reward = apply(model, state, action)
        draw(model, state, rng)
    else:
        reward = refused(model)
    return reward, look(model, state, grid, columns, origin, mask, actions)


@embedded
def look(model, state, grid, columns, origin, mask, actions):
    """Write the observation and action mask of `state`; return whether it is terminal."""
    observe(model, state, grid, columns, origin)
    mask[:] = 0
    count = 0 if goal(model, state) else legal(model, state, actions)
    for k in range(count):
        mask[actions[k]] = 1
    return count == 0


@njit
def advance(model, state, action, rng, grid, columns, origin, mask, actions):
    """See `move`."""
    return move(model, state, action, rng, grid, columns, origin, mask, actions)


@njit
def show(model, state, grid, columns, origin, mask, actions):
    """See `look`."""
    return look(model, state, grid, columns, origin, mask, actions)


# Handing a record of twenty numbers over to a kernel takes longer than a step: Sokoban's is made again inside, from two arrays.
@njit
def advance_sokoban(n, table, state, action, rng, grid, columns, origin, mask, actions):
    """Do as `advance`, with the model's numbers and table in place of the record."""
    yard = Board(n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11], n[12], n[13], table)
    model = SokobanMoves(n[14], n[15], 0, yard, n[16] != 0, n[17] != 0, n[18], 1.0)
    return move(model, state, action, rng, grid, columns, origin, mask, actions)


def packed_sokoban(model: SokobanMoves) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers and the table that `advance_sokoban` takes."""
    numbers = [*model.yard[:-1], model.width, model.actions, model.explicit, model.masked, model.checks]
    return np.array(numbers, np.int64), model.yard.table


class WorldEnv(gymnasium.Env):
    """A world as a Gymnasium environment.

    Parameters
    ----------
    world : str
        Name of a world ('gameplan games').
    render_mode : str, optional
        "ansi": `render` returns the board as text.
    steps : int, optional
        Truncates episodes; by default the world's own horizon.
    options
        Options of the world, such as ``levels="my.xsb"``.
    """

    def __init__(self, world: str, render_mode: str | None = None, steps: int | None = None, **options: Any) -> None:
        self.metadata = {"render_modes": ["ansi"], "render_fps": 10}
        self.render_mode = render_mode
        self._world, self._steps = load_world(world, options), steps
        self._known: dict[int, Instance] = {}  # levels, compiled once
        self._begin(0)
        self.observation_space = gymnasium.spaces.Box(0, 15, self._shape, np.uint8)
        self.action_space = gymnasium.spaces.Discrete(self._actions)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode; ``options={"instance": n}`` chooses a game or level, otherwise the generator does."""
        super().reset(seed=seed)
        number = (options or {}).get("instance")
        if number is None:
            number = int(self.np_random.integers(len(self._world) or 2**31))
        self._begin(int(number))
        self._rng = stream("gymnasium", int(self.np_random.integers(2**62)))
        return self._grid.copy(), {"action_mask": self._mask.copy()}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Do `action`; see `gymnasium.Env.step`."""
        reward, ended = self._advance(
            *self._record, self._state, action, self._rng, self._flat, self._columns, self._origin, self._mask, self._buffer
        )
        self._count += 1
        truncated = not ended and self._limit is not None and self._count >= self._limit
        return self._grid.copy(), reward, ended, truncated, {"action_mask": self._mask.copy()}

    def render(self) -> str | None:
        """Return the board as text with ``render_mode="ansi"``."""
        return self._world.text(self._instance, self._state) if self.render_mode == "ansi" else None

    def _begin(self, number: int) -> None:
        self._instance = self._known.get(number) or self._world.instance(number)
        if len(self._world):
            self._known[number] = self._instance
        self._model, self._state = self._instance.model, self._instance.start.copy()
        sokoban = isinstance(self._model, SokobanMoves)
        self._advance = advance_sokoban if sokoban else advance
        self._record = packed_sokoban(self._model) if sokoban else (self._model,)
        world: Any = self._world
        rows, self._columns, self._origin = world.grid(self._instance)
        self._shape, self._actions = (rows, self._columns), self._model.actions
        self._grid = np.zeros(self._shape, np.uint8)
        self._flat, self._mask = self._grid.reshape(-1), np.zeros(self._actions, np.int8)
        self._buffer, self._count = np.zeros(max(self._model.actions, self._actions), np.int64), 0
        self._limit = self._steps if self._steps is not None else self._instance.horizon
        show(self._model, self._state, self._flat, self._columns, self._origin, self._mask, self._buffer)


_IDS = {
    "Game2048-v0": {"world": "2048"},
    "Game2048Small-v0": {"world": "2048-3x3"},
    "Game2048ProAct-v0": {"world": "2048-proact"},
    "Sokoban-v0": {"world": "sokoban", "actions": "moves"},
    "SokobanProAct-v0": {"world": "sokoban-proact"},
}
for _name, _options in _IDS.items():
    gymnasium.register(f"gameplan/{_name}", "games.gymnasium_envs:WorldEnv", kwargs=_options)
