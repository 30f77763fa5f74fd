"""A page that follows runs: it is written anew while they go on, and loads itself again until they have ended."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from workbench.views.runs import RUNNING, RunView

PAUSE = 5.0  # seconds between two looks
QUIET = 30.0  # seconds without a running run after which it is over: a comparison rests between its runs


def follow(
    find: Callable[[], Sequence[RunView]], write: Callable[[Sequence[RunView], float], None], *, pause: float = PAUSE,
    quiet: float = QUIET, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep,
) -> None:  # fmt: skip
    """Write what `find` finds, again whenever something has changed, until nothing has run for `quiet` seconds.

    `write` is told after how many seconds the page is to load itself again; 0 the last time, also when it is interrupted.
    """
    before: object = None
    views, busy = find(), clock()
    try:
        while True:
            now = state(views)
            if now != before:
                write(views, pause)
                before = now
            if any(view.status == RUNNING for view in views):
                busy = clock()
            elif clock() - busy >= quiet:
                break
            sleep(pause)
            views = find()
    finally:
        write(views, 0.0)


def state(views: Sequence[RunView]) -> object:
    """Return what differs when a run has gone on: its files' sizes and times."""
    return [(view.path, view.status, _files(view.path)) for view in views]


def _files(path: Path) -> list[tuple[str, int, int]]:
    found = []
    for place in sorted(path.rglob("*")):
        try:
            status = place.stat()
        except OSError:  # gone in the meantime
            continue
        if place.suffix in (".json", ".jsonl", ".npz", ".sqlite", ".sqlite-wal"):
            found.append((str(place), status.st_size, status.st_mtime_ns))
    return found
