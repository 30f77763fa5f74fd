"""Data from elsewhere, checked before it is used: JSON of bounded depth, and kinds that say what is legal where.

A kind is a function of (value, place) that returns nothing or raises `Mismatch`; `record`, `listed`, `table` make kinds of kinds.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from games.errors import GameplanError, did_you_mean
from games.files import read_file

MOST_DEPTH = 64
MOST_LINE = 16 << 20  # bytes
LARGEST = 1e300  # beyond it sums are no longer finite
_LARGE = re.compile(r"[0-9]{300}|[eE]\+?0*[0-9]{3}|[0-9]{100}\.?[0-9]*[eE]")  # perhaps a number beyond what floats can be

Kind = Callable[[Any, str], None]


class Mismatch(ValueError):
    """A value at a place is not what is legal there."""

    def __init__(self, place: str, value: Any, legal: str) -> None:
        super().__init__(f"{place or 'it'} = {shown(value)}; it must be {legal}")
        self.place = place


def shown(value: Any) -> str:
    """Return `value` as it is quoted in a message: in one short line of printable characters."""
    if isinstance(value, Mapping | list | tuple):
        kind = "an object" if isinstance(value, Mapping) else "a list"
        return f"{kind} of {len(value)}"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**30:
        return "a whole number of more than 30 digits"
    text = (
        ascii(value) if isinstance(value, str) else json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    )
    return text if len(text) <= 60 else text[:57] + "..."


def parse_json(data: bytes | str, source: object, first_line: int = 1) -> Any:
    """Return the JSON value in `data`; `source` names it in errors, `first_line` is the number of its first line.

    Raises
    ------
    GameplanError
        If it is not JSON, has a key twice, numbers that are not finite, or is nested deeper than `MOST_DEPTH`; with the line.
    """

    def refuse(text: str, line: int | None = None) -> GameplanError:
        return GameplanError(f"{source}, line {first_line if line is None else line}: {text}")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in found if keys.count(key) > 1)
            raise refuse(f"the key {shown(twice)} appears twice in one object")
        return found

    def constant(name: str) -> Any:
        raise refuse(f"{name} is no number; numbers must be finite")

    def finite(digits: str) -> Any:
        value, is_whole = float(digits), digits.lstrip("-").isdigit()
        if not math.isfinite(value):
            raise refuse(
                "a number has too many digits" if is_whole else f"{shown(digits)[1:-1]} is too large; numbers must be finite"
            )
        return int(digits) if is_whole else value

    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        checks: dict[str, Any] = {"parse_int": finite, "parse_float": finite} if _LARGE.search(text) else {}  # they take time
        value = json.loads(text, object_pairs_hook=once, parse_constant=constant, **checks)
    except UnicodeDecodeError as error:
        raise refuse(f"byte {error.start + 1} is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise refuse(f"not JSON: {error.msg} at column {error.colno}", first_line + error.lineno - 1) from error
    except ValueError as error:  # a number with thousands of digits
        raise refuse("a number has too many digits") from error
    except RecursionError as error:
        raise refuse(f"nested too deeply; at most {MOST_DEPTH} levels are read") from error
    if _depth(value) > MOST_DEPTH:
        raise refuse(f"nested too deeply; at most {MOST_DEPTH} levels are read")
    return value


def read_record(
    path: Path, kind: Kind, advice: str, *, first: Callable[[Any], None] = lambda value: None, most: int = 64 << 20
) -> Any:
    """Return the JSON in the file at `path`, which must be of `kind`; `advice` says what to do otherwise, `first` looks before.

    Raises
    ------
    GameplanError
        With file, line, value and what is legal.
    """
    data = read_file(path, most=most)
    try:
        value = parse_json(data, path)
    except GameplanError as error:
        raise GameplanError(f"{error}; {advice}") from error
    first(value)
    try:
        kind(value, "")
    except Mismatch as error:
        line = _line_of(data.decode("utf-8-sig"), error.place)
        raise GameplanError(f"{path}, line {line}: {error}; {advice}") from error
    return value


def read_lines(path: Path, kind: Kind, advice: str, most: int = 1 << 30) -> list[dict[str, Any]]:
    """Return the whole lines of the file of JSON lines at `path`, each of `kind`; a last line that a crash has cut off is left out.

    Raises
    ------
    GameplanError
        With file, line, value and what is legal; `advice` follows.
    """
    lines: list[dict[str, Any]] = []
    for number, line in enumerate(read_file(path, most=most).split(b"\n")[:-1], 1):
        if len(line) > MOST_LINE:
            raise GameplanError(f"{path}, line {number}: has {len(line):,} bytes, at most {MOST_LINE:,} are read; {advice}")
        try:
            value = parse_json(line, path, number)
            kind(value, "")
        except Mismatch as error:
            raise GameplanError(f"{path}, line {number}: {error}; {advice}") from error
        except GameplanError as error:
            raise GameplanError(f"{error}; {advice}") from error
        lines.append(value)
    return lines


def whole(least: int = -(2**63), most: int = 2**63 - 1) -> Kind:
    """Return the kind of whole numbers from `least` to `most`."""
    bounds = f" from {least:,}" if least > -(2**63) else ""
    bounds += f" up to {most:,}" if most < 2**63 - 1 else ""

    def check(value: Any, place: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Mismatch(place, value, f"a whole number{bounds}")

    return check


def number(least: float = -LARGEST) -> Kind:
    """Return the kind of finite numbers from `least` on."""
    legal = f"a finite number from {least:g} on" if least > -LARGEST else "a finite number"

    def check(value: Any, place: str) -> None:
        good = isinstance(value, float | int) and not isinstance(value, bool) and least <= value <= LARGEST
        if not good or (isinstance(value, float) and not math.isfinite(value)):
            raise Mismatch(place, value, legal)

    return check


def text(choices: Collection[str] = (), most: int = 100_000) -> Kind:
    """Return the kind of texts, of `choices` if there are any, of at most `most` characters."""
    legal = f"one of {', '.join(choices)}" if choices else f"a text of at most {most:,} characters"

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or len(value) > most or (choices and value not in choices):
            raise Mismatch(place, value, legal)

    return check


def flag(value: Any, place: str) -> None:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise Mismatch(place, value, "true or false")


def scalar(value: Any, place: str) -> None:
    """Accept a finite number, a text, true, false and null."""
    if value is not None and not isinstance(value, bool):
        (text() if isinstance(value, str) else number() if isinstance(value, int | float) else _no_scalar)(value, place)


def anything(value: Any, place: str) -> None:
    """Accept every value."""


def optional(kind: Kind) -> Kind:
    """Return `kind` or null."""

    def check(value: Any, place: str) -> None:
        if value is not None:
            kind(value, place)

    return check


def listed(kind: Kind, most: int = 10_000_000) -> Kind:
    """Return the kind of lists of `kind`."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, list) or len(value) > most:
            raise Mismatch(place, value, f"a list of at most {most:,} values")
        for index, entry in enumerate(value):
            kind(entry, f"{place}[{index}]")

    return check


def table(kind: Kind) -> Kind:
    """Return the kind of objects whose values are of `kind`, whatever the keys."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise Mismatch(place, value, "an object")
        for key, entry in value.items():
            kind(entry, f"{place}.{key}" if place else key)

    return check


def record(required: Mapping[str, Kind], also: Mapping[str, Kind] | None = None, others: Kind | None = anything) -> Kind:
    """Return the kind of objects with the keys of `required`, perhaps those of `also`, and `others` (None: none)."""
    known = {**required, **(also or {})}

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise Mismatch(place, value, f"an object with {', '.join(required)}")
        for key in required:
            if key not in value:
                raise Mismatch(f"{place}.{key}" if place else key, None, "there, but the key is missing")
        for key, entry in value.items():
            inside = f"{place}.{key}" if place else key
            if key in known:
                known[key](entry, inside)
            elif others is None:
                raise Mismatch(inside, entry, f"left out, no such key is known{did_you_mean(key, known)}")
            else:
                others(entry, inside)

    return check


def _no_scalar(value: Any, place: str) -> None:
    raise Mismatch(place, value, "a number, a text, true, false or null")


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return depth


def _line_of(content: str, place: str) -> int:
    """Return the line of the key at `place`, as nearly as its keys can be found one after the other."""
    at = 0
    for key in re.split(r"\.|\[\d+\]\.?", place):
        found = re.compile(re.escape(json.dumps(key)) + r"\s*:").search(content, at) if key else None
        at = found.start() if found else at
    return content.count("\n", 0, at) + 1
