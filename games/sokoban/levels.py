"""Reading and writing Sokoban levels: XSB and SOK collections, run-length encoding, Boxoban and ProAct files.

A level is its rows in XSB symbols: ``#`` wall, space floor, ``@`` player, ``$`` box, ``.`` goal, ``+`` player on a goal, ``*`` box
on a goal. Read as well: ``-`` and ``_`` for floor, ``?`` for a goal (ProAct), a count before a symbol and ``|`` between rows.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from games.errors import UnknownName, UsageError
from games.files import displayed, read_file

KIND = "file of levels"  # of a name
MOST_ROWS = MOST_COLUMNS = 128
MOST_BYTES = 64 << 20
MOST_LEVELS = 50_000  # of a file
MOST_LINE = 1 << 16  # characters of a row, packed or not, and of what is said of a level
MOST_KEY = 200
MOST_SOLUTION = 1 << 20

_ROW = re.compile(r"[#@+$*.?\-_ 0-9|()]+")
_KEY = re.compile(r"([A-Za-z][A-Za-z /-]*?)\s*:\s*(.*)")
_LURD = re.compile(r"[lurdLURD0-9() ]+")
_RUN = re.compile(r"(\d+)([^\d()]|\(([^()]*)\))")
_STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1))


@dataclass(frozen=True)
class Level:
    """One level: `rows` in XSB symbols, as wide as they were written, and where it came from.

    `number` counts from 1 in its file, `line` is the file's line of the first row, `solution` LURD as the file has it.
    """

    rows: tuple[str, ...]
    title: str = ""
    number: int = 1
    source: str = ""
    line: int = 1
    author: str = ""
    solution: str = ""

    @property
    def name(self) -> str:
        """The title, or the number if there is none."""
        return self.title or str(self.number)

    @property
    def text(self) -> str:
        """The rows joined by newlines."""
        return "\n".join(self.rows)

    def cells(self, symbols: str) -> list[tuple[int, int]]:
        """Return the (row, column) of every cell with one of `symbols`, in reading order."""
        return [(r, c) for r, row in enumerate(self.rows) for c, symbol in enumerate(row) if symbol in symbols]

    @cached_property
    def area(self) -> frozenset[tuple[int, int]]:
        """The cells that the player could reach if the boxes were gone, as (row, column)."""
        found = set(self.cells("@+")[:1])
        stack = list(found)
        while stack:
            r, c = stack.pop()
            for dr, dc in _STEPS:
                y, x = r + dr, c + dc
                if 0 <= y < len(self.rows) and 0 <= x < len(self.rows[y]) and self.rows[y][x] != "#" and (y, x) not in found:
                    found.add((y, x))
                    stack.append((y, x))
        return frozenset(found)

    def fault(self, what: str, row: int = 0) -> UsageError:
        """Return the error that says `what` is wrong with this level, with file, level and row."""
        shown = self.title if len(self.title) <= 60 else self.title[:60] + "..."
        title = f" ({shown})" if self.title and self.title != str(self.number) else ""
        return UsageError(f"{self.source or 'level'}: level {self.number}{title}, row {self.line + row}: {what}")


def read_levels(path: str | Path) -> list[Level]:
    """Return the checked levels of the file at `path`.

    Raises
    ------
    UsageError
        If the file cannot be read, is no text, has no level, or has a level that cannot be played; one line, with level and row.
    """
    shown = displayed(str(path))
    data = read_file(Path(path), "file of levels", MOST_BYTES)
    if b"\0" in data:
        raise UnknownName(shown, KIND, f"{shown}: level 1, row 1: is a binary file; levels are text in XSB, SOK or Boxoban form")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return parse_levels(text, str(path))


def parse_levels(text: str, source: str = "") -> list[Level]:
    """Return the checked levels in `text`; `source` names it in errors.

    Raises
    ------
    UsageError
        As `read_levels`.
    """
    blocks = _blocks(text, source)
    if not blocks:
        what = "is empty" if not text.strip() else "has no level; a level has rows of # @ + $ * . and spaces"
        shown = displayed(source) or "text"
        raise UnknownName(shown, KIND, f"{shown}: level 1, row 1: {what}")
    levels = []
    for number, block in enumerate(blocks, 1):
        while len(block.rows) > 1 and not block.rows[0]:  # says nothing, and could not be written so that it is read again
            block.rows, block.line = block.rows[1:], block.line + 1
        title = block.keys.get("title") or block.title
        level = Level(tuple(block.rows), title, number, source, block.line, block.keys.get("author", ""), block.solution)
        check_level(level)
        levels.append(level)
    return levels


def write_levels(levels: Iterable[Level]) -> str:
    """Return `levels` as XSB text that `parse_levels` reads back: title before, author and solution after each board.

    A row without any symbol is written as ``-``, since an empty line would end the board.
    """
    parts = []
    for level in levels:
        rows = [row.rstrip() or "-" for row in level.rows]
        after = [f"Author: {level.author}"] if level.author else []
        after += [f"Solution: {level.solution}"] if level.solution else []
        parts.append("\n".join([f"; {level.name}", "", *rows, *after, ""]))
    return "\n".join(parts)


def check_level(level: Level) -> None:
    """Check that `level` can be played.

    Raises
    ------
    UsageError
        Saying which row is wrong and why: size, players, boxes against goals, walls that leave the board open.
    """
    widest = max(range(len(level.rows)), key=lambda r: len(level.rows[r]))
    if len(level.rows) > MOST_ROWS or len(level.rows[widest]) > MOST_COLUMNS:
        size = f"{len(level.rows)} rows by {len(level.rows[widest])} columns"
        raise level.fault(f"the board has {size}; at most {MOST_ROWS} by {MOST_COLUMNS} are read", widest)
    players = level.cells("@+")
    if not players:
        raise level.fault("no player (@, or + on a goal)")
    if len(players) > 1:
        raise level.fault(f"{len(players)} players; a level has one", players[1][0])
    for r, c in sorted(level.area):
        if (
            r in (0, len(level.rows) - 1)
            or c == 0
            or any(c >= len(level.rows[y]) for y in (r - 1, r, r + 1))
            or c + 1 >= len(level.rows[r])
        ):
            raise level.fault(f"open wall: the player can leave the board at column {c + 1}", r)
    boxes, goals = level.cells("$*"), level.cells(".+*")
    for r, c in boxes:
        if (r, c) not in level.area and level.rows[r][c] == "$":
            raise level.fault(f"the box at column {c + 1} is outside the player's area and stands on no goal", r)
    inside_boxes, inside_goals = [b for b in boxes if b in level.area], [g for g in goals if g in level.area]
    if len(inside_boxes) != len(inside_goals):
        row = (inside_boxes or inside_goals)[-1][0]
        raise level.fault(
            f"{len(inside_boxes)} boxes but {len(inside_goals)} goals in the player's area; they must be equally many", row
        )
    if not inside_boxes:
        raise level.fault("no boxes in the player's area", players[0][0])


@dataclass
class _Block:
    line: int
    title: str
    rows: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    solution: str = ""

    def add_solution(self, text: str) -> None:
        """Go on with the solution; what is too long to be one is cut off."""
        if len(self.solution) < MOST_SOLUTION:
            self.solution += text.replace(" ", "").strip()


def _blocks(text: str, source: str) -> list[_Block]:
    """Return the boards of `text` with what is said about each before and after it."""
    lines = re.split(r"\r\n|\r|\n", text)
    blocks: list[_Block] = []
    early: dict[str, str] = {}  # what is said before the first board, or of the next one if titles come first
    title, reading, in_comment, last_key = "", False, False, ""
    titled_after = _titles_follow(lines)
    for number, line in enumerate(lines, 1):
        if len(line) > MOST_LINE:
            raise UsageError(f"{source or 'text'}: row {number}: has {len(line):,} characters; at most {MOST_LINE:,} are read")
        if in_comment:
            in_comment = not line.lower().startswith(("comment-end", "comment_end"))
            continue
        if _ROW.fullmatch(line) and line.strip() and (reading or "#" in line) and not line.strip().isdigit():
            if not reading:
                if len(blocks) == MOST_LEVELS:
                    raise UsageError(
                        f"{source or 'text'}: row {number}: is of level {MOST_LEVELS + 1:,}; at most {MOST_LEVELS:,} are read"
                    )
                blocks.append(_Block(number, title, keys=dict(early)))
                early, title, reading = {}, "", True
            blocks[-1].rows += [_plain(row) for row in _unpacked(line).rstrip().rstrip("|").split("|")]
            last_key = ""
            continue
        reading = False
        key = _KEY.fullmatch(line.strip()) if ":" in line[:MOST_KEY] and not line.lstrip().startswith(";") else None
        if key is not None:
            last_key, value = key[1].lower().split("/")[0].strip(), key[2].strip()
            if last_key == "comment":
                in_comment = not value
            elif last_key == "solution" and blocks:
                blocks[-1].add_solution(value)
            elif last_key == "title" and not titled_after:
                early["title"] = value
            elif blocks:
                blocks[-1].keys.setdefault(last_key, value)
        elif last_key == "solution" and blocks and line.strip() and _LURD.fullmatch(line):
            blocks[-1].add_solution(line)
        elif line.strip(" ;\t"):
            last_key, title = "", line.strip(" ;\t")
    return blocks


def _titles_follow(lines: list[str]) -> bool:
    """Return whether ``Title:`` lines come after their boards: one follows the last board."""
    for line in reversed(lines):
        if line.lower().startswith("title:"):
            return True
        if "#" in line and _ROW.fullmatch(line):
            return False
    return False


def _unpacked(line: str) -> str:
    """Return `line` with run lengths written out: ``3#`` is ``###``, ``2($.)`` is ``$.$.``."""
    while re.search(r"\d", line):
        grown = _RUN.sub(_repeated, line)
        if grown == line or len(grown) > 4 * MOST_ROWS * MOST_COLUMNS:
            break
        line = grown
    return line


def _repeated(match: re.Match[str]) -> str:
    """Return what a run stands for, but no more than makes a board too wide; any number of digits may come."""
    count = int(match[1].lstrip("0")[:4] or 0)
    return (match[3] if match[3] is not None else match[2]) * min(count, MOST_COLUMNS + 1)


def _plain(row: str) -> str:
    return row.translate({ord("-"): " ", ord("_"): " ", ord("?"): "."}).rstrip()
