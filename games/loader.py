"""From a name on the command line to a compiled game: catalogue, OpenSpiel strings, Gambit's files, disk cache."""

import faulthandler
import hashlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache as memoise
from pathlib import Path
from typing import Any, NoReturn

from games import cache
from games.catalogue import GAMES, SUITES
from games.compiler import MAX_HISTORIES, Progress, compile_game, openspiel_reason
from games.errors import GameplanError, UsageError, did_you_mean
from games.gambit.compile import compile_source
from games.gambit.files import is_game_file, open_file
from games.gambit.nodes import Source
from games.gambit.openspiel import OpenSpielGame
from games.sequence_form import SequenceGame

PROBE_SECONDS = 30
PROBE_MOVES = 2_000


def load_game(name: str, *, max_histories: int = MAX_HISTORIES, progress: Progress | None = None) -> SequenceGame:
    """Return the compiled game called `name`, from the cache if it is there.

    Parameters
    ----------
    name : str
        A short name (`games.catalogue`), an OpenSpiel game string with or without parameters, or the path of a file of Gambit's
        (``.efg``, ``.nfg``).
    max_histories : int
        Refuse larger games.
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
            game = compile_source(source, name, key, max_histories, progress)
            cache.store(game)
        return game
    shown, open_game, content = resolve(name)
    game = open_game()
    # Wrappers of games do not name all their parameters in their own string.
    wrapped = shown.replace(" ", "") if "game=" in shown or "game_string=" in shown else ""
    key = f"{game}|{wrapped}{content}|open_spiel {_version()}"
    cached = _cached(key, shown, max_histories)
    if cached is not None:
        return cached
    game, converted = _turn_based(game, shown)
    with _quiet_stderr():
        compiled = compile_game(game, shown, key, converted=converted, max_histories=max_histories, progress=progress)
    cache.store(compiled)
    return compiled


def open_source(name: str) -> Source:
    """Return the game called `name` as nodes, for writing; it may be larger than what `load_game` takes.

    Raises
    ------
    UsageError, GameplanError
        As `load_game`.
    """
    shown, open_game, _ = resolve(name)
    return open_game() if is_game_file(name) else OpenSpielGame(_turn_based(open_game(), shown)[0], shown)


def _turn_based(game: Any, shown: str) -> tuple[Any, bool]:
    """Return the game with moves in turn, and whether it had to be converted; refuse what cannot be compiled."""
    import pyspiel

    kind = game.get_type()
    if kind.dynamics == pyspiel.GameType.Dynamics.MEAN_FIELD:
        raise GameplanError(f"{shown} is a mean-field game; only sequential and simultaneous-move games can be solved here")
    if kind.chance_mode == pyspiel.GameType.ChanceMode.SAMPLED_STOCHASTIC:
        raise GameplanError(f"{shown} samples its chance moves; only games that list their chance outcomes can be solved here")
    if not kind.provides_information_state_string:
        raise GameplanError(f"{shown} provides no information-state string; it cannot be compiled into infosets")
    converted = kind.dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS
    return (pyspiel.convert_to_turn_based(game) if converted else game), converted


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
        raise UsageError(f"{name} is a suite of games, not a game; it holds {', '.join(SUITES[name])}")
    if is_game_file(name):
        source, key = open_file(Path(name))
        return name, lambda: source, key
    name = name.strip()
    text = GAMES[name].game if name in GAMES else name
    return text, lambda: _open(name, text), _file_hash(text)


def _open(name: str, text: str) -> Any:
    import pyspiel

    base = text.split("(")[0].strip()
    if base not in pyspiel.registered_names():
        import open_spiel.python.games  # noqa: F401 (registers the games written in Python)
    if "=" in text and name not in GAMES:
        _survive(text)
    try:
        with _quiet_stderr():
            return pyspiel.load_game(text)
    except Exception as error:
        known = set(pyspiel.registered_names())
        if base not in known:
            raise UsageError(
                f"unknown game {name!r}{did_you_mean(name, [*GAMES, *SUITES, *known])}; 'gameplan games' lists short names, any "
                "OpenSpiel game string such as 'kuhn_poker(players=3)' and any .efg or .nfg file is accepted"
            ) from error
        raise UsageError(f"OpenSpiel refuses {text!r}: {openspiel_reason(error)}") from error


def _survive(text: str) -> None:
    """Open the game and play it twice in a child: with some parameters OpenSpiel's C++ does not fail, it takes the process along.

    Raises
    ------
    GameplanError
        If the child dies or does not return.
    """
    if not hasattr(os, "fork"):
        return
    child = os.fork()
    if child == 0:
        _play_and_exit(text)
    deadline = time.monotonic() + PROBE_SECONDS
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise GameplanError(f"OpenSpiel is not done opening {text} after {PROBE_SECONDS} seconds; choose other parameters")
        time.sleep(0.002)
    if os.WIFSIGNALED(status):
        raise GameplanError(f"OpenSpiel crashes on {text} ({signal.Signals(os.WTERMSIG(status)).name}); choose other parameters")


def _play_and_exit(text: str) -> NoReturn:
    try:
        import pyspiel

        faulthandler.disable()
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        game = pyspiel.load_game(text)
        if game.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
            game = pyspiel.convert_to_turn_based(game)
        for pick in (0, -1):
            state = game.new_initial_state()
            for _ in range(PROBE_MOVES):
                if state.is_terminal():
                    break
                state.apply_action(state.legal_actions()[pick])
    finally:  # whatever fails here fails again in the parent, in words
        os._exit(0)


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


def _file_hash(text: str) -> str:
    """Return a hash of the files that a game string names (``filename=...``), so that edited files are compiled anew."""
    inside = text[text.find("(") + 1 : text.rfind(")")] if "(" in text else ""
    for part in inside.split(","):
        parameter, _, value = part.partition("=")
        if parameter.strip() in ("filename", "file", "instances_file") and value.strip():
            try:
                return hashlib.sha256(Path(value.strip()).read_bytes()).hexdigest()
            except OSError as error:
                raise UsageError(f"cannot read the file {value.strip()} of {text}: {error.strerror}") from error
    return ""


@memoise
def _version() -> str:
    from importlib.metadata import version

    return version("open_spiel")
