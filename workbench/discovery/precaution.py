"""Work that has ended this process before is tried in a copy of it first."""

import os
import signal
import time
from collections.abc import Callable

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
