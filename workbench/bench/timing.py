"""Timing one function: repeated, summarised by the median, with the spread beside it."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Timing(NamedTuple):
    """Seconds a call: median and quartiles over `runs` measurements."""

    median: float
    low: float
    high: float
    runs: int


def summarise(samples: list[float]) -> Timing:
    """Return the median and quartiles of `samples`, which are seconds a call."""
    if len(samples) == 1:
        return Timing(samples[0], samples[0], samples[0], 1)
    low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Timing(median, low, high, len(samples))


def measure(function: Callable[[], object], budget: float, *, calls: int = 1, least: int = 3, most: int = 50) -> Timing:
    """Return the time of one call, measured again and again for about `budget` seconds.

    Parameters
    ----------
    function : callable
        Warmed up by the caller. It may do several units of work: `calls`.
    budget : float
        Seconds.
    calls : int
        What one call of `function` counts as.
    least, most : int
        Bounds on the number of measurements.
    """
    samples: list[float] = []
    begin = time.perf_counter()
    while len(samples) < least or (len(samples) < most and time.perf_counter() - begin < budget):
        start = time.perf_counter()
        function()
        samples.append((time.perf_counter() - start) / calls)
    return summarise(samples)
