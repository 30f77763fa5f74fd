"""Where a discovery begins: its store appears whole, or not at all, whatever kills the process that makes it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from games.errors import GameplanError, UsageError
from games.files import is_temporary, reason, temporary_name
from workbench.discovery.books.store import FILE
from workbench.runs import locks

_EARLY = ("prompts",)  # what is there before the store


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Make the directory `path` for a discovery; yield a folder in which the block makes the store, which is moved up at the end.

    What a process left that was killed before that is removed.

    Raises
    ------
    UsageError
        If there is something already.
    GameplanError
        If it cannot be written.
    """
    try:
        left = sorted(place.name for place in path.iterdir()) if path.exists() else []
    except OSError as error:
        raise UsageError(f"{path} cannot be a discovery's directory: {reason(error)}; choose another --out") from error
    others = [name for name in left if not is_temporary(name) and name != locks.LOCK]
    if others and not (locks.LOCK in left and set(others) <= {*_EARLY}):
        raise UsageError(f"{path} exists and is not empty; choose another --out")
    with locks.writing(path, make=True):
        folder = path / temporary_name()
        try:
            for name in left:
                if is_temporary(name):
                    shutil.rmtree(path / name) if (path / name).is_dir() else (path / name).unlink()
            if (path / FILE).exists():
                raise UsageError(f"{path} exists by now: another process has made it; choose another --out")
            yield folder
            (folder / FILE).replace(path / FILE)
        except OSError as error:
            raise GameplanError(f"cannot write to {path}: {reason(error)}; choose another --out or make room") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if not (path / FILE).exists():
                for name in _EARLY:
                    shutil.rmtree(path / name, ignore_errors=True)
