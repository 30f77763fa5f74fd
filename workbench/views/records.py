"""What a run has written about itself at its end, whichever kind it is: the record that its command has printed."""

from pathlib import Path
from typing import Any

from games.errors import GameplanError
from games.reading import anything
from workbench.runs.directory import RESULT, RunDirectory
from workbench.views.runs import STORE, TABLE


def result_of(path: Path) -> dict[str, Any] | None:
    """Return the result of the run, comparison or discovery in the directory `path`; None if it has not come to one.

    Raises
    ------
    GameplanError
        If it is damaged.
    """
    if (path / STORE).is_file():
        return _discovered(path)
    found = RunDirectory(path).read_json(RESULT)
    if found is None:
        found = RunDirectory(path).read_json(TABLE, anything)
        if found is not None and not isinstance(found, dict):
            raise GameplanError(f"{path / TABLE} is no table of a comparison; run the comparison again")
    return found if found is None else {**found, "run": str(path)}  # it may have been moved


def _discovered(path: Path) -> dict[str, Any] | None:
    from workbench.catalogue.shipped import TASKS
    from workbench.discovery.books.store import Store
    from workbench.discovery.session import run_record

    store = Store.open(path)
    try:
        return run_record(store) if store.get("config").get("task") in TASKS else None  # a task of the user's own is a program
    finally:
        store.close()
