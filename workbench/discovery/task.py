"""The seam of a task: what is evolved, how a candidate runs, and how its answer is scored."""

import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from games.errors import UnknownName, UsageError, did_you_mean
from games.plugins import TASK, expanded, known_names
from workbench.catalogue.shipped import TASKS

Answer = dict[str, np.ndarray]  # plain float64 or int64 arrays; nothing else crosses the border of a sandbox


class BadAnswer(Exception):
    """A candidate's answer is of the wrong shape, not finite, or otherwise no answer; the message says why."""


class Hurdle(NamedTuple):
    """A cheap first trial: the candidate must be better than the `share` best-to-worst quantile of the population on it."""

    instance: str
    horizon: int
    share: float


class Task(Protocol):
    """A task. `train` and `held_out` name instances in order of cost; `measure` names what is minimised, such as "exploitability".

    A *structure* is a program with its tunable constants taken out: programs of equal structure are compiled once.
    """

    name: str
    train: tuple[str, ...]
    held_out: tuple[str, ...]
    horizon: int
    hurdle: Hurdle | None
    measure: str

    def seeds(self) -> Mapping[str, str]:
        """Return the programs to start from: name -> source; the first is the default seed."""

    def known(self) -> Mapping[str, str]:
        """Return the published programs for comparison: name -> source."""

    def problems(self, source: str) -> list[str]:
        """Return what the static check finds, each in one line naming the place; nothing is executed."""

    def canonical(self, source: str) -> str:
        """Return the source in normal form (comments, spacing and dead code aside), which the program's id is made of."""

    def split(self, source: str) -> tuple[str, dict[str, float]]:
        """Return structure and constants of a checked source."""

    def prepare(self, structure: str) -> Any:
        """In the candidate's process: import or compile the structure and return what `run` needs.

        A program that does more than define things when it is imported is not taken apart: then this is its whole source, and
        `run` gets no constants.
        """

    def fingerprint(self, source: str, seed: int) -> np.ndarray:
        """In the candidate's process: return the program's behaviour on inputs drawn from `seed`, without compiling.

        Equal fingerprints spare measuring a program that would be no member anyhow; what they are equal on is not a proof.
        """

    def run(self, program: Any, constants: Mapping[str, float], instance: str, horizon: int, seed: int) -> Answer:
        """In the candidate's process: let the prepared program work on an instance and return its answer."""

    def score(self, instance: str, horizon: int, seed: int, answer: Answer) -> float:
        """Outside the candidate's process: check the answer and return its cost.

        Raises
        ------
        BadAnswer
            If it is none.
        """

    def warm(self, instances: Sequence[str]) -> None:
        """Load instances and compile all that does not depend on candidates, before any of them runs."""


_named: set[str] = set()  # folders of the tasks that somebody has named


def name_task(name: str) -> None:
    """Note that the command line, or the program that uses us, names the task `name`: it may run as the user."""
    _named.add(str(Path(expanded(TASK, name, TASKS)).resolve()))


def check_task(name: str, run: Path) -> None:
    """Check that the task `name`, which the discovery `run` records, may run as the user: it is shipped, or was named.

    Raises
    ------
    UsageError
        If it may not.
    """
    if name not in TASKS and str(Path(name).resolve()) not in _named:
        raise UsageError(
            f"the run in {run} is of a task of its own, {name}, which runs as you only if you name it: --task {name} after the verb"
        )


def find_task(name: str) -> Task:
    """Return the task called `name`, shipped or a folder with a ``task.py`` that defines ``TASK``.

    Raises
    ------
    UsageError
        If there is none.
    """
    name = expanded(TASK, name, TASKS)
    if name in TASKS:
        found: Task = importlib.import_module(f"workbench.discovery.tasks.{name.replace('-', '_')}.task").TASK
        return found
    path = Path(name) / "task.py"
    if not path.is_file():
        raise UnknownName(
            name,
            TASK,
            f"unknown task {name!r}{did_you_mean(name, known_names(TASK, TASKS))}; legal are "
            f"{', '.join(known_names(TASK, TASKS))} and a folder with a task.py",
        )
    key = f"gameplan_task_{abs(hash(str(path.resolve())))}"
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[key] = module
        spec.loader.exec_module(module)
    made: Task = sys.modules[key].TASK
    return made
