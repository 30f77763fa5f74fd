"""What the kernel offers to lock a process in: seccomp filters, Landlock, resource limits. Linux on x86_64 and aarch64.

A locked process can compute, take memory and write to one pipe. It opens nothing, starts nothing, signals nobody and knows no
network: system calls that are not on a short list fail with EPERM. Landlock says the same once more about files, TCP and signals.
"""

import ctypes
import math
import os
import platform
import resource
import struct
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

from games.errors import GameplanError

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_FILTER, _SIGKILL, _EFAULT, _EPERM = 2, 9, 14, 1
_FORK_FLAGS = 0x01200000 | 0xFF  # CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID and the signal: what fork() asks for, no threads
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446  # the same on all machines

# What numpy and machine code from LLVM need to compute. `write` and `tgkill` are narrowed down below.
_COMPUTE = [
    "read",
    "close",
    "fstat",
    "lseek",
    "mmap",
    "mprotect",
    "munmap",
    "mremap",
    "brk",
    "madvise",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    "futex",
    "getcwd",
    "getpid",
    "gettid",
    "getppid",
    "getrusage",
    "times",
    "gettimeofday",
    "clock_gettime",
    "clock_getres",
    "sched_yield",
    "sched_getaffinity",
    "set_robust_list",
    "set_tid_address",
    "rseq",
    "membarrier",
    "restart_syscall",
    "exit",
    "exit_group",
]
# What the parent of evaluations needs beyond: it forks, waits, makes pipes, and its children lock themselves further.
_PARENT = [
    "wait4",
    "pipe2",
    "dup",
    "dup2",
    "dup3",
    "close_range",
    "setrlimit",
    "getrlimit",
    "prctl",
    "seccomp",
    "fork",
    "poll",
    "ppoll",
    "getrandom",
]


class _Machine(NamedTuple):
    arch: int  # AUDIT_ARCH
    numbers: dict[str, int]


def _numbers(text: str) -> dict[str, int]:
    return {name: int(number) for name, number in (item.split(":") for item in text.split())}


_MACHINES = {
    "x86_64": _Machine(0xC000003E, _numbers(
        "read:0 write:1 close:3 fstat:5 poll:7 lseek:8 mmap:9 mprotect:10 munmap:11 brk:12 rt_sigaction:13 rt_sigprocmask:14 "
        "rt_sigreturn:15 sched_yield:24 mremap:25 madvise:28 dup:32 dup2:33 getpid:39 clone:56 fork:57 exit:60 wait4:61 getcwd:79 "
        "gettimeofday:96 getrlimit:97 getrusage:98 times:100 getppid:110 sigaltstack:131 prctl:157 setrlimit:160 gettid:186 "
        "futex:202 sched_getaffinity:204 set_tid_address:218 restart_syscall:219 clock_gettime:228 clock_getres:229 "
        "exit_group:231 tgkill:234 ppoll:271 set_robust_list:273 dup3:292 pipe2:293 prlimit64:302 seccomp:317 getrandom:318 membarrier:324 "
        "rseq:334 close_range:436"
    )),
    "aarch64": _Machine(0xC00000B7, _numbers(
        "getcwd:17 dup:23 dup3:24 close:57 pipe2:59 lseek:62 read:63 write:64 ppoll:73 fstat:80 exit:93 exit_group:94 set_tid_address:96 "
        "futex:98 set_robust_list:99 clock_gettime:113 clock_getres:114 sched_getaffinity:123 sched_yield:124 "
        "restart_syscall:128 tgkill:131 sigaltstack:132 rt_sigaction:134 rt_sigprocmask:135 rt_sigreturn:139 times:153 "
        "getrlimit:163 setrlimit:164 getrusage:165 prctl:167 gettimeofday:169 getpid:172 getppid:173 gettid:178 brk:214 "
        "munmap:215 mremap:216 clone:220 mmap:222 mprotect:226 madvise:233 wait4:260 prlimit64:261 seccomp:277 getrandom:278 membarrier:283 "
        "rseq:293 close_range:436"
    )),
}  # fmt: skip


@cache
def level() -> str:
    """Return what this kernel can lock candidates in with: "seccomp+landlock", "seccomp" or "none"."""
    if not sys.platform.startswith("linux") or platform.machine() not in _MACHINES or sys.maxsize < 2**32:
        return "none"
    _prctl(_PR_SET_SECCOMP, _FILTER, 0, check=False)  # no filter at address 0: EFAULT where filters are known, else EINVAL
    if ctypes.get_errno() != _EFAULT:
        return "none"
    return "seccomp+landlock" if _landlock_version() > 0 else "seccomp"


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent goes."""
    if sys.platform.startswith("linux"):
        parent = os.getppid()
        _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def hide() -> None:
    """Let no other process of this user look into this one, and write no core."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform.startswith("linux"):
        _prctl(_PR_SET_DUMPABLE, 0)


def lock(*, parent: bool, out: int) -> None:
    """Lock this process for good; `out` is the one descriptor (beside 0 to 2) that it may write to, a `parent` may also fork."""
    machine = _MACHINES[platform.machine()]
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if parent:
        _restrict_with_landlock()
    code = _Filter(machine)
    for name in (*_COMPUTE, *(_PARENT if parent else ())):
        code.allow(name)
    code.allow_low("write", 0, highest=2)
    code.allow_equal("write", 0, out)
    code.allow_equal("tgkill", 0, os.getpid())  # abort()
    if parent:
        code.allow_masked("clone", 0, ~_FORK_FLAGS & 0xFFFFFFFF)
        code.allow_equal("prlimit64", 0, 0)
    code.install()


def limit(*, cpu_seconds: float, memory: int | None = None) -> None:
    """Limit this process: CPU seconds, rounded up, bytes of memory beyond what it has now; no files, cores, processes."""
    seconds = max(1, math.ceil(cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY if memory is not None else seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory is not None:
        size = _size() + memory
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    else:  # the last in line: no descriptors, and no processes (which does not bind root; the filter does)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def unlimit_cpu() -> None:
    """Take the limit on CPU time back, before the process is locked for good."""
    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def prepare() -> None:
    """Load what locking needs, before the file system is out of reach."""
    _libc()
    level()


def _size() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 4 << 30


class _Filter:
    """A seccomp program: a list of tests that allow a call, and EPERM for all others."""

    def __init__(self, machine: _Machine) -> None:
        self._numbers = machine.numbers
        self._code = [
            (0x20, 0, 0, 4),  # load the architecture
            (0x15, 1, 0, machine.arch),
            (0x06, 0, 0, 0x80000000),  # another one: kill
            (0x20, 0, 0, 0),  # load the number; those of x32 are above all of ours
        ]

    def allow(self, name: str) -> None:
        if name in self._numbers:
            self._code += [(0x15, 0, 1, self._numbers[name]), (0x06, 0, 0, 0x7FFF0000)]

    def allow_equal(self, name: str, argument: int, value: int) -> None:
        self._test(name, argument, [(0x15, 0, 1, value & 0xFFFFFFFF)])

    def allow_low(self, name: str, argument: int, highest: int) -> None:
        self._test(name, argument, [(0x25, 1, 0, highest)])

    def allow_masked(self, name: str, argument: int, forbidden: int) -> None:
        self._test(name, argument, [(0x54, 0, 0, forbidden), (0x15, 0, 1, 0)])

    def _test(self, name: str, argument: int, test: list[tuple[int, int, int, int]]) -> None:
        # the low half of the argument: descriptors, process ids and clone flags have 32 bits, little-endian on both machines
        body = [(0x20, 0, 0, 16 + 8 * argument), *test, (0x06, 0, 0, 0x7FFF0000), (0x20, 0, 0, 0)]
        self._code += [(0x15, 0, len(body), self._numbers[name]), *body]

    def install(self) -> None:
        code = b"".join(struct.pack("HBBI", *line) for line in [*self._code, (0x06, 0, 0, 0x00050000 | _EPERM)])
        buffer = ctypes.create_string_buffer(code, len(code))
        program = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
        holder = ctypes.create_string_buffer(program, len(program))
        _prctl(_PR_SET_SECCOMP, _FILTER, ctypes.addressof(holder))


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
