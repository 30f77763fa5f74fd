"""Damaged and hostile stores of discoveries: every verb that reads one answers, or refuses in one line.

python -m tests.fuzz.stores --count 300
"""

import random
import shutil
import sqlite3
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path

from tests.fuzz.run_directories import gameplan
from tests.fuzz.tally import Tally, changed_json, damaged, options
from workbench.discovery.books.schema import ROWS
from workbench.discovery.books.store import FILE, Store
from workbench.discovery.session import config_of, load_run

TOY = Path(__file__).parent.parent / "toy_task"
STRANGE = (None, -1, 0, 2**63 - 1, 0.5, float("inf"), float("nan"), 1e300, "", "x" * 5000, "\x1b[31m\n", "[1", "{}", "null", "[" * 9000,
           b"\xff\x00", b"x" * 5_000_000, "nan", "../../escape", "9" * 5000)  # fmt: skip
HOSTILE = (
    "create trigger t after insert on step begin delete from program; end", "create view v as select * from step",
    "drop table step", "drop index step_program", "alter table step add column more text", "delete from run", "delete from program",
    "delete from step where n = 3", "update step set n = n + 1", "update run set key = 'other' where key = 'config'",
    "drop table program; create view program as select 'a' as id, 'b' as source, 1 as size, 'c' as structure",
    "pragma user_version = 7", "pragma application_id = 1", "vacuum",
)  # fmt: skip


def harm(run: Path, rng: random.Random) -> str:
    """Damage the store in `run`; return what was done."""
    file, kind = run / FILE, rng.choice(("bytes", "bytes", "cell", "cell", "cell", "cell", "json", "json", "sql", "sql", "place"))
    if kind == "bytes":
        file.write_bytes(damaged(file.read_bytes(), rng))
    elif kind == "place":
        file.unlink()
        what = rng.choice(("gone", "folder", "empty", "link", "text", "fifo-less"))
        if what == "folder":
            file.mkdir()
        elif what == "empty":
            file.touch()
        elif what == "link":
            file.symlink_to("/etc/hostname")
        elif what == "text":
            file.write_text("SQLite format 3\0" + "x" * 1000)
        kind = what
    else:
        db = sqlite3.connect(file, isolation_level=None)
        with suppress(sqlite3.Error):
            if kind == "sql":
                statement = rng.choice(HOSTILE)
                db.executescript(statement)
                kind = statement
            else:
                table = rng.choice(list(ROWS) if kind == "cell" else ["run"])
                column = rng.choice(list(ROWS[table])) if kind == "cell" else "value"
                rows = db.execute(f"select rowid, {column} from {table}").fetchall()
                rowid, old = rng.choice(rows) if rows else (0, None)
                new = rng.choice(STRANGE) if kind == "cell" else changed_text(old, rng)
                db.execute(f"update {table} set {column} = ? where rowid = ?", (new, rowid))
                kind = f"{table}.{column} = {str(new)[:60]!r}"
        db.close()
    return kind


def changed_text(old: object, rng: random.Random) -> str:
    """Return a JSON text with one part changed."""
    import json

    return json.dumps(changed_json(json.loads(str(old)), rng))


def look(run: Path) -> None:
    """Read what the loop reads."""
    store = Store.open(run)
    try:
        config_of(store)
        load_run(store).members()
        store.events(), store.looks(), store.calls(), store.times()
    finally:
        store.close()


def main() -> int:
    """Run the script."""
    given = options("damaged stores", 300)
    tally = Tally("stores")
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        gameplan("evolve", "new", TOY, "--budget-evals", 12, "--jobs", 1, "--out", top / "whole")
        gameplan("evolve", "verify", top / "whole", "--jobs", 1, "--best", 1)
        for number in range(given.count):
            rng, run = random.Random(f"{given.seed} {number}"), top / "run"
            shutil.rmtree(run, ignore_errors=True)
            shutil.copytree(top / "whole", run)
            case = f"{number}: {harm(run, rng)}"
            tally.attempt(f"{case}: read", partial(look, run))
            for verb in ("status", "list", "best", "lineage", "report"):
                tally.attempt(f"{case}: {verb}", partial(gameplan, "evolve", verb, run))
            tally.attempt(f"{case}: show", partial(gameplan, "evolve", "show", run, "a"))
            tally.attempt(f"{case}: export", partial(gameplan, "evolve", "export", run, "--out", run / "out"))
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
