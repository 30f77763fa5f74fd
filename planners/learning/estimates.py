"""What methods make advantages of: normal forms within groups and batches, and generalised advantage estimation."""

import numpy as np


def group_normal(x: np.ndarray, group: np.ndarray, ddof: int = 1, epsilon: float = 1e-5) -> np.ndarray:
    """Return `x` less its group's mean, over its group's standard deviation plus `epsilon`; 0 in groups without spread.

    `group` (as long as `x`) has the number of each entry's group.
    """
    _, place, count = np.unique(group, return_inverse=True, return_counts=True)
    mean = np.bincount(place, x) / count
    away = x - mean[place]
    spread = np.sqrt(np.bincount(place, away * away) / np.maximum(count - ddof, 1))
    # Equal numbers may differ from their mean by rounding, which must not be blown up.
    flat = spread <= 1e-12 * np.maximum(1.0, np.abs(mean))
    return np.where(flat[place], 0.0, away / np.where(flat, 1.0, spread + epsilon)[place])


def batch_normal(x: np.ndarray, mask: np.ndarray | None = None, ddof: int = 1, epsilon: float = 1e-5) -> np.ndarray:
    """Return `x` less its mean, over its standard deviation plus `epsilon`, both over the entries in `mask`; the others are 0."""
    chosen = x if mask is None else x[mask]
    if len(chosen) <= ddof:
        return np.zeros_like(x)
    spread = float(np.std(chosen, ddof=ddof))
    mean = float(np.mean(chosen))
    if spread <= 1e-12 * max(1.0, abs(mean)):
        return np.zeros_like(x)
    normal = (x - mean) / (spread + epsilon)
    return normal if mask is None else np.where(mask, normal, 0.0)


def generalised(
    rewards: np.ndarray, values: np.ndarray, next_values: np.ndarray, ended: np.ndarray, cut: np.ndarray, gamma: float, lam: float
) -> np.ndarray:
    """Return generalised advantage estimates of turns (sequences, turns), from Schulman et al. 2016, arXiv 1506.02438.

    `ended`: the episode is over, nothing follows; `cut`: something follows, but not the next turn of the array.
    """
    delta = rewards + gamma * np.where(ended, 0.0, next_values) - values
    found, ahead = np.zeros_like(delta), np.zeros(len(delta))
    for t in range(delta.shape[1] - 1, -1, -1):
        ahead = delta[:, t] + gamma * lam * np.where(ended[:, t] | cut[:, t], 0.0, ahead)
        found[:, t] = ahead
    return found


def all_alike(chosen: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return for every entry whether all of its group chose alike."""
    _, place = np.unique(group, return_inverse=True)
    low, high = (
        np.full(place.max(initial=-1) + 1, np.iinfo(np.int64).max),
        np.full(place.max(initial=-1) + 1, np.iinfo(np.int64).min),
    )
    np.minimum.at(low, place, chosen)
    np.maximum.at(high, place, chosen)
    return (low == high)[place]
