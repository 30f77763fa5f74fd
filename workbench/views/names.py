"""Which run is meant: a directory, the beginning of its name, or the last one. Every command asks here.

``runs/2026-01-31-leduc_2p-cfr-s0`` may be called by its path, by ``2026-01-31-leduc`` or ``leduc_2p-cfr`` if no other run's name
begins so (with or without its date), and by ``@last`` if it started last; ``@last~1`` is the one before.
"""

import re
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

from games.errors import GameplanError, UsageError
from workbench.runs.directory import CONFIG, RunDirectory
from workbench.runs.kinds import KINDS as DIRECTORIES
from workbench.runs.kinds import kind_of
from workbench.views.runs import COMPARE, EVOLVE, STORE, run_directories, started_at

RUNS = Path("runs")  # where runs are looked for that are not called by their path
LAST = "@last"
MOST = 8  # candidates that a message names
_DATE = re.compile(r"\d{4}-\d\d-\d\d-")
_LAST = re.compile(rf"{LAST}(?:~(\d{{1,6}}))?")


def find_run(text: str, kinds: Collection[str] = (), root: Path = RUNS) -> Path:
    """Return the directory of the run that `text` means; a text that means none is returned as the path that it is.

    Parameters
    ----------
    kinds : collection of str
        Which kinds of runs (`kind_at`) are looked for; all unless given. A path is taken as it is.
    root : Path
        Where runs are that are not called by their path.

    Raises
    ------
    UsageError
        If there are fewer runs than ``@last~N`` asks for, or `text` is the beginning of several names, which the message lists.
    """
    last = _LAST.fullmatch(text)
    if last:
        found = by_start([path for path in run_directories(root) if _fits(path, kinds)])
        back = int(last[1] or 0)
        if back >= len(found):
            of = f" ({', '.join(kinds)})" if kinds else ""
            raise UsageError(f"{text}: there are {len(found)} runs{of} below {root}; 'gameplan runs list' shows them")
        return found[-1 - back]
    path = Path(text)
    try:
        if not path.name or path.exists():
            return path
        parent = path.parent if len(path.parts) > 1 else root
        found = [place for place in run_directories(parent) if begins(place.name, path.name) and _fits(place, kinds)]
    except (OSError, ValueError):  # a name that no file can have
        return path
    if len(found) > 1:
        names = [place.name for place in reversed(by_start(found))]
        more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
        raise UsageError(
            f"{text} is the beginning of {len(names)} runs, the newest first: {', '.join(names[:MOST])}{more}; write more of the "
            f"name, or {LAST}"
        )
    return found[0] if found else path


def run_or_file(text: str, kinds: Collection[str] = (), known: Callable[[], Collection[str]] = tuple) -> str:
    """Return what `text` means where files and `known` names are legal beside runs: the run's directory, or the text as it is.

    `known` is asked only if need be: its names may take imports. A text with a suffix or a colon may be a file or
    ``module:attribute``, and is no beginning of a run's name. Errors are those of `find_run`.
    """
    if text.startswith(LAST) or (text and not Path(text).suffix and ":" not in text and text not in known()):
        return str(find_run(text, kinds))
    return text


def begins(name: str, text: str) -> bool:
    """Return whether a run's `name`, with or without its date, begins with `text`."""
    return name.startswith(text) or _DATE.sub("", name, count=1).startswith(text)


def by_start(paths: Collection[Path]) -> list[Path]:
    """Return the runs in the order in which they started."""
    return sorted(paths, key=lambda path: (started_at(path) or datetime.min.astimezone(), path))


def kind_at(path: Path) -> str:
    """Return the command that the run in `path` is of, such as "solve" (also PSRO), "compare" or "evolve"; "" if it is damaged."""
    if (path / STORE).is_file():
        return EVOLVE
    if not (path / CONFIG).is_file():
        return COMPARE
    try:
        kind = kind_of(RunDirectory(path).read_json(CONFIG))
    except (GameplanError, TypeError):
        return ""
    return dict(zip(DIRECTORIES, ("plan", "distill", "train", "train-lm", "solve"), strict=True))[kind]


def _fits(path: Path, kinds: Collection[str]) -> bool:
    return not kinds or kind_at(path) in kinds
