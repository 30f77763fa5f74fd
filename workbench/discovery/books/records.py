"""The records that travel between the loop, its operators, the store, and the processes that run candidates."""

from dataclasses import dataclass, field
from typing import Any

OK, TIMEOUT, MEMORY, INFRA = "ok", "timeout", "memory", "infra"
SLOW = "flagged:slow"  # measured, and takes far more time than the yardstick


def rejected(reason: str) -> str:
    """Return the status of a program that the funnel turned away, such as "rejected:duplicate"."""
    return f"rejected:{reason}"


def failed(kind: str) -> str:
    """Return the status of a program that went wrong, such as "error:ZeroDivisionError"."""
    return f"error:{kind}"


@dataclass(frozen=True)
class Proposal:
    """A new program as an operator proposes it.

    `parents` are program ids; `detail` says how it was made (JSON: mutation, prompt, drawn slots ...). An operator that has nothing
    to offer gives an empty source, a `status` other than "ok" and a `reason`.
    """

    source: str
    operator: str
    parents: tuple[str, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    status: str = OK
    reason: str = ""


@dataclass(frozen=True)
class Limits:
    """What one candidate may use: CPU and wall seconds (compiling included), and bytes beyond those of the engine."""

    cpu_seconds: float = 30.0
    wall_seconds: float = 60.0
    memory: int = 1 << 30


@dataclass(frozen=True)
class Trial:
    """One measurement: an instance, after how many iterations (or games ...), and above which value the rest is not run.

    Values are costs: positive, lower is better.
    """

    instance: str
    horizon: int
    cutoff: float | None = None
    purpose: str = "score"  # or "hurdle"


@dataclass(frozen=True)
class Job:
    """What is asked of a process that runs candidates; the answer is a pure function of it (times aside).

    `task` is a catalogue name or the path of a folder; `trials` are run in this order until one fails its cutoff; `sandbox` is
    "auto" or "none".
    """

    task: str
    source: str
    trials: tuple[Trial, ...] = ()
    seed: int = 0
    limits: Limits = Limits()
    sandbox: str = "auto"


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    `values` has a cost for every finished trial, in order (a failed cutoff included); `fingerprint` is a text that equal programs
    share. `seconds` and what follows are clocks and do not belong to the result: CPU seconds a trial, seconds of compiling,
    seconds that isolation added, and whether the program's structure had to be compiled.
    """

    status: str
    reason: str = ""
    fingerprint: str = ""
    values: tuple[float, ...] = ()
    seconds: tuple[float, ...] = ()
    compile_seconds: float = 0.0
    overhead_seconds: float = 0.0
    compiled: bool = False
    level: str = ""  # of isolation
