"""A run that leaves nothing on the disk: what a run directory holds, in memory, for as long as somebody wants it."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from games.reading import Kind
from workbench.runs.directory import CONFIG, ENVIRONMENT, RESULT, TIMING, RunDirectory

NOWHERE = Path("(in memory)")  # stands for the directory in messages


class RunMemory(RunDirectory):
    """What `RunDirectory` keeps, without files: this process has written it, so nothing is digested and nothing is checked again.

    Attributes
    ----------
    files : dict
        Name -> content of what is written as a whole.
    lines : dict
        Name -> lines of what grows.
    records : dict
        Name -> record: configuration, environment, result.
    """

    lasting = False

    def __init__(self) -> None:
        super().__init__(NOWHERE)
        self.files: dict[str, bytes] = {}
        self.lines: dict[str, list[dict[str, Any]]] = {}
        self.records: dict[str, Any] = {}
        self._checkpoint: tuple[int, dict[str, np.ndarray]] | None = None

    @contextmanager
    def writing(self, *, resume: bool) -> Iterator[None]:
        """Be the only one who writes, as nobody else can."""
        yield

    def start(self, config: Mapping[str, Any], environment: Mapping[str, Any], copies: Mapping[str, bytes] | None = None) -> None:
        """Keep what a run starts with."""
        self.files |= copies or {}
        self.records |= {ENVIRONMENT: dict(environment), CONFIG: dict(config)}

    def discard_if_empty(self) -> None:
        """There is nothing to remove."""

    def holds(self, name: str) -> bool:
        """Return whether something called `name` was written."""
        return name in self.files or name in self.lines or name in self.records

    def copy_of(self, name: str, original: Path) -> Path:
        """Return the user's file itself: there is no other."""
        return original

    def write(self, name: str, content: bytes) -> None:
        """Replace `name` as a whole."""
        self.files[name] = content

    def write_json(self, name: str, record: Any) -> None:
        """Replace the record `name`."""
        self.records[name] = copy.deepcopy(record)

    def write_result(self, record: dict[str, Any]) -> None:
        """Keep the run's result."""
        self.records[RESULT] = copy.deepcopy(record)

    def read_json(self, name: str, kind: Kind | None = None) -> Any:
        """Return the record `name`, or None."""
        return copy.deepcopy(self.records.get(name))

    def append(self, name: str, record: dict[str, Any]) -> None:
        """Append one line to `name`."""
        self.lines.setdefault(name, []).append(record)

    def append_pair(self, name: str, record: dict[str, Any], timing: dict[str, Any], identity: Any) -> None:
        """Append `record` to `name`, and its `timing` to that of the run."""
        self.append(name, record)
        self.append(TIMING, timing)

    def read_lines(self, name: str, kind: Kind | None = None) -> list[dict[str, Any]]:
        """Return the lines of `name`."""
        return list(self.lines.get(name, ()))

    def keep_lines(self, name: str, lines: Iterable[dict[str, Any]]) -> None:
        """Replace `name` by `lines`."""
        self.lines[name] = list(lines)

    def save_checkpoint(self, iteration: int, arrays: dict[str, np.ndarray], identity: Mapping[str, Any]) -> None:
        """Replace the checkpoint by a copy of the arrays."""
        self._checkpoint = iteration, {name: np.array(array) for name, array in arrays.items()}

    def load_checkpoint(self, identity: Mapping[str, Any]) -> tuple[int, dict[str, np.ndarray]] | None:
        """Return (iteration, arrays) of the checkpoint, or None if there is none."""
        if self._checkpoint is None:
            return None
        iteration, arrays = self._checkpoint
        return iteration, {name: array.copy() for name, array in arrays.items()}
