"""What the stub server says: random words, a script, or the move of one of our planners on the board in the request."""

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from games.dispatch import plain
from games.errors import GameplanError, UsageError
from games.files import read_file
from games.jit import njit
from games.params import Value
from games.process import potential
from games.random import below, unit
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.language.boards import Board, find_board
from planners.language.prompts import END_MARK, MENU_MARK, PUSHES, SCORE_MARK, WALKS

Request = Sequence[Mapping[str, str]]
Respond = Callable[[Request, np.ndarray], str]
_below, _unit = plain(below), plain(unit)


@njit
def _look(model, root, state):
    return potential(model, root, state)


_PROGRAM = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.])\d+\.\d*[1-9]\d*(?![\w.])|(?<![\w.])[1-9]\d*\.\d*(?![\w.])")
_OPTION = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)


def at_random(request: Request, rng: np.ndarray) -> str:
    """Return a word drawn from all that the request allows, in the answer format it asks for; a random order, a random score."""
    system, user = _texts(request)
    if SCORE_MARK in system:
        return json.dumps({"score": _unit(rng)})
    if MENU_MARK in system:
        return json.dumps(_shuffled(len(_options(user)), rng)[: _wanted(system)])
    words = WALKS + PUSHES if PUSHES[0] in system else WALKS
    return _thought("I take whatever comes", words[_below(rng, len(words))])


def at_random_legal(request: Request, rng: np.ndarray) -> str:
    """Return a word drawn from the legal moves on the board of the request; menus and scores as `at_random`."""
    system, user = _texts(request)
    if SCORE_MARK in system or MENU_MARK in system:
        return at_random(request, rng)
    board = _board(user)
    words = board.words()
    return _thought("I take a legal move", words[_below(rng, len(words))])


def at_random_edit(request: Request, rng: np.ndarray) -> str:
    """Return a SEARCH/REPLACE block that scales one decimal number of the last program in the request by 1/2 to 2."""
    programs = _PROGRAM.findall(_texts(request)[1])
    lines = programs[-1].split("\n") if programs else []
    places = [(line, found.span()) for line in lines if lines.count(line) == 1 for found in _NUMBER.finditer(line)]
    if not places:
        raise GameplanError("the request shows no python program with a decimal number to change")
    line, (begin, end) = places[_below(rng, len(places))]
    number = float(line[begin:end]) * 2.0 ** (2.0 * _unit(rng) - 1.0)
    changed = f"{line[:begin]}{number:.6f}{line[end:]}"
    return f"I change one constant.\n\n```\n<<<<<<< SEARCH\n{line}\n=======\n{changed}\n>>>>>>> REPLACE\n```"


def from_script(texts: Sequence[str]) -> Respond:
    """Return the answers `texts` in the order in which requests come, and again from the first."""
    lock, count = threading.Lock(), 0

    def respond(request: Request, rng: np.ndarray) -> str:
        nonlocal count
        with lock:
            count += 1
            return texts[(count - 1) % len(texts)]

    return respond


def read_script(path: Path) -> list[str]:
    """Return the texts in the JSON array in the file at `path`.

    Raises
    ------
    UsageError
        If it is no such file.
    """
    try:
        texts = json.loads(read_file(path, "script"))
    except ValueError as error:
        raise UsageError(f"script: {path} cannot be read as JSON ({error})") from None
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise UsageError(f"script: {path} must hold a JSON array of texts, at least one")
    return texts


def from_planner(name: str, params: Mapping[str, Value] | None = None) -> Respond:
    """Return answers with the move of the planner called `name` on the board of the request.

    Menus have its move first, scores are how good the end looks from the start (`games.process.potential`). Where the request shows
    no board, menus are ordered by the relevance that its options name, and trajectories get the mean of theirs; failing that, both
    are random.

    Raises
    ------
    UsageError
        For an unknown planner, parameter or value.
    """
    planner: Any = find_planner(name, params)
    lock = threading.Lock()  # planners are no meeting place for threads

    def move(board: Board, rng: np.ndarray) -> str:
        with lock:
            planner.begin(board.instance, rng)
            action = planner.decide(board.state, None, Budget()).action
        if action is None:
            raise GameplanError(f"the planner {name} has no move on this board")
        return board.name(action)

    def respond(request: Request, rng: np.ndarray) -> str:
        system, user = _texts(request)
        if SCORE_MARK in system:
            way, _, place = user.rpartition(END_MARK)
            start, end = find_board(way), find_board(place)
            if end is None:
                looks = _relevances(way)
                return json.dumps({"score": sum(looks) / len(looks)}) if looks else at_random(request, rng)
            root = end.state if start is None else start.state
            return json.dumps({"score": float(_look(end.instance.model, root, end.state))})
        if MENU_MARK in system:
            board, options = find_board(user), _options(user)
            if board is not None:
                first = move(board, rng)
                ranks = [float(name != first) for name in options]
            else:
                ranks = [-look for name in options for look in _relevances(name)]
                if len(ranks) != len(options):
                    return at_random(request, rng)
            order = sorted(range(len(options)), key=ranks.__getitem__)
            return json.dumps([k + 1 for k in order][: _wanted(system)])
        return _thought(f"the planner {name} has looked ahead and prefers this", move(_board(user), rng))

    return respond


def _texts(request: Request) -> tuple[str, str]:
    return tuple(" ".join(m["content"] for m in request if (m["role"] == "system") == system) for system in (True, False))  # type: ignore[return-value]


def _board(user: str) -> Board:
    board = find_board(user)
    if board is None:
        raise GameplanError("the request shows no board of 2048 or Sokoban")
    return board


def _options(user: str) -> list[str]:
    return [name for _, name in _OPTION.findall(user.rpartition("Menu:")[2])]


def _relevances(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\(relevance (\d+\.\d+)\)", text)]


def _wanted(system: str) -> int:
    found = re.search(r"at most (\d+) of them", system)
    return int(found[1]) if found else 1


def _shuffled(n: int, rng: np.ndarray) -> list[int]:
    order = list(range(1, n + 1))
    for k in range(n - 1):
        other = k + _below(rng, n - k)
        order[k], order[other] = order[other], order[k]
    return order


def _thought(thought: str, word: str) -> str:
    return f"thought: {thought}\nmove: {word}"
