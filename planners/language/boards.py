"""Boards found in text: the way back from what a language model is shown to a world and a state."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from games.world import Instance
from games.worlds import load_world
from planners.language.speech import Speech

_ROW_OF_TILES = re.compile(r"\[((?:\s*(?:\d+|\.))+)\s*\]")


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
    """Return the board of 2048 or Sokoban in `text`, in either observation format; None if there is none."""
    tiles = [[0 if cell == "." else int(cell) for cell in row.split()] for row in _ROW_OF_TILES.findall(text.replace("\\n", "\n"))]
    return _tiles_board(tiles) if tiles else None


def _tiles_board(tiles: list[list[int]]) -> Board:
    base = 3 if any(tile % 3 == 0 for row in tiles for tile in row if tile) else 2
    world = _world("2048" if base == 2 else "3072", len(tiles), len(tiles[0]))
    state = world.state(tiles)
    return Board(Instance("board", 0, world.model, state, world=world), state)


@lru_cache(maxsize=8)
def _world(name: str, rows: int, columns: int) -> Any:
    return load_world(name, {"rows": rows, "columns": columns})
