"""How far a call has come: told to a callback, or shown below a notebook's cell, without control codes of a terminal."""

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from workbench.terminal.durations import format_duration
from workbench.terminal.interrupts import stop_on_signal
from workbench.terminal.printing import echo, escape_html, visible

SHOW_SECONDS = 0.2  # between two updates of a notebook's line
LINE_SECONDS = 2.0  # between two lines of a plain process
WARNING = "warning: "


class Progress(NamedTuple):
    """How far a call has come.

    Attributes
    ----------
    what : str
        What is being done, such as "solving".
    done : float
        Iterations, episodes, updates, runs or evaluations so far.
    total : float or None
        How many there will be, if that is known.
    text : str
        What was measured last, or a remark.
    seconds : float
        Since the call began.
    """

    what: str
    done: float
    total: float | None
    text: str
    seconds: float

    def __str__(self) -> str:
        """Return it as one line, with the time that is left if that can be told."""
        count = f"{self.done:,.0f}" + (f" of {self.total:,.0f}" if self.total else "") if self.done or self.total else ""
        clock = format_duration(self.seconds)
        if self.total and 0 < self.done < self.total:
            clock += f", {format_duration(self.seconds * (self.total - self.done) / self.done)} left"
        return "  ".join(filter(None, (f"{self.what}{count and ': '}{count}", visible(self.text, one_line=True), clock)))


Callback = Callable[[Progress], object]
Wish = bool | Callback | None  # None: in notebooks only; True: everywhere; False: nowhere


class Reporter:
    """Tells whoever wants to know how far a call has come, and knows whether it is to stop.

    It is called with remarks, and counts what is done within something else, as what moves a terminal's line does.
    """

    def __init__(self, what: str, total: float | None, show: Callback, stop: Callable[[], bool]) -> None:
        self.what, self.total = what, total
        self._show, self._stop, self._asked = show, stop, False
        self._began, self._done, self._text = time.perf_counter(), 0.0, ""
        self._told = self._began

    def moved(self, done: float, text: str = "") -> None:
        """Tell that so much is done; a callback that raises KeyboardInterrupt asks to stop, as Ctrl-C does."""
        self._done, self._text = done, text or self._text
        try:
            self._show(Progress(self.what, done, self.total, self._text, time.perf_counter() - self._began))
        except KeyboardInterrupt:
            self._asked = True

    def sometimes(self, done: float, text: Callable[[], str]) -> None:
        """Tell that so much is done if some time has passed since this was asked last, for what moves all the time."""
        now = time.perf_counter()
        if now - self._told > SHOW_SECONDS:
            self._told = now
            self.moved(done, text())

    def __call__(self, text: str) -> None:
        """Tell a remark; what is a warning is also given as one."""
        if text.startswith(WARNING):
            warnings.warn(text.removeprefix(WARNING), stacklevel=2)
        self.moved(self._done, text)

    def moves(self) -> bool:
        """Return whether what takes long is seen without a remark (see `workbench.terminal.interrupts.patience`)."""
        return True

    @contextmanager
    def counting(self, what: str, total: int | None = None, unit: str = "") -> Iterator[Callable[[int], None]]:
        """Tell of something that is done within, until the block ends."""
        inner = Reporter(what, total, self._show, self._stop)
        inner.moved(0)
        yield lambda done: inner.sometimes(done, str)
        self._asked |= inner.stop()

    def stop(self) -> bool:
        """Return whether somebody has asked to stop."""
        return self._asked or self._stop()


@contextmanager
def reporting(wish: Wish, what: str, total: float | None = None) -> Iterator[Reporter]:
    """Yield a reporter for a call; while the block runs, Ctrl-C and a notebook's interrupt ask it to stop instead of raising."""
    with stop_on_signal() as stop:
        yield Reporter(what, total, _shower(wish), stop)


def shell() -> Any:
    """Return IPython's shell if this process serves a notebook, else None; IPython is not imported for that."""
    module = sys.modules.get("IPython")
    found = module.get_ipython() if module is not None else None
    return found if found is not None and hasattr(found, "kernel") else None


def _shower(wish: Wish) -> Callback:
    if callable(wish):
        return wish
    if wish is False:
        return lambda progress: None
    if shell() is not None:
        return _Line().show
    return _talk() if wish else lambda progress: None


def _talk() -> Callback:
    told_at = -LINE_SECONDS

    def show(progress: Progress) -> None:
        nonlocal told_at
        if progress.seconds - told_at >= LINE_SECONDS:
            told_at = progress.seconds
            echo(str(progress), err=True)

    return show


class _Line:
    """A line below a notebook's cell, replaced as the call goes on."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._at = 0.0

    def show(self, progress: Progress) -> None:
        now = time.perf_counter()
        ended = progress.total is not None and progress.done >= progress.total
        if now - self._at < SHOW_SECONDS and not ended:
            return
        self._at = now
        plain = str(progress)
        bar = f'<progress value="{progress.done:g}" max="{progress.total:g}"></progress> ' if progress.total else ""
        data = {"text/plain": plain, "text/html": f"<div>{bar}<code>{escape_html(plain)}</code></div>"}
        if self._handle is None:
            from IPython.display import display

            self._handle = display(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(data, raw=True)
