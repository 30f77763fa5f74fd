"""Whether a worker runs the code that sent it the job: results are equal to the bit only then."""

import hashlib
import platform
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from games.errors import GameplanError

PACKAGES = ("games", "solvers", "planners", "workbench")
LIBRARIES = ("open_spiel", "numpy", "numba", "scipy")


@cache
def code_version() -> dict[str, str]:
    """Return the versions of everything that decides results here: Gameplan (a hash of its sources), Python, libraries."""
    top = Path(__file__).resolve().parent.parent.parent
    digest = hashlib.sha256()
    for package in PACKAGES:
        for source in sorted((top / package).rglob("*.py")):
            digest.update(str(source.relative_to(top)).encode() + b"\0" + source.read_bytes())
    found = {"gameplan": f"{_version('gameplan')} ({digest.hexdigest()[:8]})", "python": platform.python_version()}
    return found | {library: _version(library) for library in LIBRARIES}


def difference(theirs: Any) -> str:
    """Return what a worker has that differs from here, as "has numpy 2.1, here it is 2.2"; empty if nothing does.

    `theirs` is the worker's `code_version`, or the exception that it raised.
    """
    if not isinstance(theirs, dict):
        return f"cannot run gameplan ({str(theirs).splitlines()[0] if str(theirs) else type(theirs).__name__})"
    ours = code_version()
    return ", ".join(f"has {name} {theirs.get(name)}, here it is {ours[name]}" for name in ours if theirs.get(name) != ours[name])


def checked(theirs: dict[str, str], call: Callable[[], Any]) -> Any:
    """On a worker: return ``call()`` if the code here is that of the sender.

    Raises
    ------
    GameplanError
        If it is not.
    """
    if theirs != code_version():
        raise GameplanError(f"the sender {difference(theirs)} on {platform.node()}; install the same on both")
    return call()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of unknown version"
