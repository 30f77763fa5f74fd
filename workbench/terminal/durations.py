"""Durations with a unit, as they are written on the command line."""

import re

from games.errors import UsageError

_UNITS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
SHOWN = ("us", "ms", "s", "m", "h")  # the spellings that messages name
LONGEST = 1e9  # seconds; clocks of some systems count no further than some times this


def parse_duration(text: str) -> float:
    """Return the seconds in a duration such as ``1ms``, ``10s``, ``5m`` (or ``5min``) or ``1.5h``.

    Raises
    ------
    UsageError
        If the number or its unit is missing or unknown, or the time is beyond `LONGEST`.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-zµ]+)\s*", text)
    if not match or match[2] not in _UNITS or float(match[1]) <= 0.0:
        raise UsageError(f"{text!r} is not a duration; write a positive number with a unit ({', '.join(SHOWN)}), such as 10s")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > LONGEST:
        raise UsageError(f"the duration {text[:40]!r} is too long; at most {LONGEST / 3600.0:.0f}h is possible")
    return seconds


def format_duration(seconds: float) -> str:
    """Return seconds as people write them: three digits, from a minute on two units (12.3 ms, 1 min 29 s, 2 h 5 min, 3 d 4 h)."""
    if seconds >= 59.95:
        for large, size, small, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
            count = round(seconds / part)
            if count * part >= size or size == 60:
                whole, rest = divmod(count, size // part)
                return f"{whole} {large}" + (f" {rest} {small}" if rest else "")
    for unit, one in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= 0.9995 * one:
            return f"{seconds / one:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs" if seconds > 0.0 else "0 s"
