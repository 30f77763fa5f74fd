"""Which directories may be removed as runs: what is one in every particular, alone, and at rest."""

from pathlib import Path

from games.errors import GameplanError, UsageError
from workbench.runs import locks
from workbench.runs.directory import CONFIG, RunDirectory
from workbench.views.runs import COMPARE, DAMAGED, INNER, RUNNING, STORE, TABLE, RunView, inner_runs, is_run, look, run_directories

LAST = (CONFIG, STORE, TABLE)  # what a run is known by: removed last
_TABLES = {TABLE, "table.csv", "table.md", INNER, "engine", locks.LOCK}  # what a comparison writes, beside figures


def check_removable(path: Path) -> RunView:
    """Return the view of the run in `path`, which may be removed.

    Raises
    ------
    UsageError
        If it is no run, holds other things, or somebody works on it; the message says which.
    """
    if not path.is_dir():
        raise UsageError(f"there is no run {path}; 'gameplan runs list' shows what there is")
    if not is_run(path):
        raise UsageError(f"{path} is not a run directory, and is not removed; 'gameplan runs list' shows what there is")
    view = look(path)
    if view.kind == COMPARE:
        names = _TABLES | {place.name for place in inner_runs(path) if place.parent == path}
        strange = sorted(place.name for place in path.iterdir() if place.name not in names and not place.name.startswith("figure."))
        if view.status == DAMAGED or strange:
            what = f"it holds {strange[0]}" if strange else view.note
            raise UsageError(f"{path} is no comparison, or not only one ({what}), and is not removed")
        inside = inner_runs(path)
    else:
        if view.status == DAMAGED and not _is_ours(path):
            raise UsageError(f"{path} is not a run directory of ours, and is not removed ({view.note})")
        inside = _below(path)
        if inside:
            raise UsageError(f"{path} holds another run, {inside[0]}; remove that first, or move it")
    for place in (path, *inside):
        if who := locks.holder(place):
            raise UsageError(f"{path} is {RUNNING}: {who} is working on {place}; stop it first, or wait until it has ended")
    return view


def _below(path: Path) -> list[Path]:
    """Return the runs in the folders of `path`."""
    return [run for place in sorted(path.iterdir()) if place.is_dir() for run in run_directories(place, inner=True)]


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
