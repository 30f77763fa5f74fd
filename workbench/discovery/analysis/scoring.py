"""Costs of given programs on given trials, outside the loop: taken from the store where they are known, measured where not."""

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from workbench.discovery.books.journal import ENGINE
from workbench.discovery.books.records import INFRA, MEMORY, OK, TIMEOUT, Job, Limits, Outcome, Trial
from workbench.discovery.books.store import Evaluation, Store, StoredProgram, program_row
from workbench.discovery.config import GENEROUS, PATIENCE
from workbench.discovery.isolation import measure
from workbench.discovery.scheduling.sifting import RETRIES
from workbench.discovery.task import Task
from workbench.engines.jobs import run_jobs

LIMITS = Limits(cpu_seconds=900.0, wall_seconds=3600.0)  # of one program on all trials, where no costs are known to go by
LEAST = 60.0  # CPU seconds that a program may take at least: of compiling nothing is known
UNSTABLE = (TIMEOUT, MEMORY, INFRA)  # depend on the machine: shown, never kept

Place = tuple[str, int]  # instance and horizon


@dataclass
class Scorer:
    """Where costs come from.

    Parameters
    ----------
    task : str
        Name of the task, as in a configuration.
    executor : Executor
        Runs `measure`; threads are enough, since each of them owns a process that runs candidates.
    store : Store, optional
        Where costs are looked up and kept, under `purpose`.
    stop : callable
        Asked several times a second; when it says so, KeyboardInterrupt is raised, and what has finished is kept.
    """

    task: str
    executor: Executor
    seed: int = 0
    sandbox: str = "auto"
    limits: Limits = LIMITS
    store: Store | None = None
    purpose: str = "verify"
    stop: Callable[[], bool] = lambda: False
    known: dict[tuple[str, str, int], Evaluation] = field(default_factory=dict)
    fresh: bool = False  # whether only costs measured for the same purpose are taken from the store
    levels: set[str] = field(default_factory=set)  # of isolation that were in force
    seconds: float = 0.0  # of CPU, compiling included
    seen: dict[Place, list[float]] = field(default_factory=dict)  # CPU seconds that programs have taken

    def __post_init__(self) -> None:
        for found in self.store.evaluations(self.purpose if self.fresh else None) if self.store else ():
            if found.seed == self.seed and found.engine == ENGINE:
                self.known[found.program, found.instance, found.horizon] = found

    def costs(
        self,
        programs: Sequence[StoredProgram],
        places: Sequence[Place],
        tell: Callable[[str], None] = lambda program: None,
    ) -> dict[str, dict[Place, Evaluation]]:
        """Return what every program costs at every place, by id; `tell` hears the ids of programs that are done.

        A trial that fails does not keep the others from running.
        """
        by_source = {program.source: program for program in programs}
        lost: Counter[str] = Counter()
        waiting = list(by_source.values())
        while waiting:
            jobs = []
            for program in waiting:
                missing = self._missing(program, places)
                if missing:
                    jobs.append(self._job(program.source, missing))
                else:
                    tell(program.id)
            waiting = []
            for job, outcome in run_jobs(self.executor, measure, jobs, self.stop):
                if isinstance(outcome, BaseException):
                    raise outcome
                program = by_source[job.source]
                lost[program.id] += outcome.status == INFRA
                self._keep(program, job, outcome, final=lost[program.id] > RETRIES)
                if self._missing(program, places):
                    waiting.append(program)
                else:
                    tell(program.id)
        return {p.id: {place: self.known[p.id, *place] for place in places} for p in programs}

    def _missing(self, program: StoredProgram, places: Sequence[Place]) -> list[Place]:
        return [place for place in places if (program.id, *place) not in self.known]

    def _job(self, source: str, places: Sequence[Place]) -> Job:
        trials = tuple(Trial(instance, horizon, None, self.purpose) for instance, horizon in places)
        return Job(self.task, source, trials, self.seed, self._limits(places), self.sandbox)

    def _limits(self, places: Sequence[Place]) -> Limits:
        """Return what a program may use: no more than some times the median of those before it, at the same places."""
        if not all(self.seen.get(place) for place in places):
            return self.limits
        typical = sum(statistics.median(self.seen[place]) for place in places)
        seconds = min(self.limits.cpu_seconds, max(LEAST, GENEROUS * typical))
        return replace(self.limits, cpu_seconds=seconds, wall_seconds=min(self.limits.wall_seconds, PATIENCE * seconds))

    def _keep(self, program: StoredProgram, job: Job, outcome: Outcome, *, final: bool) -> None:
        """Keep the costs that came back and, if the program failed, that it did in the trial after them."""
        self.levels.add(outcome.level)
        self.seconds += outcome.compile_seconds + sum(outcome.seconds)
        for trial, seconds in zip(job.trials, outcome.seconds[: len(outcome.values)], strict=False):
            self.seen.setdefault((trial.instance, trial.horizon), []).append(seconds)
        found: list[tuple[float | None, str, str]] = [(value, OK, "") for value in outcome.values]
        if len(found) < len(job.trials) and (outcome.status != INFRA or final):
            found.append((None, outcome.status if outcome.status != OK else "error:no value", outcome.reason))
        made = [
            Evaluation(program.id, trial.instance, trial.horizon, self.seed, self.purpose, ENGINE, *result)
            for trial, result in zip(job.trials, found, strict=False)
        ]
        self.known.update({(e.program, e.instance, e.horizon): e for e in made})
        if self.store is not None:
            with self.store.transaction():
                self.store.add_program(program)
                for evaluation in made:
                    if evaluation.status not in UNSTABLE:
                        self.store.add_evaluation(evaluation)


def stored(task: Task, source: str) -> StoredProgram:
    """Return the record of a program from any source of it."""
    return program_row(task, task.canonical(source))


def values_at(costs: Mapping[Place, Evaluation], instances: Sequence[str], horizon: int) -> dict[str, float] | None:
    """Return the costs on these instances after `horizon`, or None if the program failed on one."""
    found = {name: costs[name, horizon].value for name in instances}
    return None if None in found.values() else {name: value for name, value in found.items() if value is not None}
