"""From costs to one number: rankings, all of them higher is better, and the drawing of parents, free of scale and sign."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

LOWEST = 1e-17  # costs below are rounding; exploitability may even come out negative
CAP = 1.5  # of capped-log, an instance


def log10_cost(value: float) -> float:
    """Return the decimal logarithm of a cost, those at rounding level and below all the same."""
    return math.log10(max(value, LOWEST))


def log_score(values: Mapping[str, float]) -> float:
    """Return minus the mean decimal logarithm of the costs."""
    return -math.fsum(map(log10_cost, values.values())) / len(values)


def average_score(values: Mapping[str, float]) -> float:
    """Return minus the mean cost, which the hardest instance decides (arXiv 2602.16928)."""
    return -math.fsum(value / len(values) for value in values.values())  # so that no sum overflows


def capped_log_score(values: Mapping[str, float], low: Mapping[str, float], high: Mapping[str, float]) -> float:
    """Return the mean place of the log costs between a weak program (0) and a strong one (1), capped (Xu et al. 2022, AutoCFR)."""
    places = []
    for name, value in values.items():
        weak, strong = log10_cost(low[name]), log10_cost(high[name])
        places.append(min(CAP, (weak - log10_cost(value)) / (weak - strong)) if weak != strong else 0.0)
    return math.fsum(places) / len(places)


def score_text(score: float) -> str:
    """Return a score as it is shown: three decimals, or three digits of what would be nothing (averages)."""
    return f"{score:.3f}" if abs(score) >= 0.01 or score == 0.0 else f"{score:.3g}"


RANKINGS = ("log", "average", "capped-log")


def rank(kind: str, values: Mapping[str, float], references: Sequence[Mapping[str, float]] = ()) -> float:
    """Return the score of `values` under the ranking `kind`; capped-log takes a weak and a strong program's costs."""
    if kind == "log":
        return log_score(values)
    if kind == "average":
        return average_score(values)
    return capped_log_score(values, references[0], references[1])


def selection_weights(scores: Sequence[float], children: Sequence[int], pressure: float) -> np.ndarray:
    """Return probabilities: a sigmoid of a score's distance from the median, in median deviations; less for those with children."""
    s = np.array(scores, np.float64)
    centre = np.median(s)
    spread = np.median(np.abs(s - centre))
    if spread == 0.0:
        spread = np.abs(s - centre).mean() or 1.0
    exponent = np.clip(-pressure * (s - centre) / spread, -60.0, 60.0)
    weights = 1.0 / (1.0 + np.exp(exponent)) / (1.0 + np.array(children, np.float64))
    return np.asarray(weights / weights.sum(), np.float64)
