"""What an operator sees of a run: the programs known when it is asked, and how parents are drawn from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from workbench.discovery.books.records import Proposal
from workbench.discovery.task import Task


@dataclass(frozen=True)
class Member:
    """A program with a full score: `values` are its costs on the training instances, `score` the run's ranking (higher is better).

    `n` is the step at which it came, `failures` are the messages of children that went wrong, latest last.
    """

    id: str
    source: str
    size: int
    structure: str
    n: int
    island: int
    operator: str
    values: Mapping[str, float]
    score: float
    children: int = 0
    failures: tuple[str, ...] = ()


class View(Protocol):
    """The run as it stood a fixed number of steps before step `n`, so that any number of processes sees the same."""

    @property
    def n(self) -> int:
        """The step for which a proposal is asked."""

    @property
    def task(self) -> Task:
        """The task."""

    @property
    def members(self) -> Sequence[Member]:
        """All programs with a full score, in order of their steps; seeds first."""

    @property
    def seeds(self) -> Sequence[Member]:
        """The programs that the run started from."""

    def parent(self, rng: np.random.Generator) -> Member:
        """Draw a parent as the run's selection says."""

    def best(self) -> Member:
        """Return the member with the highest score; of equal ones the smallest, then the earliest."""

    def trail(self, operator: str) -> Sequence["Trace"]:
        """Return all that this operator has proposed so far and what became of it, in order (also failures)."""


@dataclass(frozen=True)
class Trace:
    """What became of an earlier proposal."""

    n: int
    detail: Mapping[str, object] = field(default_factory=dict)
    status: str = ""
    score: float | None = None


class Operator(Protocol):
    """Makes programs. `slow` ones (a model behind an endpoint) are asked in threads, several at once; others one by one."""

    name: str
    slow: bool

    def propose(self, view: View, rng: np.random.Generator) -> Proposal:
        """Return a new program; all that is random comes from `rng`, which is a function of the run's seed and ``view.n``."""
