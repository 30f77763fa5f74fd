"""Fingerprints in short. They are made where programs run: megabytes of behaviour need not cross the border or be believed."""

import hashlib

import numpy as np

from workbench.discovery.task import BadAnswer

WORDS = 2  # of 64 bits


def digest(values: np.ndarray) -> np.ndarray:
    """Return `WORDS` int64 numbers that equal those of arrays with the same first five digits; zeros if there is NaN among them.

    Raises
    ------
    BadAnswer
        If `values` is no array of float64 numbers.
    """
    if not isinstance(values, np.ndarray) or values.dtype != np.float64 or not values.size:
        raise BadAnswer("the program has no fingerprint")
    flat = np.where(np.abs(values) < 1e-12, 0.0, values).ravel()
    if np.isnan(flat).any():
        return np.zeros(WORDS, np.int64)
    known = np.isfinite(flat) & (flat != 0.0)
    exponent = np.zeros(len(flat))
    np.floor(np.log10(np.abs(flat), out=exponent, where=known), out=exponent, where=known)
    digits = flat.copy()
    np.rint(flat / 10.0 ** (exponent - 4.0), out=digits, where=known)
    up = known & (np.abs(digits) >= 1e5)  # 9.99999 is 1.0000e1
    digits[up], exponent[up] = digits[up] / 10.0, exponent[up] + 1.0
    found = hashlib.sha256(np.concatenate([digits, exponent]).tobytes()).digest()
    return np.frombuffer(found, np.int64, WORDS)
