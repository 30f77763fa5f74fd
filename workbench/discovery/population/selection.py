"""The population of a run, rebuilt from its steps, and how parents are drawn: islands, an archive of elites, age."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.discovery.books.store import Step
from workbench.discovery.config import DiscoveryConfig
from workbench.discovery.population.ranking import log10_cost, selection_weights
from workbench.discovery.population.view import Member, Trace
from workbench.discovery.task import Task

SIZE_CELL = 1.5  # sizes within this factor share a row of the archive
KEPT_FAILURES = 5  # messages a program keeps of children that went wrong


@dataclass(frozen=True)
class Snapshot:
    """The run as it stood some steps before step `n` (a `workbench.discovery.population.view.View`)."""

    n: int
    island: int
    task: Task
    members: Sequence[Member]
    seeds: Sequence[Member]
    traces: dict[str, tuple[Trace, ...]]
    config: DiscoveryConfig

    def best(self) -> Member:
        """Return the member with the highest score; of equal ones the smallest, then the earliest."""
        return max(self.members, key=quality)

    def trail(self, operator: str) -> Sequence[Trace]:
        """Return what this operator has proposed so far and what became of it."""
        return self.traces.get(operator, ())

    def parent(self, rng: np.random.Generator) -> Member:
        """Draw a metric (the run's score half of the time, else one instance), then a parent in favour of programs good at it."""
        config = self.config
        instances = sorted(self.members[0].values)
        metric = None if rng.random() < 0.5 else instances[rng.integers(len(instances))]
        at_home = [m for m in self.members if m.island == self.island]
        pool = self.members if not at_home or rng.random() < config.migration else at_home
        if rng.random() < config.elites:
            elites = archive(pool)
            return elites[rng.integers(len(elites))]
        young = [m for m in pool if self.n - m.n <= config.age] or pool
        ranked = sorted(young, key=lambda m: (-goodness(m, metric), m.size, m.n))[: config.pool]
        weights = selection_weights([goodness(m, metric) for m in ranked], [m.children for m in ranked], config.pressure)
        return ranked[rng.choice(len(ranked), p=weights)]


def quality(member: Member) -> tuple[float, int, int]:
    """Return the key of the overall order: score, then smallness, then age."""
    return member.score, -member.size, -member.n


def goodness(member: Member, metric: str | None) -> float:
    """Return a member's score, or minus the log cost on one instance."""
    return member.score if metric is None else -log10_cost(member.values[metric])


def archive(members: Sequence[Member]) -> list[Member]:
    """Return the best member of every cell of a grid: program size by the instance on which it is relatively strongest."""
    instances = sorted(members[0].values)
    centre = {name: float(np.median([log10_cost(m.values[name]) for m in members])) for name in instances}
    cells: dict[tuple[int, str], Member] = {}
    for member in members:
        profile = min(instances, key=lambda name: log10_cost(member.values[name]) - centre[name])
        cell = (int(np.log(max(1, member.size)) / np.log(SIZE_CELL)), profile)
        if cell not in cells or quality(member) > quality(cells[cell]):
            cells[cell] = member
    return [cells[cell] for cell in sorted(cells)]


class Population:
    """All that is known after some steps; `absorb` takes the steps in order."""

    def __init__(self, task: Task, config: DiscoveryConfig) -> None:
        self.task, self.config = task, config
        self._members: dict[str, Member] = {}
        self._traces: dict[str, list[Trace]] = {}
        self._hurdles: list[float] = []
        self._seeds: list[str] = []

    def absorb(self, step: Step, member: Member | None, hurdle: float | None) -> None:
        """Take a step that has ended; `member` is its program with a full score, if it has one."""
        for parent in step.parents:
            known = self._members.get(parent)
            if known is not None:
                failures = known.failures
                if step.status != "ok" and step.reason:
                    failures = (*failures, f"{step.status}: {step.reason}")[-KEPT_FAILURES:]
                self._members[parent] = replace(known, children=known.children + 1, failures=failures)
        if member is not None and member.id not in self._members:
            self._members[member.id] = member
            if step.operator == "seed":
                self._seeds.append(member.id)
        if hurdle is not None:
            self._hurdles.append(hurdle)
        score = member.score if member is not None else None
        self._traces.setdefault(step.operator, []).append(Trace(step.n, step.detail, step.status, score))

    def snapshot(self, n: int) -> Snapshot:
        """Return the view for the proposal of step `n`."""
        members = tuple(self._members.values())
        seeds = tuple(self._members[name] for name in self._seeds)
        traces = {name: tuple(found) for name, found in self._traces.items()}
        return Snapshot(n, n % self.config.islands, self.task, members, seeds, traces, self.config)

    def cutoffs(self) -> dict[str, float]:
        """Return the cost on every training instance above which a newcomer is turned away."""
        if len(self._members) < self.config.pool:
            return {}
        return {
            name: self.config.slack * float(np.quantile([m.values[name] for m in self._members.values()], self.config.share))
            for name in self.task.train
        }

    def hurdle(self) -> float | None:
        """Return the cost on the hurdle above which a newcomer is turned away."""
        if self.task.hurdle is None or len(self._hurdles) < self.config.pool:
            return None
        return float(np.quantile(self._hurdles, self.task.hurdle.share))
