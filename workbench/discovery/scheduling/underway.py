"""A step under way."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from workbench.discovery.books.records import Limits, Outcome, Proposal, Trial
from workbench.discovery.books.store import Step, StoredProgram


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
    asks: bool = False  # a language model
    began: float = field(default_factory=time.monotonic)
    step: Step | None = None  # once it is decided
    trials: tuple[Trial, ...] = ()
    clocks: list[tuple[str, float, str]] = field(default_factory=list)
    retries: int = 0

    def waiting(self, limits: Limits | None) -> str:
        """Return what is waited for, and when that ends."""
        so_far = f"{time.monotonic() - self.began:.0f} s so far"
        if limits is None or self.row is None or not isinstance(self.proposal, Proposal):
            return f"step {self.n} waits for an answer, {so_far}"
        name = self.proposal.detail.get("name") or self.row.id
        doing = "measured" if self.measured else "examined"
        return f"step {self.n} waits for {name} to be {doing}, {so_far}; it is ended after {limits.cpu_seconds:.0f} CPU seconds"
