"""Writing files so that a crash at any byte leaves the old file or the new one, never half of one; reading no more than is sane."""

import hashlib
import os
import platform
import re
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from games.errors import GameplanError, UnknownName, UsageError

MOST_BYTES = 256 << 20  # of a file that is read whole
_TEMPORARY = re.compile(r"\.tmp-([0-9a-f]{4})-(\d+)-\w+")


def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:4]


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path` by way of a temporary file in the same directory, which is created if missing.

    Raises
    ------
    OSError
        As the operating system says; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name says whose it is, and is short: a name that is long enough for the file is long enough for its temporary.
    handle, temporary = tempfile.mkstemp(prefix=f".tmp-{_host()}-{os.getpid()}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_output(path: Path, content: bytes | str, option: str = "--out") -> None:
    """Write what the user has asked for to `path`, whole or not at all; `option` is what names another place.

    Raises
    ------
    GameplanError
        If it cannot be written; one line.
    """
    try:
        write_atomically(path, content.encode(errors="backslashreplace") if isinstance(content, str) else content)
    except OSError as error:
        raise GameplanError(f"cannot write {path}: {reason(error)}; choose another place with {option} or make room") from error


def temporary_name() -> str:
    """Return a name that `is_temporary` knows, for what this process makes and moves to its place when it is whole."""
    return f".tmp-{_host()}-{os.getpid()}-{os.urandom(4).hex()}"


def is_temporary(name: str) -> bool:
    """Return whether a file of this name is what `write_atomically` leaves when its process is killed."""
    return _TEMPORARY.fullmatch(name) is not None


def remove_stale(directory: Path) -> None:
    """Remove from `directory` the temporary files of processes of this machine that are gone; what cannot be removed stays."""
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            match = _TEMPORARY.fullmatch(entry.name)
            if match and match[1] == _host() and not _is_alive(int(match[2])):
                with suppress(OSError):
                    Path(entry.path).unlink()


def read_file(path: Path, what: str = "file", most: int = MOST_BYTES) -> bytes:
    """Return the content of the file at `path`, `what` in a message.

    Raises
    ------
    UsageError
        If it cannot be read, is no regular file, or has more than `most` bytes; one line.
    """
    name = displayed(str(path))
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe without a writer would block for ever
            place = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise UnknownName(name, what, f"cannot read the {what} {name}: it is {place}")
        with open(path, "rb") as stream:
            data = stream.read(most + 1) if status.st_size <= most else None  # rather than as much as is allowed, for nothing
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise UnknownName(name, what, f"cannot read the {what} {name}: {reason(error)}") from error
    if data is None or len(data) > most:
        raise UsageError(f"the {what} {name} has more than {most:,} bytes, which is the most that is read")
    return data


def reason(error: BaseException) -> str:
    """Return why the operating system refused, in one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def displayed(name: str) -> str:
    """Return how messages show a path: from the working directory if it is below it, otherwise as it is."""
    path = Path(name)
    return str(path.relative_to(Path.cwd())) if path.is_absolute() and path.is_relative_to(Path.cwd()) else name
