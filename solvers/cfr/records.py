"""The records that loops take: one class per set of field names, shared by all rules.

numba recognises an argument's type by its field names and contents before it looks at its class. Were every rule to bring classes
of its own, all but the first would go the slow way, half a millisecond a call. Record classes are made on demand and found again
by name, as numba's disk cache needs it: the attribute ``Record:alpha,gamma`` of this module is the class with these two fields.
"""

from collections import namedtuple
from functools import cache
from typing import Any, NamedTuple

import numpy as np

_PREFIX = "Record:"


class Tables(NamedTuple):
    """All that an iteration reads and writes, for all players one after the other (see `games.sequence_form`).

    `plan` (sequences), `reach` (infosets), `sigma`, `R`, `S`, `r` (pairs); `q` (sequences of the largest player) and `buffer`
    (3, values) are scratch.
    """

    plan: np.ndarray
    reach: np.ndarray
    sigma: np.ndarray
    R: np.ndarray
    S: np.ndarray
    r: np.ndarray
    q: np.ndarray
    buffer: np.ndarray


@cache
def record_class(fields: tuple[str, ...]) -> Any:
    """Return the namedtuple class with these fields."""
    made = namedtuple("Record", fields, module=__name__)  # type: ignore[misc]
    made.__name__ = made.__qualname__ = _PREFIX + ",".join(fields)
    return made


def __getattr__(name: str) -> Any:
    if name.startswith(_PREFIX):
        return record_class(tuple(field for field in name[len(_PREFIX) :].split(",") if field))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
