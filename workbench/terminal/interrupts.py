"""What people must know while they wait: that something compiles, and that Ctrl-C lets the work in hand be finished and saved."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether somebody asked the run to stop; a second Ctrl-C stops at once."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self) -> bool:
        """Return whether a stop was asked for."""
        return self.requested

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle a signal: note the first request, obey the second immediately."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Turn SIGINT and SIGTERM into a `StopRequest` while the block runs (in the main thread; elsewhere nothing changes)."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def patience(say: Callable[[str], None], what: str, *, own: bool = False) -> Iterator[None]:
    """Say `what` is being done if the block takes longer than two seconds; one's `own` programs are compiled every time."""
    timer = threading.Timer(2.0, say, (f"{what} (some seconds{'' if own else ', only the first time'})",))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
