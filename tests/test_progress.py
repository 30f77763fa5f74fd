"""What is seen while something is done: rates, times that are left, forecasts, and one line that fits."""

import io
import math
import threading

import pytest

from workbench.solving.forecast import iteration_at
from workbench.terminal import printing, progress
from workbench.terminal.interrupts import patience, watched
from workbench.terminal.progress import FOOT, Pace, RunDisplay, Work, line, rate_text, say


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_the_pace_is_that_of_the_last_half_minute():
    clock = Clock()
    pace = Pace(1000, clock)
    assert pace.rate is None and pace.remaining() is None
    for second in range(1, 101):  # ten a second, then two
        clock.now = 100.0 + second
        pace.moved(10 * min(second, 50) + 2 * max(second - 50, 0))
    assert pace.done == 600 and pace.rate == pytest.approx(2.0, rel=0.02)
    assert pace.remaining() == pytest.approx(200, rel=0.03) and pace.remaining(610) == pytest.approx(5, abs=0.3)


def test_what_was_done_before_is_no_work_of_this_session():
    clock = Clock()
    pace = Pace(100, clock)
    clock.now += 0.1
    pace.moved(90)  # of an earlier session
    clock.now += 10.0
    pace.moved(92)
    assert pace.rate == pytest.approx(0.2) and pace.remaining() == pytest.approx(40)


def test_what_is_late_makes_the_pace_slower():
    clock = Clock()
    pace = Pace(10, clock)
    for done in (1, 2, 3):
        clock.now += 1.0
        pace.moved(done)
    assert pace.remaining() == pytest.approx(7.0)
    clock.now += 20.0
    assert pace.remaining() > 40.0


def test_forecasts_follow_power_laws():
    for power in (0.5, 1.0, 2.0):
        points = [(t, 3.0 * t**-power) for t in (1, 10, 100, 150, 200, 300, 400)]
        assert iteration_at(points, 1e-6) == pytest.approx(3e6 ** (1 / power), rel=1e-9)
    assert iteration_at([(t, 0.5) for t in range(1, 9)], 0.1) is None  # a warm-up: nothing falls
    assert iteration_at([(t, float(t)) for t in range(1, 9)], 0.1) is None
    assert iteration_at([(1, 1.0), (2, 0.5)], 0.1) is None and iteration_at([], 0.1) is None
    assert iteration_at([(t, 1.0 / t) for t in range(1, 9)], 0.0) is None


def test_the_line_says_how_much_how_fast_and_how_long(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "Pace", lambda total: Pace(total, clock))
    work = Work("playing", 40, "episodes")
    clock.now += 2.0
    work.moved(4, "seed 3: 1,234")
    assert line(work, 80)[2:] == "playing  ━━──────────────────  4 of 40 episodes  2/s  18 s left  seed 3: 1,234"
    assert line(work, 60)[2:] == "playing  4 of 40 episodes  2/s  18 s left  seed 3: 1,234"
    assert all(len(line(work, width)) <= width for width in range(20, 130))
    work = Work("solving", None, "iterations")
    clock.now += 5.0
    work.moved(500, expected=2000.0)
    assert "500 of about 2,000 iterations  100/s  15 s left" in line(work, 80)
    work = Work("compiling cfr+")
    clock.now += 89.0
    assert line(work, 80)[2:] == "compiling cfr+  1 min 29 s"
    work = Work("learning", None, "updates", 60.0)
    clock.now += 15.0
    work.moved(30)
    assert "2/s  45 s left" in line(work, 80)
    assert [rate_text(rate) for rate in (1234.5, 12.3, 1.5, 0.5, 0.01, 1e-5)] == [
        "1,234/s",
        "12/s",
        "1.5/s",
        "30/min",
        "36/h",
        "0.036/h",
    ]


def test_more_than_was_asked_for_is_all_of_it():
    work = Work("learning", 1000, "environment steps")
    for done in (900, 1234):  # an update takes as many steps as its episodes have
        work.moved(done)
    assert work.share() == 1.0 and "1,000 of 1,000 environment steps" in line(work, 90)
    work = Work("solving", None, "iterations")
    work.moved(700, expected=500.0)  # a forecast that did not hold
    assert "700 iterations" in line(work, 90) and work.share() in (None, 1.0)


def test_until_the_first_is_done_the_line_says_what_comes_first(monkeypatch, capsys):
    monkeypatch.setattr(progress, "LATE", 0.05)
    said = threading.Event()
    monkeypatch.setattr(progress.Say, "__call__", lambda self, text: said.set() if "compile" in text else None)
    with progress.job_progress(2, "comparing", first="kernels compile") as tell:
        assert "kernels compile" in line(FOOT._works[-1], 90) and said.wait(10.0)
        tell("one")
        assert "kernels" not in line(FOOT._works[-1], 90) and "one" in line(FOOT._works[-1], 90)
    said.clear()
    with progress.job_progress(2, "comparing", first="kernels compile") as tell:
        tell("one")
    assert not said.wait(0.2)  # it was there in time


def test_runs_with_a_target_forecast_their_end():
    work = Work("compiling the game")
    display = RunDisplay(work, None, 1e-3, None)
    display.walked(10)
    assert (work.what, work.unit, work.pace.done) == ("compiling the game", "histories", 10)
    for t in (10, 20, 30, 40):
        display.moved(t, 1.0 / t)
    assert work.what == "solving" and work.expected == pytest.approx(1000) and work.note == "exploitability 0.025"
    display.moved(45, None)
    assert work.pace.done == 45 and work.expected == pytest.approx(1000)
    limited = RunDisplay(work, 500, 1e-3, None)
    for t in (10, 20, 30, 40):
        limited.moved(t, 1.0 / t)
    assert work.expected == 500


def test_the_innermost_work_is_shown_and_remarks_stand_above_it(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(progress, "SOON", 0.0)
    monkeypatch.setattr(FOOT, "_start", lambda: start(stream))

    def start(stream):
        from rich.live import Live

        FOOT._stream = io.StringIO()
        FOOT._live = Live(
            FOOT, console=printing.console(file=stream, force_terminal=True, width=60), transient=True, auto_refresh=False
        )
        FOOT._live.start()
        return True

    with FOOT.doing(Work("solving")):
        with patience(say, "compiling cfr+"):
            FOOT._live.refresh()
            assert "compiling cfr+" in stream.getvalue() and "solving" not in stream.getvalue()
        with watched(say, "drawing", 3, "figures") as tell:
            tell(1)
            FOOT._live.refresh()
            assert "1 of 3 figures" in stream.getvalue()
        say("a remark")
        FOOT._live.refresh()
    assert "solving" in stream.getvalue() and "a remark\n" in stream.getvalue() and FOOT.console is None


def test_where_nothing_moves_works_tell_now_and_then(monkeypatch, capsys):
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    with progress.job_progress(3, "comparing") as tell:
        for name in "abc":
            tell(name)
    assert capsys.readouterr().err.splitlines() == [f"comparing {k} of 3 runs: {name}" for k, name in enumerate("abc", 1)]
    monkeypatch.setattr(progress, "PAUSE", math.inf)
    with progress.job_progress(3, "comparing") as tell:
        for name in "abc":
            tell(name)
    assert capsys.readouterr().err.splitlines() == ["comparing 3 of 3 runs: c"]


def test_remarks_are_broken_between_words_in_a_terminal_only(monkeypatch, capsys):
    text = "a remark of several words that no line of twenty columns holds /a/path/that/is/one/word"
    out = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(progress, "talk_console", lambda: printing.console(file=out, force_terminal=True, width=20))
        say(text)
    lines = out.getvalue().splitlines()
    assert " ".join(out.getvalue().split()) == text
    assert all(len(line) < 20 for line in lines[:-1]) and lines[-1] == "  /a/path/that/is/one/word"
    say(text)
    assert capsys.readouterr().err == f"{text}\n"
