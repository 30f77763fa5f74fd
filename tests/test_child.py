"""What a child process does to itself reaches the parent as words, and nothing of it is left."""

import os
import signal
import time

import numpy as np
import pyspiel
import pytest

from games import child, memory, openspiel
from games.child import NO_ANSWER, Child, Died
from games.compiler import compile_game
from games.errors import GameplanError, UsageError
from games.loader import load_game
from games.memory import parse_size, shown
from games.names import Names, unpack


def run(work, silence=5.0, memory=None, tick=lambda: None):
    with Child(work, memory) as process:
        pid = process._pid
        try:
            return list(process.messages(silence, tick))
        finally:
            process.__exit__()
            process._read, process._pid = os.dup(0), 0
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


def fail(error):
    raise error


def test_messages_come_in_order():
    assert run(lambda send: [send(n=n, text="é\n" * n) for n in range(300)]) == [{"n": n, "text": "é\n" * n} for n in range(300)]


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGKILL"])
def test_a_signal_ends_the_child_alone(name):
    with pytest.raises(Died, match=name):
        run(lambda send: os.kill(os.getpid(), getattr(signal, name)))


@pytest.mark.parametrize("error", [GameplanError("one"), UsageError("two")])
def test_errors_arrive_as_they_are(error):
    with pytest.raises(type(error), match=str(error)) as caught:
        run(lambda send: fail(error))
    assert type(caught.value) is type(error)


def test_other_errors_arrive_in_words():
    with pytest.raises(GameplanError, match="ZeroDivisionError: division by zero"):
        run(lambda send: fail(ZeroDivisionError("division by zero")))


def test_silence_ends_the_wait():
    with pytest.raises(Died, match=NO_ANSWER):
        run(lambda send: time.sleep(60), silence=0.2)


def test_an_interrupted_parent_leaves_no_child():
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(lambda send: time.sleep(60), tick=interrupt)


def test_memory_is_limited():
    with pytest.raises(GameplanError, match="MemoryError"):
        run(lambda send: np.ones(1 << 28), memory=1 << 20)  # 2 GiB
    assert run(lambda send: send(size=len(np.ones(1 << 16))), memory=1 << 24) == [{"size": 1 << 16}]


def test_games_that_crash_on_the_way_are_refused(monkeypatch, tmp_path):
    """Not when it is opened, not on the first lines of play: in the middle of the walk."""
    monkeypatch.setenv("GAMEPLAN_CACHE", str(tmp_path))

    def crash(game, *_, progress=None, **__):
        progress(12)
        os.kill(os.getpid(), signal.SIGSEGV)

    seen = []
    monkeypatch.setattr(openspiel, "compile_game", crash)
    with pytest.raises(GameplanError, match=r"OpenSpiel crashes on kuhn_poker\(players=3\) \(SIGSEGV\); choose other parameters"):
        load_game("kuhn_poker(players=3)", progress=seen.append)
    monkeypatch.setattr(openspiel, "compile_game", lambda *_, **__: time.sleep(60))
    monkeypatch.setattr(openspiel, "SILENCE_SECONDS", 0.3)
    with pytest.raises(GameplanError, match=r"has been busy with one step of kuhn_poker\(players=3\) for 0.3 seconds"):
        load_game("kuhn_poker(players=3)")


def test_without_processes_games_are_walked_here(monkeypatch, tmp_path):
    monkeypatch.setenv("GAMEPLAN_CACHE", str(tmp_path))

    def refuse():
        raise OSError("no more processes")

    monkeypatch.setattr(child.os, "fork", refuse)
    assert load_game("kuhn_poker(players=3)").histories == 617
    assert load_game("kuhn_poker(players=3)").histories == 617  # from the cache


def test_memory_of_a_walk(monkeypatch):
    monkeypatch.setattr("games.compiler.resident", iter([0, *[10**6] * 100]).__next__)
    theirs = pyspiel.load_game("leduc_poker")
    with pytest.raises(GameplanError, match=r"leduc needs more memory than 500kB by 2,048 histories; .* or raise --max-memory"):
        compile_game(theirs, "leduc", "leduc", max_memory=500_000)


def test_sizes():
    assert [parse_size(text) for text in ("2GB", "1.5MiB", " 500 MB ", "1kB")] == [2 * 10**9, 3 << 19, 500 * 10**6, 1000]
    assert [shown(size) for size in (2 * 10**9, 512 << 20, 1500)] == ["2GB", "537MB", "1.5kB"]
    for text in ("2", "0GB", "-1GB", "GB", "2 gb", "1e3MB", "9" * 15 + "TB", ""):
        with pytest.raises(UsageError, match=r"is not a size; write a positive number with a unit \(kB, MB"):
            parse_size(text)
    assert 0 < memory.default_budget() < memory.available() and memory.resident() > 1 << 20


def test_names_are_packed():
    given = [["", "é", "a\nb" * 1000], [], ["", "a\nb" * 999]]
    packed, start = Names.of(given).pack()
    assert unpack(packed, start) == [name for own in given for name in own] and len(packed) < 200
    assert unpack(*Names.of([[], []]).pack()) == []
