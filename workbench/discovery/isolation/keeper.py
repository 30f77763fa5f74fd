"""The keeper: a small process between a client and its warden, so that nothing that the warden starts outlives either of them.

Where the kernel gives a PID namespace, the warden is its first process: the kernel ends all others with it. Elsewhere the keeper
adopts what loses its parent, and ends its descendants itself.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from workbench.discovery.isolation import locks

_WATCHED = (signal.SIGTERM, signal.SIGCHLD)


def keep(work: Callable[[], None], client: int) -> NoReturn:
    """Do `work` in a child and exit when that ends, or when the process `client` does; nothing is left then."""
    locks.die_with_parent(signal.SIGTERM)
    if os.getppid() != client:
        os._exit(1)
    alone = locks.enter_pid_namespace()
    if not alone:
        locks.adopt_orphans()
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    pid = os.fork()
    if pid == 0:
        locks.die_with_parent()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        work()
        os._exit(0)
    nowhere = os.open(os.devnull, os.O_RDWR)  # or the client would wait for the keeper's end of the pipes
    for stream in (0, 1):
        os.dup2(nowhere, stream)
    while signal.sigwait(_WATCHED) == signal.SIGCHLD and not _ended(pid):
        pass
    if alone:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)  # the kernel lets it go when the last of its namespace has ended
    else:
        _end_descendants()
    os._exit(0)


def _ended(pid: int) -> bool:
    """Wait for what has ended, and return whether the warden has."""
    while True:
        try:
            found, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if found in (0, pid):
            return found == pid


def _end_descendants() -> None:
    while below := descendants(os.getpid()):
        for pid in below:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


def descendants(top: int) -> list[int]:
    """Return the processes below `top`."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = list(children.get(top, ()))
    for pid in found:  # grows while it is walked
        found += children.get(pid, ())
    return found
