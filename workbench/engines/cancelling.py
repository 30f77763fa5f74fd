"""How a job learns that nobody wants its result any more. Processes are ended; jobs in threads and on Dask's workers must ask."""

import sys
import threading
from collections.abc import Callable
from typing import Any

_here = threading.local()


def cancelled() -> bool:
    """Return whether the job that runs in this thread was cancelled; cheap enough to be asked several times a second."""
    stop = getattr(_here, "stop", None)
    if stop is not None:
        return bool(stop())
    dask = sys.modules.get("distributed.worker")
    if dask is None:
        return False
    try:
        worker = dask.get_worker()
        task = worker.state.tasks.get(worker.get_current_task())
    except (ValueError, KeyError, AttributeError):  # not in a job of Dask's
        return False
    return task is None or task.state == "cancelled"


def stoppable(stop: Callable[[], bool], call: Callable[[], Any]) -> Any:
    """Return ``call()``; inside, `cancelled` says what `stop` does."""
    _here.stop = stop
    try:
        return call()
    finally:
        _here.stop = None
