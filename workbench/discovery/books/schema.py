"""The shape of a store: its tables, what their columns hold, and what the entries of its table ``run`` are."""

import re
import sqlite3
from collections.abc import Sequence
from typing import Any

from games.reading import Kind, anything, listed, number, optional, table, text, whole
from workbench.discovery.books.text import LONGEST

FORMAT = 1
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
Shapes = set[tuple[str, ...]]  # type, name and definition of tables and indices
LARGEST = 64 << 20  # bytes of one value
_NAME, _TEXT, _COUNT, _JSON = text(most=1000), text(most=LONGEST), whole(0), text(most=LARGEST)
_NO_NAME = optional(_NAME)
MOST = {_NAME: 1000, _NO_NAME: 1000, _TEXT: LONGEST, _JSON: LARGEST}  # characters of what is written into a column
ROWS: dict[str, dict[str, Kind]] = {  # what a table's columns hold
    "run": {"key": _NAME, "value": _JSON},
    "program": {"id": _NAME, "source": _TEXT, "size": _COUNT, "structure": _NAME},
    "step": {
        "n": _COUNT, "program": _NO_NAME, "operator": _NAME, "island": _COUNT, "parents": _JSON, "detail": _JSON,
        "status": _NAME, "reason": _TEXT, "fingerprint": _NAME, "same_as": _NO_NAME, "counted": _COUNT,
    },
    "evaluation": {
        "program": _NAME, "instance": _NAME, "horizon": _COUNT, "seed": whole(), "purpose": _NAME, "engine": _NAME,
        "value": optional(number()), "status": _NAME, "reason": _TEXT,
    },
    "llm_call": {
        "n": _COUNT, "attempt": _COUNT, "model": _NAME, "request": _TEXT, "reply": _TEXT, "status": _TEXT,
        "tokens_in": _COUNT, "tokens_out": _COUNT, "cost": number(0.0),
    },
    "event": {"number": _COUNT, "kind": _NAME, "data": _JSON},
    "look": {"number": _COUNT, "programs": _JSON, "instances": _JSON, "horizons": _JSON},
    "timing": {
        "n": optional(whole()), "program": _NO_NAME, "instance": _NO_NAME, "horizon": optional(whole()),
        "kind": _NAME, "seconds": number(),
    },
}  # fmt: skip
OBJECT, NAMES = table(anything), listed(_NAME)
KEYS: dict[str, Kind] = {  # what the table run holds, by key
    "format": _COUNT, "config": OBJECT, "imported": table(text(most=LARGEST)), "references": table(table(number())),
    "known": table(_NAME), "isolation": _NAME, "status": _NAME, "begun": whole(), "verify": OBJECT, "ablate": OBJECT,
}  # fmt: skip


def shapes_in(rows: Sequence[tuple[Any, ...]]) -> Shapes:
    """Return type, name and definition of what a database defines; what SQLite adds by itself does not count."""
    return {
        (str(kind), str(name), " ".join(re.sub(r"--[^\n]*", "", str(definition)).split()))
        for kind, name, definition in rows
        if not str(name).startswith("sqlite_")
    }


def shapes() -> Shapes:
    """Return what a new store defines."""
    db = sqlite3.connect(":memory:")
    db.executescript(TABLES)
    found = shapes_in(db.execute("select type, name, sql from sqlite_master").fetchall())
    db.close()
    return found
