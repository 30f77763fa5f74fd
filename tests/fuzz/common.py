"""What the fuzzing scripts share: damage to inputs, and a runner that counts outcomes and watches time and memory.

A script gives valid inputs and a function that tries one input; the function returns when the input was taken, raises
`GameplanError` when it was refused in words, and anything else that it raises is a finding, as are hangs, deaths and memory.
Every input follows from the seed and its number alone.
"""

import argparse
import json
import multiprocessing
import os
import random
import re
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from games.errors import GameplanError
from tests.fuzz.report import Report

SECONDS = 10.0  # of CPU time, so that a busy machine makes no findings
PATIENCE = 120.0  # seconds of any kind
MEMORY = 1 << 30  # bytes beyond what the process has before it tries anything
NUMBERS = [
    b"0", b"-1", b"1", b"2", b"-0", b"007", b"1e5", b"1e308", b"1e309", b"-1e999999999", b"1e-999999999", b"nan", b"inf", b"-inf",
    b"NaN", b"Infinity", b"1/0", b"0/0", b"1/3", b"-1/3", b"0.1", b".5", b"5.", b"1.5/2", b"2147483648", b"4294967296",
    b"9223372036854775808", b"1000000000000", b"9" * 400, b"1" * 5000, b"0." + b"3" * 5000, b"1/" + b"7" * 5000, b"0x10", b"1_000",
    "１".encode(), b"1,5", b"true", b"null",
]  # fmt: skip
_WORD = re.compile(rb'"(?:[^"\\]|\\.)*"|[A-Za-z0-9_.+/-]+|\s+|.', re.DOTALL)

Attempt = Callable[[bytes], object]


def damaged(valid: Sequence[bytes], rng: random.Random, words: Sequence[bytes] = ()) -> bytes:
    """Return one of the valid inputs with one to four kinds of damage; `words` are put in beside numbers of all kinds."""
    data = rng.choice(valid)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = rng.choice(_DAMAGES)(data, rng, [*NUMBERS, *words], valid)
    return data


def _flip(data: bytes, rng: random.Random, words: list[bytes], valid: Sequence[bytes]) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 3))):
        if out:
            out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def _cut(data: bytes, rng: random.Random, words: list[bytes], valid: Sequence[bytes]) -> bytes:
    return data[: rng.randint(0, len(data))]


def _insert(data: bytes, rng: random.Random, words: list[bytes], valid: Sequence[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    junk = rng.choice((b"\0", b"\xff", b"\xef\xbb\xbf", b'"', b"{", b"}", b"\\", b"\r", b"\n", b",", b"\x1b[2J", rng.randbytes(4)))
    return data[:at] + junk * rng.choice((1, 1, 1, 3000)) + data[at:]


def _splice(data: bytes, rng: random.Random, words: list[bytes], valid: Sequence[bytes]) -> bytes:
    other = rng.choice(valid)
    return data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]


def _of_words(change: Callable[[list[bytes], random.Random, list[bytes]], None]) -> Any:
    def damage(data: bytes, rng: random.Random, words: list[bytes], valid: Sequence[bytes]) -> bytes:
        parts = _WORD.findall(data)
        if parts:
            change(parts, rng, words)
        return b"".join(parts)

    return damage


def _replace(parts: list[bytes], rng: random.Random, words: list[bytes]) -> None:
    solid = [k for k, part in enumerate(parts) if not part.isspace()] or [0]
    parts[rng.choice(solid)] = rng.choice(words)


def _replace_number(parts: list[bytes], rng: random.Random, words: list[bytes]) -> None:
    numbers = [k for k, part in enumerate(parts) if part[-1:].isdigit()] or [0]
    parts[rng.choice(numbers)] = rng.choice(NUMBERS)


def _drop(parts: list[bytes], rng: random.Random, words: list[bytes]) -> None:
    at = rng.randrange(len(parts))
    del parts[at : at + rng.choice((1, 1, 2, 10))]


def _double(parts: list[bytes], rng: random.Random, words: list[bytes]) -> None:
    at, count = rng.randrange(len(parts)), rng.choice((1, 3, 20))
    parts[at:at] = parts[at : at + count] * rng.choice((1, 1, 2, 200))


def _swap(parts: list[bytes], rng: random.Random, words: list[bytes]) -> None:
    a, b = rng.randrange(len(parts)), rng.randrange(len(parts))
    parts[a], parts[b] = parts[b], parts[a]


_DAMAGES = [_flip, _cut, _insert, _splice, *map(_of_words, (_replace, _replace_number, _replace_number, _drop, _double, _swap))]


class Child:
    """A process that tries one input after the other; it is replaced when it hangs, dies or has grown."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def ask(self, data: bytes) -> tuple[str, float, int]:
        """Return (outcome, CPU seconds, bytes more than at first) of trying `data`; "taken", "refused", or what is wrong."""
        if self._process is None or self._pipe is None:
            self._start()
        assert self._process is not None and self._pipe is not None
        before, begin = _cpu_seconds(self._process.pid), time.monotonic()
        found: dict[str, Any] = {"outcome": "hangs", "seconds": SECONDS, "grown": 0}
        try:
            self._pipe.send_bytes(data)
            while time.monotonic() - begin < PATIENCE and _cpu_seconds(self._process.pid) - before < SECONDS:
                if self._pipe.poll(0.5):
                    found = json.loads(self._pipe.recv_bytes())
                    break
        except (EOFError, OSError):
            self._process.join(1.0)
            found |= {"outcome": f"dies (exit code {self._process.exitcode})", "seconds": 0.0}
        outcome = str(found["outcome"])
        if outcome not in ("taken", "refused") and not outcome.startswith("unexpected"):
            self.stop()
        return outcome, float(found["seconds"]), int(found["grown"])

    def stop(self) -> None:
        """End the process."""
        if self._process is not None and self._pipe is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
        self._process = self._pipe = None

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._attempt), daemon=True)
        self._process.start()
        theirs.close()


def _serve(pipe: Connection, attempt: Attempt) -> None:
    size, resident = (int(n) * os.sysconf("SC_PAGE_SIZE") for n in Path("/proc/self/statm").read_text().split()[:2])
    resource.setrlimit(resource.RLIMIT_AS, (size + 4 * MEMORY, size + 4 * MEMORY))  # the machine is not to suffer
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            data, before = pipe.recv_bytes(), sum(os.times()[:4])
            outcome = _outcome(attempt, data)
            seconds = sum(os.times()[:4]) - before
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - resident
            if grown > MEMORY:
                outcome = f"takes {grown >> 20} MiB"
            elif seconds > SECONDS:
                outcome = f"takes {seconds:.1f} s"
            pipe.send_bytes(json.dumps({"outcome": outcome, "seconds": seconds, "grown": grown}).encode())


def _cpu_seconds(pid: int | None) -> float:
    """Return the CPU seconds of a process and of its children that have ended; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _outcome(attempt: Attempt, data: bytes) -> str:
    try:
        attempt(data)
    except GameplanError as error:
        text = str(error)
        return (
            "refused"
            if text and "\n" not in text and len(text) < 1000
            else f"unexpected message of {len(text)} characters: {text[:200]}"
        )
    except BaseException as error:
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place else "?"
        return f"unexpected {type(error).__name__} at {where}: {str(error)[:200]}"
    return "taken"


def run(
    name: str,
    valid: Sequence[bytes],
    attempt: Attempt,
    words: Sequence[bytes] = (),
    arguments: Sequence[str] | None = None,
    invent: Callable[[random.Random], bytes] | None = None,
) -> int:
    """Try damaged inputs as the command line says; print what came of them; return 1 if anything was found, else 0.

    With `invent` most inputs are what it makes of a source of randomness, instead of damaged valid ones.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tests.fuzz.{name}")
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="try the input of this number alone, in this process")
    parser.add_argument("--keep", type=Path, help="directory for the inputs that were found  [default: a new temporary one]")
    options = parser.parse_args(arguments)

    def make(number: int) -> bytes:
        rng = random.Random(f"{name} {options.seed} {number}")
        return invent(rng) if invent and rng.random() < 0.7 else damaged(valid, rng, words)

    if options.only is not None:
        attempt(make(options.only))
        return 0
    counts: Counter[str] = Counter()
    child, longest, most = Child(attempt), 0.0, 0
    for number in range(-len(valid), options.inputs):
        data = make(number) if number >= 0 else valid[number]
        outcome, seconds, grown = child.ask(data)
        longest, most = max(longest, seconds), max(most, grown)
        found = outcome not in ("taken", "refused") or (number < 0 and outcome != "taken")
        counts["found" if found else outcome] += 1
        if found:
            options.keep = options.keep or Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
            options.keep.mkdir(parents=True, exist_ok=True)
            path = options.keep / f"{name}-{options.seed}-{number if number >= 0 else f'valid{-number}'}"
            path.write_bytes(data)
            print(f"{path}: {outcome}", flush=True)
    child.stop()
    return Report(name, counts["taken"], counts["refused"], counts["found"], longest, most).print()
