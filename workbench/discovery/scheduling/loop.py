"""The loop: propose, examine, measure, keep. Steps enter the store by number, so any number of workers writes the same run.

It names no operator and no task. A step that ends is written in one transaction; a run that was killed goes on after its last step,
proposes again what had been under way, and ends like one that was never stopped.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

from games.errors import GameplanError
from workbench.discovery.books.journal import ENGINE, Journal
from workbench.discovery.books.store import Step, Store
from workbench.discovery.config import DiscoveryConfig
from workbench.discovery.population.view import Operator
from workbench.discovery.scheduling.precaution import Precaution
from workbench.discovery.scheduling.proposing import Proposer
from workbench.discovery.scheduling.sifting import LOST, Sieve
from workbench.discovery.scheduling.underway import Slot
from workbench.discovery.task import Task

GIVE_UP = 3  # steps in a row that lost their processes: it is not the programs
STALLED = 2000  # steps in a row without an evaluation: the operators have nothing new to offer
PATIENCE = 10.0  # seconds without a step after which is said what is waited for; then twice as many, and so on
DONE, INTERRUPTED, STUCK = "done", "interrupted", "stalled"


class Discovery:
    """A run of the loop over an open store.

    Parameters
    ----------
    executor : Executor
        Runs `examine` and `measure`; the result does not depend on it.
    operators : mapping
        By the names that the configuration gives weights to.

    Attributes
    ----------
    journal : Journal
        What is known of the run.
    """

    def __init__(
        self, store: Store, config: DiscoveryConfig, task: Task, executor: Executor, operators: Mapping[str, Operator]
    ) -> None:
        self.journal, precaution = Journal(store, config, task), Precaution(store)
        self._config = config
        self._proposer = Proposer(self.journal, operators, precaution)
        self._sieve = Sieve(self.journal, executor, precaution)
        self._slots: dict[int, Slot] = {}
        self._exhausted = False  # nothing more may be proposed
        self._lost = 0  # steps in a row whose processes were lost

    def run(
        self,
        *,
        stop: Callable[[], bool] = lambda: False,
        on_step: Callable[[Step, Journal], None] = lambda step, journal: None,
        say: Callable[[str], None] = lambda text: None,
    ) -> str:
        """Go on until a budget is spent; return "done", "interrupted" or "stalled". `say` hears what is waited for long."""
        status = DONE
        self._since, self._patience = time.monotonic(), PATIENCE
        try:
            while not self._over():
                if stop():
                    status = INTERRUPTED
                    break
                if self.journal.idle >= STALLED:
                    status = STUCK
                    break
                self._fill()
                if not self._sieve.advance(self._slots):
                    self._wait()
                    self._tell(say)
                while self._steps_ready():
                    on_step(self._commit(), self.journal)
                    self._since, self._patience = time.monotonic(), PATIENCE
                    if self._over():
                        break
        finally:
            self.journal.close()
            self._proposer.close()
            for slot in self._slots.values():
                for future in (slot.examined, slot.measured, slot.paced):
                    if future is not None:
                        future.cancel()
        return status

    def _over(self) -> bool:
        config, journal = self._config, self.journal
        if len(journal.steps) < len(config.seeds):
            return False
        if config.evals is not None and journal.counted >= config.evals:
            return True
        if config.wall_seconds is not None and journal.wall_seconds() >= config.wall_seconds:
            return True
        if config.cpu_seconds is not None and journal.cpu_seconds() >= config.cpu_seconds:
            return True
        return self._exhausted and not self._slots

    def _fill(self) -> None:
        """Begin steps until as many are under way as may be; those after the seeds when all seeds have ended."""
        done, seeds = len(self.journal.steps), len(self._config.seeds)
        n = done + len(self._slots)
        while n - done < self._config.window and (n < seeds or done >= seeds):
            slot = self._proposer.begin(n, self._slots.values())
            if slot is None:
                self._exhausted = True
                return
            self._slots[n] = slot
            n += 1

    def _steps_ready(self) -> bool:
        slot = self._slots.get(len(self.journal.steps))
        return slot is not None and slot.step is not None

    def _commit(self) -> Step:
        """Write the next step with all that belongs to it."""
        slot = self._slots.pop(len(self.journal.steps))
        assert slot.step is not None
        step = self.journal.write(slot.step, slot.row, slot.evaluations(self._config.seed, ENGINE), slot.clocks)
        self._lost = self._lost + 1 if step.status == LOST else 0
        if self._lost >= GIVE_UP:
            raise GameplanError(
                f"step {step.n}: {step.reason}; so did {GIVE_UP - 1} before it: look after the machine, then resume"
            )
        return step

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
        say(slot.waiting(self._sieve.job(slot).limits if slot.row is not None else None))
