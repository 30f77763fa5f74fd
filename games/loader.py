"""From a name on the command line to a compiled game: catalogue, OpenSpiel strings, Gambit's files, disk cache."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from games import cache
from games.asked import asked
from games.catalogue import GAMES, SUITES
from games.compiler import MAX_HISTORIES, Progress
from games.errors import GameplanError, UnknownName, UsageError
from games.files import read_file
from games.gambit.compile import compile_source
from games.gambit.files import is_game_file, open_file
from games.gambit.nodes import Source
from games.gambit.openspiel import OpenSpielGame
from games.openspiel import compile_opened, compile_string, game_key, open_game, turn_based
from games.sequence_form import SequenceGame
from games.worlds import WORLDS

LONGEST = 500  # characters of a game's name


@asked
def load_game(
    name: str, *, max_histories: int = MAX_HISTORIES, max_memory: int | None = None, progress: Progress | None = None
) -> SequenceGame:
    """Return the compiled game called `name`, from the cache if it is there.

    Parameters
    ----------
    name : str
        A short name (`games.catalogue`), an OpenSpiel game string with or without parameters, or the path of a file of Gambit's
        (``.efg``, ``.nfg``).
    max_histories : int
        Refuse larger games.
    max_memory : int, optional
        Refuse games that need more bytes than that while they are compiled; half of what is free unless given.
    progress : callable, optional
        Called with the number of histories walked so far.

    Raises
    ------
    UsageError
        For a name that is nothing of the kind.
    GameplanError
        For a game that cannot be solved here, with the reason.
    """
    if is_game_file(name):
        source, key = open_file(Path(name))
        game = _cached(key, name, max_histories)
        if game is None:
            game = compile_source(source, name, key, max_histories, progress, max_memory)
            cache.store(game)
        return game
    shown, _, content = resolve(name)

    def cached(key: str) -> SequenceGame | None:
        return _cached(key, shown, max_histories)

    if name not in GAMES:
        return compile_string(shown, content, cached, max_histories, max_memory, progress)
    opened = open_game(shown, tried=True)  # catalogued games are known to behave
    key = game_key(opened, shown, content)
    game = cached(key)
    if game is None:
        game = compile_opened(opened, shown, key, max_histories, max_memory, progress)
        cache.store(game)
    return game


def open_source(name: str) -> Source:
    """Return the game called `name` as nodes, for writing; it may be larger than what `load_game` takes.

    Raises
    ------
    UsageError, GameplanError
        As `load_game`.
    """
    shown, open_game, _ = resolve(name)
    return open_game() if is_game_file(name) else OpenSpielGame(turn_based(open_game(), shown)[0], shown)


def _cached(key: str, shown: str, max_histories: int) -> SequenceGame | None:
    """Return the game with this key from the cache, under the name by which it was asked for; None if it is not there."""
    cached = cache.load(key)
    if cached is not None and cached.histories > max_histories:
        raise GameplanError(
            f"{shown} has more than {max_histories:,} histories; choose smaller game parameters or raise --max-histories"
        )
    return cached if cached is None or cached.name == shown else replace(cached, name=shown)


def resolve(name: str) -> tuple[str, Any, str]:
    """Return the full name, a function that opens the game (OpenSpiel's, or a `Source`), and a hash of files that it depends on.

    Raises
    ------
    UsageError
        For an unknown name, parameter or file.
    """
    if name in SUITES:
        raise UnknownName(name, "game", f"{name} is a suite of games, not a game; it holds {', '.join(SUITES[name])}")
    if name in WORLDS:
        raise UnknownName(name, "game", f"{name} is a world, not a game")
    if is_game_file(name):
        source, key = open_file(Path(name))
        return name, lambda: source, key
    name = name.strip()
    if len(name) > LONGEST or not name.isprintable():
        shown = name[:40] + "..." if len(name) > 40 else name
        raise UsageError(f"{shown!r} cannot be a game: names are one line of at most {LONGEST:,} printable characters")
    text = GAMES[name].game if name in GAMES else name
    return text, lambda: open_game(text, tried=name in GAMES), _file_hash(text)


def reads_file(name: str) -> bool:
    """Return whether the game called `name` is read from a file of the user's."""
    return name not in GAMES and (is_game_file(name) or bool(_file_of(name)))


def _file_hash(text: str) -> str:
    """Return a hash of the file that a game string names (``filename=...``), so that edited files are compiled anew."""
    name = _file_of(text)
    return hashlib.sha256(read_file(Path(name), f"file of {text}")).hexdigest() if name else ""


def _file_of(text: str) -> str:
    inside = text[text.find("(") + 1 : text.rfind(")")] if "(" in text else ""
    for part in inside.split(","):
        parameter, _, value = part.rpartition("(")[2].partition("=")
        if parameter.strip() in ("filename", "file", "instances_file") and value.strip(" )"):
            return value.strip(" )")
    return ""
