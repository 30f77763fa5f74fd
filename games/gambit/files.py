"""Game files: found by their suffix in any case, read within bounds, known by their content."""

import hashlib
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from games.errors import UsageError
from games.files import read_file
from games.gambit.efg import EfgFile
from games.gambit.nfg import NfgFile
from games.gambit.nodes import Source

VERSION = 1  # raise whenever the reader's results change
_READERS: dict[str, Callable[[bytes, str], Source]] = {".efg": EfgFile, ".nfg": NfgFile}


def is_game_file(name: str) -> bool:
    """Return whether `name` is that of a game file, whatever the case of its suffix."""
    return Path(name).suffix.lower() in _READERS


def _content(path: Path) -> bytes:
    with suppress(OSError, ValueError):  # the reader says what is wrong
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):  # a pipe without a writer would block for ever
            what = "a directory" if stat.S_ISDIR(kind) else "not a regular file"
            raise UsageError(f"cannot read the game file {path}: it is {what}")
    return read_file(path, "game file")


def open_file(path: Path) -> tuple[Source, str]:
    """Return the game in a file, of which the first lines are read, and the key of its content.

    Raises
    ------
    UsageError
        If the file cannot be read, or is larger than what is read of any file.
    GameplanError
        If it is no game file, naming line and column.
    """
    data = _content(path)
    suffix = path.suffix.lower()
    return _READERS[suffix](data, str(path)), f"gambit {VERSION} {hashlib.sha256(data).hexdigest()}{suffix}"
