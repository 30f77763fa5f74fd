"""Game files: found by their suffix in any case, read within bounds, known by their content."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from games.files import read_file
from games.gambit.efg import EfgFile
from games.gambit.nfg import NfgFile
from games.gambit.nodes import Source

VERSION = 1  # raise whenever the reader's results change
_READERS: dict[str, Callable[[bytes, str], Source]] = {".efg": EfgFile, ".nfg": NfgFile}


def is_game_file(name: str) -> bool:
    """Return whether `name` is that of a game file, whatever the case of its suffix."""
    return Path(name).suffix.lower() in _READERS


def open_file(path: Path) -> tuple[Source, str]:
    """Return the game in a file, of which the first lines are read, and the key of its content.

    Raises
    ------
    UsageError
        If the file cannot be read, or is larger than what is read of any file.
    GameplanError
        If it is no game file, naming line and column.
    """
    data = read_file(path, "game file")
    suffix = path.suffix.lower()
    return _READERS[suffix](data, str(path)), f"gambit {VERSION} {hashlib.sha256(data).hexdigest()}{suffix}"
