"""How much CPU time a program takes beside the task's yardstick (CFR+ for update rules).

A program may buy its score with time: an iteration that plays a thousand others costs what a thousand cost. Beyond `FLAGGED` times
the yardstick's time on the same instances and horizons it is flagged. Clocks are no part of a result, so what was found is kept
with the step, like any outcome, and never asked for again; near the limit it is the median of several measurements of both, in
turn, by one process.
"""

import statistics
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from workbench.discovery.books.records import OK, Job, Outcome
from workbench.discovery.books.store import Store
from workbench.discovery.genome.canonical import program_id
from workbench.discovery.isolation import measure
from workbench.discovery.task import Task

FLAGGED = 20.0  # times the yardstick's CPU time
SUSPECT = FLAGGED / 5.0  # from here on both are measured again: the yardstick's time may be of another machine, or of a busy one
CERTAIN = FLAGGED * 25.0  # from here on nothing needs to be measured again
REPEATS = 3


class Yardstick:
    """The program whose time is the measure in a run; none, if the task names none.

    Attributes
    ----------
    source : str
        The program.
    reason : str
        What is said of a flagged program; how many times it is belongs to the clocks.
    """

    def __init__(self, store: Store, task: Task) -> None:
        self._store, self._task = store, task
        self._name: str | None = getattr(task, "yardstick", None)
        self.reason = f"takes more than {FLAGGED:g} times the CPU time of {self._name}; --flagged lets such programs in"

    @cached_property
    def source(self) -> str:
        """Return the program."""
        return self._task.canonical(self._task.known()[self._name]) if self._name is not None else ""

    @cached_property
    def _seconds(self) -> dict[str, float]:
        return self._store.seconds("known", program_id(self.source)) if self.source else {}

    def judge(self, job: Job, outcome: Outcome) -> bool | None:
        """Return whether a measured program is too slow; None: both must be measured again, by `compared`."""
        times = ratio(seconds_of(job, outcome), self._seconds) if outcome.status == OK else None
        if times is None or times <= SUSPECT:
            return False
        return True if times >= CERTAIN else None


def seconds_of(job: Job, outcome: Outcome) -> dict[str, float]:
    """Return the CPU seconds on the instances that count, by name."""
    return {t.instance: s for t, s in zip(job.trials, outcome.seconds, strict=False) if t.purpose == "score"}


def ratio(own: Mapping[str, float], reference: Mapping[str, float]) -> float | None:
    """Return how many times the yardstick's seconds a program took on the instances that both have; None without any."""
    both = [name for name in own if name in reference]
    whole = sum(reference[name] for name in both)
    return sum(own[name] for name in both) / whole if whole > 0.0 else None


def compared(jobs: tuple[Job, Job]) -> float:
    """Return the median of the ratios of two programs' CPU seconds, measured in turn by one process; 0 if one of them fails."""
    ratios = []
    for _ in range(REPEATS):
        found = []
        for job in jobs:
            job = replace(job, trials=tuple(replace(t, cutoff=None) for t in job.trials if t.purpose == "score"))
            outcome = measure(job)
            if outcome.status != OK:
                return 0.0
            found.append(seconds_of(job, outcome))
        ratios.append(ratio(found[0], found[1]) or 0.0)
    return statistics.median(ratios)
