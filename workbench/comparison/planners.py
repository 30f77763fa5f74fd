"""Comparisons of planners: every planner in every world at every budget, paired seeds, a table, and score against cost."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from games.errors import GameplanError, UsageError
from games.modules import short_name
from planners.metrics import wilson
from planners.status import BUDGET, GIVEN_UP, STATUSES, TIME_LIMIT, UNSOLVABLE
from workbench.comparison.bands import band
from workbench.comparison.episodes import episodes_of
from workbench.comparison.place import labels
from workbench.comparison.solvers import slug
from workbench.planning.config import EPISODES, PlanConfig, resolve_plan, saved_plan
from workbench.planning.learned import params_of, takes, users
from workbench.planning.run import DONE, Conduct, ignores, run_plan
from workbench.runs.directory import CONFIG, RESULT, RunDirectory
from workbench.terminal.durations import format_duration, parse_duration

UNFINISHED = (UNSOLVABLE, GIVEN_UP, BUDGET, TIME_LIMIT)  # what a table says of episodes without a solution
UNITS = ("simulations", "evaluations", "expansions", "time")


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell of the table: a configuration, the directory of its run, and the name of its budget."""

    config: PlanConfig
    path: Path
    budget: str


def with_budget(config: PlanConfig, text: str, unit: str) -> PlanConfig:
    """Return `config` with the budget `text` a decision: a number of `unit`, or a duration such as 1ms; empty: the planner's own.

    Raises
    ------
    UsageError
        If it is neither.
    """
    if not text:
        return config
    if unit == "time" or not text.isdigit():
        try:
            return replace(config, time_per_move=parse_duration(text))
        except UsageError:
            raise UsageError(f"{text!r} is not a budget; write numbers such as 10,100,1000 or durations such as 1ms,10ms") from None
    if int(text) < 1:
        raise UsageError(f"a budget of {text} {unit} is too small; it must be at least 1")
    limit: dict[str, Any] = {unit: int(text)}
    return replace(config, **limit)


def make_cells(
    envs: Sequence[str], planners: Sequence[str], budgets: Sequence[str], unit: str, base: PlanConfig, root: Path, out: Path | None,
    learned: Mapping[str, str] = {},
) -> tuple[list[Cell], Path]:  # fmt: skip
    """Return the cells of a comparison, and its directory: the same for the same request, so that asking again goes on.

    What is `learned` (role: run or file) goes to all planners that take one.

    Raises
    ------
    UsageError
        For an unknown world, planner or budget, or something learned that no planner takes, before anything runs.
    """
    given: dict[str, dict[str, Any]] = {planner: {} for planner in planners}
    for role, name in learned.items():
        able = [planner for planner in given if takes(planner, role)]
        if not able:
            raise UsageError(f"none of {', '.join(given)} takes a learned {role}; planners that do: {', '.join(users(role))}")
        for planner in able:
            given[planner] |= params_of(planner, role, name)
    plan = []
    for env in dict.fromkeys(envs):
        for planner in dict.fromkeys(planners):
            config = resolve_plan(replace(base, env=env, planner=planner, params=given[planner]))
            for budget in budgets or ("",):
                plan.append((with_budget(config, budget, unit), budget))
    plan = list({json.dumps(asdict(config)): (config, budget) for config, budget in plan}.values())  # named twice is meant once
    digest = hashlib.sha256(json.dumps([asdict(config) for config, _ in plan]).encode()).hexdigest()[:8]
    path = out or root / f"compare-{slug('-'.join(map(short_name, envs)))[:40]}-{digest}"
    cells = [
        Cell(config, path / "runs" / slug("-".join(filter(None, (_part(config, "env"), _part(config, "planner"), budget)))), budget)
        for config, budget in plan
    ]
    return cells, path


def _part(config: PlanConfig, role: str) -> str:
    """Return a world's or planner's part of a directory's name; programs of one name are told apart by their digests."""
    name = short_name(getattr(config, role))
    return f"{name}-{config.programs[role][:6]}" if role in config.programs else name


def run_cells(
    cells: Sequence[Cell],
    executor: Callable[[], Executor],
    workers: int,
    *,
    stop: Callable[[], bool],
    on_cell: Callable[[str], None],
    results: dict[Cell, dict[str, Any]] | None = None,
) -> dict[Cell, dict[str, Any]]:
    """Return the result record of every cell, running those that are not done; a cell that fails has only a ``reason``.

    `results` is filled with them as they come, so that those that are there can be had after an interruption, too.

    Raises
    ------
    KeyboardInterrupt
        When `stop` says so; what has finished is on disk and is used next time.
    """
    results = {} if results is None else results
    for cell in cells:
        try:
            here = str(cell.path)  # where it is now, wherever it was made
            result = {**_run_cell(cell, executor, workers, stop), "run": here}
        except GameplanError as error:
            result = {"reason": str(error)}
        if stop():
            raise KeyboardInterrupt
        results[cell] = result
        on_cell(cell.path.name)
    return results


def _run_cell(cell: Cell, executor: Callable[[], Executor], workers: int, stop: Callable[[], bool]) -> dict[str, Any]:
    wanted = json.loads(json.dumps(asdict(cell.config)))
    resume = False
    if (cell.path / CONFIG).exists():
        run = RunDirectory.open(cell.path)
        resume = asdict(saved_plan(run)) == wanted
        result = run.read_json(RESULT) if resume else None
        if result and result["status"] == DONE and len(run.read_lines(EPISODES)) == result["played"]:
            found: dict[str, Any] = result
            return found
    run = RunDirectory.open(cell.path) if resume else RunDirectory.create(cell.path, force=True)
    return run_plan(cell.config, run, Conduct(executor, workers, stop), resume=resume)


def summarise(results: dict[Cell, dict[str, Any]]) -> dict[str, Any]:
    """Return the comparison as one record: a row for every cell, with costs a decision and an episode."""
    rows, called = [], {role: labels(getattr(cell.config, role) for cell in results) for role in ("env", "planner")}
    for cell, result in results.items():
        row: dict[str, Any] = {role: names[getattr(cell.config, role)] for role, names in called.items()}
        row["budget"] = cell.budget
        if "reason" in result:
            rows.append({**row, "reason": result["reason"]})
            continue
        decisions = max(1, result["decisions"])
        row |= {key: result[key] for key in ("mean", "standard_error", "median", "max", "solved", "played")}
        row |= {"cost": result["cost"], "milliseconds": 1000 * result["seconds"] / decisions}
        row["decision"] = {name: n * result["played"] / decisions for name, n in result["cost"].items()}
        row |= {"metrics": result.get("metrics"), "run": result["run"], "unlimited": result.get("unlimited", [])}
        row |= {key: result[key] for key in ("symmetry",) if key in result}
        row |= dict(zip(("middle", "low", "high"), judged(cell, row), strict=True))
        row["statuses"] = result.get("statuses", {})  # runs of version 0.1.0 have none
        rows.append(row)
    return {"envs": list(dict.fromkeys(r["env"] for r in rows)), "rows": rows}


def judged(cell: Cell, row: dict[str, Any]) -> tuple[float | None, float | None, float | None]:
    """Return what a row is judged by, with its 95 % interval: the solved share (Wilson's), or the interquartile mean of scores."""
    if not row["played"]:
        return None, None, None
    if is_share(row):
        return (row["solved"] / row["played"], *wilson(row["solved"], row["played"]))
    run = RunDirectory(cell.path)
    episodes = episodes_of(cell.config, row["planner"], run.read_lines(EPISODES), 0)
    middle, low, high = (float(end) for end in band(episodes.scores, episodes.strata))
    return middle, low, high


def is_share(row: dict[str, Any]) -> bool:
    """Return whether a row is judged by the share of solved episodes: where success is all that is scored."""
    return row["solved"] is not None and row["max"] <= 1.0


def success(row: dict[str, Any]) -> tuple[float, float, float] | None:
    """Return what a row is judged by, the solved share or the interquartile mean of its scores, and its 95 % interval."""
    if "reason" in row or not row["played"]:
        return None
    return row["middle"], row["low"], row["high"]


def entry(row: dict[str, Any]) -> str:
    """Return a row's cell of the table: success in percent or the score, with its 95 % interval."""
    found = success(row)
    if found is None:
        return "-"
    if is_share(row):
        value, low, high = (100 * end for end in found)
        return f"{value:.1f} % ({low:.1f} to {high:.1f})"
    texts = [f"{end:,.0f}" if abs(found[0]) >= 100 else f"{end:.3g}" for end in found]
    return f"{texts[0]} ({texts[1]} to {texts[2]})" if row["played"] > 1 else texts[0]


def table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]], list[str]]:
    """Return header, rows (a world and planner each, a column a budget with the time of a decision) and notes."""
    budgets = list(dict.fromkeys(row["budget"] for row in summary["rows"]))
    header = ["world", "planner", *(budget or "own budget" for budget in budgets)]
    lines: dict[tuple[str, str], dict[str, str]] = {}
    reasons: dict[str, list[str]] = {}
    for row in summary["rows"]:
        text = entry(row)
        if "reason" in row:
            reasons.setdefault(row["reason"], []).append(f"{row['env']} {row['planner']} {row['budget']}".strip())
        else:
            text += f", {format_duration(row['milliseconds'] / 1000.0)}"
        lines.setdefault((row["env"], row["planner"]), {})[row["budget"]] = text
    rows = [[env, planner, *(cells.get(budget, "-") for budget in budgets)] for (env, planner), cells in lines.items()]
    shares = {is_share(row) for row in summary["rows"] if success(row)}
    kinds = [
        text
        for share, text in ((False, "interquartile mean score (95 % band)"), (True, "solved (95 % interval)"))
        if share in shares
    ]
    notes = [f"{' or '.join(kinds)}, time of a decision"] if kinds else []
    notes += [f"{', '.join(where)}: {reason}" for reason, where in reasons.items()]
    for row in summary["rows"]:
        if short := _ends(row, UNFINISHED):
            notes.append(f"{row['env']} {row['planner']} {row['budget'] or 'own budget'}: {short}")
    notes += dict.fromkeys(f"{row['env']} {row['planner']}: {row['symmetry']}" for row in summary["rows"] if "symmetry" in row)
    notes += dict.fromkeys(ignores(row["planner"], unit) for row in summary["rows"] for unit in row.get("unlimited", ()))
    return header, rows, notes


def _ends(row: dict[str, Any], names: Sequence[str] = STATUSES) -> str:
    return ", ".join(f"{count} {name}" for name, count in row.get("statuses", {}).items() if name in names)


def write_table(summary: dict[str, Any], out: Path) -> None:
    """Write the comparison as table.json, table.csv and table.md into `out`."""
    run = RunDirectory(out)
    run.write_json("table.json", summary)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    costs = list(next((row["cost"] for row in summary["rows"] if "cost" in row), {}))
    keys = ("world", "planner", "budget", "mean", "standard_error", "middle", "low", "high", "solved", "played", "milliseconds")
    writer.writerow([*keys, *costs, "statuses", "reason"])
    for row in summary["rows"]:
        plain = [row.get("env" if key == "world" else key) for key in keys]
        writer.writerow([*plain, *(row.get("cost", {}).get(name) for name in costs), _ends(row), row.get("reason", "")])
    run.write("table.csv", text.getvalue().encode())
    header, rows, notes = table(summary)
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header), *("| " + " | ".join(row) + " |" for row in rows)]
    lines += ["", *(f"- {note}" for note in notes)] if notes else []
    run.write("table.md", ("\n".join(lines) + "\n").encode())
