"""Claims about Sokoban positions: where each move leads, how far the end is then, what is lost for good, and which way is short."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from games.dispatch import suited
from games.errors import UsageError
from games.jit import njit
from games.process import apply, goal
from games.sokoban.worlds import box_set, goal_set
from games.world import Instance
from planners.glad.chains import Line
from planners.glad.claims import Claim, Form, Language, Slot, count_slot, word_slot, words_slot
from planners.glad.judgement import Judgement, Move
from planners.language.prompts import PUSHES, WALKS
from planners.parts.exact import Solution, solve

WORDS = WALKS + PUSHES
LOST = -1e6  # value of an action after which the level cannot be solved
MOST_ROUTE = 12  # moves of a route that is said in full


class Exact(NamedTuple):
    """A level with the fewest moves to its end from every position that can be reached."""

    solution: Solution
    distances: np.ndarray


def solved(instance: Instance, most: int) -> Exact | None:
    """Return the exact distances of a level by breadth-first search, None if it has more than `most` positions or no solution."""
    try:
        found = solve(instance, "goals", most)
    except UsageError:
        return None
    distances = found.values(None)[1]
    return Exact(found, distances) if np.isfinite(distances[0]) else None


@njit
def follow(model, state, action):
    """Do `action` in place; return whether the level is solved then."""
    apply(model, state, action)
    return goal(model, state)


def judged_exactly(instance: Instance, exact: Exact, state: np.ndarray, name: Any) -> Judgement | None:
    """Return the judgement by exact distances, None where the level is lost or solved already.

    A value is minus the moves to the end with the action, or `LOST`; ties go to the world's order.
    """
    s, graph = exact.solution.number(state), exact.solution.graph
    edges = slice(graph.first[s], graph.first[s + 1])
    if edges.start == edges.stop or not np.isfinite(exact.distances[s]):
        return None
    steps = 1.0 + exact.distances[graph.target[edges]]
    moves = [Move(name(int(a)), LOST if np.isinf(n) else -float(n)) for a, n in zip(graph.actions[edges], steps, strict=True)]
    return Judgement(tuple(sorted(moves, key=lambda move: -move.value)))


class Yard:
    """A position with all that can come of it, as exact search says, and what the teacher says. Cells are (row, column) from 1."""

    def __init__(self, instance: Instance, state: np.ndarray, judgement: Judgement, exact: Exact) -> None:
        world: Any = instance.world
        self.instance, self.state, self.judgement, self._exact = instance, state, judgement, exact
        self._board = instance.extra["compiled"].board
        self._number = {word: k for k in range(instance.model.actions) if (word := world.action_name(instance, state, k))}
        self._follow = suited(follow, instance.model)
        s, graph = exact.solution.number(state), exact.solution.graph
        legal = graph.actions[graph.first[s] : graph.first[s + 1]].tolist()
        self.words = [word for word, number in self._number.items() if number in legal]
        self._afters = {word: self._after(state, word) for word in self.words}
        self.goals = goal_set(instance)

    def _after(self, state: np.ndarray, word: str) -> np.ndarray:
        after = state.copy()
        self._follow(self.instance.model, after, self._number[word])
        return after

    def legal(self, word: str) -> bool:
        """Return whether an action changes anything."""
        return word in self._afters

    def left(self, word: str | None = None) -> int | None:
        """Return the fewest moves to the end, here or after an action; None if there is no way."""
        state = self.state if word is None else self._afters[word]
        steps = self._exact.distances[self._exact.solution.number(state)]
        return int(steps) if np.isfinite(steps) else None

    def player(self, word: str | None = None) -> tuple[int, int]:
        """Return the player's cell, here or after an action."""
        state = self.state if word is None else self._afters[word]
        return self._place(int(state[self._board.words]))

    def boxes(self, word: str | None = None) -> set[int]:
        """Return the cells of the boxes, here or after an action, as numbers of the board."""
        return box_set(self.instance, self.state if word is None else self._afters[word])

    def pushed(self, word: str) -> tuple[int, int] | None:
        """Return the cell to which an action pushes a box, None if it pushes none."""
        new = self.boxes(word) - self.boxes()
        return self._place(new.pop()) if new else None

    def is_target(self, place: tuple[int, int]) -> bool:
        """Return whether a cell is a target."""
        return any(self._place(cell) == place for cell in self.goals)

    def is_corner(self, place: tuple[int, int]) -> bool:
        """Return whether walls bound a cell above or below and to the left or right."""
        compiled = self.instance.extra["compiled"]
        cell = compiled.cell(place[0] - 1, place[1] - 1)
        up, down, left, right = (int(self._board.table[4 * cell + d]) < 0 for d in range(4))
        return (up or down) and (left or right)

    def route(self) -> tuple[str, ...]:
        """Return a shortest way to the end, ties in the world's order, up to and with the next push, `MOST_ROUTE` moves at most."""
        state, words = self.state.copy(), list[str]()
        while len(words) < MOST_ROUTE:
            judgement = judged_exactly(self.instance, self._exact, state, lambda a: self._word(a))
            if judgement is None:
                break
            word = judgement.chosen
            before = box_set(self.instance, state)
            words.append(word)
            state = self._after(state, word)
            if box_set(self.instance, state) != before:
                break
        return tuple(words)

    def replay(self, words: Sequence[str]) -> int | None:
        """Return the fewest moves left after `words`, each of which must change something; None if it cannot be done or is lost."""
        state = self.state.copy()
        for word in words:
            after = self._after(state, word)
            if (after == state).all():
                return None
            state = after
        steps = self._exact.distances[self._exact.solution.number(state)]
        return int(steps) if np.isfinite(steps) else None

    def _word(self, action: int) -> str:
        return next(word for word, number in self._number.items() if number == action)

    def _place(self, cell: int) -> tuple[int, int]:
        row, column = self.instance.extra["compiled"].place(cell)
        return int(row) + 1, int(column) + 1


def _waiting(view: Yard, boxes: int) -> bool:
    return len(view.boxes() - view.goals) == boxes


def _stands(view: Yard, place: tuple[int, int]) -> bool:
    return view.player() == place


def _end(view: Yard, moves: int) -> bool:
    return view.left() == moves


def _walks(view: Yard, action: str, place: tuple[int, int]) -> bool:
    return view.pushed(action) is None and view.player(action) == place


def _pushes(view: Yard, action: str, place: tuple[int, int]) -> bool:
    return view.pushed(action) == place


def _on_target(view: Yard, action: str) -> bool:
    place = view.pushed(action)
    return place is not None and view.is_target(place)


def _in_corner(view: Yard, action: str) -> bool:
    place = view.pushed(action)
    return place is not None and not view.is_target(place) and view.is_corner(place)


def _leaves(view: Yard, action: str, moves: int) -> bool:
    return view.left(action) == moves


def _loses(view: Yard, action: str) -> bool:
    return view.left(action) is None


def _is_longer(view: Yard, action: str, other: str, more: int) -> bool:
    one, two = view.left(action), view.left(other)
    return one is not None and two is not None and one - two == more > 0


def _is_equal(view: Yard, actions: tuple[str, ...], other: str) -> bool:
    return len({*actions, other}) > len(actions) and all(
        view.left(word) is not None and view.left(word) == view.left(other) for word in (*actions, other)
    )


def _is_slower(view: Yard, actions: tuple[str, ...], other: str) -> bool:
    best = view.left(other)
    if best is None or len({*actions, other}) <= len(actions):
        return False
    steps = [view.left(word) for word in actions]
    return all(n is None or n > best for n in steps)


def _can_be_solved(view: Yard, action: str) -> bool:
    return view.left(action) is not None


def _is_route(view: Yard, route: tuple[str, ...]) -> bool:
    before = view.left()
    after = view.replay(route)
    return before is not None and after is not None and after == before - len(route)


def _chooses(view: Yard, action: str) -> bool:
    return action == view.judgement.chosen


def _is_only(view: Yard, action: str) -> bool:
    return view.words == [action]


_MOVES = count_slot("move", "moves", "no move")
SLOTS = {
    "action": word_slot(WORDS),
    "other": word_slot(WORDS),
    "actions": words_slot(WORDS),
    "route": Slot(words_slot(WORDS).pattern.replace("(?:, | and )", ", "), ", ".join, lambda text: tuple(text.split(", "))),
    "boxes": count_slot("box", "boxes", "no box"),
    "moves": _MOVES,
    "more": _MOVES,
    "place": Slot(
        r"row \d+, column \d+",
        lambda place: f"row {place[0]}, column {place[1]}",
        lambda text: tuple(int(part.split(" ")[1]) for part in text.split(", ")),
    ),
}
FORMS = {
    "waiting": Form(("boxes",), ("off the targets: {boxes}", "I count {boxes} off the targets", "{boxes} to bring home"), _waiting),
    "stands": Form(("place",), ("I stand at {place}", "I am at {place}"), _stands),
    "end": Form(("moves",), ("the end is {moves} away", "it takes {moves} to the end"), _end),
    "walks": Form(("action", "place"), ("{action} walks to {place}", "{action} takes me to {place}"), _walks),
    "pushes": Form(("action", "place"), ("{action} brings a box to {place}", "{action} moves a box to {place}"), _pushes),
    "on target": Form(("action",), ("that is a target", "the box is on a target then"), _on_target),
    "in corner": Form(("action",), ("that is a corner without a target", "the box is stuck in a corner then"), _in_corner),
    "leaves": Form(("action", "moves"), ("then the end is {moves} away", "{moves} would be left"), _leaves),
    "loses": Form(("action",), ("then the level is lost", "after that there is no solution"), _loses),
    "longer": Form(
        ("action", "other", "more"),
        ("{action} takes {more} more than {other}", "beside {other}, {action} costs {more}"),
        _is_longer,
    ),
    "equal": Form(("actions", "other"), ("as short as {other}: {actions}", "no longer than {other}: {actions}"), _is_equal),
    "slower": Form(
        ("actions", "other"),
        ("longer than {other}, or lost: {actions}", "{other} is shorter than what follows {actions}"),
        _is_slower,
    ),
    "solvable": Form(("action",), ("after {action} every box can still get home", "{action} locks no box"), _can_be_solved),
    "route": Form(("route",), ("the way: {route}", "a shortest way goes {route}"), _is_route),
    "only": Form(("action",), ("only {action} is possible", "nothing but {action} changes anything"), _is_only),
    "choose": Form(("action",), ("so I choose {action}", "I do {action}", "{action} it is"), _chooses),
}
_ABOUT_HERE = ("waiting", "stands", "end", "route", "choose", "only")


def _of_possible(holds: Callable[..., bool]) -> Callable[..., bool]:
    """Return `holds` for claims about actions, each of which must change something."""

    def check(view: Yard, *arguments: Any) -> bool:
        named = [word for argument in arguments for word in (argument if isinstance(argument, tuple) else (argument,))]
        return all(view.legal(word) for word in named if isinstance(word, str)) and holds(view, *arguments)

    return check


FORMS = {kind: form if kind in _ABOUT_HERE else form._replace(holds=_of_possible(form.holds)) for kind, form in FORMS.items()}
LANGUAGE = Language(SLOTS, FORMS)


def outline(view: Yard) -> list[Line]:
    """Return what is to be said of a position, in order: observation, future of each action, counterfactual, risk, conclusion."""
    judgement = view.judgement
    chosen, left = judgement.chosen, view.left()
    assert left is not None
    lines = [
        Line(
            "observe",
            (
                (1, Claim("waiting", (len(view.boxes() - view.goals),))),
                (2, Claim("stands", (view.player(),))),
                (1, Claim("end", (left,))),
            ),
        ),
        Line("observe", ((1, Claim("route", (view.route(),))),)),
    ]
    for word in view.words:
        lines.append(Line("future", tuple(_future(view, word))))
    equal = tuple(move.action for move in judgement.moves[1:] if move.value == judgement.moves[0].value)
    worse = [move.action for move in judgement.moves[1:] if move.action not in equal]
    if equal:
        lines.append(Line("counterfactual", ((1, Claim("equal", (equal, chosen))),)))
    if worse:
        loser, against = worse[0], [(1, Claim("slower", (tuple(worse), chosen)))]
        ours, theirs = view.left(chosen), view.left(loser)
        if ours is not None and theirs is not None:
            against.append((2, Claim("longer", (loser, chosen, theirs - ours))))
        lines.append(Line("counterfactual", tuple(against)))
    if len(view.words) == 1:
        lines.append(Line("counterfactual", ((1, Claim("only", (chosen,))),)))
    lines.append(Line("risk", ((1, Claim("solvable", (chosen,))),)))
    lines.append(Line("conclude", ((0, Claim("choose", (chosen,))),)))
    return lines


def _future(view: Yard, word: str) -> list[tuple[int, Claim]]:
    """Return (rank, claim) of what `word` does: the lower the rank the less it may be left out."""
    place, left = view.pushed(word), view.left(word)
    found: list[tuple[int, Claim]] = []
    if place is None:
        found.append((0, Claim("walks", (word, view.player(word)))))
    else:
        found.append((0, Claim("pushes", (word, place))))
        if view.is_target(place):
            found.append((2, Claim("on target", (word,))))
        elif view.is_corner(place):
            found.append((2, Claim("in corner", (word,))))
    found.append((1, Claim("loses", (word,)) if left is None else Claim("leaves", (word, left))))
    return found
