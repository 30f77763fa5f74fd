"""What a third party's code might do to the process, it does to a child first.

A `Child` is a fork of this process that does some work and tells about it in messages, one JSON object a line. It may crash, hang
or eat memory: the parent gets a reason instead. It dies with the parent's interest in it, and ends by itself at its next message
when the parent is gone.
"""

import faulthandler
import json
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from games.errors import GameplanError, UnknownName, UsageError
from games.memory import limit_address_space

TICK_SECONDS = 0.1
NO_ANSWER = "no answer"

Send = Callable[..., None]
Work = Callable[[Send], None]


class Died(Exception):
    """The child was ended by a signal, whose name is the message, or fell silent ("no answer")."""


class Child:
    """A child process that runs ``work(send)``; ``send(key=value, ...)`` passes a message to the parent.

    A context manager: whatever is left of the child at the end is ended. `memory` (bytes) is what it may allocate on top of what
    it starts with. Errors of `GameplanError`'s kind reach the parent as such, anything else in words. Making one raises OSError
    where processes cannot be forked.
    """

    def __init__(self, work: Work, memory: int | None = None) -> None:
        if not hasattr(os, "fork"):
            raise OSError("no fork")
        self._read, write = os.pipe()
        try:
            self._pid = os.fork()
        except OSError:
            os.close(self._read)
            os.close(write)
            raise
        if self._pid == 0:
            _run(work, write, memory)
        os.close(write)

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._read)
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)

    def messages(self, silence: float, tick: Callable[[], None] = lambda: None) -> Iterator[dict[str, Any]]:
        """Yield the messages until the child ends; `tick` is called several times a second.

        Raises
        ------
        Died
            If a signal ends it, or if it says nothing for `silence` seconds.
        GameplanError
            As the work raises it.
        """
        rest, heard = b"", time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self._read, selectors.EVENT_READ)
            while True:
                if not selector.select(TICK_SECONDS):
                    if time.monotonic() - heard > silence:
                        raise Died(NO_ANSWER)
                    tick()
                    continue
                data = os.read(self._read, 1 << 16)
                if not data:
                    break
                heard = time.monotonic()
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    message = json.loads(line)
                    if "error" in message:
                        if message.get("unknown"):
                            name, wanted = message["unknown"]
                            raise UnknownName(name, wanted, message["error"])
                        raise (UsageError if message["usage"] else GameplanError)(message["error"])
                    yield message
                tick()
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        if os.WIFSIGNALED(status):
            raise Died(signal.Signals(os.WTERMSIG(status)).name)


def _run(work: Work, write: int, memory: int | None) -> NoReturn:
    def send(**message: Any) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(write, data) :]

    try:
        faulthandler.disable()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        if memory is not None:
            limit_address_space(memory)
        work(send)
    except GameplanError as error:
        unknown = (error.name, error.wanted) if isinstance(error, UnknownName) else None
        send(error=str(error), usage=isinstance(error, UsageError), unknown=unknown)
    except BaseException as error:
        send(error=f"{type(error).__name__}: {error}", usage=False)
    finally:
        os._exit(0)
