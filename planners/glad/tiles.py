"""Claims about boards of the 2048 family: what each move makes, leaves and allows, what it risks, and why one is chosen."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from games.dispatch import suited
from games.jit import njit
from games.process import apply, chance, effective, terminal
from games.world import Instance
from planners.glad.chains import Line
from planners.glad.claims import NUMBER, Claim, Form, Language, Slot, count_slot, listing, unlisted, word_slot, words_slot
from planners.glad.judgement import Judgement
from planners.language.prompts import WALKS

CORNERS = ("in the top left corner", "in the top right corner", "in the bottom left corner", "in the bottom right corner")
PLACES = (*CORNERS, "on an edge", "inside")


@njit
def futures(model, state, afters, seconds, possible, ends, outcomes):
    """Write what every action leads to.

    `afters` (A, width) the afterstates, `seconds` (A, A, width) those of a second action on the afterstate, `possible` (A + 1, A)
    which actions have an effect: the first row in `state`, row 1 + a after a; `ends` and `outcomes` (A) how many chance events
    after a end the game, and how many there are. A is ``model.actions``.
    """
    actions, more = np.empty(model.actions, np.int64), np.empty(model.actions, np.int64)
    states, probabilities = np.empty((model.outcomes, model.width), np.int64), np.empty(model.outcomes)
    possible[:] = False
    for j in range(effective(model, state, actions)):
        a = actions[j]
        possible[0, a] = True
        afters[a] = state
        apply(model, afters[a], a)
        for k in range(effective(model, afters[a], more)):
            b = more[k]
            possible[1 + a, b] = True
            seconds[a, b] = afters[a]
            apply(model, seconds[a, b], b)
        outcomes[a], ends[a] = chance(model, afters[a], states, probabilities), 0
        for k in range(outcomes[a]):
            if terminal(model, states[k]):
                ends[a] += 1


class Tiles:
    """A board with all that can come of it, as the environment says, and what the teacher says.

    Actions are named by words; boards are lists of exponents, row by row.
    """

    def __init__(self, instance: Instance, state: np.ndarray, judgement: Judgement) -> None:
        world: Any = instance.world
        self.judgement, self.rows, self.columns, self._base = judgement, world.rows, world.columns, world.base
        model = instance.model
        self._number = {word: world.action(word) for word in WALKS}
        n = model.actions
        self._afters, self._seconds = np.empty((n, model.width), np.int64), np.empty((n, n, model.width), np.int64)
        self._possible, self.ends, self.outcomes = np.empty((n + 1, n), np.bool_), np.empty(n, np.int64), np.empty(n, np.int64)
        suited(futures, model)(model, state, self._afters, self._seconds, self._possible, self.ends, self.outcomes)
        self.board = self._cells(state)

    def _cells(self, state: np.ndarray) -> list[int]:
        board = int(state[0])
        return [board >> (16 * r + 4 * c) & 15 for r in range(self.rows) for c in range(self.columns)]

    def legal(self, action: str, first: str | None = None) -> bool:
        """Return whether `action` changes the board, or the board after `first`."""
        return bool(self._possible[0 if first is None else 1 + self._number[first], self._number[action]])

    @cached_property
    def words(self) -> list[str]:
        """The actions with an effect."""
        return [word for word in WALKS if self.legal(word)]

    def after(self, *actions: str) -> list[int]:
        """Return the board after one action or two, no new tile in between."""
        numbers = [self._number[action] for action in actions]
        return self._cells(self._afters[numbers[0]] if len(numbers) == 1 else self._seconds[numbers[0], numbers[1]])

    def made(self, before: Sequence[int], after: Sequence[int]) -> tuple[int, ...]:
        """Return the tiles that a slide from `before` to `after` has made, ascending.

        Sliding keeps all tiles but those that merge: of each exponent, two vanish for one of the next.
        """
        old, new, made, merged = Counter(before), Counter(after), [], 0
        for exponent in range(1, 16):
            pairs = (old[exponent] + merged - new[exponent]) // 2
            made += [self.tile(exponent + 1)] * pairs
            merged = pairs
        return tuple(made)

    def tile(self, exponent: int) -> int:
        """Return the tile of an exponent, 0 of an empty cell."""
        return self._base << exponent >> 1 if exponent else 0

    def pairs(self, board: Sequence[int]) -> int:
        """Return how many neighbouring cells hold equal tiles."""
        across = sum(board[k] == board[k + 1] > 0 for k in range(len(board) - 1) if (k + 1) % self.columns)
        return across + sum(a == b > 0 for a, b in zip(board, board[self.columns :], strict=False))

    def places(self, board: Sequence[int]) -> list[int]:
        """Return the cells of the largest tile."""
        top = max(board)
        return [k for k, exponent in enumerate(board) if exponent == top]

    def place(self, cell: int) -> str:
        """Return where a cell lies, one of `PLACES`."""
        r, c = divmod(cell, self.columns)
        vertical, horizontal = r in (0, self.rows - 1), c in (0, self.columns - 1)
        if vertical and horizontal:
            return CORNERS[2 * (r > 0) + (c > 0)]
        return PLACES[4] if vertical or horizontal else PLACES[5]

    def cornered(self, board: Sequence[int]) -> bool:
        """Return whether a largest tile lies in a corner."""
        return any(self.place(cell) in CORNERS for cell in self.places(board))

    def row(self, board: Sequence[int], r: int) -> tuple[int, ...]:
        """Return the tiles of row `r`, counted from 0."""
        return tuple(self.tile(exponent) for exponent in board[r * self.columns : (r + 1) * self.columns])


def _on_afterstates(holds: Any) -> Any:
    """Return `holds` for claims about actions, each of which must have an effect."""

    def check(view: Tiles, *arguments: Any) -> bool:
        named = [argument for argument in arguments if argument in WALKS]
        return all(view.legal(word) for word in named[:1]) and bool(holds(view, *arguments))

    return check


def _is_room(view: Tiles, room: int) -> bool:
    return view.board.count(0) == room


def _is_largest(view: Tiles, tile: int, place: str) -> bool:
    return view.tile(max(view.board)) == tile and any(view.place(cell) == place for cell in view.places(view.board))


def _is_pairs(view: Tiles, pairs: int) -> bool:
    return view.pairs(view.board) == pairs


def _makes(view: Tiles, action: str, tiles: tuple[int, ...]) -> bool:
    return view.made(view.board, view.after(action)) == tiles


def _leaves(view: Tiles, action: str, room: int, pairs: int) -> bool:
    after = view.after(action)
    return after.count(0) == room and view.pairs(after) == pairs


def _row_is(view: Tiles, action: str, number: int, cells: tuple[int, ...]) -> bool:
    return 1 <= number <= view.rows and view.row(view.after(action), number - 1) == cells


def _cornered(view: Tiles, action: str) -> bool:
    return view.cornered(view.after(action))


def _uncornered(view: Tiles, action: str) -> bool:
    return not view.cornered(view.after(action))


def _then(view: Tiles, action: str, other: str, tiles: tuple[int, ...]) -> bool:
    return view.legal(other, action) and view.made(view.after(action), view.after(action, other)) == tiles


def _is_roomier(view: Tiles, action: str, other: str, fewer: int) -> bool:
    return view.legal(other) and view.after(other).count(0) - view.after(action).count(0) == fewer > 0


def _is_worse(view: Tiles, actions: tuple[str, ...], other: str) -> bool:
    best = view.judgement.move(other)
    found = [view.judgement.move(action) for action in actions]
    if best is None or len({*actions, other}) <= len(actions):
        return False
    return all(move is not None and move.value < best.value for move in found)


def _is_safe(view: Tiles, action: str) -> bool:
    return view.ends[view._number[action]] == 0


def _is_danger(view: Tiles, action: str, number: int, of: int) -> bool:
    k = view._number[action]
    return view.ends[k] == number > 0 and view.outcomes[k] == of


def _is_lost(view: Tiles, action: str, percent: int, within: int) -> bool:
    move = view.judgement.move(action)
    return move is not None and percent == round(100 * move.risk) and within == view.judgement.within


def _is_only(view: Tiles, action: str) -> bool:
    return view.words == [action]


def _chooses(view: Tiles, action: str) -> bool:
    return action == view.judgement.chosen


def _cells_text(cells: tuple[int, ...]) -> str:
    return " ".join(str(tile) if tile else "_" for tile in cells)


SLOTS = {
    "action": word_slot(WALKS),
    "other": word_slot(WALKS),
    "actions": words_slot(WALKS),
    "tile": NUMBER,
    "number": NUMBER,
    "of": NUMBER,
    "percent": NUMBER,
    "within": NUMBER,
    "fewer": count_slot("empty cell", "empty cells", "no empty cell"),
    "room": count_slot("empty cell", "empty cells", "no empty cell"),
    "pairs": count_slot("pair", "pairs", "no pair"),
    "place": word_slot(PLACES),
    "tiles": Slot(
        r"(?:nothing|\d+(?:(?:, | and )\d+)*)",
        lambda tiles: listing(tiles) if tiles else "nothing",
        lambda text: () if text == "nothing" else tuple(map(int, unlisted(text))),
    ),
    "cells": Slot(
        r"(?:\d+|_)(?: (?:\d+|_))+",
        _cells_text,
        lambda text: tuple(0 if cell == "_" else int(cell) for cell in text.split(" ")),
    ),
}

FORMS = {
    "room": Form(("room",), ("I see {room}", "the board has {room}", "there is {room}"), _is_room),
    "largest": Form(
        ("tile", "place"),
        ("the largest tile is {tile}, {place}", "{tile} is the largest tile, {place}", "my best tile, {tile}, is {place}"),
        _is_largest,
    ),
    "pairs": Form(
        ("pairs",), ("equal neighbours: {pairs}", "{pairs} of equal neighbours", "I count {pairs} of neighbours"), _is_pairs
    ),
    "makes": Form(
        ("action", "tiles"), ("{action} makes {tiles}", "{action} merges into {tiles}", "with {action} I make {tiles}"), _makes
    ),
    "leaves": Form(
        ("action", "room", "pairs"),
        ("it leaves {room} and {pairs}", "{room} and {pairs} remain", "after it there is {room} and {pairs}"),
        _leaves,
    ),
    "row": Form(("action", "number", "cells"), ("row {number} becomes {cells}", "row {number} is then {cells}"), _row_is),
    "cornered": Form(("action",), ("the largest tile is in a corner then", "a corner holds the largest tile"), _cornered),
    "uncornered": Form(("action",), ("the largest tile is in no corner then", "no corner holds the largest tile"), _uncornered),
    "then": Form(("action", "other", "tiles"), ("then {other} can make {tiles}", "{other} could follow and make {tiles}"), _then),
    "roomier": Form(
        ("action", "other", "fewer"),
        ("{action} costs {fewer} beside {other}", "against {other}, {action} loses {fewer}"),
        _is_roomier,
    ),
    "worse": Form(
        ("actions", "other"),
        (
            "less comes of {actions} than of {other}",
            "further on {other} is better than {actions}",
            "{other} beats {actions} later on",
        ),
        _is_worse,
    ),
    "safe": Form(
        ("action",), ("after {action} no new tile ends the game", "whatever tile comes after {action}, the game goes on"), _is_safe
    ),
    "danger": Form(
        ("action", "number", "of"),
        ("after {action}, {number} of {of} new tiles end the game", "{number} of {of} new tiles after {action} end the game"),
        _is_danger,
    ),
    "lost": Form(
        ("action", "percent", "within"),
        (
            "after {action} {percent} % of the games tried ended within {within} moves",
            "{percent} % of the games tried after {action} ended within {within} moves",
        ),
        _is_lost,
    ),
    "only": Form(("action",), ("only {action} is possible", "nothing but {action} moves a tile"), _is_only),
    "choose": Form(("action",), ("so I choose {action}", "I play {action}", "{action} it is"), _chooses),
}
_ABOUT_AFTERSTATES = ("makes", "leaves", "row", "cornered", "uncornered", "then", "roomier", "safe", "danger")
FORMS = {
    kind: form._replace(holds=_on_afterstates(form.holds)) if kind in _ABOUT_AFTERSTATES else form for kind, form in FORMS.items()
}
LANGUAGE = Language(SLOTS, FORMS)


def outline(view: Tiles) -> list[Line]:
    """Return what is to be said of a board, in order: observation, future of each action, counterfactual, risk, conclusion."""
    judgement, board = view.judgement, view.board
    chosen, cell = judgement.chosen, view.places(board)[0]
    observe = [
        (1, Claim("room", (board.count(0),))),
        (1, Claim("largest", (view.tile(max(board)), view.place(cell)))),
        (2, Claim("pairs", (view.pairs(board),))),
    ]
    lines = [Line("observe", tuple(observe))]
    for word in view.words:
        lines.append(Line("future", tuple(_future(view, word))))
    runner, rest = judgement.moves[1:2], judgement.moves[2:]
    if runner:
        loser = runner[0].action
        fewer = view.after(chosen).count(0) - view.after(loser).count(0)
        against = [(1, Claim("worse", ((loser,), chosen)))]
        if fewer > 0:
            against.append((2, Claim("roomier", (loser, chosen, fewer))))
        lines.append(Line("counterfactual", tuple(against)))
    else:
        lines.append(Line("counterfactual", ((1, Claim("only", (chosen,))),)))
    if rest:
        words = tuple(word for word in view.words if any(move.action == word for move in rest))
        lines.append(Line("counterfactual", ((1, Claim("worse", (words, chosen))),)))
    k = view._number[chosen]
    end = Claim("danger", (chosen, int(view.ends[k]), int(view.outcomes[k]))) if view.ends[k] else Claim("safe", (chosen,))
    move = judgement.moves[0]
    risk = (2, Claim("lost", (chosen, round(100 * move.risk), judgement.within)))
    lines.append(Line("risk", ((1, end), risk)))
    lines.append(Line("conclude", ((0, Claim("choose", (chosen,))),)))
    return lines


def _future(view: Tiles, word: str) -> list[tuple[int, Claim]]:
    """Return (rank, claim) of what `word` does: the lower the rank the less it may be left out."""
    board, after, judgement = view.board, view.after(word), view.judgement
    made = view.made(board, after)
    found = [(0, Claim("makes", (word, made))), (1, Claim("leaves", (word, after.count(0), view.pairs(after))))]
    cornered = view.cornered(after)
    found.append((1 if cornered != view.cornered(board) else 2, Claim("cornered" if cornered else "uncornered", (word,))))
    row = view.places(after)[0] // view.columns
    found.append((3, Claim("row", (word, row + 1, view.row(after, row)))))
    move = judgement.move(word)
    for other in move.follow_ups if move is not None else ():
        if view.legal(other, word):
            gained = view.made(after, view.after(word, other))
            if gained:
                found.append((1 if word == judgement.chosen else 2, Claim("then", (word, other, gained))))
                break
    return found
