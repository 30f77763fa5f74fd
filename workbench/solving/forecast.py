"""When a curve of exploitability will reach a target, if it goes on as it did."""

import math
from collections.abc import Sequence

WINDOW = 4.0  # the curve is followed over the last iterations, from a quarter of the number on
MOST = 1e15  # iterations that are still told to anybody


def iteration_at(points: Sequence[tuple[int, float]], target: float) -> float | None:
    """Return the iteration at which the exploitability will be `target`, or None if the curve does not fall.

    A straight line through the last quarter-to-whole of the curve in logarithms of both: regret bounds are powers of the number of
    iterations. The curve must have three points there.

    Parameters
    ----------
    points : sequence of (iteration, exploitability)
        In ascending order.
    """
    if not points or target <= 0.0:
        return None
    last = points[-1][0]
    logs = [(math.log(t), math.log(value)) for t, value in points if WINDOW * t >= last and value > 0.0]
    if len(logs) < 3:
        return None
    x, y = (sum(values) / len(logs) for values in zip(*logs, strict=True))
    width = sum((a - x) ** 2 for a, _ in logs)
    slope = sum((a - x) * (b - y) for a, b in logs) / width if width else 0.0
    if slope >= -1e-3:
        return None
    now = max(points[-1][1], target)  # from where the curve is, not from where the line is
    steps = math.log(last) + (math.log(target) - math.log(now)) / slope
    return math.exp(steps) if steps < math.log(MOST) else None
