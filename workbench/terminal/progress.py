"""What a person sees while something is done: one line at the foot of a terminal, for whatever takes longer than a moment.

The line says what is done, how much of it, how fast, and how long it will still take; of what is done within something else the
innermost is shown. What cannot be counted shows its seconds. Where there is no terminal nothing moves: `say` prints remarks, and
long works print how far they are now and then.
"""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from workbench.terminal.durations import format_duration
from workbench.terminal.layout import fold
from workbench.terminal.printing import console

SOON = 0.8  # seconds before a work is shown
LATE = 2.0  # seconds before a remark is printed instead, where nothing can move
WINDOW = 30.0  # seconds over which a rate is taken
MOMENT = 0.5  # seconds in which nothing but what was done before is counted
PAUSE = 5.0  # seconds between two lines where nothing can move
BAR = 24  # columns
LEAST = 12  # columns for a note that is cut
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Pace:
    """How fast something is counted up, from what was counted in the last seconds."""

    def __init__(self, total: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.done, self._clock = total, 0.0, clock
        self.began = clock()
        self._seen = deque([(self.began, 0.0)])

    def moved(self, done: float) -> None:
        """Note that `done` are done; what is done in the first moment was so already, in an earlier session."""
        now, self.done = (
            self._clock(),
            done if self.total is None else min(done, self.total),
        )  # an update may go past what was asked
        if now - self.began < MOMENT:
            self._seen = deque([(now, done)])
        elif now - self._seen[-1][0] > WINDOW / 60 or len(self._seen) == 1:
            self._seen.append((now, done))
        else:
            self._seen[-1] = (now, done)
        while len(self._seen) > 2 and now - self._seen[1][0] > WINDOW:
            self._seen.popleft()

    @property
    def rate(self) -> float | None:
        """How many a second, or None if that is not known yet."""
        if len(self._seen) < 2:
            return None
        (begin, before), (end, after) = self._seen[0], self._seen[-1]
        if after <= before or end <= begin:
            return None
        idle, one = self._clock() - end, (end - begin) / (after - before)
        return (after - before) / (end - begin + max(0.0, idle - 2.0 * one))  # what is late makes it slower

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return self._clock() - self.began

    def remaining(self, total: float | None = None) -> float | None:
        """Return the seconds until all (or `total`) are done, as far as one can tell."""
        goal, rate = self.total if total is None else total, self.rate
        if goal is None or rate is None:
            return None
        return max(0.0, (goal - self.done) / rate - min(self._clock() - self._seen[-1][0], 1.0 / rate))


class Work:
    """Something that is done, as the line shows it.

    Parameters
    ----------
    what : str
        Such as "solving".
    total : float, optional
        How many there are to do.
    unit : str
        Of what is counted, in the plural; empty: nothing is.
    seconds : float, optional
        After so many seconds it ends in any case.
    """

    def __init__(self, what: str, total: float | None = None, unit: str = "", seconds: float | None = None) -> None:
        self.becomes(what, total, unit, seconds)

    def becomes(self, what: str, total: float | None = None, unit: str = "", seconds: float | None = None) -> None:
        """Begin anew, as another work."""
        self.what, self.unit, self.seconds = what, unit, seconds
        self.pace, self.begun = Pace(total), False
        self.note = ""
        self.expected: float | None = None  # how many there will have been, where nobody has asked for a number

    def begin(self) -> None:
        """Begin now: what went before was something else, such as compiling."""
        self.pace = Pace(self.pace.total)

    def moved(self, done: float, note: str | None = None, expected: float | None = None) -> None:
        """Say that so many are done, and something that is worth knowing."""
        self.begun = True
        self.pace.moved(done)
        self.note = self.note if note is None else note
        self.expected = expected

    def left(self) -> float | None:
        """Return the seconds that are left."""
        by_count = self.pace.remaining(self.expected)
        by_clock = None if self.seconds is None else max(0.0, self.seconds - self.pace.elapsed)
        known = [found for found in (by_count, by_clock) if found is not None]
        return min(known) if known else None

    def parts(self) -> list[str]:
        """Return what the line says before the note, the most important first."""
        pace, found = self.pace, [self.what]
        if self.unit:
            about = "about " if self.expected is not None else ""
            total = pace.total if self.expected is None else self.expected
            goal = f" of {about}{total:,.0f}" if total and total >= pace.done else ""  # more came than was expected
            found.append(f"{pace.done:,.0f}{goal} {self.unit}")
            if pace.rate:
                found.append(rate_text(pace.rate))
        left = self.left()
        found.append(f"{format_duration(max(1, round(pace.elapsed if left is None else left)))}{'' if left is None else ' left'}")
        return found

    def share(self) -> float | None:
        """Return how much of it is done, from 0 to 1."""
        left, elapsed = self.left(), self.pace.elapsed
        total = self.pace.total if self.expected is None else self.expected
        if total and self.unit:
            return min(1.0, self.pace.done / total)
        return None if left is None or left + elapsed <= 0.0 else elapsed / (left + elapsed)


def rate_text(rate: float) -> str:
    """Return how many a second, or of what is slow, how many a minute or an hour."""
    for unit, size in (("s", 1.0), ("min", 60.0), ("h", 3600.0)):
        if rate * size >= 1.0 or unit == "h":
            return f"{rate * size:,.0f}/{unit}" if rate * size >= 100 else f"{rate * size:.2g}/{unit}"
    raise AssertionError


class Foot:
    """The line at the foot of the terminal: what is done, the innermost last."""

    def __init__(self) -> None:
        self._works: list[Work] = []
        self._live: Any = None
        self._stream: Any = None

    @property
    def console(self) -> Any:
        """The console of the line while there is one, else None."""
        return self._live.console if self._live is not None else None

    @contextmanager
    def doing(self, work: Work) -> Iterator[Work]:
        """Show `work` while the block runs, if this is a terminal."""
        self._works.append(work)
        began = self._live is None and self._start()
        try:
            yield work
        finally:
            self._works.remove(work)
            if self._works and not self._works[-1].begun:  # what it waited for is none of its time
                self._works[-1].begin()
            if began:
                self._end()

    def _start(self) -> bool:
        if not talk_console().is_terminal:
            return False
        from rich.live import Live

        # A descriptor of its own: while a game is walked, OpenSpiel's standard error is silenced.
        try:
            self._stream = os.fdopen(os.dup(sys.stderr.fileno()), "w")
        except (OSError, ValueError):
            return False
        self._live = Live(self, console=console(file=self._stream), transient=True, refresh_per_second=8)
        self._live.start()
        return True

    def _end(self) -> None:
        live, self._live = self._live, None
        try:
            live.stop()
        finally:
            self._stream.close()

    def __rich_console__(self, shown: Any, options: Any) -> Iterator[Any]:
        from rich.text import Text

        works = [work for work in self._works if work.pace.elapsed >= SOON]
        if works:
            yield Text(line(works[-1], options.max_width - 1), no_wrap=True, overflow="ellipsis", end="")


def line(work: Work, width: int) -> str:
    """Return the line of a work: as much of it as fits, its note perhaps cut, with a bar where there is room."""
    sign = SPINNER[int(work.pace.elapsed * 8) % len(SPINNER)]
    parts = work.parts()
    while len(parts) > 1 and len("  ".join(parts)) + 2 > width:
        parts.pop()
    share, room = work.share(), width - len("  ".join(parts)) - 4
    if work.note and room >= LEAST:
        parts.append(work.note if len(work.note) <= room else f"{work.note[: room - 1]}…")
        room -= len(parts[-1]) + 2
    if share is not None and room >= 8:
        size = min(BAR, room)
        full = round(share * size)
        parts.insert(1, "━" * full + "─" * (size - full))
    return f"{sign} {'  '.join(parts)}"[:width]


FOOT = Foot()


def talk_console() -> Any:
    """Return the console for remarks (stderr)."""
    return FOOT.console or console(stderr=True)


class Say:
    """Prints remarks on stderr, and shows what takes its time."""

    def __call__(self, text: str) -> None:
        """Print one remark, in a terminal broken between words; what follows is indented."""
        shown = talk_console()
        if shown.is_terminal:
            folded = (fold(part, max(1, shown.width - 1), 2) for part in text.split("\n"))
            text = "\n".join("\n  ".join(parts) for parts in folded)
        shown.print(text, soft_wrap=True)

    @contextmanager
    def counting(self, what: str, total: int | None = None, unit: str = "") -> Iterator[Callable[[int], None]]:
        """Show `what` is being done while the block runs: how many of the `total`, or its seconds."""
        with FOOT.doing(Work(what, total, unit)) as work:
            yield work.moved

    def moves(self) -> bool:
        """Return whether there is a terminal, on which a line can move."""
        return bool(talk_console().is_terminal)


say = Say()


class Told(Work):
    """A work that says how far it is now and then where nothing can move."""

    _last = 0.0

    def becomes(self, what: str, total: float | None = None, unit: str = "", seconds: float | None = None) -> None:
        """See `Work.becomes`."""
        super().becomes(what, total, unit, seconds)
        self._last = time.monotonic()

    def moved(self, done: float, note: str | None = None, expected: float | None = None) -> None:
        """See `Work.moved`."""
        super().moved(done, note, expected)
        if not say.moves() and (self.pace.done == self.pace.total or time.monotonic() - self._last >= PAUSE):
            self._last = time.monotonic()
            goal = f" of {self.pace.total:,.0f}" if self.pace.total else ""
            say(f"{self.what} {self.pace.done:,.0f}{goal} {self.unit}{f': {self.note}' if self.note else ''}")


@contextmanager
def counting_work(what: str, total: float | None, unit: str) -> Iterator[Work]:
    """Yield a work that is counted: shown at a terminal, told now and then elsewhere."""
    with FOOT.doing(Told(what, total, unit)) as work:
        yield work


@contextmanager
def counting(what: str, total: float | None, unit: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many of the `total` are done."""
    with counting_work(what, total, unit) as work:
        yield work.moved


@contextmanager
def job_progress(total: int, what: str, unit: str = "runs", *, first: str = "") -> Iterator[Callable[[str], None]]:
    """Yield a function that is told the name of every finished job.

    Until one is finished the line says what comes `first`, such as processes that start; where nothing can move, a remark does.
    """
    timer = threading.Timer(LATE, say, (first,))
    with counting_work(what, total, unit) as work:
        work.note, count = first, 0
        if first and not say.moves():
            timer.start()

        def tell(name: str) -> None:
            nonlocal count
            timer.cancel()
            count += 1
            work.moved(count, name)

        try:
            yield tell
        finally:
            timer.cancel()


@contextmanager
def naming(what: str, total: int | None = None, unit: str = "parts") -> Iterator[Callable[[str], None]]:
    """Yield a function that is told the name of every part of a work when it begins; where nothing can move, names are printed."""
    with FOOT.doing(Work(what, total, unit)) as work:
        begun = 0

        def tell(name: str) -> None:
            nonlocal begun
            work.moved(begun, name)
            begun += 1
            if not say.moves():
                say(name)

        yield tell


@contextmanager
def drawing(path: object) -> Iterator[None]:
    """Show that a figure is being drawn to `path`."""
    with FOOT.doing(Work(f"drawing {path}")):
        yield


class RunDisplay:
    """How far a solver run is: histories while the game is compiled, then iterations, with what is expected of a target."""

    def __init__(self, work: Work, total: int | None, target: float | None, time_limit: float | None) -> None:
        self._work, self._total, self._target, self._limit = work, total, target, time_limit
        self._points: list[tuple[int, float]] = []
        self._expected: float | None = None
        self._solving = False

    def walked(self, histories: int) -> None:
        """Show how many histories have been compiled."""
        self._work.unit = "histories"
        self._work.moved(histories)

    def moved(self, iteration: int, exploitability: float | None) -> None:
        """Show the iteration and the last exploitability."""
        if not self._solving:
            self._solving = True
            self._work.becomes("solving", self._total, "iterations", self._limit)
        if exploitability is not None:
            self._points.append((iteration, exploitability))
            self._expected = self._forecast()
        note = f"exploitability {self._points[-1][1]:.3g}" if self._points else ""
        self._work.moved(iteration, note, self._expected)

    def _forecast(self) -> float | None:
        if self._target is None:
            return None
        from workbench.solving.forecast import iteration_at

        found = iteration_at(self._points, self._target)
        return None if found is None else min(found, self._total or found)


@contextmanager
def run_display(total: int | None = None, target: float | None = None, time_limit: float | None = None) -> Iterator[RunDisplay]:
    """Yield the display of a run of `total` iterations, or until a target or time limit; it begins with compiling the game."""
    with FOOT.doing(Work("compiling the game")) as work:
        yield RunDisplay(work, total, target, time_limit)
