"""How much memory there is, is used, and may be used."""

import os
import re
from contextlib import suppress
from pathlib import Path

from games.errors import UsageError

_UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "kiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40}
SLACK = 1 << 28  # bytes of address space that are reserved but never used


def default_budget() -> int:
    """Return the memory that a game may take unless told otherwise, in bytes: half of what is free."""
    return max(available() // 2, 1)


def resident() -> int:
    """Return the memory in use by this process, in bytes; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def available() -> int:
    """Return the memory that is free for use, in bytes; an exbibyte where the system does not say."""
    free = 1 << 60
    with suppress(OSError, ValueError, IndexError):
        text = Path("/proc/meminfo").read_text()
        free = int(text.split("MemAvailable:")[1].split()[0]) * 1024
    with suppress(OSError, ValueError, IndexError):  # a container may have less than its machine
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        files = int((group / "memory.stat").read_text().split("inactive_file ")[1].split()[0])  # given back when asked for
        free = min(free, max(limit - used + files, 0))
    return free


def limit_address_space(extra: int) -> None:
    """Let this process allocate `extra` bytes more than it has: what goes beyond fails instead of taking the machine along."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = size + extra + SLACK
        if hard == resource.RLIM_INFINITY or wanted < hard:
            resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def parse_size(text: str) -> int:
    """Return the bytes in a size such as ``500MB``, ``2GB`` or ``1.5GiB``.

    Raises
    ------
    UsageError
        If the number or its unit is missing or unknown.
    """
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d*)?)\s*([kMGT]i?B)\s*", text)
    size = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 1.0 <= size < 2.0**60:
        raise UsageError(f"{text!r} is not a size; write a positive number with a unit ({', '.join(_UNITS)}), such as 2GB")
    return int(size)


def shown(size: int) -> str:
    """Return a size as it is written in messages and options, such as 512MB or 1.5GB."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if size >= factor:
            return f"{size / factor:.3g}{unit}"
    return f"{max(size, 0) / 1e3:.3g}kB"
