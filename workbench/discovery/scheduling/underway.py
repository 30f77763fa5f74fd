"""A step under way."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from workbench.discovery.books.records import OK, Limits, Outcome, Proposal, Trial
from workbench.discovery.books.store import Evaluation, Step, StoredProgram


@dataclass
class Slot:
    """A step under way."""

    n: int
    island: int
    proposal: Future[Proposal] | Proposal | None = None
    row: StoredProgram | None = None  # once it has passed the check
    examined: Future[Outcome] | None = None
    measured: Future[Outcome] | None = None
    paced: Future[float] | None = None
    operator: str = ""  # that proposes, or proposed
    began: float = field(default_factory=time.monotonic)
    step: Step | None = None  # once it is decided
    trials: tuple[Trial, ...] = ()
    clocks: list[tuple[str, float, str]] = field(default_factory=list)
    retries: int = 0

    def evaluations(self, seed: int, engine: str) -> list[Evaluation] | None:
        """Return what was measured in the step, None if it was not."""
        if self.measured is None or self.row is None:
            return None
        return [
            Evaluation(self.row.id, trial.instance, trial.horizon, seed, trial.purpose, engine, value, OK)
            for trial, value in zip(self.trials, self.measured.result().values, strict=False)
        ]

    def waiting(self, limits: Limits | None) -> str:
        """Return what is waited for, and when that ends."""
        so_far = f"{time.monotonic() - self.began:.0f} s so far"
        if limits is None or self.row is None or not isinstance(self.proposal, Proposal):
            return f"step {self.n} waits for an answer, {so_far}"
        name = self.proposal.detail.get("name") or self.row.id
        doing = "measured" if self.measured else "examined"
        return f"step {self.n} waits for {name} to be {doing}, {so_far}; it is ended after {limits.cpu_seconds:.0f} CPU seconds"
