"""Discoveries as files: exported as a folder of programs and JSON lines, imported from folders, files and databases of programs."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from games.errors import GameplanError, UnknownName, UsageError
from games.files import read_file, write_atomically
from workbench.discovery.books.records import SLOW
from workbench.discovery.books.store import Store
from workbench.runs.programs import marked

LARGEST = 256 << 20  # bytes of a file that is read
SOURCES = ("code", "source", "program")  # what other tools call a program's text in their JSON records


def export(store: Store, out: Path, *, clocks: bool = True, flagged: bool = False) -> dict[str, Any]:
    """Write the store to the folder `out`: config.json, programs/*.py, and one .jsonl file a table; return what was written.

    Programs that are `flagged` for their CPU time are left out of the programs unless they are asked for, or the run lets them in.

    All but timing.jsonl is the same, byte for byte, for runs of the same configuration.

    Raises
    ------
    UsageError
        If the folder exists and is not empty.
    GameplanError
        If it cannot be written.
    """
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} exists and is not empty; choose another --out")
    steps, programs = store.steps(), store.programs()
    slow = set() if flagged or store.get("config").get("flagged") else {s.program for s in steps if s.status == SLOW}
    tables: dict[str, list[dict[str, Any]]] = {
        "steps": [asdict(step) for step in steps],
        "programs": [{k: v for k, v in asdict(program).items() if k != "source"} for program in programs],
        "evaluations": [asdict(evaluation) for evaluation in store.evaluations()],
        "calls": store.calls(),
        "events": store.events(),
        "looks": store.looks(),
    }
    if clocks:
        tables["timing"] = [{"kind": kind, "seconds": seconds} for kind, seconds in store.times().items()]
    try:
        (out / "programs").mkdir(parents=True, exist_ok=True)
        for program in (p for p in programs if p.id not in slow):
            write_atomically(out / "programs" / f"{program.id}.py", marked(program.source, "export").encode())
        write_atomically(out / "config.json", (json.dumps(store.get("config"), indent=2, sort_keys=True) + "\n").encode())
        for name, rows in tables.items():
            text = "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows)
            write_atomically(out / f"{name}.jsonl", text.encode())
    except OSError as error:
        shutil.rmtree(out, ignore_errors=True)  # was empty, and half of a run is no use
        raise GameplanError(f"cannot write to {out}: {error.strerror}; choose another --out or make room") from error
    written = sum(program.id not in slow for program in programs)
    return {"out": str(out), **{name: len(rows) for name, rows in tables.items()}, "programs": written}


def read_programs(path: Path) -> dict[str, str]:
    """Return the programs (name -> source) in `path`: a .py file, a folder of them, or JSON or JSON lines of records with a source.

    Folders are searched to any depth, so exports of this and of other tools can be named as they are.

    Raises
    ------
    UsageError
        If there is none, or a file cannot be read.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in (".py", ".json", ".jsonl"))
    elif path.is_file():
        files = [path]
    else:
        raise UnknownName(
            str(path), "program", f"{path} does not exist; name a .py file, a folder, or a .json or .jsonl file with programs"
        )
    found: dict[str, str] = {}
    for file in files:
        text = _text(file)
        name = str(file.relative_to(path)) if path.is_dir() else file.name
        if file.suffix == ".py":
            found[name] = text
            continue
        for number, record in enumerate(_records(file, text)):
            source = next((record[key] for key in SOURCES if isinstance(record.get(key), str)), None)
            if source is not None:
                found[f"{name}:{record.get('id', number)}"] = source
    if not found:
        raise UnknownName(
            str(path),
            "program",
            f"{path} holds no program: no .py file, and no JSON record with a text called {' or '.join(SOURCES)}",
        )
    return found


def _text(file: Path) -> str:
    try:
        return read_file(file, "program", LARGEST).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read {file}: it is not text; programs are in UTF-8") from error


def _records(file: Path, text: str) -> list[dict[str, Any]]:
    try:
        if file.suffix == ".jsonl":
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            whole = json.loads(text)
            rows = whole if isinstance(whole, list) else [whole]
    except (ValueError, RecursionError) as error:
        raise UnknownName(
            str(file), "program", f"{file} is not valid JSON: {'nested too deeply' if isinstance(error, RecursionError) else error}"
        ) from error
    nested = [row for row in rows if isinstance(row, dict)]
    for row in list(nested):  # databases keep programs in a table by id
        if isinstance(row.get("programs"), dict):
            nested += [{"id": key, **value} for key, value in row["programs"].items() if isinstance(value, dict)]
    return nested
