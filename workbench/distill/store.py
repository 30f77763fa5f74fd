"""What a data set is while it grows: files that only get longer, and a journal that says how long each is after every game.

<split>.jsonl            one line an example: {"messages": [system, user, assistant]}
metadata/<split>.jsonl   one line an example: its number there, key, group, phase, origin, tokens, judgement, facts
progress.jsonl           one line a game: what was accepted and rejected so far, and the sizes of all files

What stands beyond the sizes of the last whole line of the journal was written by a process that was killed, and is cut off.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from games.errors import GameplanError
from games.files import reason
from games.reading import parse_json
from workbench.distill.config import SPLITS
from workbench.runs.directory import PROGRESS, RunDirectory
from workbench.runs.formats import PROGRESS as LINE

METADATA = "metadata"
FILES = tuple(name for split in SPLITS for name in (f"{split}.jsonl", f"{METADATA}/{split}.jsonl"))


class Store:
    """The growing files of a data set in `run`, open for appending; `accepted` and `rejected` count by phase and by reason."""

    def __init__(self, run: RunDirectory) -> None:
        self.run, self.games = run, 0
        self.accepted: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.lines: Counter[str] = Counter()
        self.idle: Counter[str] = Counter()  # games in a row without a new position, by phase
        self.keys: set[int] = set()
        self.groups: dict[int, str] = {}
        self._pending: dict[str, list[str]] = {name: [] for name in FILES}
        self._sizes = dict.fromkeys(FILES, 0)
        self._recover()
        self._handles = {name: self._open(name) for name in FILES}

    def _open(self, name: str) -> int:
        path = self.run.path / name
        try:
            path.parent.mkdir(exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            os.ftruncate(handle, self._sizes[name])
            os.lseek(handle, 0, os.SEEK_END)
        except OSError as error:
            raise self._refused(path, error) from error
        return handle

    def _refused(self, path: Path, error: OSError) -> GameplanError:
        return GameplanError(
            f"cannot write to {path}: {reason(error)}; make room, then continue with: gameplan distill --resume {self.run.path}"
        )

    def _recover(self) -> None:
        """Take up what the last line of the journal says, of those whose files are as long as they say."""
        lines = self.run.read_lines(PROGRESS, LINE)
        found = {name: self._size(name) for name in FILES}
        whole = [line for line in lines if all(found[name] >= line["sizes"].get(name, 0) for name in FILES)]
        if len(whole) < len(lines):
            self.run.keep_lines(PROGRESS, whole)
        elif (self.run.path / PROGRESS).exists():
            self.run.keep_lines(PROGRESS, lines)  # without a last line that was cut off
        if not whole:
            return
        last = whole[-1]
        self.games = last["games"]
        self._sizes |= last["sizes"]
        for name in ("accepted", "rejected", "lines", "idle"):
            getattr(self, name).update(last[name])
        for split in SPLITS:
            for entry in self.metadata(split):
                self.keys.add(int(entry["key"], 16))
                self.groups[int(entry["group"], 16)] = split

    def _size(self, name: str) -> int:
        with suppress(OSError):
            return (self.run.path / name).stat().st_size
        return 0

    def metadata(self, split: str) -> Iterator[dict[str, Any]]:
        """Yield the lines of the side-car of a split, those that count."""
        yield from read_jsonl(self.run.path / METADATA / f"{split}.jsonl", self._sizes[f"{METADATA}/{split}.jsonl"])

    def add(self, split: str, messages: Any, entry: dict[str, Any]) -> None:
        """Add an example; it is written by the next `commit`."""
        entry = {"line": self.lines[split], **entry}
        self.lines[split] += 1
        self._pending[f"{split}.jsonl"].append(json.dumps({"messages": list(messages)}, ensure_ascii=False))
        self._pending[f"{METADATA}/{split}.jsonl"].append(json.dumps(entry, ensure_ascii=False))

    def commit(self) -> None:
        """Write what was added, then the line of the journal that makes it count."""
        for name, lines in self._pending.items():
            if lines:
                data = "".join(f"{line}\n" for line in lines).encode()
                self._write(name, data)
                self._sizes[name] += len(data)
                lines.clear()
        counts = {name: dict(getattr(self, name)) for name in ("accepted", "rejected", "lines", "idle")}
        self.run.append(PROGRESS, {"games": self.games, **counts, "sizes": self._sizes})

    def _write(self, name: str, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._handles[name], view) :]
        except OSError as error:
            raise self._refused(self.run.path / name, error) from error

    def sync(self) -> None:
        """Wait until the disk has everything."""
        for name, handle in self._handles.items():
            try:
                os.fsync(handle)
            except OSError as error:
                raise self._refused(self.run.path / name, error) from error

    def close(self) -> None:
        """Close the files."""
        for handle in self._handles.values():
            with suppress(OSError):
                os.close(handle)


def read_jsonl(path: Path, size: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON lines, one line in memory at a time; only the first `size` bytes, if given.

    Raises
    ------
    GameplanError
        For a line that is none, with its number.
    """
    if size == 0:
        return
    place = 0
    try:
        with open(path, "rb") as stream:
            for number, line in enumerate(stream, 1):
                value = parse_json(line, path, number)
                if not isinstance(value, dict):
                    raise GameplanError(f"{path}, line {number}: is no JSON object")
                yield value
                place += len(line)
                if place == size:
                    return
    except OSError as error:
        raise GameplanError(f"cannot read {path}: {reason(error)}") from error
