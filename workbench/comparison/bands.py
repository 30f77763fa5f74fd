"""What several runs say together: the interquartile mean, with a band from a stratified bootstrap (Agarwal et al. 2021)."""

from collections.abc import Callable, Sequence

import numpy as np

DRAWS = 2000
LEVEL = 0.95


def interquartile_mean(scores: np.ndarray) -> np.ndarray:
    """Return the mean of the middle half of `scores` (runs, ...): a quarter of the runs is left out at either end, rounded down."""
    ordered = np.sort(scores, axis=0)
    out = len(ordered) // 4
    middle: np.ndarray = ordered[out : len(ordered) - out].mean(axis=0)
    return middle


def mean(scores: np.ndarray) -> np.ndarray:
    """Return the mean of `scores` (runs, ...) over the runs."""
    found: np.ndarray = np.mean(scores, axis=0)
    return found


def band(
    scores: np.ndarray, strata: Sequence[int] | None = None, *, draws: int = DRAWS, level: float = LEVEL, seed: int = 0,
    middle: Callable[[np.ndarray], np.ndarray] = interquartile_mean,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Return (interquartile mean, lower, upper end of its bootstrap interval), each of the shape of one run.

    Parameters
    ----------
    scores : (runs, ...)
    strata : sequence of int, optional
        The task of every run; runs are drawn again from those of their own task only. Default: one task.
    draws, level : int, float
        Of the bootstrap: percentiles of the interquartile means of so many draws.
    middle : callable
        Takes the place of the interquartile mean, such as `mean` of what is 0 or 1.
    """
    values = np.asarray(scores, np.float64)
    tasks = np.zeros(len(values), np.int64) if strata is None else np.asarray(strata)
    rng = np.random.Generator(np.random.PCG64(seed))
    places = [np.flatnonzero(tasks == task) for task in np.unique(tasks)]
    chosen = np.concatenate([place[rng.integers(0, len(place), (draws, len(place)))] for place in places], axis=1)
    drawn = np.array([middle(values[row]) for row in chosen])
    low, high = np.percentile(drawn, (50 * (1 - level), 50 * (1 + level)), axis=0)
    return middle(values), low, high
