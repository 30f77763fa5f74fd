"""How a step begins: a seed, or an operator drawn by weight that sees the run as it stood `window` steps before."""

from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from games.errors import GameplanError
from workbench.discovery.books.journal import SEED, Journal
from workbench.discovery.books.records import Proposal, Trial, rejected
from workbench.discovery.books.text import fault
from workbench.discovery.population.selection import Population
from workbench.discovery.population.view import Operator
from workbench.discovery.scheduling.budgets import may_propose
from workbench.discovery.scheduling.precaution import Fault, Precaution
from workbench.discovery.scheduling.underway import Slot


class Proposer:
    """Begins the steps of a run, in order; slow operators are asked in threads."""

    def __init__(self, journal: Journal, operators: Mapping[str, Operator], precaution: Precaution) -> None:
        self._journal, self._config, self._task = journal, journal.config, journal.task
        self._operators, self._precaution = dict(operators), precaution
        self._population = Population(self._task, self._config)
        self._absorbed = 0
        self._threads = ThreadPoolExecutor(max(1, self._config.window), thread_name_prefix="operator")

    def begin(self, n: int, under_way: Collection[Slot]) -> Slot | None:
        """Return step `n` at its beginning, or None if nothing more may be proposed.

        Raises
        ------
        GameplanError
            If there is nothing to start from.
        """
        config = self._config
        slot = Slot(n, n % config.islands)
        if n < len(config.seeds):
            return self._seed(slot, config.seeds[n])
        while self._absorbed <= max(len(config.seeds) - 1, n - config.window):
            step = self._journal.steps[self._absorbed]
            self._population.absorb(step, self._journal.member(step), self._journal.hurdle(step))
            self._absorbed += 1
        view = self._population.snapshot(n)
        if not view.members:
            raise GameplanError(f"no seed has a score, so there is nothing to start from: {self._why_no_seed()}")
        rng = np.random.default_rng([config.seed, n])
        names = may_propose(
            config, sorted(self._operators), self._journal.steps, self._absorbed, [slot.operator for slot in under_way]
        )
        if not names:
            return None
        slot.trials = self._trials(cutoffs=True)
        weights = np.array([config.operators[name] for name in names], np.float64)
        slot.operator = names[rng.choice(len(names), p=weights / weights.sum())]
        operator = self._operators[slot.operator]
        if operator.slow:
            slot.proposal = self._threads.submit(operator.propose, view, rng)
            return slot
        try:
            slot.proposal = self._precaution.do(n, lambda: operator.propose(view, rng))
        except Fault as error:
            slot.proposal = _nothing(slot, str(error))
        return slot

    def close(self) -> None:
        """Wait for no answer any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _seed(self, slot: Slot, name: str) -> Slot:
        store = self._journal.store
        programs = {**self._task.known(), **self._task.seeds(), **(store.get("imported") or {})}
        if name not in programs:
            raise store.damaged(f"it has no program for the seed {name!r}")
        slot.operator = SEED
        slot.proposal = Proposal(programs[name], SEED, (), {"name": name})
        slot.trials = self._trials(cutoffs=False)
        return slot

    def _trials(self, *, cutoffs: bool) -> tuple[Trial, ...]:
        limits = self._population.cutoffs() if cutoffs else {}
        hurdle = self._task.hurdle
        first = [] if hurdle is None else [
            Trial(hurdle.instance, hurdle.horizon, self._population.hurdle() if cutoffs else None, "hurdle")
        ]  # fmt: skip
        return (*first, *(Trial(name, self._config.horizon, limits.get(name)) for name in self._task.train))

    def _why_no_seed(self) -> str:
        step = self._journal.steps[0]
        return f"{step.detail.get('name', step.program)}: {step.status}: {step.reason or 'no reason'}; see 'gameplan evolve list'"


def answered(slot: Slot, proposal: Future[Proposal]) -> Proposal:
    """Return what an operator in a thread has proposed; what it could not make of an answer is a proposal without a program."""
    try:
        return proposal.result()
    except GameplanError:  # there is nobody to ask, or no right to
        raise
    except Exception as error:
        return _nothing(slot, fault(error))


def _nothing(slot: Slot, why: str) -> Proposal:
    return Proposal("", slot.operator, (), {}, rejected("operator"), why)
