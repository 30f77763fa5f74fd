"""Tuning of constants by CMA-ES (Hansen 2016), in blocks: one structure at a time, a few generations each.

The state of the search is rebuilt from what became of earlier proposals, so it is a function of the run. Proposals are drawn from
the distribution as far as results are known, and each generation is made of the next results to come in.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.discovery.books.records import Proposal, rejected
from workbench.discovery.genome.canonical import split, with_constants
from workbench.discovery.population.view import Member, Trace, View

GENERATIONS = 6  # of a block at most; a structure of few constants gets fewer
STEP = 0.3  # of the logarithms of constants, at a block's start
_FAILED = 1e9  # the cost of a program without a score
_TOP = 12  # structures that are candidates for a block


class Constants:
    """Tunes the constants of the best structures.

    Parameters
    ----------
    seeds_only : bool
        Whether only the seeds' structures are tuned (the baseline "constants-only").
    """

    slow = False

    def __init__(self, seeds_only: bool = False) -> None:
        self.name = "constants-only" if seeds_only else "constants"
        self.seeds_only = seeds_only

    def propose(self, view: View, rng: np.random.Generator) -> Proposal:
        """Return a program with other constants."""
        block, base, results = _current(view.trail(self.name))
        if base is None or len(results) >= _length(len(base["start"])):
            member = self._next_base(view, rng)
            if member is None:
                return Proposal("", self.name, status=rejected("no-constants"), reason="no program of the population has constants")
            block, results = block + 1, []
            base = {"base": member.id, "start": split(member.source)[1]}
            source = member.source
        else:
            source = next(member.source for member in view.members if member.id == base["base"])
        start: dict[str, float] = base["start"]
        mean, spread = _distribution(results, len(start))
        x = mean + spread @ rng.standard_normal(len(start))
        values = {name: _moved(value, step) for (name, value), step in zip(sorted(start.items()), x.tolist(), strict=True)}
        detail = {"block": block, **base, "x": [round(step, 12) for step in x.tolist()]}
        return Proposal(with_constants(source, values), self.name, (base["base"],), detail)

    def _next_base(self, view: View, rng: np.random.Generator) -> Member | None:
        """Return the member whose constants come next: a good one, rather of a structure that was not tuned yet."""
        known = view.seeds if self.seeds_only else view.members
        best: dict[str, Member] = {}
        for member in known:
            if member.structure not in best or member.score > best[member.structure].score:
                best[member.structure] = member
        ranked = sorted(best.values(), key=lambda member: (-member.score, member.size, member.n))
        ranked = [member for member in ranked[: 4 * _TOP] if split(member.source)[1]][:_TOP]
        if not ranked:
            return None
        times = {member.id: 0 for member in view.members}
        for trace in view.trail(self.name):
            if str(trace.detail.get("base")) in times:
                times[str(trace.detail["base"])] += 1
        tuned = {member.structure for member in view.members if times[member.id]}
        weights = np.array([0.75**place * (0.25 if member.structure in tuned else 1.0) for place, member in enumerate(ranked)])
        return ranked[int(rng.choice(len(ranked), p=weights / weights.sum()))]


def _current(trail: Sequence[Trace]) -> tuple[int, dict[str, Any] | None, list[Trace]]:
    """Return number, base and results of the block that the last known proposal belongs to."""
    blocks = [int(str(trace.detail["block"])) for trace in trail if "block" in trace.detail]
    if not blocks:
        return -1, None, []
    last = max(blocks)
    traces = [trace for trace in trail if trace.detail.get("block") == last]
    base = {"base": traces[0].detail["base"], "start": traces[0].detail["start"]}
    return last, base, [trace for trace in traces if trace.detail["base"] == base["base"]]


def _generation(dimensions: int) -> int:
    return max(8, 4 + int(3 * math.log(dimensions)))


def _length(dimensions: int) -> int:
    """Return how many results end a block."""
    return min(GENERATIONS, 1 + dimensions) * _generation(dimensions)


def _distribution(results: Sequence[Trace], dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and a root of the covariance after these results."""
    count = _generation(dimensions)
    if len(results) < count:
        return np.zeros(dimensions), STEP * np.eye(dimensions)
    import cma

    padded = dimensions + (dimensions == 1)  # CMA-ES needs two dimensions at least
    draws = np.random.default_rng(0)
    options = {
        "popsize": count, "verbose": -9, "verb_log": 0, "seed": math.nan, "CMA_stds": 1.0,
        "randn": lambda *shape: draws.standard_normal(shape),
    }  # fmt: skip
    search = cma.CMAEvolutionStrategy(np.zeros(padded), STEP, options)
    for begin in range(0, len(results) - count + 1, count):
        part = results[begin : begin + count]
        points = [np.resize(np.array(trace.detail["x"], float), padded) for trace in part]
        costs = [_FAILED if trace.score is None or not math.isfinite(trace.score) else -trace.score for trace in part]
        search.ask()
        search.tell(points, costs)
    covariance = np.asarray(search.C)[:dimensions, :dimensions]
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(search.mean)[:dimensions], search.sigma * vectors * np.sqrt(np.maximum(values, 0.0))


def _moved(value: float, step: float) -> float:
    """Return a constant after a relative step; zero moves by a tenth of it."""
    moved = value * math.exp(min(max(step, -20.0), 20.0)) if value else 0.1 * step
    return float(f"{moved:.6g}")
