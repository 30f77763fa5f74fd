"""Durations with a unit, as they are written on the command line."""

import re

from games.errors import UsageError

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST = 1e9  # seconds; clocks of some systems count no further than some times this


def parse_duration(text: str) -> float:
    """Return the seconds in a duration such as ``1ms``, ``10s``, ``5m`` or ``1.5h``.

    Raises
    ------
    UsageError
        If the number or its unit is missing or unknown, or the time is beyond `LONGEST`.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]+)\s*", text)
    if not match or match[2] not in _UNITS or float(match[1]) <= 0.0:
        raise UsageError(f"{text!r} is not a duration; write a positive number with a unit ({', '.join(_UNITS)}), such as 10s")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > LONGEST:
        raise UsageError(f"the duration {text[:40]!r} is too long; at most {LONGEST / 3600.0:.0f}h is possible")
    return seconds


def format_duration(seconds: float) -> str:
    """Return seconds in a unit that reads well."""
    for unit, size in (("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"
