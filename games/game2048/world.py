"""The worlds of the 2048 family: boards as people read and write them, starts, and what became of a game.

Parameters
----------
rows, columns : cells of the board; from 2 to 4
base : the least tile; 2 or 3
rules : standard, or ProAct's, where illegal moves are actions
target : tile that counts as a success, after which play goes on; a tile, or 0 for none
horizon : actions after which a game is cut; at least 1, or 0 for no limit
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from games.errors import UsageError
from games.game2048 import exact
from games.game2048.board import FULL, TOP, Shape, largest, spawn
from games.game2048.model import FORMAT_ERROR, ProAct2048, Small2048, make_model
from games.jit import njit
from games.random import stream
from games.world import Cell, Instance, Summary, world_line

OPTIONS = {"rows": 4, "columns": 4, "base": 2, "rules": "standard", "target": 2048, "horizon": 0}
CHOICES = {"rules": ("standard", "proact")}
ROLLOUTS = {"all": {"rules": "proact"}}  # by ProAct's rules alone are moves without an effect actions, too

DIRECTIONS = ("up", "right", "down", "left")
COLOURS = (  # ink and ground of the empty cell, the base tile, the next ...; later tiles are like the last
    ("#776e65", "#cdc1b4"), ("#776e65", "#eee4da"), ("#776e65", "#ede0c8"), ("#f9f6f2", "#f2b179"), ("#f9f6f2", "#f59563"),
    ("#f9f6f2", "#f67c5f"), ("#f9f6f2", "#f65e3b"), ("#f9f6f2", "#edcf72"), ("#f9f6f2", "#edcc61"), ("#f9f6f2", "#edc850"),
    ("#f9f6f2", "#edc53f"), ("#f9f6f2", "#edc22e"), ("#f9f6f2", "#3c3a32"),
)  # fmt: skip
PROACT_ACTIONS = ("up", "down", "left", "right", "format error")
MOST_SHARES = 6  # largest tiles that a summary tells


@njit
def _start(shape, rng):
    """Return an empty board after two spawns."""
    return spawn(spawn(np.uint64(0), shape, rng), shape, rng)


@njit
def _largest(board):
    return largest(board)


class World2048:
    """A board of up to 4x4 cells with tiles of `base`, 2 base, 4 base ..., under the standard rules or ProAct's."""

    outcome_columns = ("moves", "max_tile")
    ladder = "max_tile"

    def __init__(self, name: str, rows: int, columns: int, base: int, rules: str, target: int, horizon: int) -> None:
        self.name, self.rows, self.columns, self.base = name, rows, columns, base
        self.target, self.horizon = target, horizon
        self.model = make_model(rows, columns, base, rules == "proact")
        self.names = PROACT_ACTIONS if rules == "proact" else DIRECTIONS
        self._solution: exact.Solution | None = None

    def __repr__(self) -> str:
        return world_line(self)

    def instance(self, seed: int) -> Instance:
        """Return the game of `seed`: two tiles on an empty board, alike in all worlds whose boards have the same shape."""
        if seed < 0:
            raise UsageError(f"{self.name}: there is no game {seed}; seeds count from 0")
        state = np.zeros(self.model.width, np.int64)
        state.view(np.uint64)[0] = _start(self._shape(), stream("2048", seed))
        return Instance(str(seed), seed, self.model, state, self.horizon or None, world=self)

    def __len__(self) -> int:
        return 0

    def action_name(self, instance: Instance, state: np.ndarray, action: int) -> str:
        """Return "up", "right", "down" or "left" (ProAct's worlds also have "format error")."""
        return self.names[action]

    def action(self, name: str) -> int:
        """Return the action called `name`; anything unknown is a format error in ProAct's worlds.

        Raises
        ------
        UsageError
            If there is no action of this name.
        """
        if name in self.names:
            return self.names.index(name)
        if isinstance(self.model, ProAct2048):
            return FORMAT_ERROR
        raise UsageError(f"{self.name}: there is no action {name!r}; legal are {', '.join(self.names)}")

    def tiles(self, state: np.ndarray) -> np.ndarray:
        """Return the tiles of a state (rows, columns), 0 where a cell is empty."""
        cells = (state.view(np.uint64)[0] >> np.arange(0, 64, 4, dtype=np.uint64)).astype(np.int64) & 15
        tiles = np.where(cells > 0, (self.base << cells) >> 1, 0)
        return tiles.reshape(4, 4)[: self.rows, : self.columns]

    def state(self, tiles: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
        """Return the state with these `tiles` (rows, columns), 0 where a cell is empty.

        Raises
        ------
        UsageError
            If the board has another shape or a tile that does not exist.
        """
        if len(tiles) != self.rows or any(len(row) != self.columns for row in tiles):
            given = "x".join(str(n) for n in (len(tiles), *sorted({len(row) for row in tiles})))
            raise UsageError(f"{self.name}: the board has {self.rows}x{self.columns} cells, not {given}")
        exponents = {0: 0} | {self.base << e >> 1: e for e in range(1, TOP + 1)}
        board = 0
        for r, row in enumerate(tiles):
            for c, tile in enumerate(row):
                if int(tile) not in exponents:
                    raise UsageError(
                        f"{self.name}: row {r + 1} has a tile {tile}; tiles are {self.base}, {2 * self.base}, {4 * self.base} ... "
                        f"{self.base << TOP >> 1}, and 0 or . for an empty cell"
                    )
                board |= exponents[int(tile)] << (16 * r + 4 * c)
        state = np.zeros(self.model.width, np.int64)
        state.view(np.uint64)[0] = board
        return state

    def read(self, text: str) -> np.ndarray:
        """Return the state of a board in text: rows end with a line break or "/", cells are apart by blanks or commas.

        Raises
        ------
        UsageError
            If it is no board of this world.
        """
        rows = [re.findall(r"[^\s,|\[\]]+", line) for line in re.split(r"[/\n]", text)]
        rows = [row for row in rows if row]
        for r, row in enumerate(rows):
            for cell in row:
                if cell != "." and not cell.isdecimal():
                    raise UsageError(
                        f"{self.name}: row {r + 1} has a cell {cell!r}; write a tile such as {self.base}, or . or 0 if empty"
                    )
        return self.state([[0 if cell == "." else int(cell) for cell in row] for row in rows])

    def text(self, instance: Instance, state: np.ndarray) -> str:
        """Return the board, a line a row, columns aligned, "." for an empty cell; `read` reads it."""
        rows = [["." if tile == 0 else str(tile) for tile in row] for row in self.tiles(state).tolist()]
        wide = max(4, *(len(cell) for row in rows for cell in row))
        return "\n".join(" ".join(cell.rjust(wide) for cell in row) for row in rows)

    def picture(self, instance: Instance, state: np.ndarray) -> list[list[Cell]]:
        """Return the board as rows of coloured cells."""

        def cell(tile: int) -> Cell:
            exponent = (tile // self.base).bit_length()
            return Cell(str(tile) if tile else "", *COLOURS[min(exponent, len(COLOURS) - 1)])

        return [[cell(tile) for tile in row] for row in self.tiles(state).tolist()]

    def grid(self, instance: Instance) -> tuple[int, int, int]:
        """Return the numbers of rows and columns, and 0, the place of the first cell."""
        return self.rows, self.columns, 0

    def observation(self, state: np.ndarray) -> str:
        """Return the board as ProAct shows it to language models: the repr of a dict, on one line (reference implementation)."""
        rows = [["." if tile == 0 else str(tile) for tile in row] for row in self.tiles(state).tolist()]
        return repr({"board": "\n".join(f"[{' '.join(cell.rjust(5) for cell in row)}]" for row in rows)})

    def outcome(
        self, instance: Instance, states: Sequence[np.ndarray], actions: Sequence[int], rewards: Sequence[float]
    ) -> dict[str, Any]:
        """Return ``score`` (merged tiles, no penalties), ``max_tile``, ``moves`` and ``solved``: whether the target was reached.

        Under ProAct's rules also ``illegal`` and ``format_errors``, the numbers of turns that changed nothing.
        """
        tile = self.base << int(_largest(states[-1].view(np.uint64)[0])) >> 1
        found: dict[str, Any] = {
            "score": float(sum(reward for reward in rewards if reward > 0.0)),
            "solved": tile >= self.target if self.target else None,
            "max_tile": tile,
            "moves": len(actions),
        }
        if isinstance(self.model, ProAct2048):
            errors = sum(action == FORMAT_ERROR for action in actions)
            found |= {"illegal": sum(reward < 0.0 for reward in rewards) - errors, "format_errors": errors}
        return found

    def summary(self, outcomes: Sequence[Mapping[str, Any]]) -> Summary:
        """Return how many games ended with which largest tile, and in words the shares that came so far."""
        tiles, reached, shares = Counter(int(outcome["max_tile"]) for outcome in outcomes), 0, []
        for tile in sorted(tiles, reverse=True):
            reached += tiles[tile]
            shares.append(f"{tile:,}: {100 * reached / len(outcomes):.0f} %")
        return Summary(
            {"max_tiles": {str(tile): tiles[tile] for tile in sorted(tiles)}}, {"reached": "  ".join(shares[:MOST_SHARES])}
        )

    def optimum(self, instance: Instance) -> float | None:
        """Return the score that best play expects from the start of a game: of boards of at most six cells, without a horizon."""
        if not isinstance(self.model, Small2048) or self.horizon or not exact.is_small(self.model):
            return None
        if self._solution is None:
            self._solution = exact.solve(self.model)
        return float(np.nanmax(exact.action_values(self.model, self._solution, instance.start)))

    def _shape(self) -> Shape:
        return getattr(self.model, "shape", FULL)


def make(name: str, rows: int, columns: int, base: int, rules: str, target: int, horizon: int) -> World2048:
    """Return a world of the 2048 family.

    Raises
    ------
    UsageError
        For a board, base or target that is not possible.
    """
    for side, cells in (("rows", rows), ("columns", columns)):
        if not 2 <= cells <= 4:
            raise UsageError(f"{name}: {side}={cells} is not possible; boards have 2 to 4 rows and columns")
    if base not in (2, 3):
        raise UsageError(f"{name}: base={base} is not possible; legal: 2, 3")
    if target and target not in [base << e >> 1 for e in range(1, TOP + 1)]:
        raise UsageError(
            f"{name}: target={target} is no tile; tiles are {base}, {2 * base} ... {base << TOP >> 1}, and 0 for no target"
        )
    if horizon < 0:
        raise UsageError(f"{name}: horizon={horizon} is negative; 0 means no limit")
    return World2048(name, rows, columns, base, rules, target, horizon)
