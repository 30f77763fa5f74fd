"""The Sokoban worlds: collections of levels played by pushes, by moves, or under ProAct's rules.

Parameters
----------
levels : a file of levels (XSB, SOK, Boxoban); the shipped ones if it is empty
range : which of them, counted from 1, such as 7 or 1-20 or 1-5,9; all if it is empty
actions : what an action is, a push or a move
minimise : what a plan's cost counts; moves breaks ties by pushes, pushes-moves by moves
deadlocks : what search leaves out: nothing, dead squares, also boxes that block each other, pushes that can wait, goals shut off
prune : whether pushes onto dead squares are not even offered
horizon : actions after which an episode is cut; at least 1, or 0 for 120 moves, or 100 pushes and 5 for each that is needed
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from games.errors import GameplanError, UsageError
from games.sokoban import pulls  # noqa: F401 (the search backwards is registered)
from games.sokoban.board import Compiled, compile_level
from games.sokoban.levels import Level, read_levels
from games.sokoban.lurd import LETTERS, replay
from games.sokoban.moves import FORMAT_ERROR, NAMES, moves_model
from games.sokoban.pushes import CORRALS, COSTS, FREEZE, OFF, SQUARES, WALLS, pushes_model
from games.world import Cell, Instance, Summary, world_line

DATA = Path(__file__).parent / "data"
DEADLOCKS = {"off": OFF, "squares": SQUARES, "freeze": FREEZE, "corrals": CORRALS, "walls": WALLS}
SYMBOLS = {"symbol": str.maketrans("# .*$@+", "#_O√BP+"), "xsb": str.maketrans("", ""), "origin": str.maketrans(".", "?")}
COLOURS = {
    "#": Cell("", "#ffffff", "#4a4a4a"),
    " ": Cell("", "#000000", "#e8e4da"),
    "-": Cell("", "#000000", "#e8e4da"),
    "_": Cell("", "#000000", "#e8e4da"),
    ".": Cell("·", "#b03030", "#e8e4da"),
    "$": Cell("■", "#5a3a12", "#d9a45b"),
    "*": Cell("■", "#1d5c2a", "#7cc47f"),
    "@": Cell("●", "#1f4e8c", "#e8e4da"),
    "+": Cell("●", "#1f4e8c", "#e5b8b0"),
}
OPTIONS = {
    "levels": "",
    "range": "",
    "actions": "pushes",
    "minimise": "pushes",
    "deadlocks": "walls",
    "prune": False,
    "horizon": 0,
}
CHOICES = {
    "actions": ("pushes", "moves"),
    "minimise": tuple(COSTS),
    "deadlocks": tuple(DEADLOCKS),
}
ROLLOUTS = {"pushes": {"actions": "pushes"}}  # by pushes, random play draws among them


class SokobanWorld:
    """Levels under one set of rules; instance `k` is level k of the chosen ones, counted from 0.

    Parameters
    ----------
    name : str
        Of the world.
    levels : list of Level
        Checked ones (`games.sokoban.levels`).
    actions : str
        ``pushes``, ``moves``, or ``explicit`` (ProAct's eight).
    minimise, deadlocks, prune, masked
        As in `games.sokoban.pushes.pushes_model` and `games.sokoban.moves.moves_model`; `deadlocks` a key of `DEADLOCKS`.
    horizon : int
        Actions after which an episode is cut; 0: 120 moves, or 100 pushes and 5 for each of the lower bound.
    symbols : str
        How `text` writes a board: a key of `SYMBOLS`.
    count_boxes : bool
        The score of an episode is the most boxes that stood on goals (ProAct), not whether the level was solved.
    """

    outcome_columns = ("pushes", "moves")

    def __init__(
        self,
        name: str,
        levels: list[Level],
        actions: str = "pushes",
        minimise: str = "pushes",
        deadlocks: str = "walls",
        prune: bool = False,
        masked: bool = True,
        horizon: int = 0,
        symbols: str = "xsb",
        count_boxes: bool = False,
    ) -> None:
        self.name, self.levels, self.actions, self.symbols = name, levels, actions, symbols
        self._minimise, self._deadlocks, self._prune, self._masked = minimise, DEADLOCKS[deadlocks], prune, masked
        self._horizon, self.count_boxes = horizon, count_boxes

    def __len__(self) -> int:
        return len(self.levels)

    def __repr__(self) -> str:
        return world_line(self)

    def instance(self, seed: int) -> Instance:
        """See `games.world.World`."""
        if not 0 <= seed < len(self.levels):
            raise UsageError(f"{self.name} has no level {seed}; legal are 0 to {len(self.levels) - 1}")
        level = self.levels[seed]
        return self.instance_of(level, level.name, seed)

    def instance_of(self, level: Level, name: str, seed: int) -> Instance:
        """Return the instance of any checked `level` under this world's rules."""
        compiled = compile_level(level)
        model: Any
        if self.actions == "pushes":
            model, start = pushes_model(compiled, self._deadlocks, self._minimise, self._prune)
            horizon = self._horizon or 100 + 5 * int(min(model.h0, 1000.0))
        else:
            model, start = moves_model(compiled, self.actions == "explicit", self._masked, self._deadlocks)
            horizon = self._horizon or 120
        return Instance(name, seed, model, start, horizon, {"level": level, "compiled": compiled}, self)

    def action_name(self, instance: Instance, state: np.ndarray, action: int) -> str:
        """See `games.world.World`: ``left``, ``push left``; by pushes ``push 3,4 left``, the box's row and column from 1."""
        if self.actions != "pushes":
            return NAMES[action]
        row, column = instance.extra["compiled"].place(action >> 2)
        return f"push {row + 1},{column + 1} {NAMES[action & 3]}"

    def action(self, name: str) -> int:
        """Return the move called `name`; anything unknown is a format error where all actions are legal.

        Raises
        ------
        UsageError
            If there is no move of this name.
        """
        names = NAMES[: 8 if self.actions == "explicit" else 4]
        if self.actions != "pushes" and name in names:
            return names.index(name)
        if self.actions != "pushes" and not self._masked:
            return FORMAT_ERROR
        raise UsageError(
            f"{self.name}: there is no move {name!r}; legal are {', '.join(names)}, and none where pushes are the actions"
        )

    @property
    def variant(self) -> str:
        """The name of ProAct's variant of these rules and symbols, empty if they are not ProAct's."""
        if self.symbols not in ("origin", "symbol"):
            return ""
        return "symbol" if self.symbols == "symbol" else "origin" if self.actions == "explicit" else "action"

    def text(self, instance: Instance, state: np.ndarray) -> str:
        """See `games.world.World`: the board in this world's symbols, every row equally wide."""
        return board_text(instance.extra["level"], instance.extra["compiled"], state).translate(SYMBOLS[self.symbols])

    def picture(self, instance: Instance, state: np.ndarray) -> list[list[Cell]]:
        """Return the board as rows of coloured cells."""
        rows = board_text(instance.extra["level"], instance.extra["compiled"], state).splitlines()
        return [[COLOURS[symbol] for symbol in row] for row in rows]

    def grid(self, instance: Instance) -> tuple[int, int, int]:
        """Return rows and columns of a grid that holds every level, and where in it cell 0 of the board lies."""
        rows = max(len(level.rows) for level in self.levels)
        columns = max(len(row) for level in self.levels for row in level.rows)
        compiled: Compiled = instance.extra["compiled"]
        return rows, columns, compiled.top * columns + compiled.left

    def outcome(
        self, instance: Instance, states: Sequence[np.ndarray], actions: Sequence[int], rewards: Sequence[float]
    ) -> dict[str, Any]:
        """See `games.world.World`: score, solved, moves, pushes, most boxes on goals, and the LURD `solution` if solved.

        Raises
        ------
        GameplanError
            If the independent checker (`games.sokoban.lurd`) does not agree with the engine.
        """
        level: Level = instance.extra["level"]
        lurd = self.lurd(instance, states, actions)
        checked = replay(level, lurd)
        solved = bool(box_set(instance, states[-1]) <= goal_set(instance))
        if solved != checked.solved:
            raise GameplanError(f"level {level.name}: the engine and the checker disagree on {lurd!r}; please report this")
        boxes = instance.extra["compiled"].board.boxes
        most = checked.most_on_goals - (len(level.cells("$*")) - boxes)  # decoration is always on goals
        return {
            "score": float(most if self.count_boxes else solved),
            "solved": solved,
            "moves": checked.moves,
            "pushes": checked.pushes,
            "most_on_goals": most,
            "boxes": boxes,
            "return": float(sum(rewards)),
            **({"solution": lurd} if solved else {}),
        }

    def summary(self, outcomes: Sequence[Mapping[str, Any]]) -> Summary:
        """Return the mean of the most boxes that stood on goals; `solved` says the rest."""
        return Summary({"boxes": float(np.mean([outcome["most_on_goals"] for outcome in outcomes]))}, {})

    def searched(self, instance: Instance) -> tuple[Instance, Callable[[Sequence[int]], list[int]]]:
        """Return the level by pushes, of which search takes the fewest actions of this world, and how a line of it is played here.

        No score is better than that of a solution.
        """
        compiled: Compiled = instance.extra["compiled"]
        model, start = pushes_model(compiled, WALLS, "pushes" if self.actions == "pushes" else "moves")

        def played(line: Sequence[int]) -> list[int]:
            if self.actions == "pushes":
                return list(line)
            explicit = 4 * (self.actions == "explicit")
            return [LETTERS.index(letter.lower()) + explicit * letter.isupper() for letter in pushes_lurd(compiled, line)]

        return replace(instance, model=model, start=start), played

    def lurd(self, instance: Instance, states: Sequence[np.ndarray], actions: Sequence[int]) -> str:
        """Return what was done as LURD, with the walks between pushes."""
        compiled: Compiled = instance.extra["compiled"]
        if self.actions == "pushes":
            return pushes_lurd(compiled, actions)
        words, letters = compiled.board.words, []
        for before, after, action in zip(states, states[1:], actions, strict=False):
            letter = LETTERS[action & 3]
            if before[words] != after[words]:
                letters.append(letter.upper() if (before[:words] != after[:words]).any() else letter)
        return "".join(letters)


def pushes_lurd(level: Compiled, actions: Sequence[int]) -> str:
    """Return pushes (``4 * cell + direction``) from the start of `level` as LURD, each reached by a shortest walk.

    Raises
    ------
    GameplanError
        If the player cannot get behind a box.
    """
    near = level.board.table[: 4 * level.board.cells].tolist()
    boxes = {64 * k + b for k, word in enumerate(level.boxes.view(np.uint64)) for b in range(64) if int(word) >> b & 1}
    player, parts = level.player, []
    for action in actions:
        cell, direction = action >> 2, action & 3
        parts += [_walk(near, boxes, player, near[4 * cell + (direction ^ 1)]), LETTERS[direction].upper()]
        boxes.remove(cell)
        boxes.add(near[action])
        player = cell
    return "".join(parts)


def _walk(near: list[int], boxes: set[int], start: int, end: int) -> str:
    came: dict[int, tuple[int, str]] = {start: (start, "")}
    queue = [start]
    for here in queue:
        if here == end:
            break
        for direction in range(4):
            x = near[4 * here + direction]
            if x >= 0 and x not in boxes and x not in came:
                came[x] = (here, LETTERS[direction])
                queue.append(x)
    if end not in came:
        raise GameplanError("a push of the plan cannot be reached; please report this")
    letters = []
    while end != start:
        end, letter = came[end]
        letters.append(letter)
    return "".join(reversed(letters))


def box_set(instance: Instance, state: np.ndarray) -> set[int]:
    """Return the cells of the boxes in `state`."""
    words = state[: instance.extra["compiled"].board.words].view(np.uint64)
    return {64 * k + b for k, word in enumerate(words) for b in range(64) if int(word) >> b & 1}


def goal_set(instance: Instance) -> set[int]:
    """Return the cells of the goals in the player's area."""
    board = instance.extra["compiled"].board
    words = board.table[board.goals : board.goals + board.words].view(np.uint64)
    return {64 * k + b for k, word in enumerate(words) for b in range(64) if int(word) >> b & 1}


def board_text(level: Level, compiled: Compiled, state: np.ndarray) -> str:
    """Return `state` of a level as XSB rows, padded to one width; decoration stays where it was."""
    board, width = compiled.board, max(map(len, level.rows))
    rows = [list(row.ljust(width)) for row in level.rows]
    for r, c in level.area:
        cell = compiled.cell(r, c)
        on = int(board.table[board.goals + (cell >> 6)]) >> (cell & 63) & 1
        box = int(state[cell >> 6]) >> (cell & 63) & 1
        rows[r][c] = "$*"[on] if box else " ."[on]
        if cell == state[board.words]:
            rows[r][c] = "@+"[on]
    return "\n".join("".join(row) for row in rows)


def make(
    name: str, levels: str, range: str, actions: str, minimise: str, deadlocks: str, prune: bool, horizon: int
) -> SokobanWorld:
    """Return the world ``sokoban``: levels of a file, or the shipped ones, by pushes or by moves (Boxoban's rules).

    Raises
    ------
    UsageError
        For a file that cannot be read or a range that names no level.
    """
    chosen = in_range(read_levels(levels or DATA / "small.xsb"), range)
    return SokobanWorld(name, chosen, actions, minimise, deadlocks, prune, True, horizon)


def in_range(levels: list[Level], text: str) -> list[Level]:
    """Return the levels that `text` names: ``7``, ``1-20``, ``1-5,9``, counted from 1; all if it is empty.

    Raises
    ------
    UsageError
        For a text of another form or a number beyond the levels.
    """
    if not text:
        return levels
    if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text):
        raise UsageError(f"range={text} is no range of levels; write one like 7 or 1-20 or 1-5,9")
    chosen: list[Level] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        a, b = int(first), int(last or first)
        if not 1 <= a <= b <= len(levels):
            raise UsageError(f"range={part} is not possible; the levels are 1-{len(levels)}")
        chosen += levels[a - 1 : b]
    return chosen
