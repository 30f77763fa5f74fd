"""Game files: found by their suffix in any case, read within bounds, known by their content."""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from games.errors import GameplanError, UsageError
from games.gambit.efg import EfgFile
from games.gambit.nfg import NfgFile
from games.gambit.nodes import Source

VERSION = 1  # raise whenever the reader's results change
MAX_BYTES = 256 << 20
_READERS: dict[str, Callable[[bytes, str], Source]] = {".efg": EfgFile, ".nfg": NfgFile}


def is_game_file(name: str) -> bool:
    """Return whether `name` is that of a game file, whatever the case of its suffix."""
    return Path(name).suffix.lower() in _READERS


def read_file(path: Path) -> bytes:
    """Return the content of a game file.

    Raises
    ------
    UsageError
        If there is no such file, or it is no file to read from.
    GameplanError
        If it is larger than `MAX_BYTES`.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:  # a pipe without a writer would block for ever
            kind = os.fstat(stream.fileno())
            if not stat.S_ISREG(kind.st_mode):
                what = "a directory" if stat.S_ISDIR(kind.st_mode) else "not a regular file"
                raise UsageError(f"cannot read the game file {path}: it is {what}")
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read the game file {path}: {error.strerror}") from error
    except ValueError as error:  # a NUL character in the name
        raise UsageError(f"cannot read the game file {str(path)!r}: {error}") from error
    if len(data) > MAX_BYTES:
        raise GameplanError(f"{path} is larger than {MAX_BYTES >> 20} MiB; game files may have so much at most")
    return data


def open_file(path: Path) -> tuple[Source, str]:
    """Return the game in a file, of which the first lines are read, and the key of its content.

    Raises
    ------
    UsageError
        If the file cannot be read.
    GameplanError
        If it is no game file, naming line and column.
    """
    data = read_file(path)
    suffix = path.suffix.lower()
    return _READERS[suffix](data, str(path)), f"gambit {VERSION} {hashlib.sha256(data).hexdigest()}{suffix}"
