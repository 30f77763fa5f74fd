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
def watched(say: Callable[[str], None], what: str, total: int | None = None, unit: str = "") -> Iterator[Callable[[int], None]]:
    """Let people see that `what` is being done: yield a function that is told how many of the `total` are.

    Only a `say` that moves a line, `workbench.terminal.progress.Say`, shows it; for others nothing happens.
    """
    counting = getattr(say, "counting", None)
    if counting is None:
        yield lambda done: None
        return
    with counting(what, total, unit) as moved:
        yield moved


@contextmanager
def patience(say: Callable[[str], None], what: str, *, own: bool = False) -> Iterator[None]:
    """Let people see that `what` compiles, with its seconds; where no line can move, `say` so after two of them.

    One's `own` programs are compiled every time.
    """
    moves = getattr(say, "moves", bool)
    timer = threading.Timer(2.0, say, (f"{what} (some seconds{'' if own else ', only the first time'})",))
    if not moves():
        timer.start()
    try:
        with watched(say, what):
            yield
    finally:
        timer.cancel()
