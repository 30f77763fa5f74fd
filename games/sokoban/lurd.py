"""LURD, the notation of Sokoban solutions, and a checker that shares nothing with the engines.

Lower-case letters are moves, upper-case ones pushes; run lengths (``3rU2(lU)``) are read too.
"""

import re
from typing import NamedTuple

from games.errors import GameplanError
from games.sokoban.levels import Level

_DIRECTIONS = {"u": (-1, 0), "d": (1, 0), "l": (0, -1), "r": (0, 1)}
LETTERS = "udlr"  # by direction: up, down, left, right, as in the engines


class Replay(NamedTuple):
    """What became of a solution: counts, boxes on goals at the end and at best, and whether all are at the end."""

    moves: int
    pushes: int
    on_goals: int
    most_on_goals: int
    solved: bool


def unpack(lurd: str) -> str:
    """Return `lurd` with run lengths written out and white space removed.

    Raises
    ------
    GameplanError
        If something but the letters lurdLURD remains.
    """
    text = re.sub(r"\s", "", lurd)
    while True:
        grown = re.sub(r"(\d+)(?:([a-zA-Z])|\(([a-zA-Z]*)\))", lambda m: (m[2] or m[3] or "") * min(int(m[1]), 1_000_000), text)
        grown = re.sub(r"(?<!\d)\(([a-zA-Z]*)\)", r"\1", grown)
        if grown == text:
            break
        text = grown
    if re.search("[^lurdLURD]", text):
        raise GameplanError(f"{lurd[:40]!r} is no solution in LURD: only l u r d L U R D, counts and brackets are legal")
    return text


def replay(level: Level, lurd: str) -> Replay:
    """Return what the moves `lurd` do on the text of `level`, each checked against the rules.

    Raises
    ------
    GameplanError
        At the first move that is impossible, or whose letter's case does not say whether a box was pushed.
    """
    board = [list(row) for row in level.rows]
    goals = {(r, c) for r, row in enumerate(board) for c, symbol in enumerate(row) if symbol in ".+*"}
    boxes = {(r, c) for r, row in enumerate(board) for c, symbol in enumerate(row) if symbol in "$*"}
    ((r, c),) = [(r, c) for r, row in enumerate(board) for c, symbol in enumerate(row) if symbol in "@+"]
    pushes, most = 0, len(boxes & goals)
    letters = unpack(lurd)
    for number, letter in enumerate(letters, 1):
        dr, dc = _DIRECTIONS[letter.lower()]
        here, ahead = (r + dr, c + dc), (r + 2 * dr, c + 2 * dc)
        pushed = here in boxes
        if _wall(board, here) or (pushed and (_wall(board, ahead) or ahead in boxes)):
            raise GameplanError(f"level {level.name}: move {number} ({letter}) of the solution is impossible")
        if pushed != letter.isupper():
            raise GameplanError(
                f"level {level.name}: move {number} ({letter}) of the solution {'pushes' if pushed else 'pushes no'} box"
            )
        if pushed:
            boxes.remove(here)
            boxes.add(ahead)
            pushes += 1
            most = max(most, len(boxes & goals))
        r, c = here
    return Replay(len(letters), pushes, len(boxes & goals), most, boxes <= goals)


def _wall(board: list[list[str]], cell: tuple[int, int]) -> bool:
    r, c = cell
    return not (0 <= r < len(board) and 0 <= c < len(board[r])) or board[r][c] == "#"
