"""The journal of a run: what its steps have brought, read from the store once, and written to it a step at a time."""

import time
from collections.abc import Mapping, Sequence

from workbench.discovery.books.records import OK, SLOW
from workbench.discovery.books.store import Evaluation, Step, Store, StoredProgram
from workbench.discovery.config import DiscoveryConfig
from workbench.discovery.population.ranking import rank
from workbench.discovery.population.view import Member
from workbench.discovery.task import Task
from workbench.runs.environment import package_version

ENGINE = f"gameplan {package_version('gameplan')}"  # evaluations by another version are done again
SEED = "seed"  # the operator of what the run starts from


class Journal:
    """All that is known of a run, in order of its steps.

    Attributes
    ----------
    store, config, task
        Of the run.
    steps : list of Step
        All so far.
    references : list of mapping
        Costs of the weak and the strong program that the ranking capped-log is measured by.
    idle : int
        Steps since the last evaluation or seed.
    """

    def __init__(self, store: Store, config: DiscoveryConfig, task: Task) -> None:
        self.store, self.config, self.task = store, config, task
        self.steps: list[Step] = []
        self.idle = 0
        self.references = _references(store, task)
        self._members: dict[int, Member] = {}  # by step
        self._programs: set[str] = set()
        self._smallest: dict[str, tuple[int, str]] = {}  # behaviour -> size and id of the smallest program that was measured
        self._values: dict[str, dict[str, float]] = {}
        self._hurdles: dict[str, float] = {}
        self._times = store.times()
        self._wall_before = self._times.get("wall", 0.0)
        self._opened = time.perf_counter()
        programs = {program.id: program for program in store.programs()}
        for evaluation in store.evaluations():
            self._take(evaluation)
        for step in store.steps():
            self._note(step, programs.get(step.program or ""))

    @property
    def counted(self) -> int:
        """Evaluations so far."""
        return self.steps[-1].counted if self.steps else 0

    def members(self) -> list[Member]:
        """Return all programs with a full score, in order of their steps."""
        return [self._members[n] for n in sorted(self._members)]

    def member(self, step: Step) -> Member | None:
        """Return the program with a full score that `step` has brought, if it has."""
        return self._members.get(step.n)

    def hurdle(self, step: Step) -> float | None:
        """Return what the program of `step` cost on the hurdle, if that was measured."""
        return self._hurdles.get(step.program or "")

    def holds(self, program: str) -> bool:
        """Return whether a step has brought the program with this id."""
        return program in self._programs

    def smallest(self, fingerprint: str) -> tuple[int, str] | None:
        """Return (size, id) of the smallest program that was measured and behaves so."""
        return self._smallest.get(fingerprint)

    def wall_seconds(self) -> float:
        """Return the seconds that the run has taken so far, breaks left out."""
        return self._wall_before + time.perf_counter() - self._opened

    def cpu_seconds(self) -> float:
        """Return the CPU seconds that candidates have used."""
        return sum(self._times.get(kind, 0.0) for kind in ("run", "compile", "recompile", "overhead"))

    def write(
        self,
        step: Step,
        program: StoredProgram | None,
        evaluations: Sequence[Evaluation] | None,
        clocks: Sequence[tuple[str, float, str]],
    ) -> Step:
        """Write the next step with all that belongs to it, in one transaction; return it with its count.

        `evaluations` are None if the program was not measured; `clocks` are (kind, seconds, instance).
        """
        counts = evaluations is not None and step.operator != SEED
        step = Step(**{**step.__dict__, "counted": self.counted + counts})
        with self.store.transaction():
            if program is not None:
                self.store.add_program(program)
            self.store.add_step(step)
            for evaluation in evaluations or ():
                self.store.add_evaluation(evaluation)
            for kind, seconds, instance in clocks:
                self.store.add_time(kind, seconds, n=step.n, program=program.id if program else "", instance=instance)
        for kind, seconds, _ in clocks:
            self._times[kind] = self._times.get(kind, 0.0) + seconds
        for evaluation in evaluations or ():
            self._take(evaluation)
        self._note(step, program)
        return step

    def close(self) -> None:
        """Write how long the run has taken since the journal was opened."""
        self.store.add_time("wall", time.perf_counter() - self._opened)

    def _take(self, evaluation: Evaluation) -> None:
        if evaluation.value is None or evaluation.seed != self.config.seed or evaluation.engine != ENGINE:
            return
        if evaluation.purpose == "hurdle":
            self._hurdles[evaluation.program] = evaluation.value
        elif evaluation.horizon == self.config.horizon and evaluation.instance in self.task.train:
            self._values.setdefault(evaluation.program, {})[evaluation.instance] = evaluation.value

    def _note(self, step: Step, program: StoredProgram | None) -> None:
        """Take a step that is in the store."""
        self.idle = 0 if step.counted > self.counted or step.operator == SEED else self.idle + 1
        self.steps.append(step)
        if program is None:
            return
        self._programs.add(program.id)
        if step.fingerprint and step.same_as is None:
            mine = program.size, program.id
            self._smallest[step.fingerprint] = min(mine, self._smallest.get(step.fingerprint, mine), key=lambda known: known[0])
        values = self._values.get(program.id, {})  # its own: no program has the costs of another
        scored = step.status == OK or (step.status == SLOW and self.config.flagged)
        if scored and all(name in values for name in self.task.train):
            self._members[step.n] = Member(
                program.id, program.source, program.size, program.structure, step.n, step.island, step.operator,
                {name: values[name] for name in self.task.train}, rank(self.config.ranking, values, self.references),
            )  # fmt: skip


def _references(store: Store, task: Task) -> list[Mapping[str, float]]:
    found = store.get("references") or {}
    names = getattr(task, "references", ())
    return [found[name] for name in names if name in found]
