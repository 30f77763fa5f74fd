"""The warden's end of a zygote: start it, ask it, and end it with all its children when time is up."""

import json
import os
import re
import signal
import time
from contextlib import suppress
from typing import Any, NamedTuple

from workbench.discovery.isolation import child, wire
from workbench.discovery.records import MEMORY, OK, TIMEOUT, Limits, failed
from workbench.discovery.task import Answer, BadAnswer, Task


class Reply(NamedTuple):
    """What came back: a status, a reason if it is not ok, an answer if it is, and clocks in seconds.

    `cpu` is the child's; `prepare_cpu`, `prepare_wall` and `run_wall` are what the child says.
    """

    status: str
    reason: str = ""
    answer: Answer | None = None
    cpu: float = 0.0
    prepare_cpu: float = 0.0
    prepare_wall: float = 0.0
    run_wall: float = 0.0


class Died(Exception):
    """The zygote is gone and the candidate is not the reason."""


class Zygote:
    """A zygote for `structure` (None: one that has prepared nothing). `prepared` is its report."""

    def __init__(self, task: Task | None, structure: str | None, limits: Limits, *, locked: bool, deadline: float) -> None:
        inp, self._to = os.pipe()
        self._from, out = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            child.serve(
                task, structure, inp, out, memory=limits.memory, cpu_seconds=limits.cpu_seconds, locked=locked
            )  # fmt: skip
        os.close(inp)
        os.close(out)
        self.prepared = self._read(limits.cpu_seconds, deadline, trusted=True)

    def ask(self, request: dict[str, Any], deadline: float) -> Reply:
        """Let a child do what `request` says.

        Raises
        ------
        Died
            If the zygote had died before.
        """
        try:
            wire.send(self._to, request)
        except BrokenPipeError as error:
            self.end()
            raise Died from error
        return self._read(request["cpu_seconds"], deadline)

    def end(self) -> int:
        """Kill it and its children, at once; return its wait status."""
        if self.pid == 0:
            return 0
        for _ in range(2):  # before it has a session of its own there is no group to kill
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        os.close(self._to)
        os.close(self._from)
        return status

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self.pid != 0

    def _read(self, cpu_seconds: float, deadline: float, *, trusted: bool = False) -> Reply:
        try:
            status, cpu, size = child.REPORT.unpack(wire.read(self._from, child.REPORT.size, deadline))
            if size > wire.LIMIT:
                self.end()
                return Reply(failed("BadAnswer"), f"the answer has more than {wire.LIMIT} bytes")
            payload = wire.read(self._from, size, deadline)
        except wire.Gone as gone:
            status = self.end()
            if gone.late:
                return Reply(TIMEOUT, "the wall-clock limit is over")
            return Reply(*_verdict(status, cpu_seconds, 0.0))
        if status or not payload:
            return Reply(*_verdict(status, cpu_seconds, cpu), cpu=cpu)
        return _parse(payload, cpu_seconds if trusted else cpu)


def _verdict(status: int, limit: float, cpu: float) -> tuple[str, str]:
    """Return status and reason of a process that ended with this wait status instead of an answer."""
    if os.WIFEXITED(status):
        if os.WEXITSTATUS(status) == child.NO_MEMORY:
            return MEMORY, "the memory limit is reached"
        return failed("NoAnswer"), "the program ended without an answer"
    number = os.WTERMSIG(status)
    if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu >= limit):
        return TIMEOUT, f"the limit of {limit:.0f} CPU seconds is over"
    if number == signal.SIGKILL:
        return MEMORY, "the kernel ended the program"
    name = signal.Signals(number).name
    return failed(name), f"the program was ended by {name}"


def _parse(payload: bytes, cpu: float) -> Reply:
    """Return what a child says; it may say anything."""
    mark, body = payload[:1], payload[1:]
    try:
        if mark == child.FAILURE and len(body) < 4096:
            said = json.loads(body)
            kind, reason = re.sub(r"\W", "", str(said["kind"]))[:60], " ".join(str(said["reason"]).split())[:500]
            return Reply(MEMORY if kind == "MemoryError" else failed(kind), reason, cpu=cpu)
        if mark == child.ANSWER:
            clocks = [max(0.0, seconds) for seconds in child.CLOCKS.unpack_from(body)]
            answer = wire.unpack(body[child.CLOCKS.size :])
            return Reply(OK, "", answer, cpu, min(clocks[0], cpu), *clocks[1:])
    except (BadAnswer, ValueError, KeyError, TypeError, RecursionError, child.struct.error):
        pass
    return Reply(failed("BadAnswer"), "what came back is no answer", cpu=cpu)


def deadline_after(seconds: float) -> float:
    """Return the monotonic time so many seconds from now."""
    return time.monotonic() + seconds
