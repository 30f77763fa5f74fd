"""Boards found in text: the way back from what a language model is shown to a world and a state."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from games.sokoban.levels import Level, check_level
from games.sokoban.worlds import SokobanWorld
from games.world import Instance
from games.worlds import load_world
from planners.language.prompts import ORIGIN, PUSHES, SYMBOL, XSB
from planners.language.speech import Speech

_TILES = re.compile(r"\[((?:\s*(?:\d+|\.))+)\s*\]")
_YARD = re.compile(r"(?:^[#_ .?*$@+O√BP]*#[#_ .?*$@+O√BP]*$\n?){3,}", re.MULTILINE)
_PLACED_PUSH = re.compile(r"push \d+,\d+ ")


class Board(NamedTuple):
    """A board as a world's instance that begins with it."""

    instance: Instance
    state: np.ndarray

    def words(self) -> list[str]:
        """Return the names of the legal moves."""
        return Speech(self.instance).options(self.state)[1]

    def name(self, action: int) -> str:
        """Return the name of a move."""
        return Speech(self.instance).names(self.state, [action])[0]


def find_board(text: str) -> Board | None:
    """Return the last board of 2048 or Sokoban in `text`, in any format in which models are shown one; None if there is none.

    Only moves that change the board are legal in it. Sokoban's are ProAct's eight actions, pushes of a named box, or the four
    moves, whichever the text speaks of.

    Raises
    ------
    UsageError
        If it cannot be played: a tile that does not exist, two players.
    """
    yards = _YARD.findall(text)
    if yards:
        return _sokoban(yards[-1].rstrip("\n"), text)
    rows = _TILES.findall(text.replace("\\n", "\n"))
    return _2048([[0 if cell == "." else int(cell) for cell in row.split()] for row in rows]) if rows else None


def _2048(tiles: list[list[int]]) -> Board:
    base = 3 if any(tile % 3 == 0 for row in tiles for tile in row if tile) else 2
    world = _world("2048" if base == 2 else "3072", len(tiles), len(tiles[0]))
    state = world.state(tiles)
    return Board(Instance("board", 0, world.model, state, world=world), state)


@lru_cache(maxsize=8)
def _world(name: str, rows: int, columns: int) -> Any:
    return load_world(name, {"rows": rows, "columns": columns})


def _sokoban(board: str, text: str) -> Board:
    signs = SYMBOL if re.search("[_OBP√]", board) else XSB if "." in board else ORIGIN
    rows = board.translate(str.maketrans("".join(signs), "".join(XSB))).split("\n")
    level = Level(tuple(rows), source="request")
    check_level(level)
    actions = "pushes" if _PLACED_PUSH.search(text) else "explicit" if PUSHES[0] in text else "moves"
    instance = SokobanWorld("board", [level], actions).instance_of(level, "board", 0)
    return Board(instance, instance.start)
