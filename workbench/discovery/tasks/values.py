"""Parameters as programs get them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from solvers.cfr.records import record_class

_NUMBERS: dict[type, Any] = {float: np.float64, int: np.int64}


def parameters(values: Mapping[str, Any]) -> Any:
    """Return the record of `values`; its numbers are NumPy's, with which Python computes as compiled code does."""
    return record_class(tuple(values))(*(_NUMBERS.get(type(value), lambda x: x)(value) for value in values.values()))
