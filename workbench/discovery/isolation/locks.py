"""What the kernel offers to lock a process in: seccomp filters, Landlock, resource limits. Linux on x86_64 and aarch64.

A locked process can compute, take memory up to a limit, read what is open and write to one descriptor. It opens nothing, starts
nothing, signals nobody and knows no network: system calls that are not on a short list fail with EPERM. Landlock says the same once
more about files, TCP and signals.
"""

import ctypes
import math
import os
import platform
import resource
import struct
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from games.errors import GameplanError
from workbench.discovery.isolation.syscalls import MACHINES, program

OUT = 3  # the descriptor that a locked process may write to; 0 to 2 lead nowhere
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 36, 38
_CLONE_NEWUSER, _CLONE_NEWPID = 0x10000000, 0x20000000
_CAP_KILL, _CAP_SETGID, _CAP_SETUID = 5, 6, 7
_PROCESSES = 64  # of a warden in a user namespace of its own, where they are counted apart
_FILTER, _SIGKILL, _EFAULT = 2, 9, 14
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446  # the same on all machines
_UNKNOWN_SIZE = 4 << 30
_HUGE, _MADV_COLLAPSE = 2 << 20, 25


@cache
def level() -> str:
    """Return what this kernel can lock candidates in with: "seccomp+landlock", "seccomp" or "none"."""
    if not sys.platform.startswith("linux") or platform.machine() not in MACHINES or sys.maxsize < 2**32:
        return "none"
    _prctl(_PR_SET_SECCOMP, _FILTER, 0, check=False)  # no filter at address 0: EFAULT where filters are known, else EINVAL
    if ctypes.get_errno() != _EFAULT:
        return "none"
    return "seccomp+landlock" if _landlock_version() > 0 else "seccomp"


def prepare() -> None:
    """Load what locking needs, before the file system is out of reach."""
    if level() != "none":
        _filter(parent=True)
        _filter(parent=False)


def die_with_parent(number: int = _SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent goes."""
    if sys.platform.startswith("linux"):
        parent = os.getppid()
        _prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)


def enter_pid_namespace() -> bool:
    """Have this process's next child be the first of a PID namespace, if the kernel allows it; return whether it does."""
    if not sys.platform.startswith("linux"):
        return False
    if _libc().unshare(_CLONE_NEWPID) == 0:
        return True
    user, group = os.geteuid(), os.getegid()
    if _libc().unshare(_CLONE_NEWUSER) != 0:
        return False
    with suppress(OSError):  # some systems give a user namespace without any rights in it
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            Path(f"/proc/self/{name}").write_text(text)
    if _libc().unshare(_CLONE_NEWPID) != 0:
        return False
    highest = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    few = _PROCESSES if highest == resource.RLIM_INFINITY else min(_PROCESSES, highest)
    resource.setrlimit(resource.RLIMIT_NPROC, (few, few))
    return True


def adopt_orphans() -> None:
    """Become the parent of all descendants that lose theirs."""
    if sys.platform.startswith("linux"):
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def spare_user() -> int | None:
    """Return the number of a user that nothing runs as, if this process may make others run as it; limits do not bind root."""
    return (1 << 30) + int.from_bytes(os.urandom(3), "little") if os.geteuid() == 0 and _may_change_user() else None


def allow_forks(pid: int, user: int | None) -> None:
    """Let the locked process `pid`, of the spare `user` if any, fork up to its limit on processes: it cannot lift that itself."""
    if user is not None:  # limits may be set by who is the same user, or has a right that containers seldom have
        os.setresgid(user, -1, -1)
        os.setresuid(user, -1, -1)
    try:
        highest = resource.prlimit(pid, resource.RLIMIT_NPROC)[1]
        resource.prlimit(pid, resource.RLIMIT_NPROC, (highest, highest))
    except ProcessLookupError:
        pass
    finally:
        if user is not None:
            os.setresuid(0, -1, -1)
            os.setresgid(os.getegid(), -1, -1)


def _forbid_forks(user: int | None) -> None:
    """Let this process start no other until `allow_forks`; as a user of its own it may have one child then."""
    highest = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        highest = 2
    resource.setrlimit(resource.RLIMIT_NPROC, (0, highest))


@cache
def _may_change_user() -> bool:
    """Whether this process may become another user, and still end processes of that user from its parent."""
    needed = 1 << _CAP_KILL | 1 << _CAP_SETGID | 1 << _CAP_SETUID
    lines = Path("/proc/self/status").read_text().splitlines()
    held = next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)
    mapped = Path("/proc/self/uid_map").read_text().split()
    return held & needed == needed and mapped[-1] == str(2**32 - 1)


def hide() -> None:
    """Let no other process of this user look into this one, and write no core."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform.startswith("linux"):
        _prctl(_PR_SET_DUMPABLE, 0)


def lock(*, parent: bool, user: int | None = None) -> None:
    """Lock this process in for good, as the spare `user` if any; a `parent` may fork once `allow_forks` has said so."""
    if parent:
        _forbid_forks(user)
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _drop_capabilities()
        _restrict_with_landlock()
    _prctl(_PR_SET_SECCOMP, _FILTER, ctypes.addressof(_filter(parent=parent)[0]))


def limit(*, cpu_seconds: float, memory: int | None = None) -> None:
    """Limit CPU seconds, rounded up, and bytes of memory beyond what this process has; no files, no cores.

    Without `memory` the process is the last in line: no further descriptors, and more CPU time cannot be had.
    """
    seconds = max(1, math.ceil(cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY if memory is not None else seconds + 1))
    if memory is not None:
        size = _size() + memory
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def unlimit_cpu() -> None:
    """Take the limit on CPU time back."""
    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def use_huge_pages() -> None:
    """Have the kernel put this process's memory into huge pages, if it can: forks copy a table of pages, which gets short."""
    if not sys.platform.startswith("linux"):
        return
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, access, _, _, _, *name = line.split()
        if access == "rw-p" and name in ([], ["[heap]"]):
            begin, end = (int(text, 16) for text in place.split("-"))
            for start in range(-(-begin // _HUGE) * _HUGE, end - _HUGE + 1, _HUGE):
                _libc().madvise(ctypes.c_void_p(start), ctypes.c_size_t(_HUGE), _MADV_COLLAPSE)  # refused where nothing is


def _size() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return _UNKNOWN_SIZE


@cache
def _filter(*, parent: bool) -> tuple[ctypes.Array, ctypes.Array]:
    """Return a ``struct sock_fprog`` and the code that it points to."""
    code = program(MACHINES[platform.machine()], parent=parent, highest=OUT)
    lines = ctypes.create_string_buffer(code, len(code))
    head = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(lines))
    return ctypes.create_string_buffer(head, len(head)), lines


def _drop_capabilities() -> None:
    """Give up what root may do beyond others, such as raising limits."""
    header = ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0), 8)  # version 3; this process
    nothing = ctypes.create_string_buffer(24)
    if _libc().capset(header, nothing):
        raise GameplanError(f"capset failed: {os.strerror(ctypes.get_errno())}")


def _landlock_version() -> int:
    return max(0, _syscall(_LANDLOCK_CREATE, 0, 0, 1))


def _restrict_with_landlock() -> None:
    version = _landlock_version()
    if not version:
        return
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    attributes = struct.pack("QQQ", files, 0b11, 0b11)[: 8 if version < 4 else 16 if version < 6 else 24]
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    rules = _syscall(_LANDLOCK_CREATE, ctypes.addressof(buffer), len(attributes), 0)
    if rules < 0 or _syscall(_LANDLOCK_RESTRICT, rules, 0, 0) < 0:
        raise GameplanError(f"the kernel has Landlock but refuses it: {os.strerror(ctypes.get_errno())}")
    os.close(rules)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *arguments: int) -> int:
    return int(_libc().syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)))


def _prctl(option: int, *arguments: int, check: bool = True) -> None:
    ctypes.set_errno(0)
    given = [*arguments, 0, 0, 0, 0][:4]
    if _libc().prctl(ctypes.c_int(option), *map(ctypes.c_ulong, given)) and check:
        raise GameplanError(f"prctl {option} failed: {os.strerror(ctypes.get_errno())}")
