"""Removing a run: only what is one, whole, and that nobody works on."""

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from games.errors import GameplanError, UsageError
from games.files import reason
from workbench.runs import locks


def remove(path: Path, last: Collection[str]) -> None:
    """Remove the directory `path` with all that is in it, the files named `last` in the end: what a kill leaves is a run still.

    Raises
    ------
    UsageError
        If it is a link.
    locks.InUse
        If somebody works on it.
    GameplanError
        If something cannot be removed.
    """
    if path.is_symlink():
        raise UsageError(f"{path} is a link to a directory, which is not removed; name the directory itself")
    if not os.access(path, os.W_OK):
        raise GameplanError(f"cannot remove {path}: what is in it may not be changed; give yourself the right to write there")
    with locks.writing(path, make=True):  # which takes the empty directory away
        try:
            places = [place for place in path.iterdir() if place.name != locks.LOCK]
            for place in sorted(places, key=lambda place: place.name in last):
                if place.is_dir() and not place.is_symlink():
                    shutil.rmtree(place)
                else:
                    place.unlink()
        except OSError as error:
            raise GameplanError(f"cannot remove {path}: {reason(error)}") from error
    if os.path.lexists(path):
        raise GameplanError(f"{path} is still there: something was written to it meanwhile")
