"""The system calls that locked processes keep, by machine, and seccomp programs that let these through and nothing else."""

import struct
from typing import NamedTuple


class Machine(NamedTuple):
    """A machine: its number in the audit interface, and its system calls' numbers."""

    arch: int
    numbers: dict[str, int]


def _machine(arch: int, table: str) -> Machine:
    return Machine(arch, {name: int(number) for name, number in (item.split(":") for item in table.split())})


MACHINES = {
    "x86_64": _machine(
        0xC000003E,
        """read:0 write:1 close:3 fstat:5 poll:7 lseek:8 mmap:9 mprotect:10 munmap:11 brk:12 rt_sigaction:13 rt_sigprocmask:14
        rt_sigreturn:15 sched_yield:24 mremap:25 madvise:28 dup2:33 getpid:39 recvmsg:47 clone:56 fork:57 exit:60 wait4:61
        getcwd:79 gettimeofday:96 getrusage:98 times:100 getppid:110 sigaltstack:131 prctl:157 gettid:186 futex:202
        sched_getaffinity:204 set_tid_address:218 restart_syscall:219 clock_gettime:228 clock_getres:229 exit_group:231
        set_robust_list:273 dup3:292 prlimit64:302 seccomp:317 getrandom:318 membarrier:324 rseq:334 close_range:436""",
    ),
    "aarch64": _machine(
        0xC00000B7,
        """getcwd:17 dup3:24 close:57 lseek:62 read:63 write:64 ppoll:73 fstat:80 exit:93 exit_group:94 set_tid_address:96
        futex:98 set_robust_list:99 clock_gettime:113 clock_getres:114 sched_getaffinity:123 sched_yield:124
        restart_syscall:128 sigaltstack:132 rt_sigaction:134 rt_sigprocmask:135 rt_sigreturn:139 times:153 getrusage:165
        prctl:167 gettimeofday:169 getpid:172 getppid:173 gettid:178 recvmsg:212 brk:214 munmap:215 mremap:216 clone:220
        mmap:222 mprotect:226 madvise:233 wait4:260 prlimit64:261 seccomp:277 getrandom:278 membarrier:283 rseq:293
        close_range:436""",
    ),
}
# What numpy and machine code from LLVM need to compute. Nothing here reaches beyond the process, but reads from what is open.
_COMPUTE = """read close fstat lseek mmap mprotect munmap mremap brk madvise rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack
    futex getcwd getpid gettid getppid getrusage times gettimeofday clock_gettime clock_getres sched_yield sched_getaffinity
    set_robust_list set_tid_address rseq membarrier restart_syscall exit exit_group"""
# What the parent of children needs beyond: it receives pipes, forks, waits, and its children lock themselves in further.
_PARENT = "recvmsg fork wait4 dup2 dup3 close_range seccomp getrandom poll ppoll"
_FORK_FLAGS = 0x01200000 | 0xFF  # CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID and the signal: what fork() asks for, no threads
_LOAD, _EQUAL, _GREATER, _AND, _RETURN = 0x20, 0x15, 0x25, 0x54, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000  # _REFUSE: EPERM
_RLIMIT_NPROC, _PR_SET_PDEATHSIG, _PR_SET_SECCOMP = 6, 1, 22
_NUMBER, _ARCH, _ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; arguments' low halves come first on both machines

Line = tuple[int, int, int, int]  # code, lines to skip if true, if false, operand


def program(machine: Machine, *, parent: bool, highest: int) -> bytes:
    """Return a filter that lets a process compute and write to descriptors up to `highest`; a `parent` may also fork."""
    numbers = machine.numbers
    lines: list[Line] = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, machine.arch), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER)]
    for name in (_COMPUTE + (" " + _PARENT if parent else "")).split():
        if name in numbers:  # some exist on one machine only
            lines += [(_EQUAL, 0, 1, numbers[name]), (_RETURN, 0, 0, _ALLOW)]
    lines += _if(numbers["write"], 0, [(_GREATER, 1, 0, highest)])
    if parent:
        lines += _if(numbers["clone"], 0, [(_AND, 0, 0, ~_FORK_FLAGS & 0xFFFFFFFF), (_EQUAL, 0, 1, 0)])
        # Limits of this process only, but for that on processes, which is lifted from outside when it has compiled.
        other = (_LOAD, 0, 0, _ARGUMENT + 8)
        lines += _if(numbers["prlimit64"], 0, [(_EQUAL, 0, 3, 0), other, (_EQUAL, 1, 0, _RLIMIT_NPROC)])
        lines += _if(numbers["prctl"], 0, [(_EQUAL, 1, 0, _PR_SET_PDEATHSIG), (_EQUAL, 0, 1, _PR_SET_SECCOMP)])
    return b"".join(struct.pack("HBBI", *line) for line in [*lines, (_RETURN, 0, 0, _REFUSE)])


def _if(number: int, argument: int, test: list[Line]) -> list[Line]:
    """Return the lines that allow a call if its argument passes a test, which skips one line if it does not."""
    body = [(_LOAD, 0, 0, _ARGUMENT + 8 * argument), *test, (_RETURN, 0, 0, _ALLOW), (_LOAD, 0, 0, _NUMBER)]
    return [(_EQUAL, 0, len(body), number), *body]
