"""What the scripts that harm whole run directories share: options, a tally of what became of them, and what is a clean answer.

An input is *taken* (an answer), *refused* (a GameplanError or a usage error of one printable line), or a fault: any other exception,
more than `SLOW` CPU seconds, more than `MOST` bytes of memory beyond what the script had at first.
"""

import argparse
import random
import resource
import time
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

import click

from games.errors import GameplanError
from tests.fuzz.report import Report

SLOW = 10.0
MOST = 1 << 30


def options(what: str, count: int) -> argparse.Namespace:
    """Return the command line's --seed and --count."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", "--inputs", type=int, default=count, help="how many directories, stores or kills")
    return parser.parse_args()


def memory() -> int:
    """Return the most bytes that this process has ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Tally:
    """What became of the inputs, by reader."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self.slowest = 0.0
        self._first = self._memory = memory()

    def fault(self, what: str, case: object) -> None:
        """Note something that must not happen."""
        self.counts["FAULT"] += 1
        self.faults.append(f"{case}: {what}")
        print(f"{self.name}: FAULT {case}: {what}", flush=True)

    def attempt(self, case: object, work: Callable[[], Any]) -> tuple[str, Any]:
        """Do `work` on an input; return ("taken", its result), ("refused", the message) or ("FAULT", None)."""
        begin = time.process_time()
        found: tuple[str, Any]
        try:
            found = "taken", work()
        except GameplanError as error:
            found = "refused", str(error)
        except (click.ClickException, click.exceptions.Exit) as error:
            found = "refused", str(error)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.fault(f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-4)}", case)
            found = "FAULT", None
        took = time.process_time() - begin
        self.slowest = max(self.slowest, took)
        if took > SLOW:
            self.fault(f"took {took:.1f} s", case)
        if memory() - self._memory > MOST:
            self.fault(f"memory grew by {(memory() - self._memory) >> 20} MiB", case)
            self._memory = memory()
        if found[0] == "refused" and ("\n" in found[1] or not found[1].isprintable()):
            self.fault(f"not one printable line: {found[1][:300]!r}", case)
        self.counts[found[0]] += found[0] != "FAULT"
        return found

    def finish(self) -> int:
        """Print the numbers; return the exit code."""
        others = {what: count for what, count in sorted(self.counts.items()) if what not in ("taken", "refused", "FAULT")}
        if others:
            print(f"{self.name}: " + ", ".join(f"{count:,} {what}" for what, count in others.items()))
        grown = memory() - self._first
        return Report(self.name, self.counts["taken"], self.counts["refused"], len(self.faults), self.slowest, grown).print()


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Return `data` with some bytes flipped, cut, doubled, moved, or replaced by something that parsers dislike."""
    pieces = (
        b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b[2J", b"NaN", b"-1", b"1e999", b"9" * 40, b"[" * 2000, b'{"a":' * 2000, b'"', b"'",
        b"\\", b"\n", b"\r", b"\t", b",", b";", b"null", b"true", b"-0.0", b"0x10", b"\xf0\x9f\x8e\xb2", b"{}", b"[]", b" " * 5000,
    )  # fmt: skip
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        a, b = sorted(rng.randrange(len(found) + 1) for _ in range(2))
        b = min(b, a + rng.choice((1, 8, 64, len(found))))
        kind = rng.randrange(6)
        if kind == 0 and found:
            found[a % len(found)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del found[a:b]
        elif kind == 2:
            found[a:a] = found[a:b] * rng.choice((1, 2, 50))
        elif kind == 3:
            found[a:b] = rng.choice(pieces)
        elif kind == 4:
            found[a:a] = rng.choice(pieces)
        else:
            del found[a:]
    return bytes(found[: 8 << 20])


def changed_json(value: Any, rng: random.Random) -> Any:
    """Return `value` with one part of it replaced by something of another type or size, left out, or added."""
    strange = (
        None, True, -1, 0, 2**63, 10**400, 0.5, -0.0, 1e308, "", "x" * 5000, "\x1b[31m\n", "\ud800", [], {}, [[]], {"a": []}, "nan",
    )  # fmt: skip
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        if rng.random() < 0.15:
            return {k: v for k, v in value.items() if k != key}
        if rng.random() < 0.1:
            return {**value, rng.choice(("extra", "schema", "\x1b", "")): rng.choice(strange)}
        return {**value, key: changed_json(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        return [*value[:at], changed_json(value[at], rng), *value[at + 1 :]]
    return rng.choice(strange)
