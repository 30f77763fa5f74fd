"""Comparisons of methods of learning: every method in every world with several seeds, a table, and curves with bands."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from games.errors import GameplanError
from games.modules import short_name
from workbench.comparison.bands import band
from workbench.comparison.place import labels
from workbench.comparison.solvers import slug
from workbench.engines.jobs import run_jobs
from workbench.runs import formats
from workbench.runs.directory import CONFIG, LEARNING, RESULT, TIMING, RunDirectory
from workbench.runs.formats import from_saved
from workbench.terminal.durations import format_duration
from workbench.training.config import CHANGEABLE, TrainConfig, resolve_train, saved_train
from workbench.training.loop import DIVERGED, DONE, TIME_UP
from workbench.training.run import train

POINTS = 60  # of a curve
SPARE = ("CPU", "seeds", "updates", "expansions", "steps")  # columns that a narrow terminal can do without
FINISHED = (DONE, TIME_UP, DIVERGED)


@dataclass(frozen=True)
class Cell:
    """One run of a comparison (a job for `workbench.engines.jobs`): its configuration as JSON, its directory, and what it is of."""

    config: str
    path: Path
    world: str
    method: str
    seed: int


def make_cells(
    worlds: Sequence[str], methods: Sequence[str], seeds: int, base: TrainConfig, root: Path, out: Path | None,
    command: str = "compare",
) -> tuple[list[Cell], Path]:  # fmt: skip
    """Return the runs of a comparison, and its directory: the same for the same request, so that asking again goes on.

    `command` begins the directory's name unless it is `out`.

    Raises
    ------
    UsageError
        For an unknown world, method or parameter, before anything runs.
    """
    configs = [
        resolve_train(replace(base, env=world, method=method, seed=base.seed + k))
        for world in dict.fromkeys(worlds)
        for method in dict.fromkeys(methods)
        for k in range(seeds)
    ]
    configs = list({json.dumps(asdict(config)): config for config in configs}.values())  # what is named twice is meant once
    digest = hashlib.sha256(json.dumps([asdict(config) for config in configs]).encode()).hexdigest()[:8]
    path = out or root / f"{command}-{slug('-'.join(map(short_name, worlds)))[:40]}-{digest}"
    cells, called = [], {role: labels(getattr(config, role) for config in configs) for role in ("env", "method")}
    for config in configs:
        world, method = called["env"][config.env], called["method"][config.method]
        place = path / "runs" / slug(f"{world}-{method}-s{config.seed}")
        cells.append(Cell(json.dumps(asdict(config)), place, world, method, config.seed))
    return cells, path


def run_cell(cell: Cell) -> dict[str, Any]:
    """Return the result record of a run, which goes on from where it stopped, if it had begun."""
    config = from_saved(TrainConfig, json.loads(cell.config), cell.path / CONFIG)
    resume = False
    if (cell.path / CONFIG).exists():
        run = RunDirectory.open(cell.path)
        before = saved_train(run)
        resume = _goes_on(before, config)
        result = run.read_json(RESULT) if resume else None
        if result and (result["status"] == DIVERGED or (result["status"] in FINISHED and before == config)):
            found: dict[str, Any] = result
            return found
    run = RunDirectory.open(cell.path) if resume else RunDirectory.create(cell.path, force=True)
    return train(config, run, resume=resume)


def _goes_on(before: TrainConfig, now: TrainConfig) -> bool:
    """Return whether a run is that of `now`, or a shorter one of the same."""
    shorter = all((getattr(before, name) or np.inf) <= (getattr(now, name) or np.inf) for name in CHANGEABLE)
    return shorter and before == replace(now, **{name: getattr(before, name) for name in CHANGEABLE})


def run_cells(
    cells: Sequence[Cell], executor: Executor, *, stop: Callable[[], bool], on_cell: Callable[[str], None],
    found: dict[Cell, dict[str, Any]] | None = None,
) -> dict[Cell, dict[str, Any]]:  # fmt: skip
    """Return the result record of every run; one that fails has only a ``reason``.

    `found` is filled with them as they come, so that those that are there can be had after an interruption, too.

    Raises
    ------
    KeyboardInterrupt
        When `stop` says so; runs under way go on from their checkpoints next time.
    """
    found = {} if found is None else found
    for cell, result in run_jobs(executor, run_cell, cells, stop):
        if isinstance(result, BaseException) and not isinstance(result, GameplanError):
            raise result
        failed = isinstance(result, GameplanError)
        here = str(cell.path)  # where it is now, wherever it was made
        found[cell] = {"reason": str(result)} if failed else {**result, "run": here}
        on_cell(cell.path.name)
    return {cell: found[cell] for cell in cells}


def summarise(results: dict[Cell, dict[str, Any]]) -> dict[str, Any]:
    """Return the comparison as one record: a row for every world and method, over its seeds."""
    rows = []
    for world, method in dict.fromkeys((cell.world, cell.method) for cell in results):
        mine = [result for cell, result in results.items() if (cell.world, cell.method) == (world, method)]
        ran = [result for result in mine if "reason" not in result and result["score"]["mean"] is not None]
        if not ran:
            rows.append(
                {"world": world, "method": method, "reason": next((r["reason"] for r in mine if "reason" in r), "no score")}
            )
            continue
        scores = np.array([result["score"]["mean"] for result in ran])
        middle, low, high = (float(x) for x in band(scores))
        cost = {key: float(np.mean([r[key] for r in ran])) for key in ("updates", "environment_steps", "expansions", "cpu_seconds")}
        rows.append({
            "world": world, "method": method, "seeds": len(ran), "score": middle, "low": low, "high": high,
            "scores": scores.tolist(), **cost, "statuses": {s: sum(r["status"] == s for r in ran) for s in FINISHED},
            "runs": [r["run"] for r in ran],
        })  # fmt: skip
    return {"worlds": list(dict.fromkeys(row["world"] for row in rows)), "rows": rows}


Curve = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def curves(paths: Sequence[Path], x: str = "cost", y: str = "score") -> Curve:
    """Return (x, interquartile mean, lower, upper end) of what the runs at `paths` measured while learning.

    `x` is "cost" (environment steps plus expansions), "seconds" (of CPU), or a counter of ``learning.jsonl``; runs are compared
    where all have been.
    """
    return curves_of([RunDirectory(path) for path in paths], x, y)


def learning_curves(summary: dict[str, Any]) -> dict[str, dict[str, Curve]]:
    """Return the curve of every row that ran, world -> method -> curve, with a band over its seeds."""
    found: dict[str, dict[str, Curve]] = {}
    for row in summary["rows"]:
        if "reason" not in row:
            found.setdefault(row["world"], {})[row["method"]] = curves([Path(run) for run in row["runs"]])
    return found


def curves_of(runs: Sequence[RunDirectory], x: str = "cost", y: str = "score") -> Curve:
    """Return `curves` of runs that are open."""
    return curve_of_lines([_lines(run) for run in runs], x, y)


def curve_of_lines(runs: Sequence[Sequence[Mapping[str, float]]], x: str, y: str) -> Curve:
    """Return `curves` of runs whose lines have been read: each a mapping with `x`, and with `y` where that was measured."""
    lines = [[line for line in run if line.get(y) is not None] for run in runs]
    lines = [run for run in lines if run]
    if not lines:
        return (np.empty(0),) * 4
    begin, end = max(float(run[0][x]) for run in lines), min(float(run[-1][x]) for run in lines)
    grid = np.geomspace(max(begin, 1.0), max(end, begin, 1.0), POINTS)
    table = np.array([np.interp(grid, [line[x] for line in run], [line[y] for line in run]) for run in lines])
    return (grid, *band(table, draws=500))


def _lines(run: RunDirectory) -> list[dict[str, Any]]:
    seconds = {line["update"]: line["cpu_seconds"] for line in run.read_lines(TIMING, formats.UPDATE_TIME)}
    return [
        {**line, "seconds": seconds.get(line["update"], 0.0), "cost": line["environment_steps"] + line["expansions"]}
        for line in run.read_lines(LEARNING)
    ]


def table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]], list[str]]:
    """Return header, rows and notes, for people."""
    header = ["world", "method", "score (greedy, held out)", "95 % band", "seeds", "updates", "steps", "expansions", "CPU"]
    rows, notes = [], []
    for row in summary["rows"]:
        if "reason" in row:
            rows.append([row["world"], row["method"], *["-"] * 7])
            notes.append(f"{row['world']} {row['method']}: {row['reason']}")
            continue
        rows.append([
            row["world"], row["method"], f"{row['score']:,.6g}", f"{row['low']:,.6g} to {row['high']:,.6g}", str(row["seeds"]),
            *(f"{row[key]:,.0f}" for key in ("updates", "environment_steps", "expansions")), format_duration(row["cpu_seconds"]),
        ])  # fmt: skip
        if row["statuses"][DIVERGED]:
            notes.append(f"{row['world']} {row['method']}: {row['statuses'][DIVERGED]} of {row['seeds']} runs diverged")
    return header, rows, notes


def write_table(summary: dict[str, Any], out: Path) -> None:
    """Write the comparison as table.json, table.csv and table.md into `out`."""
    run = RunDirectory(out)
    run.write_json("table.json", summary)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    plain = ("world", "method", "score", "low", "high", "seeds", "updates", "environment_steps", "expansions", "cpu_seconds")
    writer.writerow([*plain, "scores", "reason"])
    for row in summary["rows"]:
        scores = " ".join(map(str, row.get("scores", ())))
        writer.writerow([*(row.get(key, "") for key in plain), scores, row.get("reason", "")])
    run.write("table.csv", text.getvalue().encode())
    header, rows, notes = table(summary)
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header), *("| " + " | ".join(row) + " |" for row in rows)]
    lines += ["", *(f"- {note}" for note in notes)] if notes else []
    run.write("table.md", ("\n".join(lines) + "\n").encode())
