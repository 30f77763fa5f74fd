"""Which directories may be removed as runs: what is one in every particular, alone, and at rest."""

from pathlib import Path

from games.errors import GameplanError, UsageError
from games.files import reason
from workbench.runs import locks
from workbench.runs.contents import BESIDE, MARK, stranger, stranger_of_comparison
from workbench.runs.directory import CONFIG, RunDirectory
from workbench.views.runs import COMPARE, DAMAGED, RUNNING, STORE, TABLE, inner_runs, is_run, look, run_directories

LAST = (CONFIG, STORE, TABLE, MARK)  # what a run is known by: removed last


def check_removable(path: Path) -> None:
    """Check that the run in `path` may be removed.

    Raises
    ------
    UsageError
        If it is no run, holds other things, or somebody works on it; the message says which.
    """
    if not path.is_dir():
        raise UsageError(f"there is no run {path}; 'gameplan runs list' shows what there is")
    if not is_run(path) and _is_left(path):  # of a removal that was killed
        return
    if not is_run(path):
        raise UsageError(f"{path} is not a run directory, and is not removed; 'gameplan runs list' shows what there is")
    view = look(path)
    inside = inner_runs(path) if view.kind == COMPARE else _below(path)
    if view.kind != COMPARE and inside:
        raise UsageError(f"{path} holds another run, {inside[0]}; remove that first, or move it")
    if view.status == DAMAGED and (view.kind == COMPARE or not _is_ours(path)):
        raise UsageError(f"{path} is not a run directory of ours, and is not removed ({view.note})")
    try:
        strange = stranger_of_comparison(path, inside) if view.kind == COMPARE else stranger(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be looked through, and is not removed: {reason(error)}") from error
    if strange:
        raise UsageError(f"{path} holds {strange.relative_to(path)}, which no run writes, and is not removed; move that first")
    for place in (path, *inside):
        if who := locks.holder(place):
            raise UsageError(f"{path} is {RUNNING}: {who} is working on {place}; stop it first, or wait until it has ended")


def _is_left(path: Path) -> bool:
    """Return whether the lock of a process that is gone is all that there is in `path`."""
    try:
        names = [place.name for place in path.iterdir()]
    except OSError:
        return False
    return names == [locks.LOCK] and not locks.holder(path)


def _below(path: Path) -> list[Path]:
    """Return the runs in the folders of `path`, other than those beside a language model's."""
    folders = [place for place in sorted(path.iterdir()) if place.is_dir() and place.name != BESIDE]
    return [run for folder in folders for run in run_directories(folder, inner=True)]


def _is_ours(path: Path) -> bool:
    """Return whether a run whose files are damaged has a configuration that is one of ours."""
    if (path / STORE).is_file():
        with open(path / STORE, "rb") as stream:
            return stream.read(15) == b"SQLite format 3"
    try:
        RunDirectory(path).read_json(CONFIG)
    except GameplanError:
        return False
    return True
