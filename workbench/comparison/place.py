"""The directory of a comparison: its own from the first moment, so that one that was interrupted is known, and can be removed.

And what is compared is called alike in its directory, tables and figures.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from games.modules import short_name
from workbench.runs import locks
from workbench.runs.contents import MARK
from workbench.runs.directory import RunDirectory


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Be the only one who writes a comparison to `path`, which is made and marked as one; it goes again if nothing comes into it.

    Raises
    ------
    locks.InUse
        If somebody else writes to it.
    GameplanError
        If it cannot be written.
    """
    with locks.writing(path, make=True):
        new = not (path / MARK).exists()
        if new:
            RunDirectory(path).write_json(MARK, {"schema": 1, "kind": "comparison"})
        try:
            yield
        finally:
            if new and {place.name for place in path.iterdir()} <= {MARK, locks.LOCK}:
                with suppress(OSError):
                    (path / MARK).unlink()


def labels(names: Iterable[str]) -> dict[str, str]:
    """Return name -> what it is called in tables and figures: its short name, numbered where programs would be called alike."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        label, number = short_name(name), 1
        while label in found.values():
            number += 1
            label = f"{short_name(name)}-{number}"
        found[name] = label
    return found
