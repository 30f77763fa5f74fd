"""What a planner did wrong, and whether it came back from it: traps, first errors, recovery, regret; with intervals and tests.

Definitions: an action is *losing* if it is not optimal, where states are ordered by the return that can still be had and then by
the steps to a goal. It is a *myopic trap* if it also looks better than every optimal action, by the local score; a trap is *hard*
if the best return is lost with it, else *soft*. All optimal actions count as correct.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from games.process import enumerable
from planners.episode import Episode
from planners.parts.exact import TOLERANCE, Solution, solve
from planners.status import SOLVED


@dataclass(frozen=True)
class Marks:
    """One episode judged against the exact solution of its instance.

    Attributes
    ----------
    solved : bool
    losing, trapped, hard : bool
        Whether the first action was a losing one, a myopic trap, a hard one.
    has_losing, has_trap : bool
        Whether there was such an action at the root.
    first_error : int or None
        1 for the first step.
    shortest : float
        Steps of the shortest solution, infinite if there is none.
    regret : float
        Sum of V*(s) - Q*(s, a) over the steps.
    in_candidates : bool
        Whether an optimal action was among those that the planner considered at the root.
    """

    solved: bool
    losing: bool
    trapped: bool
    hard: bool
    has_losing: bool
    has_trap: bool
    first_error: int | None
    shortest: float
    regret: float
    in_candidates: bool


def judged(episode: Episode) -> Marks | None:
    """Return the marks of an episode in a deterministic world whose states can all be listed; None elsewhere, and of no action."""
    model = episode.instance.model
    return judge(episode, solve(episode.instance)) if episode.actions and not model.outcomes and enumerable(model) else None


def judge(episode: Episode, solution: Solution) -> Marks:
    """Return the marks of an episode that began with the horizon of its instance."""
    horizon = episode.instance.horizon
    first_error, regret = None, 0.0
    losing = trapped = hard = has_losing = has_trap = False
    in_candidates, shortest = True, float(solution.values(horizon)[1][solution.number(episode.instance.start)])
    for t, action in enumerate(episode.actions):
        left = None if horizon is None else horizon - t
        actions, local, q, _ = solution.choices(episode.states[t], left)
        optimal = solution.optimal(episode.states[t], left)
        taken = int(np.flatnonzero(actions == action)[0])
        regret += float(q.max() - q[taken])
        if first_error is None and not optimal[taken]:
            first_error = t + 1
        if t == 0:
            traps = ~optimal & (local > local[optimal].max())
            has_losing, has_trap = bool((~optimal).any()), bool(traps.any())
            losing, trapped = not optimal[taken], bool(traps[taken])
            hard = trapped and bool(q[taken] < q.max() - TOLERANCE)
            considered = [value.action for value in episode.decisions[0].values]
            in_candidates = not considered or bool(np.isin(actions[optimal], considered).any())
    return Marks(
        episode.status == SOLVED, losing, trapped, hard, has_losing, has_trap, first_error, shortest, regret, in_candidates
    )


# Name: the pair (what is summed, over which weight) of an episode; the metric is the ratio of the sums.
RATES: dict[str, Callable[[Marks], tuple[float, float]]] = {
    "success": lambda m: (m.solved, 1),
    "err@1": lambda m: (m.losing, 1),
    "trap@1": lambda m: (m.trapped and m.has_losing, m.has_losing),
    "trap@1 strict": lambda m: (m.trapped, m.has_trap),
    "hard trap@1": lambda m: (m.hard, m.has_losing),
    "soft trap@1": lambda m: (m.trapped and not m.hard, m.has_losing),
    "first error": lambda m: (m.first_error or 0, m.first_error is not None),
    "first error, censored": lambda m: (m.first_error or m.shortest + 1.0, 1),
    "recovery": lambda m: (m.solved and m.first_error is not None, m.first_error is not None),
    "regret": lambda m: (m.regret, 1),
    "good in candidates": lambda m: (m.in_candidates, 1),
    "good selected": lambda m: (not m.losing, 1),
}


MEANS = ("first error", "first error, censored", "regret")  # the other metrics are shares
Z = 1.959964  # standard deviations on either side that hold 95 % of a normal distribution


def wilson(successes: float, count: float, z: float = Z) -> tuple[float, float]:
    """Return the Wilson score interval of a share: `successes` of `count` trials, by default the 95 % interval.

    It lies within 0 and 1, and has a width where all or none succeeded. Source: Wilson 1927, JASA 22, 209-212.
    """
    share, weight = successes / count, z * z / count
    middle = (share + weight / 2.0) / (1.0 + weight)
    half = z * ((share * (1.0 - share) + weight / 4.0) / count) ** 0.5 / (1.0 + weight)
    return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))


def sums(marks: Sequence[Marks], metric: str) -> np.ndarray:
    """Return (episodes, 2): what the metric sums and its weight, for each episode."""
    return np.array([RATES[metric](m) for m in marks], np.float64).reshape(-1, 2)


def rate(marks: Sequence[Marks], metric: str) -> float:
    """Return a metric of `RATES` over episodes, NaN where it has no weight."""
    total, weight = sums(marks, metric).sum(0)
    return float(total / weight) if weight else float("nan")


def interval(marks: Sequence[Marks], metric: str, other: Sequence[Marks] | None = None, draws: int = 2000) -> tuple[float, float]:
    """Return the 95 % interval of a metric or, with `other`, of how much larger it is than there.

    That of a share is Wilson's; others are bootstrapped. Episodes are drawn with replacement, pairs of them where there are two
    planners on the same instances; the seed is fixed.
    """
    if other is None and metric not in MEANS:
        total, weight = sums(marks, metric).sum(0)
        return wilson(total, weight) if weight else (float("nan"), float("nan"))
    chosen = np.random.default_rng(0).integers(0, len(marks), (draws, len(marks)))
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = sums(marks, metric)[chosen].sum(1)
        values = drawn[:, 0] / drawn[:, 1]
        if other is not None:
            drawn = sums(other, metric)[chosen].sum(1)
            values = values - drawn[:, 0] / drawn[:, 1]
    low, high = np.nanpercentile(values, [2.5, 97.5]) if np.isfinite(values).any() else (np.nan, np.nan)
    return float(low), float(high)


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> tuple[int, int, float]:
    """Return (only the first, only the second, p) of McNemar's exact two-sided test on paired yes-or-no outcomes."""
    a, b = np.asarray(first, np.bool_), np.asarray(second, np.bool_)
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    if only_first + only_second == 0:
        return 0, 0, 1.0
    return only_first, only_second, float(stats.binomtest(only_first, only_first + only_second).pvalue)


def measures(marks: Sequence[Marks]) -> dict[str, dict[str, float | None]]:
    """Return every metric of `RATES` that has a weight, with its 95 % interval (`interval`), as numbers for people and files."""
    found: dict[str, dict[str, float | None]] = {}
    for metric in RATES:
        value = rate(marks, metric)
        if np.isfinite(value):
            low, high = interval(marks, metric)
            found[metric] = {"value": value, "low": low, "high": high}
    return found


def area(costs: Sequence[float], success: Sequence[float]) -> float:
    """Return the mean success over the logarithm of the cost (positive, ascending): the area under the curve over its width."""
    x = np.log(np.asarray(costs, np.float64))
    return float(np.trapezoid(np.asarray(success, np.float64), x) / (x[-1] - x[0]))
