"""The warden's end of a zygote and of its children: start them, ask them, and end them all when time is up."""

import json
import os
import re
import select
import signal
import socket
import struct
import time
from contextlib import suppress
from typing import Any, NamedTuple

from workbench.discovery.books.records import MEMORY, OK, TIMEOUT, Limits, failed
from workbench.discovery.isolation import child, locks, wire
from workbench.discovery.task import Answer, BadAnswer, Task

GRACE = 10.0  # seconds that a zygote has to say how a child ended, once that has

DOUBT, LITTLE = 1.5, 0.05  # of what a child says: a factor, and seconds

WALL = "the wall-clock limit is over"


class Reply(NamedTuple):
    """What came back: a status, a reason if it is not ok, an answer if it is, and what the process says about its seconds.

    `cpu` are CPU seconds, `wall` are all.
    """

    status: str
    reason: str = ""
    answer: Answer | None = None
    wall: float = 0.0
    cpu: float = 0.0


class Died(Exception):
    """The zygote is gone, and no candidate is the reason."""


class Zygote:
    """A zygote: `send` it a structure, `receive` how preparing that went (`prepared`), then `start` children."""

    def __init__(self, task: Task | None, limits: Limits, *, locked: bool) -> None:
        self.link, far = socket.socketpair()
        self.limits = limits
        self._locked, self._user = locked, locks.spare_user() if locked else None
        self.pid = os.fork()
        if self.pid == 0:
            child.serve(task, far, memory=limits.memory, cpu_seconds=limits.cpu_seconds, locked=locked, user=self._user)
        far.close()
        self._pending = False
        self.prepared = Reply(OK)

    def send(self, structure: str | None) -> None:
        """Let it prepare a structure; None is nothing."""
        with suppress(OSError):  # `receive` says what happened to it
            wire.send(self.link.fileno(), structure)

    def receive(self, deadline: float) -> None:
        """Wait until it has prepared; `prepared` says how that went."""
        self.prepared = self._first(deadline)
        if self._locked and self.prepared.status == OK:
            locks.allow_forks(self.pid, self._user)

    @property
    def alive(self) -> bool:
        """Whether it is there still; nobody but us should end it, but others may."""
        if self.pid and os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            self.end()  # its group may live on
        return self.pid != 0

    def start(self, *, cpu_seconds: float, random: bool) -> "Child":
        """Return a new child; the one before must have been closed.

        Raises
        ------
        Died
            If the zygote has died.
        """
        try:
            if self._pending:
                self.last()
            order = json.dumps({"cpu_seconds": cpu_seconds, "random": random}).encode()
            requests, to = os.pipe()
            answers, back = os.pipe()
            try:
                socket.send_fds(self.link, [order], [requests, back])
            finally:
                os.close(requests)
                os.close(back)
        except (OSError, wire.Gone) as error:
            self.end()
            raise Died from error
        self._pending = True
        return Child(self, to, answers, cpu_seconds)

    def last(self) -> tuple[int, float]:
        """Return wait status and CPU seconds of the child that has ended."""
        data = wire.read(self.link.fileno(), child.LAST.size, deadline_after(GRACE))
        self._pending = False
        status, cpu = child.LAST.unpack(data)
        return status, cpu

    def end(self) -> int:
        """Kill it and its child, at once; return its wait status."""
        if not self.pid:
            return 0
        self._kill()
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return status

    def leave(self) -> int:
        """Kill it and its child, and return its process number, for which somebody must wait; 0 if it has ended."""
        if self.pid:
            self._kill()
        pid, self.pid = self.pid, 0
        return pid

    def _kill(self) -> None:
        for _ in range(2):  # before it has a group of its own there is none to kill
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.link.close()

    def _first(self, deadline: float) -> Reply:
        try:
            return _parse(wire.read_block(self.link.fileno(), deadline))
        except wire.Gone as gone:
            status = self.end()  # one that is ending by itself keeps its own status
            return Reply(TIMEOUT, WALL) if gone.late else Reply(*_verdict(status, self.limits.cpu_seconds, 0.0))


class Child:
    """A child: `ask` it as often as it answers well, then `close` it."""

    def __init__(self, zygote: Zygote, to: int, answers: int, cpu_seconds: float) -> None:
        self._zygote, self._to, self._from, self._cpu_seconds = zygote, to, answers, cpu_seconds
        self._said, self._waited = 0.0, 0.0  # CPU seconds as it says itself, and all that it was waited for

    def ask(self, request: dict[str, Any], deadline: float) -> Reply:
        """Return what it answers before `deadline` (monotonic); else it is killed, together with its zygote."""
        began = time.monotonic()
        try:
            wire.send(self._to, request)
            reply = _parse(wire.read_block(self._from, deadline))
        except wire.Gone as gone:
            if gone.late:
                self._zygote.end()
                return Reply(TIMEOUT, WALL, cpu=time.monotonic() - began)
            return self._ended()
        except BrokenPipeError:
            return self._ended()
        longest = time.monotonic() - began  # of what it says about itself no more is believed than is possible
        reply = reply._replace(**{name: min(getattr(reply, name), longest) for name in ("wall", "cpu")})
        self._said, self._waited = self._said + reply.cpu, self._waited + longest
        return reply

    @property
    def alive(self) -> bool:
        """Whether it is there still, as long as it has said nothing."""
        hung_up = select.poll()
        hung_up.register(self._from, 0)
        return not hung_up.poll(0)

    def close(self) -> None:
        """Let it go."""
        os.close(self._to)
        os.close(self._from)

    def finish(self) -> float:
        """Let it go, and return the CPU seconds that it has kept quiet about.

        The kernel is asked only where our own clock leaves room for a lie: that takes as long as its memory takes to be freed.
        """
        self.close()
        if self._waited <= DOUBT * self._said + LITTLE:
            return 0.0
        try:
            _, cpu = self._zygote.last()
        except wire.Gone:
            self._zygote.end()
            return self._waited - self._said
        return cpu - self._said if cpu - self._said > LITTLE else 0.0

    def _ended(self) -> Reply:
        try:
            status, cpu = self._zygote.last()
        except wire.Gone:
            self._zygote.end()
            return Reply(failed("NoAnswer"), "the program stopped answering")
        return Reply(*_verdict(status, self._cpu_seconds, cpu), cpu=cpu)


def deadline_after(seconds: float) -> float:
    """Return the monotonic time so many seconds from now."""
    return time.monotonic() + seconds


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


def _parse(payload: bytes) -> Reply:
    """Return what a process says; it may say anything."""
    mark, body = payload[:1], payload[1:]
    try:
        if mark == child.FAILURE and len(body) < 4096:
            said = json.loads(body)
            kind, reason = re.sub(r"\W", "", str(said["kind"]))[:60], " ".join(str(said["reason"]).split())[:500]
            return Reply(MEMORY if kind == "MemoryError" else failed(kind), reason)
        if mark == child.ANSWER:
            clocks = [seconds if seconds > 0.0 else 0.0 for seconds in child.CLOCKS.unpack_from(body)]
            return Reply(OK, "", wire.unpack(body[child.CLOCKS.size :]), *clocks)
    except (BadAnswer, ValueError, KeyError, TypeError, RecursionError, struct.error):
        pass
    return Reply(failed("BadAnswer"), "what came back is no answer")
