"""Operators side by side at equal evaluations: several discoveries each, interquartile means and bands over seeds."""

import hashlib
import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.patheffects import withStroke

from games.errors import UsageError
from games.files import write_output
from workbench.comparison.bands import band
from workbench.discovery.analysis.scoring import Scorer, stored, values_at
from workbench.discovery.books.store import FILE, Store
from workbench.discovery.config import DiscoveryConfig, resolve
from workbench.discovery.operators.opening import open_operators
from workbench.discovery.population.ranking import LOWEST, average_score, log_score
from workbench.discovery.scheduling.loop import DONE, INTERRUPTED, Discovery
from workbench.discovery.session import begin, config_of, load_run
from workbench.discovery.task import Task, find_task, name_task
from workbench.figures.frame import PLAIN, Look, count_along, fit_axes, legend_below, panels_of, save_figure
from workbench.figures.style import style_of
from workbench.terminal.printing import counted

DRAWS = 500  # of the bootstrap of a band
CHECKPOINTS = (10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000)
Curve = list[tuple[int, float, float]]  # evaluations, best log score, best average score


@dataclass(frozen=True)
class Contender:
    """What is compared: a label and its configuration; the random seed is set by the comparison."""

    label: str
    config: DiscoveryConfig


def contenders(base: DiscoveryConfig, operators: Sequence[str]) -> list[Contender]:
    """Return one contender for each operator, or mixture such as ``symbolic+constants``, resolved.

    Raises
    ------
    UsageError
        For an unknown operator, or no limit of evaluations.
    """
    if base.evals is None:
        raise UsageError("a comparison is at equal evaluations; give --budget-evals")
    made = []
    for label in dict.fromkeys(operators):
        weights = dict.fromkeys(label.split("+"), 1.0)
        made.append(Contender(label, resolve(replace(base, operators=weights))))
    if not made:
        raise UsageError("no operator to compare; give --operators")
    return made


def run_comparison(
    chosen: Sequence[Contender],
    seeds: int,
    path: Path,
    executor: Executor,
    *,
    stop: Callable[[], bool] = lambda: False,
    tell: Callable[[str, int, int], None] = lambda text, done, total: None,
) -> dict[str, Any]:
    """Run every contender with random seeds 0, 1 ... in directories under `path`, and return the summary.

    What has finished is kept: the same call goes on where it stopped.

    Raises
    ------
    UsageError
        If there is a run of another configuration at `path`.
    KeyboardInterrupt
        When `stop` says so.
    """
    name_task(chosen[0].config.task)
    task = find_task(chosen[0].config.task)
    tell("scoring published programs", 0, len(task.known()))
    known = known_costs(task, chosen[0].config, path / "known", executor, stop)
    curves: dict[str, list[Curve]] = {c.label: [] for c in chosen}
    runs: list[dict[str, Any]] = []
    for seed in range(seeds):
        for c in chosen:
            config = replace(c.config, seed=c.config.seed + seed)
            place = path / f"{c.label}-s{config.seed}"
            status = _run(config, task, known, place, executor, stop, partial(_told, tell, place.name, c.config.evals or 0))
            store = Store.open(place)
            curves[c.label].append(best_so_far(store))
            runs.append({"label": c.label, "seed": config.seed, "run": str(place), "status": status})
            store.close()
    return summarise(task, chosen[0].config, curves, known, runs)


def known_costs(
    task: Task, config: DiscoveryConfig, path: Path, executor: Executor, stop: Callable[[], bool] = lambda: False
) -> dict[str, dict[str, float]]:
    """Return the published programs' costs on the training instances, kept in a store at `path`; those that fail are left out."""
    store = Store.open(path) if (path / FILE).exists() else begin(config, path)
    scorer = Scorer(config.task, executor, config.seed, config.sandbox, store=store, stop=stop)
    programs = {name: stored(task, source) for name, source in task.known().items()}
    costs = scorer.costs(list(programs.values()), [(name, config.horizon) for name in task.train])
    store.close()
    found = {name: values_at(costs[program.id], task.train, config.horizon) for name, program in programs.items()}
    return {name: values for name, values in found.items() if values}


def best_so_far(store: Store) -> Curve:
    """Return the best scores of a run each time that one of them improved; seeds count 0 evaluations."""
    curve: Curve = []
    run = load_run(store)
    for member in run.members():
        log, average = log_score(member.values), average_score(member.values)
        if curve:
            log, average = max(log, curve[-1][1]), max(average, curve[-1][2])
        best = (run.steps[member.n].counted, log, average)
        if not curve or best[1:] != curve[-1][1:]:
            curve.append(best)
    return curve


def best_at(curve: Curve, evaluations: int) -> tuple[float, float] | None:
    """Return the best log and average score after so many evaluations."""
    found = [point for point in curve if point[0] <= evaluations]
    return found[-1][1:] if found else None


def summarise(
    task: Task,
    config: DiscoveryConfig,
    curves: Mapping[str, Sequence[Curve]],
    known: Mapping[str, Mapping[str, float]],
    runs: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return bands and ranges over seeds at some numbers of evaluations, and how many seeds reach each published program."""
    assert config.evals is not None
    checkpoints = sorted({c for c in CHECKPOINTS if c < config.evals} | {config.evals})
    references = [
        {"name": name, "log": log_score(values), "average": average_score(values), "values": dict(values)}
        for name, values in sorted(known.items(), key=lambda item: -log_score(item[1]))
    ]
    rows = []
    for label, found in curves.items():
        at = {str(c): _spread([b for curve in found if (b := best_at(curve, c))]) for c in checkpoints}
        ends = [b for curve in found if (b := best_at(curve, config.evals))]
        reached = {name: sum(log >= log_score(values) for log, _ in ends) for name, values in known.items()}
        rows.append({"label": label, "seeds": len(found), "at": at, "reached": reached})
    return {
        "task": task.name, "measure": task.measure, "train": list(task.train), "horizon": config.horizon, "evals": config.evals,
        "start": list(config.seeds), "checkpoints": checkpoints, "rows": rows, "known": references, "runs": list(runs),
        "curves": {label: [[list(point) for point in curve] for curve in found] for label, found in curves.items()},
    }  # fmt: skip


def table(record: Mapping[str, Any], ranking: str = "log") -> tuple[list[str], list[list[str]]]:
    """Return header and rows: the best score by evaluations with its band over seeds; published programs as constant rows."""
    form = "{:.2f}" if ranking == "log" else "{:.2e}"
    sign = 1.0 if ranking == "log" else -1.0  # the average is shown as a cost
    rows = []
    for row in record["rows"]:
        cells = []
        for c in record["checkpoints"]:
            s = row["at"][str(c)]
            cells.append(_entry(s[ranking], row["seeds"], form, sign) if s else "-")
        rows.append([row["label"], *cells])
    rows += [[f"({r['name']})", *[form.format(sign * r[ranking])] * len(record["checkpoints"])] for r in record["known"]]
    return ["operator", *(f"{c:,}" for c in record["checkpoints"])], rows


def notes(record: Mapping[str, Any]) -> list[str]:
    """Return what has to be said beside the tables."""
    seeds = len(record["runs"]) // max(1, len(record["rows"]))
    found = [
        f"{'interquartile means over' if seeds > 1 else 'single runs:'} {counted(seeds, 'seed')}"
        f"{', 95 % bands of a bootstrap in brackets' if seeds > 1 else ''}; start from "
        f"{', '.join(record['start'])}; {', '.join(record['train'])} after {counted(record['horizon'], 'iteration')}"
    ]
    for row in record["rows"]:
        reached = [f"{name} in {count}" for name, count in row["reached"].items() if count]
        found.append(f"{row['label']} reaches (seeds of {row['seeds']}): {', '.join(reached) or 'no published program'}")
    found += [f"{run['run']} {run['status']}" for run in record["runs"] if run["status"] != DONE]
    return found


def default_path(chosen: Sequence[Contender], seeds: int) -> Path:
    """Return the directory of a comparison: the same for the same request, so that asking again goes on where it stopped."""
    digest = hashlib.sha256(json.dumps([[c.label, asdict(c.config)] for c in chosen], sort_keys=True).encode()).hexdigest()[:8]
    first = chosen[0].config
    return Path("runs") / f"evolve-compare-{Path(first.task).name}-{first.evals}x{seeds}-{digest}"


def write(record: Mapping[str, Any], path: Path) -> None:
    """Write the summary as JSON and the tables as Markdown into the directory `path`."""
    write_output(path / "table.json", json.dumps(record, indent=2) + "\n")
    lines = []
    for ranking, what in (("log", "minus mean log10, higher is better"), ("average", "average, lower is better")):
        header, rows = table(record, ranking)
        lines += [f"Best {record['measure']} by evaluations: {what}", ""]
        lines += [f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows]] + [""]
    write_output(path / "table.md", "\n".join([*lines, *(f"* {note}" for note in notes(record)), ""]))


def draw(record: Mapping[str, Any], path: Path, look: Look = PLAIN) -> None:
    """Draw the best so far over evaluations, interquartile mean and band over seeds, under both rankings, to `path`.

    Raises
    ------
    UsageError
        For a suffix that is no kind of figure.
    """
    with look.context():
        figure, panels = panels_of(2, look, own=3.6, height=2.9)
        for panel, place, sign in ((panels.flat[0], 1, 1.0), (panels.flat[1], 2, -1.0)):
            for label, curves in record["curves"].items():
                xs = sorted({max(1, point[0]) for curve in curves for point in curve} | {record["evals"]})
                begun = [curve for curve in curves if curve]
                xs = [x for x in xs if all(best_at(curve, x) for curve in begun)]
                if not begun or not xs:
                    continue
                middle, low, high = _band(
                    np.array([[_best(curve, x, place - 1, sign) for x in xs] for curve in begun]), log=place == 2
                )
                colour, line, _ = style_of(label)
                panel.plot(xs, middle, drawstyle="steps-post", label=look.label(label), color=colour, linestyle=line, linewidth=1.3)
                if len(begun) > 1:
                    panel.fill_between(xs, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
            levels = [(sign * r["log" if place == 1 else "average"], r["name"]) for r in record["known"]]
            for level, _ in levels:
                panel.axhline(level, color="0.6", linewidth=0.6, linestyle="--")
            for level, names in _close_together(levels, log=place == 2):
                panel.annotate(
                    names, (record["evals"], level), fontsize=5, color="0.3", ha="right", va="bottom",
                    path_effects=[withStroke(linewidth=1.2, foreground="white")],
                )  # fmt: skip
            panel.set_xscale("log")
            panel.set_xlabel("evaluations")
            count_along(panel.xaxis)
        panels.flat[0].set_ylabel(f"minus mean log10 {record['measure']}")
        panels.flat[1].set_yscale("log")
        panels.flat[1].set_ylabel(f"average {record['measure']}")
        for panel in panels.flat[:2]:
            fit_axes(panel, look)
        handles, labels = panels.flat[0].get_legend_handles_labels()
        legend_below(figure, dict(zip(labels, handles, strict=True)), look.font_size)
        save_figure(figure, path)


def _close_together(levels: Sequence[tuple[float, str]], *, log: bool) -> list[tuple[float, str]]:
    """Return the levels with their names; names of levels that would be printed over each other share a line."""
    ordered = sorted(levels)
    heights = [math.log10(max(level, 1e-17)) if log else level for level, _ in ordered]
    found: list[tuple[float, str]] = []
    first = -math.inf
    for (level, name), height in zip(ordered, heights, strict=True):
        if found and height - first < 0.035 * (heights[-1] - heights[0]):
            found[-1] = (level, f"{found[-1][1]}, {name}")
        else:
            found.append((level, name))
            first = height
    return found


def _run(
    config: DiscoveryConfig,
    task: Task,
    known: Mapping[str, Mapping[str, float]],
    path: Path,
    executor: Executor,
    stop: Callable[[], bool],
    tell: Callable[[int], None],
) -> str:
    """Begin a run or go on with it; return how it ended."""
    store = Store.open(path) if (path / FILE).exists() else begin(config, path)
    try:
        if config_of(store, sandbox=config.sandbox) != config:
            raise UsageError(f"{path} is a run of another configuration; choose another --out")
        if store.get("references") is None:
            with store.transaction():
                store.set("references", known)
        run = Discovery(store, config, task, executor, open_operators(store, config))
        status = run.run(stop=stop, on_step=lambda step, journal: tell(step.counted))
        with store.transaction():
            store.set("status", status)
    finally:
        store.close()
    if status == INTERRUPTED:
        raise KeyboardInterrupt
    return status


def _told(tell: Callable[[str, int, int], None], label: str, total: int, done: int) -> None:
    tell(label, done, total)


def _best(curve: Curve, evaluations: int, place: int, sign: float) -> float:
    found = best_at(curve, evaluations)
    assert found is not None
    return sign * found[place]


def _band(values: np.ndarray, *, log: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return interquartile mean and band of `values` (runs, ...): of costs, which are drawn as logarithms, that of those."""
    if not log:
        return band(values, draws=DRAWS)
    middle, low, high = band(np.log10(np.maximum(values, LOWEST)), draws=DRAWS)
    return 10.0**middle, 10.0**low, 10.0**high


def _entry(found: Mapping[str, Any], seeds: int, form: str, sign: float) -> str:
    """Return the best score so far with its band; the average is shown as a cost."""
    ends = [form.format(sign * end) for end in (found["middle"], *sorted(found["band"], key=lambda end: sign * end))]
    return f"{ends[0]} ({ends[1]} to {ends[2]})" if seeds > 1 else ends[0]


def _spread(found: Sequence[tuple[float, float]]) -> dict[str, dict[str, Any]] | None:
    if not found:
        return None
    made: dict[str, dict[str, Any]] = {}
    for place, name in enumerate(("log", "average")):
        values = [pair[place] for pair in found]
        sign = 1.0 if name == "log" else -1.0
        middle, low, high = (sign * float(end) for end in _band(sign * np.array(values), log=name == "average"))
        made[name] = {
            "median": statistics.median(values), "low": min(values), "high": max(values), "middle": middle,
            "band": sorted((low, high)),
        }  # fmt: skip
    return made
