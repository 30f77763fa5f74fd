"""Work that has ended this process before is tried in a copy of it first."""

import os
import signal
import time
from collections.abc import Callable
from typing import TypeVar

from games.errors import GameplanError
from workbench.discovery.books.store import Store
from workbench.discovery.books.text import fault

BEGUN = "begun"  # the key of the step that this process is busy with, should it end there
Result = TypeVar("Result")
LONGEST = 60.0  # seconds that such work may take: it is done in milliseconds where nothing is wrong


def survives(work: Callable[[], object], seconds: float = LONGEST) -> bool:
    """Return whether a copy of this process comes through `work`: an exception is no harm, a crash or no end is."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:  # what it raises, it will raise again, where it is caught
            os._exit(0)
        finally:
            os._exit(0)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


class Fault(Exception):
    """What is wrong with a step: its work raised, or ended a process."""


class Precaution:
    """Does work that belongs to steps of the run in `store`."""

    def __init__(self, store: Store) -> None:
        begun = store.get(BEGUN)
        self._store, self._suspect = store, begun if type(begun) is int else None

    def do(self, n: int, work: Callable[[], Result]) -> Result:
        """Return what `work` on step `n` returns. Should it end this process, the next one knows, and tries it in a copy first.

        Raises
        ------
        Fault
            If it raises, or ends a process.
        """
        with self._store.transaction():
            self._store.set(BEGUN, n)
        if n == self._suspect and not survives(work):
            raise Fault("it ended the process that looked at it")
        try:
            return work()
        except GameplanError:
            raise
        except Exception as error:
            raise Fault(fault(error)) from error
