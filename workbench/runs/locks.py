"""One writer a directory: a lock that the kernel takes back when its process is gone, whatever killed it."""

import errno
import json
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from games.errors import GameplanError
from games.files import reason

LOCK = ".lock"
_UNSUPPORTED = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)  # a file system without locks: go on without
_held: dict[tuple[int, int], tuple[int, int]] = {}  # directory: thread that holds it, how often
_guard = threading.Lock()


class InUse(GameplanError):
    """Somebody else writes to the directory."""


@contextmanager
def writing(directory: Path, *, make: bool = False) -> Iterator[None]:
    """Be the only one who writes to `directory` while the block runs; blocks of one thread may be nested.

    The file ``.lock`` in it says who that is, and is removed at the end. With `make` the directory is made if it is not there, and
    removed again if nothing was written to it.

    Raises
    ------
    InUse
        If somebody else does; the message says which process, where, since when.
    GameplanError
        If the directory cannot be written.
    """
    try:
        if make:
            directory.mkdir(parents=True, exist_ok=True)
        about = directory.stat()
    except OSError as error:
        raise GameplanError(
            f"cannot write to {directory}: {reason(error)}; choose another place with --out or make room"
        ) from error
    key, me = (about.st_dev, about.st_ino), threading.get_ident()
    with _guard:
        owner, depth = _held.get(key, (me, 0))
        if owner == me and depth:
            _held[key] = (me, depth + 1)
    if owner != me:
        raise InUse(_message(directory, None))
    if depth:
        try:
            yield
        finally:
            with _guard:
                _held[key] = (me, _held[key][1] - 1)
        return
    handle = _take(directory)
    with _guard:
        _held[key] = (me, 1)
    try:
        yield
    finally:
        with _guard:
            del _held[key]
        with suppress(OSError):
            (directory / LOCK).unlink()
        os.close(handle)
        if make:
            with suppress(OSError):
                directory.rmdir()


def holder(directory: Path) -> str | None:
    """Return who works on `directory`, such as "process 7 on host (since ...)", or None if nobody does; nothing is written."""
    import fcntl

    try:
        handle = os.open(directory / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _who(_read(handle))
    except OSError:
        return None
    finally:
        os.close(handle)
    return None  # a file that a killed process has left


def _take(directory: Path) -> int:
    """Return the descriptor of the locked file."""
    import fcntl

    path = directory / LOCK
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise GameplanError(
                f"cannot write to {directory}: {reason(error)}; choose another place with --out or make room"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            about = _read(handle)
            os.close(handle)
            raise InUse(_message(directory, about)) from None
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                os.close(handle)
                raise GameplanError(f"cannot lock {directory}: {reason(error)}") from error
        with suppress(OSError):  # the file may be gone: its last owner has removed it since it was opened
            if os.path.samestat(os.fstat(handle), path.stat()):
                with suppress(OSError):  # a full disk: the lock holds all the same
                    os.ftruncate(handle, 0)
                    os.pwrite(handle, json.dumps(_describe()).encode(), 0)
                return handle
        os.close(handle)


def _describe() -> dict[str, Any]:
    return {"pid": os.getpid(), "host": platform.node(), "since": datetime.now().isoformat(" ", "seconds")}


def _read(handle: int) -> dict[str, Any] | None:
    try:
        about = json.loads(os.pread(handle, 4096, 0))
        return {"pid": int(about["pid"]), "host": ascii(about["host"])[1:-1], "since": ascii(about["since"])[1:-1]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _message(directory: Path, about: dict[str, Any] | None) -> str:
    return f"{_who(about)} is working on {directory}; wait until it has ended, or stop it first"


def _who(about: dict[str, Any] | None) -> str:
    return "another process" if about is None else f"process {about['pid']} on {about['host']} (since {about['since']})"
