"""The store of a discovery: one SQLite file, one writer, append-only. Populations and rankings are queries over it.

All but the table ``timing`` is a function of the configuration: a run that was killed and resumed ends with the same rows.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from games.errors import GameplanError, UsageError
from workbench.discovery.genome.canonical import program_id, size
from workbench.discovery.task import Task

FORMAT = 1
FILE = "discovery.sqlite"
TABLES = """
create table run (key text primary key, value text not null);
create table program (id text primary key, source text not null, size integer not null, structure text not null);
create table step (
    n integer primary key,            -- place in the run; seeds come first
    program text,                     -- null: the operator had nothing to offer, or the source is no program
    operator text not null,
    island integer not null,
    parents text not null,            -- JSON list of program ids
    detail text not null,             -- JSON: how it was made
    status text not null,             -- ok, rejected:<reason>, error:<kind>, timeout, memory
    reason text not null,
    fingerprint text not null,
    same_as text,                     -- the program with this behaviour that was evaluated before
    counted integer not null          -- evaluations after this step
);
create table evaluation (
    program text not null, instance text not null, horizon integer not null, seed integer not null,
    purpose text not null,            -- hurdle, score, verify, ablate
    engine text not null,             -- version of what computed it
    value real,                       -- null: it failed
    status text not null, reason text not null,
    primary key (program, instance, horizon, seed, engine)
);
create table llm_call (
    n integer not null, attempt integer not null, model text not null, request text not null, reply text not null,
    status text not null, tokens_in integer not null, tokens_out integer not null, cost real not null,
    primary key (n, attempt)
);
create table event (number integer primary key, kind text not null, data text not null);
create table look (number integer primary key, programs text not null, instances text not null, horizons text not null);
create table timing (n integer, program text, instance text, horizon integer, kind text not null, seconds real not null);
create index step_program on step (program);
create index step_fingerprint on step (fingerprint);
"""
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
        if path.exists() and any(path.iterdir()):
            raise UsageError(f"{path} exists and is not empty; choose another --out")
        path.mkdir(parents=True, exist_ok=True)
        store = cls(path, _connect(path / FILE))
        with store.transaction():
            for statement in TABLES.split(";\n"):
                if statement.strip():
                    store._db.execute(statement)
            store.set("format", FORMAT)
            store.set("config", config)
        return store

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Open the store in the directory `path`.

        Raises
        ------
        UsageError
            If there is none, or it was written by another version.
        """
        if not (path / FILE).is_file():
            raise UsageError(f"{path} is not a discovery; 'gameplan evolve new' makes one")
        store = cls(path, _connect(path / FILE))
        try:
            version = store.get("format")
        except sqlite3.DatabaseError as error:
            raise GameplanError(f"{path / FILE} is damaged: {error}") from error
        if version != FORMAT:
            raise GameplanError(f"{path / FILE} has format {version}; this version reads {FORMAT}")
        return store

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything inside, or nothing."""
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def get(self, key: str) -> Any:
        """Return what `set` has stored under `key`, or None."""
        row = self._db.execute("select value from run where key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def set(self, key: str, value: Any) -> None:
        """Store a JSON value under `key`."""
        self._db.execute("insert or replace into run values (?, ?)", (key, json.dumps(value, sort_keys=True)))

    def add_program(self, program: StoredProgram) -> None:
        """Keep a program, once."""
        row = (program.id, program.source, program.size, program.structure)
        self._db.execute("insert or ignore into program values (?, ?, ?, ?)", row)

    def add_step(self, step: Step) -> None:
        """Append a step."""
        parents, detail = json.dumps(list(step.parents)), json.dumps(step.detail, sort_keys=True)
        self._db.execute("insert into step values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (
            step.n, step.program, step.operator, step.island, parents, detail, step.status, step.reason, step.fingerprint,
            step.same_as, step.counted,
        ))  # fmt: skip

    def add_evaluation(self, e: Evaluation) -> None:
        """Keep an evaluation, once: evaluations are functions of their key."""
        row = (e.program, e.instance, e.horizon, e.seed, e.purpose, e.engine, e.value, e.status, e.reason)
        self._db.execute("insert or ignore into evaluation values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def add_call(self, n: int, attempt: int, call: Mapping[str, Any]) -> None:
        """Keep a question to a language model: model, request, reply, status, tokens_in, tokens_out, cost."""
        keys = ("model", "request", "reply", "status", "tokens_in", "tokens_out", "cost")
        with self._lock:
            row = (n, attempt, *(call[k] for k in keys))
            self._db.execute("insert or replace into llm_call values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def call(self, n: int, attempt: int) -> dict[str, Any] | None:
        """Return a question that was kept, or None."""
        with self._lock:
            found = self._rows(f"select * from llm_call where n = {int(n)} and attempt = {int(attempt)}")
        return found[0] if found else None

    def add_time(
        self, kind: str, seconds: float, *, n: int | None = None, program: str = "", instance: str = "", horizon: int = 0
    ) -> None:
        """Keep a clock reading, which is no part of the result."""
        self._db.execute("insert into timing values (?, ?, ?, ?, ?, ?)", (n, program, instance, horizon, kind, seconds))

    def add_event(self, kind: str, data: dict[str, Any]) -> None:
        """Append to the log of what happened to the run as a whole."""
        self._db.execute("insert into event (kind, data) values (?, ?)", (kind, json.dumps(data, sort_keys=True)))

    def add_look(self, programs: list[str], instances: list[str], horizons: list[int]) -> None:
        """Record that held-out instances were looked at."""
        self._db.execute(
            "insert into look (programs, instances, horizons) values (?, ?, ?)",
            tuple(map(json.dumps, (programs, instances, horizons))),
        )

    def programs(self) -> list[StoredProgram]:
        """Return all programs in order of their first step."""
        query = (
            "select p.id, p.source, p.size, p.structure from program p "
            "left join (select program, min(n) as n from step group by program) s on s.program = p.id "
            "order by s.n is null, s.n, p.id"
        )
        return [StoredProgram(*row) for row in self._db.execute(query)]

    def program(self, prefix: str) -> StoredProgram:
        """Return the program whose id begins with `prefix`.

        Raises
        ------
        UsageError
            If there is none or more than one.
        """
        found = self._db.execute(
            "select * from program where substr(id, 1, ?) = ? order by id limit 2", (len(prefix), prefix)
        ).fetchall()
        if len(found) != 1 or not prefix:
            raise UsageError(
                f"{'no' if not found else 'more than one'} program {prefix!r} in {self.path}; 'gameplan evolve list' shows them"
            )
        return StoredProgram(*found[0])

    def steps(self, after: int = -1) -> list[Step]:
        """Return the steps with a larger number than `after`, in order."""
        rows = self._db.execute("select * from step where n > ? order by n", (after,))
        return [Step(r[0], r[1], r[2], r[3], tuple(json.loads(r[4])), json.loads(r[5]), *r[6:]) for r in rows]

    def evaluations(self, purpose: str | None = None) -> list[Evaluation]:
        """Return the evaluations (made for `purpose`) in a fixed order."""
        query, given = "select * from evaluation", ()
        if purpose is not None:
            query, given = query + " where purpose = ?", (purpose,)  # type: ignore[assignment]
        return [Evaluation(*row) for row in self._db.execute(query + " order by program, instance, horizon, seed, engine", given)]

    def calls(self) -> list[dict[str, Any]]:
        """Return the questions to language models, in order."""
        with self._lock:
            return self._rows("select * from llm_call order by n, attempt")

    def events(self) -> list[dict[str, Any]]:
        """Return what happened to the run as a whole."""
        return [{**row, "data": json.loads(row["data"])} for row in self._rows("select * from event order by number")]

    def looks(self) -> list[dict[str, Any]]:
        """Return how often and with what the held-out instances were looked at."""
        return [
            {k: v if k == "number" else json.loads(v) for k, v in row.items()}
            for row in self._rows("select * from look order by number")
        ]

    def times(self) -> dict[str, float]:
        """Return the seconds spent, by kind."""
        return dict(self._db.execute("select kind, total(seconds) from timing group by kind order by kind").fetchall())

    def _rows(self, query: str) -> list[dict[str, Any]]:
        cursor = self._db.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def _connect(path: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = normal")
    except sqlite3.Error as error:
        raise GameplanError(f"cannot open {path}: {error}") from error
    return db
