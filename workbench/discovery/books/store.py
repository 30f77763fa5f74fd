"""The store of a discovery: one SQLite file, one writer, append-only. Populations and rankings are queries over it.

All but the table ``timing`` is a function of the configuration: a run that was killed and resumed ends with the same rows.
"""

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from games.errors import GameplanError, UnknownName, UsageError
from games.reading import Kind, Mismatch, anything, parse_json
from workbench.discovery.books.schema import FORMAT, KEYS, LARGEST, MOST, NAMES, OBJECT, ROWS, TABLES, Shapes, shapes, shapes_in
from workbench.discovery.books.text import storable
from workbench.discovery.genome.canonical import program_id, size
from workbench.discovery.task import Task

FILE = "discovery.sqlite"
CLOCKS = ("timing",)


@dataclass(frozen=True)
class Step:
    """One place of the run: what was proposed and what became of it."""

    n: int
    program: str | None
    operator: str
    island: int
    parents: tuple[str, ...]
    detail: dict[str, Any]
    status: str
    reason: str
    fingerprint: str
    same_as: str | None
    counted: int


@dataclass(frozen=True)
class Evaluation:
    """A program's cost on one instance after one horizon; value None: it failed."""

    program: str
    instance: str
    horizon: int
    seed: int
    purpose: str
    engine: str
    value: float | None
    status: str
    reason: str = ""


@dataclass(frozen=True)
class StoredProgram:
    """A program: its id, canonical source, size in syntax nodes, and the hash of its structure."""

    id: str
    source: str
    size: int
    structure: str


def program_row(task: Task, source: str) -> StoredProgram:
    """Return the row of a program whose `source` is canonical."""
    structure = hashlib.sha256(task.split(source)[0].encode()).hexdigest()[:16]
    return StoredProgram(program_id(source), source, size(source), structure)


class Store:
    """A discovery's store; a directory with one SQLite file. `transaction` groups what belongs together."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection
        self._lock = threading.RLock()  # questions to language models are written by the threads that ask them

    @classmethod
    def create(cls, path: Path, config: dict[str, Any]) -> "Store":
        """Make the directory `path` with an empty store that holds `config`.

        Raises
        ------
        UsageError
            If there is something already.
        """
        try:
            taken = path.exists() and (not path.is_dir() or any(path.iterdir()))
            if not taken:
                path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GameplanError(f"cannot make {path}: {error.strerror}; choose another --out") from error
        if taken:
            raise UsageError(f"{path} exists and is not empty; choose another --out")
        store = cls(path, _connect(path / FILE, new=True))
        with store.transaction():
            for statement in TABLES.split(";\n"):
                if statement.strip():
                    store._do(statement)
            store.set("format", FORMAT)
            store.set("config", config)
        return store

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Open the store in the directory `path`; nothing in it is run or followed.

        Raises
        ------
        UsageError
            If there is none.
        GameplanError
            If it is damaged, has tables of other shapes, or was written by another version.
        """
        file = path / FILE
        if file.is_symlink() or not file.is_file():
            raise UnknownName(str(path), "discovery", f"{path} is not a discovery; 'gameplan evolve new' makes one")
        store = cls(path, _connect(file))
        faults = store._do("pragma quick_check(1)")
        if faults != [("ok",)]:
            raise store.damaged(str(faults[0][0]) if faults else "no content")
        if store._schema() != shapes():
            raise store.damaged("its tables are not those of a discovery")
        version = store.get("format")
        if version != FORMAT:
            raise GameplanError(
                f"{file} has format {version}; this version reads {FORMAT}: it was made by another gameplan; use that"
            )
        if store.get("config") is None:
            raise store.damaged("it has no configuration")
        return store

    def damaged(self, what: str) -> GameplanError:
        """Return the error that says what is wrong with the file."""
        said = " ".join(what.split())[:400]
        return GameplanError(f"{self.path / FILE} is damaged: {said}; go back to a copy of it, or begin a new run")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything inside, or nothing."""
        with self._lock:
            self._do("begin immediate")
            try:
                yield
                self._do("commit")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("rollback")
                raise

    def get(self, key: str) -> Any:
        """Return what `set` has stored under `key`, or None."""
        rows = self._read("run", "where key = ?", (key,))
        return self._json(rows[0][1], f"the entry {key!r}", KEYS.get(key, anything)) if rows else None

    def set(self, key: str, value: Any) -> None:
        """Store a JSON value under `key`."""
        self._insert("run", (key, json.dumps(value, sort_keys=True)), "insert or replace")

    def add_program(self, program: StoredProgram) -> None:
        """Keep a program, once."""
        self._insert("program", (program.id, program.source, program.size, program.structure), "insert or ignore")

    def add_step(self, step: Step) -> None:
        """Append a step."""
        parents, detail = json.dumps(list(step.parents)), json.dumps(step.detail, sort_keys=True)
        self._insert("step", (
            step.n, step.program, step.operator, step.island, parents, detail, step.status, step.reason, step.fingerprint,
            step.same_as, step.counted,
        ))  # fmt: skip

    def add_evaluation(self, e: Evaluation) -> None:
        """Keep an evaluation, once: evaluations are functions of their key."""
        row = (e.program, e.instance, e.horizon, e.seed, e.purpose, e.engine, e.value, e.status, e.reason)
        self._insert("evaluation", row, "insert or ignore")

    def add_call(self, n: int, attempt: int, call: Mapping[str, Any]) -> None:
        """Keep a question to a language model: model, request, reply, status, tokens_in, tokens_out, cost."""
        keys = ("model", "request", "reply", "status", "tokens_in", "tokens_out", "cost")
        self._insert("llm_call", (n, attempt, *(call[k] for k in keys)), "insert or replace")

    def call(self, n: int, attempt: int) -> dict[str, Any] | None:
        """Return a question that was kept, or None."""
        found = self._records("llm_call", "where n = ? and attempt = ?", (n, attempt))
        return found[0] if found else None

    def add_time(
        self, kind: str, seconds: float, *, n: int | None = None, program: str = "", instance: str = "", horizon: int = 0
    ) -> None:
        """Keep a clock reading, which is no part of the result."""
        self._insert("timing", (n, program, instance, horizon, kind, seconds))

    def add_event(self, kind: str, data: dict[str, Any]) -> None:
        """Append to the log of what happened to the run as a whole."""
        self._insert("event", (None, kind, json.dumps(data, sort_keys=True)))

    def add_look(self, programs: list[str], instances: list[str], horizons: list[int]) -> None:
        """Record that held-out instances were looked at."""
        self._insert("look", (None, *map(json.dumps, (programs, instances, horizons))))

    def programs(self) -> list[StoredProgram]:
        """Return all programs in order of their first step."""
        first: dict[str, int] = {}
        for row in self._read("step", "order by n"):
            first.setdefault(row[1], row[0])
        last = len(first)
        found = [self._program(row) for row in self._read("program", "order by id")]
        return sorted(found, key=lambda program: (first.get(program.id, last), program.id))

    def program(self, prefix: str) -> StoredProgram:
        """Return the program whose id begins with `prefix`.

        Raises
        ------
        UsageError
            If there is none or more than one.
        """
        found = self._read("program", "where substr(id, 1, ?) = ? order by id limit 2", (len(prefix), prefix)) if prefix else []
        if len(found) != 1:
            raise UsageError(
                f"{'no' if not found else 'more than one'} program {prefix!r} in {self.path}; 'gameplan evolve list' shows them"
            )
        return self._program(found[0])

    def steps(self, after: int = -1) -> list[Step]:
        """Return the steps with a larger number than `after`, in order."""
        made = []
        for place, r in enumerate(self._read("step", "where n > ? order by n", (after,)), after + 1):
            if r[0] != place:
                raise self.damaged(f"step {place} is missing")
            parents = self._json(r[4], f"the parents of step {place}", NAMES)
            detail = self._json(r[5], f"the detail of step {place}", OBJECT)
            made.append(Step(r[0], r[1], r[2], r[3], tuple(parents), detail, *r[6:]))
        return made

    def evaluations(self, purpose: str | None = None) -> list[Evaluation]:
        """Return the evaluations (made for `purpose`) in a fixed order."""
        order = "order by program, instance, horizon, seed, engine"
        rows = self._read("evaluation", *((order,) if purpose is None else (f"where purpose = ? {order}", (purpose,))))
        return [Evaluation(*row) for row in rows]

    def calls(self) -> list[dict[str, Any]]:
        """Return the questions to language models, in order."""
        return self._records("llm_call", "order by n, attempt")

    def events(self) -> list[dict[str, Any]]:
        """Return what happened to the run as a whole."""
        return self._loaded("event", ("data",))

    def looks(self) -> list[dict[str, Any]]:
        """Return how often and with what the held-out instances were looked at."""
        return self._loaded("look", ("programs", "instances", "horizons"))

    def times(self) -> dict[str, float]:
        """Return the seconds spent, by kind."""
        found: dict[str, float] = {}
        for row in self._read("timing", "order by kind, rowid"):
            found[row[4]] = found.get(row[4], 0.0) + row[5]
        return found

    def seconds(self, kind: str, program: str) -> dict[str, float]:
        """Return the latest clock readings of one kind and program, by instance."""
        return {
            row[2] or "": row[5] for row in self._read("timing", "where kind = ? and program = ? order by rowid", (kind, program))
        }

    def seconds_by_program(self, kind: str) -> dict[str, float]:
        """Return the sum of clock readings of one kind, by program."""
        found: dict[str, float] = {}
        for row in self._read("timing", "where kind = ? order by rowid", (kind,)):
            found[row[1] or ""] = found.get(row[1] or "", 0.0) + row[5]
        return found

    # the border: what goes in is made storable, what comes out is checked

    def _do(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement and return its rows.

        Raises
        ------
        GameplanError
            If it cannot be done, in one line.
        """
        try:
            with self._lock:
                return self._db.execute(
                    statement, tuple(storable(v, LARGEST) if isinstance(v, str) else v for v in values)
                ).fetchall()
        except sqlite3.Error as error:
            raise _explained(self.path / FILE, error) from error
        except OverflowError as error:
            raise GameplanError(f"a number is too large for {self.path / FILE}") from error

    def _insert(self, name: str, row: Sequence[Any], how: str = "insert") -> None:
        """Write a row, its texts storable and no longer than their columns hold."""
        kinds = ROWS[name].values()
        values = [storable(v, MOST.get(k, LARGEST)) if isinstance(v, str) else v for k, v in zip(kinds, row, strict=True)]
        self._do(f"{how} into {name} values ({', '.join('?' * len(values))})", values)

    def _read(self, name: str, rest: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return rows of the table `name`, each column of its kind."""
        columns = ROWS[name]
        rows = self._do(f"select {', '.join(columns)} from {name} {rest}", values)
        for row in rows:
            try:
                for (column, kind), value in zip(columns.items(), row, strict=True):
                    kind(value, column)
            except Mismatch as error:
                raise self.damaged(f"in a row of the table {name}, {error}") from error
        return rows

    def _records(self, name: str, rest: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        return [dict(zip(ROWS[name], row, strict=True)) for row in self._read(name, rest, values)]

    def _loaded(self, name: str, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Return the rows of a numbered table with the JSON in these columns."""
        return [
            {**row, **{c: self._json(row[c], f"{c} of {name} {row['number']}", anything) for c in columns}}
            for row in self._records(name, "order by number")
        ]

    def _json(self, content: str, what: str, kind: Kind) -> Any:
        try:
            value = parse_json(content, what)
            kind(value, what)
        except (Mismatch, GameplanError) as error:
            raise self.damaged(str(error)) from error
        return value

    def _program(self, row: tuple[Any, ...]) -> StoredProgram:
        """Return a program whose id is that of its source."""
        made = StoredProgram(*row)
        if made.id != program_id(made.source):
            raise self.damaged(f"the program {made.id} is not what its id says")
        return made

    def _schema(self) -> Shapes:
        return shapes_in(self._do("select type, name, sql from sqlite_master"))


def _connect(path: Path, *, new: bool = False) -> sqlite3.Connection:
    try:
        place = path.absolute().as_uri()
        if new:
            db = sqlite3.connect(f"{place}?mode=rwc", uri=True, isolation_level=None, check_same_thread=False)
            db.execute("pragma journal_mode = wal")
        else:
            how = "mode=rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "mode=ro&immutable=1"
            db = sqlite3.connect(f"{place}?{how}", uri=True, isolation_level=None, check_same_thread=False)
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * LARGEST)
        db.execute("pragma trusted_schema = off")  # what a foreign file defines must not call functions
        db.execute("pragma cell_size_check = on")
        db.execute("pragma synchronous = normal")
    except sqlite3.Error as error:
        raise _explained(path, error) from error
    return db


def _explained(path: Path, error: sqlite3.Error) -> GameplanError:
    """Return what a fault of the database means for who reads of it."""
    said = " ".join(str(error).split())
    if "full" in said or "readonly" in said or "unable to open" in said or "locked" in said or "disk I/O" in said:
        return GameplanError(f"cannot use {path}: {said}; make room, choose another place, or wait until nobody else writes to it")
    return GameplanError(f"{path} is damaged: {storable(said, 200)}; go back to a copy of it, or begin a new run")
