"""Run directories: everything that a run leaves behind, safe against a crash at any byte.

config.json        the resolved configuration; with it and the program every result can be made again
program.py         the user's own rule, as it was when the run started (train.py, eval.py: meta-solvers; world.py, planner.py)
game.efg           the user's own game file, as it was then (game.nfg; levels.xsb: a file of levels)
lock.npz           the policy that a player was locked to (lock.json, lock.csv)
environment.json   versions, machine, commit, when it started
metrics.jsonl      one line an evaluation, without any clock
timing.jsonl       one line an evaluation: seconds, and a digest of the other line
checkpoint.safetensors   the solver's state, replaced as a whole
result.json        the record that ``--json`` prints
policy.npz, policy.json, policy.csv
.lock              who writes, while somebody does

What each file holds is in `workbench.runs.formats`. The configuration is written last of what a run starts with: a directory
without it holds no run, only, perhaps, what a killed process has left.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from games.errors import GameplanError, UnknownName, UsageError
from games.files import is_temporary, reason, write_atomically
from games.reading import Kind, anything, read_lines, read_record
from workbench.runs import formats, locks
from workbench.runs.checkpoints import encode_checkpoint, read_checkpoint
from workbench.runs.contents import stranger
from workbench.runs.formats import SCHEMA, check_schema, digest_of

CONFIG, ENVIRONMENT, RESULT = "config.json", "environment.json", "result.json"
METRICS, TIMING, CHECKPOINT = "metrics.jsonl", "timing.jsonl", "checkpoint.safetensors"
EPISODES, TURNS = "episodes.jsonl", "turns.jsonl"
PROGRESS = "progress.jsonl"  # of a data set
LEARNING = "learning.jsonl"  # of a training run
INITIAL = {"policy": "initial-policy.safetensors", "value": "initial-value.safetensors"}  # what it started from
LEARNED = {"policy": "learned-policy.safetensors", "value": "learned-value.safetensors"}  # what a planner uses
PROGRAMS = {  # copies of the user's own files
    "algo": "program.py", "train": "train.py", "eval": "eval.py", "env": "world.py", "planner": "planner.py",
    "method": "method.py", "evaluator": "evaluator.py",
}  # fmt: skip
GAME, LEVELS, LOCKED = "game", "levels", "lock"  # roles of files that are data
_DATA = {".efg": "game.efg", ".nfg": "game.nfg"}
_LOCKED = {".npz": "lock.npz", ".json": "lock.json", ".csv": "lock.csv"}
_START = (
    CONFIG,
    ENVIRONMENT,
    *PROGRAMS.values(),
    *_DATA.values(),
    *_LOCKED.values(),
    "levels.xsb",
    *INITIAL.values(),
    *LEARNED.values(),
)  # before the first line
_LINES = {METRICS: formats.METRIC, EPISODES: formats.EPISODE, PROGRESS: formats.PROGRESS, LEARNING: formats.LEARNING}
_CLOCKS = {"iteration": formats.TIME, "episode": formats.EPISODE_TIME, "update": formats.UPDATE_TIME}


class RunDirectory:
    """One run's directory; every file is replaced as a whole or grows by whole lines.

    `lasting` says that the run is there when the process has ended (see `workbench.runs.memory` for one that is not).
    """

    lasting = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made: list[Path] = []  # directories that were not there before

    @staticmethod
    def create(path: Path, *, force: bool = False) -> "RunDirectory":
        """Make an empty run directory at `path`; with `force` an earlier run there is removed first.

        What a process left that was killed before its run had a configuration is no run, and is removed as well.

        Raises
        ------
        UsageError
            If the directory exists and holds anything, and `force` is not set or it holds something else than a run.
        """
        run = RunDirectory(path)
        inside = _explain(path, lambda: _names(path))
        if inside and not _is_leftover(inside):
            if not force:
                raise UsageError(
                    f"{path} exists; choose another --out, say --force to replace it, or continue it with --resume {path}"
                )
            if CONFIG not in inside or run._is_foreign():
                raise UsageError(f"{path} is not a run directory, so --force does not remove it; choose another --out")
            if strange := _explain(path, lambda: stranger(path)):
                raise UsageError(f"{strange} is of no run, so --force does not remove {path}; move it, or choose another --out")
        run._made = [place for place in (path, *path.parents) if not place.exists()]
        _explain(path, lambda: path.mkdir(parents=True, exist_ok=True))
        if inside:
            with locks.writing(path):
                _explain(path, lambda: _empty(path))
        return run

    def _is_foreign(self) -> bool:
        """Return whether the configuration is another program's; one that is damaged is not."""
        try:
            found = read_record(self.path / CONFIG, anything, "")
        except GameplanError:
            return False
        return not isinstance(found, dict) or "schema" not in found

    @staticmethod
    def open(path: Path) -> "RunDirectory":
        """Return the existing run directory at `path`.

        Raises
        ------
        UsageError
            If there is none.
        """
        if not (path / CONFIG).is_file():
            raise UnknownName(
                str(path), "run", f"{path} is not a run directory: it has no {CONFIG}; 'gameplan runs list' shows what there is"
            )
        return RunDirectory(path)

    @contextmanager
    def writing(self, *, resume: bool) -> Iterator[None]:
        """Be the only one who writes to the directory while the block runs.

        A new run (not `resume`) that fails before its first line or checkpoint was written leaves nothing behind.

        Raises
        ------
        GameplanError
            If somebody else is writing; the message says who.
        UsageError
            If a new run finds one that was started in the meantime.
        """
        with locks.writing(self.path):
            if not resume and (self.path / CONFIG).exists():
                raise UsageError(f"{self.path} exists by now: another process has made it; choose another --out")
            for place in [place for place in self.path.rglob(".*") if is_temporary(place.name)]:  # also in folders of a run
                with suppress(OSError):
                    place.unlink()
            try:
                yield
            except BaseException:
                if not resume and not any(self._has_content(name) for name in (*_LINES, CHECKPOINT)):
                    for name in (*_START, TIMING, *_LINES):  # the configuration first: then it is no run any more
                        with suppress(OSError):
                            (self.path / name).unlink()
                raise

    def _has_content(self, name: str) -> bool:
        path = self.path / name
        return path.is_file() and path.stat().st_size > 0

    def start(self, config: Mapping[str, Any], environment: Mapping[str, Any], copies: Mapping[str, bytes] | None = None) -> None:
        """Write what a run starts with: `copies` of the user's files (name: content), environment, and last the configuration."""
        for name, content in (copies or {}).items():
            self.write(name, content)
        self.write_json(
            ENVIRONMENT, {"schema": SCHEMA, **environment, "started": datetime.now().astimezone().isoformat("T", "microseconds")}
        )
        self.write_json(CONFIG, config)

    def discard_if_empty(self) -> None:
        """Remove the directory if nothing was written: a run that could not start leaves nothing behind."""
        with suppress(OSError):
            for place in self._made or [self.path]:
                place.rmdir()

    def holds(self, name: str) -> bool:
        """Return whether there is a file `name`."""
        return (self.path / name).exists()

    def copy_of(self, name: str, original: Path) -> Path:
        """Return where the run keeps the copy `name` of the user's file `original`."""
        return self.path / name

    def write(self, name: str, content: bytes) -> None:
        """Replace the file `name` as a whole."""
        _explain(self.path / name, lambda: write_atomically(self.path / name, content))

    def write_json(self, name: str, record: Any) -> None:
        """Replace the file `name` by `record` as JSON."""
        self.write(name, (json.dumps(record, indent=2) + "\n").encode())

    def write_result(self, record: dict[str, Any]) -> None:
        """Keep the run's result; a digest is added to `record` in place."""
        record["digest"] = digest_of(record)
        self.write_json(RESULT, record)

    def read_json(self, name: str, kind: Kind | None = None) -> Any:
        """Return the JSON file `name`, which must be of `kind` (default: that of configurations or results), or None.

        Raises
        ------
        GameplanError
            If it cannot be read, holds something else (file, line, value, what is legal), was changed, or is of a newer version.
        """
        path = self.path / name
        if not path.exists():
            return None
        known = {CONFIG: formats.ANY_CONFIG, RESULT: formats.ANY_RESULT}
        mend = "remove it and resume the run" if name == RESULT else f"remove {self.path} and run again"
        advice = f"{name} is damaged: {mend}"

        def of_an_age(value: Any) -> None:
            if isinstance(value, dict) and "schema" in value:
                check_schema(path, value["schema"])

        found = read_record(path, kind or known.get(name, anything), advice, first=of_an_age)
        if name == RESULT and "digest" in found:
            told = found["digest"]
            if told != digest_of({key: value for key, value in found.items() if key != "digest"}):
                raise GameplanError(f"{path} was changed after it was written (its digest is another); {advice}")
        return found

    def append(self, name: str, record: dict[str, Any]) -> None:
        """Append one line to `name` and hand it to the operating system at once."""

        def write() -> None:
            line = (json.dumps(record) + "\n").encode()
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            # No link to another file, no pipe that nobody reads: whoever made the directory does not say where is written.
            handle = os.open(self.path / name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
            try:
                before = os.fstat(handle).st_size
                if os.write(handle, line) < len(line):  # the disk is full: half a line would be taken for a torn one
                    with suppress(OSError):
                        os.ftruncate(handle, before)
                    os.write(handle, line)  # says why
            finally:
                os.close(handle)

        _explain(self.path / name, write)

    def append_pair(self, name: str, record: dict[str, Any], timing: dict[str, Any], identity: Any) -> None:
        """Append `record` to `name`, and its `timing` with a digest of `record` and of the run's `identity` to ``timing.jsonl``."""
        self.append(name, record)
        self.append(TIMING, {**timing, "digest": digest_of(identity, record)})

    def read_lines(self, name: str, kind: Kind | None = None) -> list[dict[str, Any]]:
        """Return the whole lines of `name`, each of `kind` (default: that of the name); a last line cut off by a crash is left out.

        Raises
        ------
        GameplanError
            If a line holds something else than it should: file, line, value, what is legal.
        """
        path = self.path / name
        if not path.is_file():
            return []
        kind = kind or _LINES.get(name)
        if kind is None:
            kind = formats.UPDATE_TIME if (self.path / LEARNING).exists() else formats.TIME
            kind = formats.EPISODE_TIME if (self.path / EPISODES).exists() else kind
        return read_lines(path, kind, self._advice(name))

    def read_pairs(self, name: str, key: str, identity: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return the lines of `name` with their timing where both halves are there, in the order of `key`; of equals the first.

        Raises
        ------
        GameplanError
            If a line is damaged, or is not what was written for this run's `identity`.
        """
        clocks: dict[int, dict[str, Any]] = {}
        for clock in self.read_lines(TIMING, _CLOCKS[key]):
            clocks.setdefault(clock[key], clock)
        found: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        for number, line in enumerate(self.read_lines(name), 1):
            timing = clocks.get(line[key])
            if timing is None or line[key] in found:
                continue
            if "digest" in timing and timing["digest"] != digest_of(identity, line):
                raise GameplanError(
                    f"{self.path / name}, line {number}: {key} {line[key]} is not what was written for the run of "
                    f"{self.path / CONFIG} (its digest is another), so one of the two was changed; {self._advice(name)}"
                )
            found[line[key]] = (line, timing)
        return [found[place] for place in sorted(found)]

    def _advice(self, name: str) -> str:
        if name == EPISODES or (self.path / EPISODES).exists():
            return f"remove the line, then --resume {self.path} plays the episode again"
        return f"remove {self.path / CHECKPOINT}, then --resume {self.path} runs again from the start"

    def keep_lines(self, name: str, lines: Iterable[dict[str, Any]]) -> None:
        """Replace `name` by `lines`."""
        self.write(name, b"".join((json.dumps(line) + "\n").encode() for line in lines))

    def save_checkpoint(self, iteration: int, arrays: dict[str, np.ndarray], identity: Mapping[str, Any]) -> None:
        """Replace the checkpoint: the arrays, and a digest of them, the iteration, and the run that they belong to."""
        for name in (METRICS, LEARNING, TIMING):  # a checkpoint on disk stands for the lines before it
            _explain(self.path, lambda name=name: _sync(self.path / name))  # type: ignore[misc]
        self.write(CHECKPOINT, encode_checkpoint(iteration, arrays, identity))

    def load_checkpoint(self, identity: Mapping[str, Any]) -> tuple[int, dict[str, np.ndarray]] | None:
        """Return (iteration, arrays) of the checkpoint, or None if there is none.

        Raises
        ------
        GameplanError
            If it is damaged, or belongs to another run than that of this `identity`: what differs is named.
        """
        path = self.path / CHECKPOINT
        return read_checkpoint(path, identity) if path.exists() else None


def default_path(root: Path, game: str, algo: str, seed: int) -> Path:
    """Return an unused ``<root>/<date>-<game>-<algo>-s<seed>``; a number is added if need be."""
    stem = slug(f"{game}-{Path(algo).stem}")[:80].strip("_")
    base = root / f"{date.today().isoformat()}-{stem}-s{seed}"
    path, number = base, 1
    while path.exists():
        number += 1
        path = base.with_name(f"{base.name}-{number}")
    return path


def copy_name(role: str, name: str) -> str:
    """Return what the copy of the user's file `name` is called that a run directory keeps for its `role`."""
    if role in PROGRAMS or role in LEARNED:
        return {**PROGRAMS, **LEARNED}[role]
    return "levels.xsb" if role == LEVELS else (_LOCKED if role == LOCKED else _DATA)[Path(name).suffix.lower()]


def slug(name: str) -> str:
    """Return `name` as a part of a directory's name: in characters of one byte, so that its length is known."""
    return "".join(c if (c.isascii() and c.isalnum()) or c in "+-_" else "_" for c in name)


def _explain(path: Path, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except OSError as error:
        raise GameplanError(
            f"cannot write to {path}: {reason(error)}; choose another place with --out or make room, "
            "then continue with --resume if the run had started"
        ) from error


def _names(path: Path) -> list[str]:
    """Return what is in the directory `path`, nothing if it does not exist; a file counts as itself."""
    if not path.exists():
        return []
    return [place.name for place in path.iterdir()] if path.is_dir() else [path.name]


def _is_leftover(names: list[str]) -> bool:
    """Return whether a directory with these `names` is what a killed process leaves that had not yet begun."""
    others = [name for name in names if not is_temporary(name) and name != locks.LOCK]
    return CONFIG not in others and (not others or (locks.LOCK in names and set(others) <= {*_START, TIMING, *_LINES}))


def _empty(path: Path) -> None:
    """Remove all but the lock; the configuration last, so that what a kill leaves is a run still."""
    places = [place for place in path.iterdir() if place.name != locks.LOCK]
    for place in sorted(places, key=lambda place: place.name == CONFIG):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()


def _sync(path: Path) -> None:
    if path.is_file():
        with open(path, "rb") as stream:
            os.fsync(stream.fileno())


@contextmanager
def blamed(run: RunDirectory | None) -> Iterator[None]:
    """Say of a name or number that is not possible that the configuration of `run` has it; without a run the user has.

    Raises
    ------
    GameplanError
        In place of a UsageError.
    """
    try:
        yield
    except UsageError as error:
        if run is None:
            raise
        raise GameplanError(f"{run.path / CONFIG}: {error}") from error
