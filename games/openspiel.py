"""OpenSpiel's games by their strings: opened, checked and compiled in a child process, because their C++ may end the process.

With some parameters OpenSpiel does not fail, it crashes, hangs, or takes all memory, when the game is opened or hours later in the
walk. So all of it happens in a fork (`games.child`) that leaves the compiled game in a file. Catalogued games are known to behave.
"""

import io
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from functools import cache as memoise
from pathlib import Path
from typing import Any

from games import cache
from games.catalogue import GAMES, SUITES
from games.child import NO_ANSWER, Child, Died, Send
from games.compiler import Progress, compile_game, openspiel_reason
from games.errors import GameplanError, UnknownName, UsageError, did_you_mean
from games.hints import hint
from games.memory import default_budget
from games.sequence_form import SequenceGame

SILENCE_SECONDS = 30
PLAYERS = ("players", "num_players", "numPlayers")


def open_game(text: str, *, tried: bool = False) -> Any:
    """Return OpenSpiel's game for the string `text`; without `tried` it is opened in a child first.

    Raises
    ------
    UsageError
        For an unknown game or parameter, or one that OpenSpiel ignores.
    GameplanError
        If the child dies or does not return.
    """
    import pyspiel

    register(text)
    if not tried:

        def work(_: Send) -> None:
            open_game(text, tried=True)

        with suppress(OSError), Child(work) as child, _in_words(text):
            list(child.messages(SILENCE_SECONDS))
    try:
        with _quiet_stderr():
            game = pyspiel.load_game(text)
    except Exception as error:
        known = set(pyspiel.registered_names())
        if _base(text) not in known and os.sep in text:
            raise UnknownName(text, "game", f"there is no game file {text!r}; game files end in .efg or .nfg") from error
        if _base(text) not in known:
            raise UnknownName(
                text,
                "game",
                f"unknown game {text!r}{did_you_mean(text, [*GAMES, *SUITES, *known])}; 'gameplan games' lists short names, any "
                "OpenSpiel game string such as 'kuhn_poker(players=3)' and any .efg or .nfg file is accepted",
            ) from error
        if isinstance(error, MemoryError):
            raise GameplanError(f"{text} needs more memory than there is to be opened; choose smaller game parameters") from error
        reason = openspiel_reason(error)
        raise UsageError(f"OpenSpiel refuses {text!r}: {reason}{_players_allowed(text, reason)}") from error
    _check_players(text, game)
    return game


def _players_allowed(text: str, reason: str) -> str:
    """Return how many players the game takes, where that is what OpenSpiel's `reason` is about."""
    import pyspiel

    kind = next(kind for kind in pyspiel.registered_games() if kind.short_name == _base(text))
    if not re.search(r"kGameType\.(min|max)_num_players", reason):
        return ""
    low, high = kind.min_num_players, kind.max_num_players
    return f"; {_base(text)} is for {low if low == high else f'{low} to {high}'} players"


def register(text: str) -> None:
    """Make OpenSpiel know the games written in Python, if `text` names one that it does not know."""
    import pyspiel

    if not {_base(text), *re.findall(r"\w+(?=\()", text)} <= set(pyspiel.registered_names()):
        with redirect_stdout(io.StringIO()):  # up to 1.6, OpenSpiel prints which optional modules are not installed
            import open_spiel.python.games  # noqa: F401


def _base(text: str) -> str:
    return text.split("(")[0].strip()


def _check_players(text: str, game: Any) -> None:
    """Refuse a number of players that OpenSpiel has taken and ignored, in a wrapped game too."""
    import pyspiel

    def check(given: dict[str, Any], opened: Any) -> None:
        for name, value in given.items():
            if name in PLAYERS and value != opened.num_players():
                raise UsageError(
                    f"{text} asks for {name}={value}, but OpenSpiel's {given['name']} then has {opened.num_players()} "
                    f"player{'s' * (opened.num_players() != 1)}; leave {name} out or choose another game"
                )
            if isinstance(value, dict):
                check(value, pyspiel.load_game(value["name"], {k: v for k, v in value.items() if k != "name"}))

    check(pyspiel.game_parameters_from_string(text), game)


def game_key(game: Any, text: str, content: str) -> str:
    """Return what identifies the game `text`, which OpenSpiel has opened as `game`, and the files it names (`content`)."""
    # Wrappers of games do not name all their parameters in their own string.
    wrapped = text.replace(" ", "") if "game=" in text or "game_string=" in text else ""
    return f"{game}|{wrapped}{content}|open_spiel {_version()}"


def turn_based(game: Any, text: str) -> tuple[Any, bool]:
    """Return the game `text` with moves in turn, and whether it had to be converted.

    Raises
    ------
    GameplanError
        For games of other kinds.
    """
    import pyspiel

    kind = game.get_type()
    if kind.dynamics == pyspiel.GameType.Dynamics.MEAN_FIELD:
        raise GameplanError(f"{text} is a mean-field game; only sequential and simultaneous-move games can be solved here")
    if kind.chance_mode == pyspiel.GameType.ChanceMode.SAMPLED_STOCHASTIC:
        raise GameplanError(f"{text} samples its chance moves; only games that list their chance outcomes can be solved here")
    converted = kind.dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS
    return (pyspiel.convert_to_turn_based(game) if converted else game), converted


def compile_opened(
    game: Any, text: str, key: str, max_histories: int, max_memory: int | None, progress: Progress | None
) -> SequenceGame:
    """Return the compiled form of `game`, here and now.

    Raises
    ------
    GameplanError
        For a game that cannot be solved here, with the reason.
    """
    game, converted = turn_based(game, text)
    with _quiet_stderr():
        return compile_game(
            game, text, key, converted=converted, max_histories=max_histories, max_memory=max_memory, progress=progress
        )


def compile_string(
    text: str,
    content: str,
    cached: Callable[[str], SequenceGame | None],
    max_histories: int,
    max_memory: int | None,
    progress: Progress | None,
) -> SequenceGame:
    """Return the compiled form of the string `text`: what `cached` returns for its key, or what a child makes of it.

    Raises
    ------
    UsageError
        For an unknown game or parameter.
    GameplanError
        For a game that cannot be solved here, with the reason: also that OpenSpiel crashes, hangs or takes too much memory.
    """
    register(text)  # before the fork, so that it is done once
    budget, walked = default_budget() if max_memory is None else max_memory, 0

    def work(send: Send) -> None:
        game = open_game(text, tried=True)
        key = game_key(game, text, content)
        send(key=key)
        compiled = compile_opened(game, text, key, max_histories, budget, lambda histories: send(walked=histories))
        file.write(cache.encode(compiled))
        file.flush()
        send(done=key)

    def tick() -> None:
        if progress:
            progress(walked)

    with ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.NamedTemporaryFile(prefix="gameplan-", suffix=".safetensors"))
            child = stack.enter_context(Child(work, budget))
        except OSError:  # no place for the file, or no further process: at our own risk then
            game = open_game(text, tried=True)
            key = game_key(game, text, content)
            found = cached(key)
            if found is None:
                found = compile_opened(game, text, key, max_histories, budget, progress)
                cache.store(found)
            return found
        stack.enter_context(_in_words(text))
        for message in child.messages(SILENCE_SECONDS, tick):
            walked = message.get("walked", walked)
            found = None
            if "key" in message:
                found = cached(message["key"])
                if found is None:
                    import scipy.sparse.csgraph  # noqa: F401 (while this child works, for the next one)
            if "done" in message:
                found = cache.read(Path(file.name), message["done"])
                if found is not None:
                    cache.store(found)
            if found is not None:
                return found
    raise GameplanError(f"OpenSpiel ends without a word on {text}; choose other parameters")


@contextmanager
def _in_words(text: str) -> Iterator[None]:
    """Say in our own words how a child has died, and add what helps to any refusal of the game `text`."""
    try:
        yield
    except Died as death:
        busy = f"OpenSpiel has been busy with one step of {text} for {SILENCE_SECONDS} seconds"
        reason = busy if str(death) == NO_ANSWER else f"OpenSpiel crashes on {text} ({death})"
        raise GameplanError(f"{reason}; choose other parameters{hint(_base(text), reason)}") from None
    except GameplanError as error:
        help = hint(_base(text), str(error))
        if not help:
            raise
        raise type(error)(f"{error}{help}") from error


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep OpenSpiel's C++ from printing its exceptions: they are reported in our own words."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # started without a standard error
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


@memoise
def _version() -> str:
    from importlib.metadata import version

    return version("open_spiel")
