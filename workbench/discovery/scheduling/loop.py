"""The loop: propose, examine, measure, keep. Steps enter the store by number, so any number of workers writes the same run.

It names no operator and no task. A step that ends is written in one transaction; a run that was killed goes on after its last step,
proposes again what had been under way, and ends like one that was never stopped.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

import numpy as np

from games.errors import GameplanError
from workbench.discovery.books.records import INFRA, OK, Job, Outcome, Proposal, Trial, failed, rejected
from workbench.discovery.books.store import Evaluation, Step, Store, StoredProgram, program_row
from workbench.discovery.books.text import fault, storable
from workbench.discovery.config import LANGUAGE, DiscoveryConfig
from workbench.discovery.isolation import examine, measure
from workbench.discovery.operators.catalogue import make_operator
from workbench.discovery.population.ranking import rank
from workbench.discovery.population.selection import Population
from workbench.discovery.population.view import Member, Operator
from workbench.discovery.scheduling import pace
from workbench.discovery.scheduling.budgets import may_ask, only_questions
from workbench.discovery.scheduling.precaution import Fault, Precaution
from workbench.discovery.scheduling.underway import Slot
from workbench.discovery.task import Task
from workbench.runs.environment import package_version

ENGINE = f"gameplan {package_version('gameplan')}"  # evaluations by another version are done again
RETRIES = 2  # of a measurement whose process was lost
GIVE_UP = 3  # steps in a row that lost their processes: it is not the programs
STALLED = 2000  # steps in a row without an evaluation: the operators have nothing new to offer
PROMPTS = "prompts"  # the folder of a run with its editable prompt templates
SEED = "seed"  # the operator of what the run starts from
LOST = failed("lost")
PATIENCE = 10.0  # seconds without a step after which is said what is waited for; then twice as many, and so on
DONE, INTERRUPTED, STUCK = "done", "interrupted", "stalled"


class Discovery:
    """A run of the loop over an open store.

    Parameters
    ----------
    executor : Executor
        Runs `examine` and `measure`; the result does not depend on it.
    operators : mapping, optional
        In place of those that the configuration names.
    """

    def __init__(
        self, store: Store, config: DiscoveryConfig, task: Task, executor: Executor, operators: Mapping[str, Operator]
    ) -> None:
        self.store, self.config, self.task = store, config, task
        self._executor = executor
        self._operators = dict(operators)
        self._threads = ThreadPoolExecutor(max(1, config.window), thread_name_prefix="operator")
        self._population = Population(task, config)
        self._steps: list[Step] = []
        self._members: dict[int, Member] = {}  # by step
        self._by_id: dict[str, int] = {}  # program -> the step that brought it
        self._smallest: dict[str, tuple[int, str]] = {}  # behaviour -> size and id of the smallest program that was measured
        self._values: dict[str, dict[str, float]] = {}
        self._hurdles: dict[str, float] = {}
        self._absorbed = 0
        self._exhausted = False  # nothing more may be proposed
        self._lost = 0  # steps in a row whose processes were lost
        self._precaution = Precaution(store)
        self._yardstick = pace.Yardstick(store, task)
        self._slots: dict[int, Slot] = {}
        self._times = store.times()
        self._wall_before = self._times.get("wall", 0.0)
        self._last_counted = 0
        self._started = time.perf_counter()
        self.references = _references(store, task)
        programs = {program.id: program for program in store.programs()}
        for evaluation in store.evaluations():
            self._take(evaluation)
        for step in store.steps():
            self._note(step, programs.get(step.program or ""))

    @property
    def counted(self) -> int:
        """Evaluations so far."""
        return self._steps[-1].counted if self._steps else 0

    @property
    def steps(self) -> list[Step]:
        """Return all steps so far."""
        return self._steps

    def members(self) -> list[Member]:
        """Return all programs with a full score, in order of their steps."""
        return [self._members[n] for n in sorted(self._members)]

    def run(
        self,
        *,
        stop: Callable[[], bool] = lambda: False,
        on_step: Callable[[Step, "Discovery"], None] = lambda step, run: None,
        say: Callable[[str], None] = lambda text: None,
    ) -> str:
        """Go on until a budget is spent; return "done", "interrupted" or "stalled". `say` hears what is waited for long."""
        status = DONE
        self._typical = _typical(self.store)
        self._since, self._patience = time.monotonic(), PATIENCE
        try:
            while not self._over():
                if stop():
                    status = INTERRUPTED
                    break
                if len(self._steps) - self._last_counted > STALLED:
                    status = STUCK
                    break
                self._fill()
                if not self._advance():
                    self._wait()
                    self._tell(say)
                while self._steps_ready():
                    on_step(self._commit(), self)
                    self._since, self._patience = time.monotonic(), PATIENCE
                    if self._over():
                        break
        finally:
            self.store.add_time("wall", time.perf_counter() - self._started)
            self._threads.shutdown(wait=False, cancel_futures=True)
            for slot in self._slots.values():
                for future in (slot.examined, slot.measured, slot.paced):
                    if future is not None:
                        future.cancel()
        return status

    # what was seen so far

    def _take(self, evaluation: Evaluation) -> None:
        if evaluation.value is None or evaluation.seed != self.config.seed or evaluation.engine != ENGINE:
            return
        if evaluation.purpose == "hurdle":
            self._hurdles[evaluation.program] = evaluation.value
        elif evaluation.horizon == self.config.horizon and evaluation.instance in self.task.train:
            self._values.setdefault(evaluation.program, {})[evaluation.instance] = evaluation.value

    def _note(self, step: Step, program: StoredProgram | None) -> None:
        """Take a step that is in the store."""
        if step.counted > self.counted or step.operator == "seed":
            self._last_counted = step.n
        self._steps.append(step)
        if program is None:
            return
        self._by_id.setdefault(program.id, step.n)
        if step.fingerprint and step.same_as is None:
            mine = program.size, program.id
            self._smallest[step.fingerprint] = min(mine, self._smallest.get(step.fingerprint, mine), key=lambda known: known[0])
        values = self._values.get(program.id, {})  # its own: no program has the costs of another
        scored = step.status == OK or (step.status == pace.STATUS and self.config.flagged)
        if scored and all(name in values for name in self.task.train):
            self._members[step.n] = Member(
                program.id, program.source, program.size, program.structure, step.n, step.island, step.operator,
                {name: values[name] for name in self.task.train}, rank(self.config.ranking, values, self.references),
            )  # fmt: skip

    def _over(self) -> bool:
        config = self.config
        if len(self._steps) < len(config.seeds):
            return False
        if config.evals is not None and self.counted >= config.evals:
            return True
        if config.wall_seconds is not None and self.wall_seconds() >= config.wall_seconds:
            return True
        if config.cpu_seconds is not None and self.cpu_seconds() >= config.cpu_seconds:
            return True
        return self._exhausted and not self._slots

    def wall_seconds(self) -> float:
        """Return the seconds that the run has taken so far, breaks left out."""
        return self._wall_before + time.perf_counter() - self._started

    def cpu_seconds(self) -> float:
        """Return the CPU seconds that candidates have used."""
        return sum(self._times.get(kind, 0.0) for kind in ("run", "compile", "recompile", "overhead"))

    # steps under way

    def _fill(self) -> None:
        n = len(self._steps) + len(self._slots)
        seeds = len(self.config.seeds)
        while n - len(self._steps) < self.config.window and (n < seeds or len(self._steps) >= seeds) and self._start(n):
            n += 1

    def _start(self, n: int) -> bool:
        """Begin step `n`, if there is anything to propose."""
        config = self.config
        if n < len(config.seeds):
            slot = self._slots[n] = Slot(n, n % config.islands)
            name = config.seeds[n]
            programs = {**self.task.known(), **self.task.seeds(), **(self.store.get("imported") or {})}
            if name not in programs:
                raise self.store.damaged(f"it has no program for the seed {name!r}")
            slot.proposal = Proposal(programs[name], SEED, (), {"name": name})
            slot.trials = self._trials(cutoffs=False)
            return True
        while self._absorbed <= max(len(config.seeds) - 1, n - config.window):
            step = self._steps[self._absorbed]
            self._population.absorb(step, self._members.get(step.n), self._hurdles.get(step.program or ""))
            self._absorbed += 1
        view = self._population.snapshot(n)
        if not view.members:
            raise GameplanError(f"no seed has a score, so there is nothing to start from: {self._why_no_seed()}")
        rng = np.random.default_rng([config.seed, n])
        names = self._names(n)
        if not names:
            self._exhausted = True
            return False
        slot = self._slots[n] = Slot(n, n % config.islands)
        slot.trials = self._trials(cutoffs=True)
        weights = np.array([config.operators[name] for name in names], np.float64)
        name = names[rng.choice(len(names), p=weights / weights.sum())]
        operator, slot.asks = self._operators[name], name == LANGUAGE
        if operator.slow:
            slot.proposal = self._threads.submit(operator.propose, view, rng)
            return True
        try:
            slot.proposal = self._precaution.do(n, lambda: operator.propose(view, rng))
        except Fault as error:
            slot.proposal = Proposal("", name, (), {}, rejected("operator"), str(error))
        return True

    def _names(self, n: int) -> list[str]:
        """Return the operators that may propose step `n`: a function of the steps before, not of what is under way."""
        names = sorted(self._operators)
        if LANGUAGE not in names:
            return names
        later = self._steps[self._absorbed :]
        under_way = sum(step.operator == LANGUAGE for step in later) + sum(slot.asks for slot in self._slots.values())
        if may_ask(self.config, self._steps[: self._absorbed], under_way):
            return names
        return [] if only_questions(self.config) else [name for name in names if name != LANGUAGE]

    def _why_no_seed(self) -> str:
        step = self._steps[0]
        return f"{step.detail.get('name', step.program)}: {step.status}: {step.reason or 'no reason'}; see 'gameplan evolve list'"

    def _trials(self, *, cutoffs: bool) -> tuple[Trial, ...]:
        limits = self._population.cutoffs() if cutoffs else {}
        hurdle = self.task.hurdle
        first = [] if hurdle is None else [
            Trial(hurdle.instance, hurdle.horizon, self._population.hurdle() if cutoffs else None, "hurdle")
        ]  # fmt: skip
        return (*first, *(Trial(name, self.config.horizon, limits.get(name)) for name in self.task.train))

    def _job(self, slot: Slot) -> Job:
        assert slot.row is not None
        scale = self.config.horizon / self.task.horizon
        limits = self.config.limits(chosen=slot.n < len(self.config.seeds), scale=scale, typical=self._typical)
        return Job(self.config.task, slot.row.source, slot.trials, self.config.seed, limits, self.config.sandbox)

    def _advance(self) -> bool:
        """Move every slot as far as it can go; whether any moved."""
        moved = False
        for n in sorted(self._slots):
            slot = self._slots[n]
            if isinstance(slot.proposal, Future) and slot.proposal.done():
                slot.proposal = self._answered(slot.proposal)
                moved = True
            if isinstance(slot.proposal, Proposal) and slot.examined is None and slot.step is None:
                self._check(slot, slot.proposal)
                moved = True
        for n in sorted(self._slots):  # decisions in order: what comes later may be the same program
            slot = self._slots[n]
            if slot.step is None and slot.measured is None:
                if slot.examined is None or not slot.examined.done():
                    break
                self._decide(slot, slot.examined.result())
                moved = True
        for slot in self._slots.values():
            if slot.step is not None or slot.measured is None or not slot.measured.done():
                continue
            if slot.paced is None:
                self._finish(slot, slot.measured.result())
                moved = True
            elif slot.paced.done():
                self._close(slot, slot.measured.result(), slow=slot.paced.result() > pace.FLAGGED)
                moved = True
        return moved

    @staticmethod
    def _answered(proposal: Future[Proposal]) -> Proposal:
        """Return what an operator in a thread has proposed; what it could not make of an answer is a proposal without a program."""
        try:
            return proposal.result()
        except GameplanError:  # there is nobody to ask, or no right to
            raise
        except Exception as error:
            return Proposal("", LANGUAGE, (), {}, rejected("operator"), fault(error))

    def _check(self, slot: Slot, proposal: Proposal) -> None:
        """Look at a proposal without running it."""
        if proposal.status != OK:
            self._end(slot, proposal.status, proposal.reason)
            return
        try:
            found = self._precaution.do(slot.n, lambda: self._admitted(proposal.source))
        except (Fault, GameplanError) as error:
            found = str(error)
        if isinstance(found, str):
            self._end(slot, rejected("check"), found)
            return
        slot.row = found
        slot.examined = self._executor.submit(examine, self._job(slot))

    def _admitted(self, source: str) -> StoredProgram | str:
        """Return the program in normal form, or what is wrong with it."""
        problems = self.task.problems(source)
        if problems:
            return "; ".join(problems)
        row = program_row(self.task, self.task.canonical(source))
        return row if storable(row.source) == row.source else "the program is no text that can be kept: too long, or not Unicode"

    def _decide(self, slot: Slot, outcome: Outcome) -> None:
        """Let a program that has been examined through to measuring, unless it is known or failed."""
        slot.clocks.append(("overhead", outcome.overhead_seconds, ""))
        if outcome.status == INFRA:
            self._retry(slot, outcome, examine)
            return
        if outcome.status != OK:
            self._end(slot, outcome.status, outcome.reason)
            return
        same = self._earlier(slot, outcome.fingerprint)
        if same is not None:
            self._end(slot, rejected("duplicate"), f"behaves like {same}", outcome.fingerprint, same)
            return
        slot.measured = self._executor.submit(measure, self._job(slot))

    def _earlier(self, slot: Slot, fingerprint: str) -> str | None:
        """Return the program that spares measuring this one: itself, or one that behaves so and is no larger.

        Equal behaviour is no proof, so no costs are copied: what is spared has no score. A smaller program is measured itself, and
        so is what the user has chosen.
        """
        assert slot.row is not None
        if slot.row.id in self._by_id:
            return slot.row.id
        before = [self._slots[n] for n in sorted(self._slots) if n < slot.n]
        same = [(0, o.row.id) for o in before if o.row is not None and o.row.id == slot.row.id]
        if slot.n >= len(self.config.seeds):
            same += [self._smallest[fingerprint]] if fingerprint in self._smallest else []
            same += [(o.row.size, o.row.id) for o in before if o.row is not None and self._is_measured(o, fingerprint)]
        smallest = min(same, key=lambda known: known[0], default=None)  # whichever of them have been written already
        return smallest[1] if smallest is not None and smallest[0] <= slot.row.size else None

    @staticmethod
    def _is_measured(slot: Slot, fingerprint: str) -> bool:
        """Whether a step under way, which has been decided, is measured and behaves so."""
        examined = slot.examined.result() if slot.examined is not None and slot.examined.done() else None
        return slot.measured is not None and examined is not None and examined.fingerprint == fingerprint

    def _finish(self, slot: Slot, outcome: Outcome) -> None:
        if outcome.status == INFRA:
            self._retry(slot, outcome, measure)
            return
        slot.clocks.append(("compile" if outcome.compiled else "recompile", outcome.compile_seconds, ""))
        slot.clocks.append(("overhead", outcome.overhead_seconds, ""))
        slot.clocks += [("run", seconds, trial.instance) for trial, seconds in zip(slot.trials, outcome.seconds, strict=False)]
        slow = self._yardstick.judge(self._job(slot), outcome)
        if slow is None:
            job = self._job(slot)
            slot.paced = self._executor.submit(pace.compared, (job, replace(job, source=self._yardstick.source)))
        else:
            self._close(slot, outcome, slow=slow)

    def _close(self, slot: Slot, outcome: Outcome, *, slow: bool) -> None:
        """End a step that was measured."""
        status, why = (pace.STATUS, self._yardstick.reason) if slow else (outcome.status, outcome.reason)
        self._end(slot, status, why, slot.examined.result().fingerprint if slot.examined else "")

    def _retry(self, slot: Slot, outcome: Outcome, work: Callable[[Job], Outcome]) -> None:
        if slot.retries >= RETRIES:
            self._end(slot, LOST, f"{outcome.reason}; tried {RETRIES + 1} times")
            return
        slot.retries += 1
        future = self._executor.submit(work, self._job(slot))
        if work is examine:
            slot.examined = future
        else:
            slot.measured = future

    def _end(self, slot: Slot, status: str, reason: str, fingerprint: str = "", same_as: str | None = None) -> None:
        proposal = slot.proposal
        assert isinstance(proposal, Proposal)
        how = (proposal.operator, slot.island, proposal.parents, proposal.detail)
        slot.step = Step(slot.n, slot.row.id if slot.row else None, *how, status, reason, fingerprint, same_as, 0)

    def _steps_ready(self) -> bool:
        slot = self._slots.get(len(self._steps))
        return slot is not None and slot.step is not None

    def _commit(self) -> Step:
        """Write the next step with all that belongs to it."""
        slot = self._slots.pop(len(self._steps))
        assert slot.step is not None
        outcome = slot.measured.result() if slot.measured is not None else None
        counts = outcome is not None and slot.step.operator != "seed"
        step = Step(**{**slot.step.__dict__, "counted": self.counted + counts})
        program = slot.row
        evaluations = self._evaluations(slot, outcome) if outcome is not None else []
        with self.store.transaction():
            if program is not None:
                self.store.add_program(program)
            self.store.add_step(step)
            for evaluation in evaluations:
                self.store.add_evaluation(evaluation)
            for kind, seconds, instance in slot.clocks:
                self.store.add_time(kind, seconds, n=step.n, program=program.id if program else "", instance=instance)
        for kind, seconds, _ in slot.clocks:
            self._times[kind] = self._times.get(kind, 0.0) + seconds
        for evaluation in evaluations:
            self._take(evaluation)
        self._note(step, program)
        self._lost = self._lost + 1 if step.status == LOST else 0
        if self._lost >= GIVE_UP:
            raise GameplanError(
                f"step {step.n}: {step.reason}; so did {GIVE_UP - 1} before it: look after the machine, then resume"
            )
        return step

    def _evaluations(self, slot: Slot, outcome: Outcome) -> list[Evaluation]:
        assert slot.row is not None
        made = [
            Evaluation(slot.row.id, trial.instance, trial.horizon, self.config.seed, trial.purpose, ENGINE, value, OK)
            for trial, value in zip(slot.trials, outcome.values, strict=False)
        ]
        return made

    def _wait(self) -> None:
        waiting: list[Future[Any]] = []
        for slot in self._slots.values():
            future = slot.proposal if isinstance(slot.proposal, Future) else slot.paced or slot.measured or slot.examined
            if slot.step is None and future is not None and not future.done():
                waiting.append(future)
        wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)

    def _tell(self, say: Callable[[str], None]) -> None:
        """Say what is waited for, at longer and longer intervals."""
        if time.monotonic() - self._since < self._patience:
            return
        self._patience *= 2.0
        slot = next(slot for _, slot in sorted(self._slots.items()) if slot.step is None)
        say(slot.waiting(self._job(slot).limits if slot.row is not None else None))


def _typical(store: Store) -> float | None:
    """Return the median CPU seconds of the published programs; None if there are none."""
    found = store.seconds_by_program("known").values()
    return statistics.median(found) if found else None


def _references(store: Store, task: Task) -> list[Mapping[str, float]]:
    """Return the costs of the weak and the strong program that the ranking capped-log is measured by."""
    found = store.get("references") or {}
    names = getattr(task, "references", ())
    return [found[name] for name in names if name in found]


def open_operators(store: Store, config: DiscoveryConfig) -> dict[str, Operator]:
    """Return the operators that the configuration names; language models write to the store what they were asked and answered."""
    made: dict[str, Operator] = {}
    for name in config.operators:
        if name != LANGUAGE:
            made[name] = make_operator(name)
            continue
        from workbench.discovery.operators.language.operator import make

        made[name] = make(config.language, record=store.add_call, recall=store.call, templates=store.path / PROMPTS)
    return made
