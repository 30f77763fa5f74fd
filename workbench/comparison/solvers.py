"""Comparisons: every algorithm on every game, a table, and who matches or beats whom."""

import csv
import hashlib
import io
import json
import platform
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median_low
from typing import Any

import numpy as np

from games.catalogue import GAMES, SUITES
from games.errors import GameplanError, UsageError
from games.loader import load_game, resolve
from workbench.comparison.bands import band
from workbench.comparison.curves import FLOOR, Curve, curve_of, merged
from workbench.comparison.place import labels
from workbench.engines import cancelled
from workbench.engines.jobs import run_jobs
from workbench.runs.directory import CONFIG, RESULT, RunDirectory
from workbench.runs.directory import slug as file_name
from workbench.solving.config import SolveConfig, resolve_config, saved_config
from workbench.solving.isolated import NO_WORD, Trust
from workbench.solving.run import INTERRUPTED, solve
from workbench.terminal.interrupts import watched

MATCH_FACTOR = 2.0  # within this factor of the best counts as level with it
MATCH_FLOOR = 1e-12  # below this everything is rounding
CLOSE_FACTOR = 10.0  # further from the best than this, no rounding brings an algorithm there
TIED = "~"  # beside what rounding decides
JITTER = 1e-15  # relative: some units in the last place
COLUMNS = ("exploitability", "seconds", "reason", "iterate", "runs", "low", "high", "tied")  # of a cell in table.csv


@dataclass(frozen=True)
class Job:
    """One cell of the table: a configuration, the directory of its run, and the place of its algorithm in the request.

    `mark` names a file beside the run, which a worker must see: then it writes where the results are looked for. `draws` says
    whether the algorithm draws random numbers; its repetitions differ in their seeds.
    """

    config: SolveConfig
    path: Path
    column: int
    mark: str = ""
    sandbox: bool = False
    trusted: bool = False
    repeat: int = 0
    draws: bool = False

    @property
    def place(self) -> "Place":
        """Where the result belongs."""
        return self.config.game, self.config.algo, self.repeat

    @property
    def trust(self) -> Trust:
        """What the command line says of the user's own files, all of which it names."""
        return Trust(self.sandbox, self.trusted, self.config.programs)


@dataclass(frozen=True)
class Cell:
    """What came out of a job: the exploitability of the policy that `iterate` names, or the reason why there is none.

    Of several `runs`, whose payoffs differ by rounding, it is the median, `low` and `high` being the least and the greatest, and
    `tied` whether within these the algorithm could be level with the best or not. Of runs that differ in their `seeds` it is the
    interquartile mean (of logarithms), with the ends of its band.
    """

    exploitability: float | None
    seconds: float | None
    reason: str
    run: str | None
    iterate: str | None = None
    runs: int = 1
    low: float | None = None
    high: float | None = None
    tied: bool = False
    seeds: bool = False


Place = tuple[str, str, int]  # a game, an algorithm, and the number of its repetition
Cells = dict[tuple[str, str], Cell]


def expand_games(names: Sequence[str]) -> list[str]:
    """Return the games meant by `names`, suites unfolded, each once.

    Raises
    ------
    UsageError
        If none is named.
    """
    games = [game for name in names for game in SUITES.get(name, (name,))]
    if not games:
        raise UsageError(f"name a suite ({', '.join(SUITES)}) or games")
    return list(dict.fromkeys(games))


def default_path(root: Path, names: Sequence[str], configs: Sequence[SolveConfig]) -> Path:
    """Return the directory of a comparison: the same for the same request, so that asking again goes on where it stopped."""
    digest = hashlib.sha256(json.dumps([asdict(config) for config in configs]).encode()).hexdigest()[:8]
    lengths = "-".join(str(n) for n in sorted({config.iterations or 0 for config in configs}))
    return root / f"compare-{slug('-'.join(names))[:40]}-n{lengths}-{digest}"


def make_jobs(
    games: Sequence[str], algos: Sequence[str], base: SolveConfig, out: Callable[[Sequence[SolveConfig]], Path],
    trust: Trust = NO_WORD, seeds: int = 1,
) -> list[Job]:  # fmt: skip
    """Return the jobs of a comparison, largest games first so that the last minutes are not spent on one of them.

    Algorithms that draw random numbers run with so many `seeds`, from the one of `base` on; all others once.

    Raises
    ------
    UsageError
        For an unknown algorithm or game, before anything runs.
    """
    asked = [resolve_config(SolveConfig(**{**asdict(base), "game": g, "algo": a}), trust=trust) for g in games for a in algos]
    asked = list({(config.game, config.algo): (config, algorithm) for config, algorithm in asked}.values())  # twice is meant once
    drawing = {config.algo for config, algorithm in asked if algorithm.family.random}
    configs = [replace(config, seed=config.seed + k) for config, _ in asked for k in range(seeds if config.algo in drawing else 1)]
    for game in games:
        resolve(game)[1]()
    path = out(configs)
    called = labels(config.algo for config in configs)
    jobs = [
        Job(
            config, path / "runs" / f"{slug(config.game)}-{called[config.algo]}{_again(config.seed - base.seed)}",
            list(called).index(config.algo), sandbox=trust.sandbox, trusted=trust.trusted, repeat=config.seed - base.seed,
            draws=config.algo in drawing,
        )
        for config in configs
    ]  # fmt: skip
    return sorted(jobs, key=lambda job: -GAMES[job.config.game].histories if job.config.game in GAMES else -1)


def compile_job(job: tuple[str, int, int | None]) -> None:
    """Bring a game into the disk cache (a job for `workbench.engines.jobs`)."""
    load_game(job[0], max_histories=job[1], max_memory=job[2])


def run_job(job: Job) -> Cell:
    """Run or finish one job, or take the result that is there already (a job for `workbench.engines.jobs`)."""
    try:
        if job.mark and not (job.path.parent / job.mark).exists():
            raise GameplanError(
                f"the worker on {platform.node()} does not see {job.path.parent}; name an --out that all machines share"
            )
        done = finished(job)
        if done is not None:
            return done
        resume = (job.path / CONFIG).exists() and _same_config(RunDirectory(job.path), job.config)
        run = RunDirectory.open(job.path) if resume else RunDirectory.create(job.path, force=True)
        return _cell(solve(job.config, run, resume=resume, stop=cancelled, trust=job.trust))
    except GameplanError as error:
        return Cell(None, None, str(error), str(job.path))
    except KeyboardInterrupt:  # cancelled before there was anything to save
        return Cell(None, None, "cancelled", str(job.path))


def finished(job: Job) -> Cell | None:
    """Return the result of a job that was done before, or None."""
    if not (job.path / CONFIG).exists():
        return None
    run = RunDirectory.open(job.path)
    try:
        result = run.read_json(RESULT)
        return _cell(result) if result and result["status"] != INTERRUPTED and _same_config(run, job.config) else None
    except GameplanError:
        return None


def run_comparison(
    jobs: Sequence[Job], executor: Executor, *, stop: Callable[[], bool], on_done: Callable[[str], None],
    say: Callable[[str], None] = lambda text: None, cells: dict[Place, Cell] | None = None,
) -> dict[Place, Cell]:  # fmt: skip
    """Return the cells of all jobs by their places, running those that are not done.

    `on_done` is told the name of every cell that is there. `cells` is filled with them as they come, so that those that are there
    can be had after an interruption, too.

    Raises
    ------
    KeyboardInterrupt
        When `stop` says so; finished jobs are on disk and are reused next time.
    """
    cells = {} if cells is None else cells
    todo = []
    for job in jobs:
        cell = finished(job)
        if cell is None:
            todo.append(job)
        else:
            cells[job.place] = replace(cell, run=str(job.path), seeds=job.draws)  # where it is now, wherever it was made
            on_done(job.path.name)
    games = list(dict.fromkeys((job.config.game, job.config.max_histories, job.config.max_memory) for job in todo))
    with watched(say, "starting processes, compiling", len(games), "games") as told:
        for done, _ in enumerate(run_jobs(executor, compile_job, games, stop), 1):
            told(done)  # each game is compiled once; one that fails says why in each of its cells
    with _as_sent(todo, remote=getattr(executor, "remote", False)) as sent:
        here = {there.path: str(job.path) for job, there in zip(todo, sent, strict=True)}
        for job, result in run_jobs(executor, run_job, sent, stop):
            path = here[job.path]
            if isinstance(result, Cell):
                cell = replace(result, run=path)
            else:
                reason = str(result) if isinstance(result, GameplanError) else f"{type(result).__name__}: {result}"
                cell = Cell(None, None, reason, path)
            cells[job.place] = replace(cell, seeds=job.draws)
            on_done(job.path.name)
    return cells


def repeated(jobs: Sequence[Job], cells: Mapping[Place, Cell], repeats: int, jitter: float) -> list[Job]:
    """Return the jobs that run the close ones of `jobs` again, until there are `repeats` of each, with payoffs off by `jitter`.

    Close are those whose result is within `CLOSE_FACTOR` of the best of their game, or rounding. What draws random numbers is
    repeated with other seeds and the payoffs as they are, unless it was run with several seeds already.
    """
    seeded = any(job.draws and job.repeat for job in jobs)
    best: dict[str, float] = {}
    for (game, _, _), cell in cells.items():
        if cell.exploitability is not None:
            best[game] = min(best.get(game, np.inf), cell.exploitability)
    close = [
        job for job in jobs
        if not (job.draws and seeded) and (reached := cells[job.place].exploitability) is not None
        and reached <= max(CLOSE_FACTOR * best[job.config.game], MATCH_FLOOR)
    ]  # fmt: skip
    return [
        replace(
            job, config=replace(job.config, jitter=0.0 if job.draws else jitter, seed=job.config.seed + k),
            path=job.path.with_name(f"{job.path.name}{_again(k)}"), repeat=k,
        )
        for job in close for k in range(1, repeats)
    ]  # fmt: skip


def gathered(cells: Mapping[Place, Cell]) -> Cells:
    """Return the cells by game and algorithm: of repeated runs the median and how far they are apart, of seeds a mean with a band.

    An algorithm is level with the best, or not, for sure only if it is so whatever both of their repetitions are taken for.
    """
    groups: dict[tuple[str, str], list[Cell]] = {}
    for (game, algo, _), cell in sorted(cells.items(), key=lambda item: item[0][2]):
        groups.setdefault((game, algo), []).append(cell)
    found: Cells = {}
    for key, (first, *others) in groups.items():
        values = sorted(cell.exploitability for cell in (first, *others) if cell.exploitability is not None)
        if len(values) > 1 and first.seeds:
            middle, low, high = (float(10.0**end) for end in band(np.log10(np.maximum(values, FLOOR))))
            first = replace(first, exploitability=middle, runs=len(values), low=low, high=high)
        elif len(values) > 1:
            first = replace(first, exploitability=median_low(values), runs=len(values), low=values[0], high=values[-1])
        found[key] = first
    for game in {game for game, _ in found}:
        ran = {key: found[key] for key in found if key[0] == game and found[key].exploitability is not None}
        for key, cell in ran.items():
            if cell.seeds:
                continue
            rivals = [_ends(other) for place, other in ran.items() if place != key]
            if not rivals:
                continue
            low, high = _ends(cell)
            always, never = matches(high, [low for low, _ in rivals]), not matches(low, [high for _, high in rivals])
            found[key] = replace(cell, tied=not (always or never))
    return found


def _ends(cell: Cell) -> tuple[float, float]:
    middle = cell.exploitability if cell.exploitability is not None else np.inf
    if cell.low is None or cell.high is None or cell.seeds:
        return middle, middle
    return cell.low, cell.high


def _again(k: int) -> str:
    """Return what the name of a run's directory ends with if it is the k-th repetition."""
    return f"-r{k}" if k else ""


@contextmanager
def _as_sent(jobs: Sequence[Job], *, remote: bool) -> Iterator[Sequence[Job]]:
    """Yield the jobs as workers get them: those elsewhere have absolute paths, and a mark to look for."""
    if not remote or not jobs:
        yield jobs
        return
    mark = jobs[0].path.parent / f".{uuid.uuid4().hex}"
    RunDirectory(mark.parent).write(mark.name, b"")
    try:
        yield [replace(job, path=job.path.absolute(), mark=mark.name) for job in jobs]
    finally:
        mark.unlink(missing_ok=True)


def matches(value: float, others: Sequence[float]) -> bool:
    """Return whether `value` is level with or better than the best of `others`."""
    best = min([*others, value])
    return value <= MATCH_FACTOR * best or (value <= MATCH_FLOOR and best <= MATCH_FLOOR)


def summarise(games: Sequence[str], algos: Sequence[str], cells: Cells) -> dict[str, Any]:
    """Return the comparison as one record: cells, the best of every game, and the counts of "matches or beats"."""
    table, best = {}, {}
    counts = {algo: {"matches": 0, "best": 0, "ran": 0, "tied": 0} for algo in algos}
    for game in games:
        row = {algo: cells[game, algo] for algo in algos if (game, algo) in cells}
        values = {algo: cell.exploitability for algo, cell in row.items() if cell.exploitability is not None}
        table[game] = {algo: asdict(cell) for algo, cell in row.items()}
        if not values:
            continue
        best[game] = min(values, key=lambda algo: values[algo])
        counts[best[game]]["best"] += 1
        for algo, value in values.items():
            counts[algo]["ran"] += 1
            counts[algo]["matches"] += matches(value, list(values.values()))
            counts[algo]["tied"] += row[algo].tied
    return {"games": list(games), "algos": list(algos), "cells": table, "best": best, "counts": counts}


def conclude(jobs: Sequence[Job], games: Sequence[str], cells: Mapping[Place, Cell]) -> dict[str, Any]:
    """Return `summarise` of a comparison on `games`, as far as there are `cells`; its tables are written beside its runs."""
    order = list(dict.fromkeys(job.config.algo for job in sorted(jobs, key=lambda job: job.column)))
    summary = summarise(games, order, gathered(cells))
    write_table(summary, directory(jobs))
    return summary


def directory(jobs: Sequence[Job]) -> Path:
    """Return the directory of a comparison."""
    return jobs[0].path.parent.parent


def write_table(summary: dict[str, Any], out: Path) -> None:
    """Write the comparison as table.json, table.csv and table.md into `out`."""
    run = RunDirectory(out)
    run.write_json("table.json", summary)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["game", "algorithm", *COLUMNS])
    for game, row in summary["cells"].items():
        for algo, cell in row.items():
            writer.writerow([game, algo, *(cell[name] for name in COLUMNS)])
    run.write("table.csv", text.getvalue().encode())
    run.write("table.md", markdown_table(summary).encode())


def markdown_table(summary: dict[str, Any]) -> str:
    """Return the comparison as a Markdown table, the best of every game in bold, reasons below."""
    algos = labels(summary["algos"])
    lines = ["| game | " + " | ".join(algos.values()) + " |", "|---|" + "---|" * len(algos)]
    notes: dict[str, list[str]] = {}
    for game, row in summary["cells"].items():
        entries = []
        for algo in algos:
            cell = row.get(algo)
            if cell is None or cell["exploitability"] is None:
                entries.append("-")
                if cell is not None:
                    notes.setdefault(cell["reason"], []).append(f"{game}, {algos[algo]}")
            else:
                text = cell_text(cell)
                entries.append(f"**{text}**" if summary["best"].get(game) == algo else text)
        lines.append(f"| {game} | " + " | ".join(entries) + " |")
    counts = summary["counts"]
    entries = [share(counts[a]) for a in algos]
    lines.append("| matches or beats | " + " | ".join(entries) + " |")
    lines += ["", f"Reported: {reported(summary)}."] if summary["best"] else []
    lines += ["", f"{note[0].upper()}{note[1:]}."] if (note := said_of_repeats(summary)) else []
    lines += ["", f"Over seeds: {note}."] if (note := said_of_seeds(summary)) else []
    lines += [""] + [f"- {', '.join(where)}: {reason}" for reason, where in notes.items()] if notes else []
    return "\n".join(lines) + "\n"


def reported(summary: dict[str, Any]) -> str:
    """Return which policy of the algorithms that ran is reported, such as "average; last of mmd"; the commonest first."""
    found: dict[str, list[str]] = {}
    for algo, name in labels(summary["algos"]).items():
        cells = [row[algo] for row in summary["cells"].values() if algo in row]
        for iterate in dict.fromkeys(cell["iterate"] for cell in cells if cell["iterate"]):
            found.setdefault(iterate, []).append(name)
    first, *rest = sorted(found.items(), key=lambda pair: -len(pair[1])) or [("", [])]
    return "; ".join([first[0], *(f"{iterate} of {', '.join(algos)}" for iterate, algos in rest)])


def cell_text(cell: Mapping[str, Any]) -> str:
    """Return the exploitability of a cell, with a mark if rounding decides whether it is level with the best."""
    return format_exploitability(cell["exploitability"]) + (TIED if cell.get("tied") else "")


def said_of_repeats(summary: Mapping[str, Any]) -> str:
    """Return what is to be said of cells that several runs are behind; nothing if there are none."""
    cells = [
        cell for row in summary["cells"].values() for cell in row.values() if cell.get("runs", 1) > 1 and not cell.get("seeds")
    ]
    if not cells:
        return ""
    most = max(cell["runs"] for cell in cells)
    return (
        f"medians of {most} runs with payoffs off by rounding, of those within {CLOSE_FACTOR:g} times the best; {TIED} rounding "
        "decides whether it is level with the best"
    )


def said_of_seeds(summary: Mapping[str, Any]) -> str:
    """Return whose cells are means over seeds, such as "interquartile means of 5 runs of es-mccfr"; nothing if none are."""
    found: dict[int, dict[str, None]] = {}
    called = labels(summary["algos"])
    for row in summary["cells"].values():
        for algo, cell in row.items():
            if cell.get("seeds") and cell["runs"] > 1:
                found.setdefault(cell["runs"], {})[called[algo]] = None
    return "; ".join(f"interquartile means of {count} runs of {', '.join(algos)}" for count, algos in found.items())


def share(count: dict[str, int]) -> str:
    """Return in how many games an algorithm is level with the best, of those in which it ran."""
    return f"{count['matches']}/{count['ran']}" if count["ran"] else "-"


def format_exploitability(value: float) -> str:
    """Return an exploitability in two digits, small ones as they are and nothing below zero but rounding."""
    return f"{value:.2g}" if 1e-3 <= abs(value) < 1e3 or value == 0.0 else f"{value:.1e}"


def curves(summary: dict[str, Any]) -> dict[str, dict[str, Curve]]:
    """Return the curve of every cell that ran, game -> label -> curve."""
    found: dict[str, dict[str, Curve]] = {}
    called = labels(summary["algos"])
    for game, row in summary["cells"].items():
        for algo, cell in row.items():
            if cell["exploitability"] is not None and cell["run"]:
                first = Path(cell["run"])
                runs = [first, *(first.with_name(f"{first.name}-r{k}") for k in range(1, cell["runs"]))]
                one = [curve_of(RunDirectory(path), RunDirectory(path).read_json(CONFIG)) for path in runs]
                found.setdefault(game, {})[called[algo]] = merged(one)
    return found


def _cell(result: dict[str, Any]) -> Cell:
    return Cell(result["exploitability"], result["seconds"], "", result["run"], result.get("iterate"))


def _same_config(run: RunDirectory, config: SolveConfig) -> bool:
    return asdict(saved_config(run)) == json.loads(json.dumps(asdict(config)))


def slug(name: str) -> str:
    """Return `name` as a part of a directory's name."""
    return file_name(name)[-60:].strip("_")
