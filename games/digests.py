"""Digests of arrays: by them a file of numbers is known again."""

import hashlib
from collections.abc import Mapping

import numpy as np


def arrays_digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Return a digest of arrays by name: of their types, shapes and bytes."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        total.update(array.reshape(-1).view(np.uint8).data)
    return total.hexdigest()
