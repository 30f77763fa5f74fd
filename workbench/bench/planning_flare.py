"""The table of planners on the knowledge-graph walk: success, traps, first errors, recovery, cost; mean +- sd over seeds."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from games.errors import UsageError
from games.graphs.kg_walk import KgWalk
from games.params import Value
from games.worlds import load_world
from planners.budget import EVALUATIONS, SCORES, TRANSITIONS, Budget
from planners.catalogue import find_planner
from planners.episode import play
from planners.metrics import Marks, judge, rate
from planners.parts.exact import solve
from planners.status import SOLVED

# Label, name in the catalogue, parameters. Best-of-n stands beside FLARE with the same number of evaluations a decision.
ROWS: tuple[tuple[str, str, dict[str, Value]], ...] = (
    ("random", "random", {}),
    ("greedy, l", "greedy", {}),
    ("greedy, R", "greedy-value", {}),
    ("beam 8", "beam", {"width": 8}),
    ("beam 32", "beam", {"width": 32}),
    ("beam 8, re-ranked by R", "beam-value", {"width": 8}),
    ("lookahead-1, l", "lookahead", {}),
    ("lookahead-1, R", "lookahead-value", {}),
    ("best-of-16, R", "best-of-n", {"n": 16}),
    ("FLARE S16 H3 mean (flare-paper)", "flare-paper", {}),
    ("FLARE S16 H3 max", "flare-paper", {"backup": "max"}),
    ("FLARE S16 H1", "flare-paper", {"H": 1}),
    ("flare-wb", "flare-wb", {}),
    ("best-of-64, R", "best-of-n", {"n": 64}),
    ("FLARE S64 H3 mean", "flare-paper", {"S": 64}),
    ("FLARE S64 H3 max", "flare-paper", {"S": 64, "backup": "max"}),
)
SPEEDS = ("flare-paper", "flare-wb", "best-of-n", "greedy-value")  # planners whose episodes a second are measured
METRICS = ("success", "err@1", "trap@1", "first error, censored", "recovery")
COSTS = {"R calls": EVALUATIONS, "l calls": SCORES, "transitions": TRANSITIONS}


@dataclass(frozen=True)
class Measured:
    """One planner on the same instances as the others: marks and costs of each episode; whether it survived the forced error."""

    label: str
    marks: list[Marks]
    forced: list[bool]
    costs: np.ndarray
    cpu_seconds: float


def measure(world: str, planner: str, params: dict[str, Value], seeds: range, label: str = "") -> Measured:
    """Return what a planner does on the instances `seeds` of a world of knowledge-graph walks."""
    found, player = load_world(world), find_planner(planner, params)
    if not isinstance(found, KgWalk):
        raise UsageError(f"{world} is no knowledge-graph walk; legal are kg-walk and kg-needle")
    marks, forced, costs, begin = [], [], [], time.process_time()
    for seed in seeds:
        instance = found.instance(seed)
        episode = play(instance, player, Budget())
        marks.append(judge(episode, solve(instance)))
        costs.append(episode.cost)
        forced.append(play(found.recovery(instance), player, Budget()).status == SOLVED)
    return Measured(label or planner, marks, forced, np.array(costs), time.process_time() - begin)


def _row(job: tuple[str, str, str, dict[str, Value], range]) -> Measured:
    world, label, planner, params, seeds = job
    return measure(world, planner, params, seeds, label)


def table(
    world: str = "kg-walk", seeds: int = 5, instances: int = 200, jobs: int = 1, tell: Callable[[str], None] = lambda label: None
) -> list[Measured]:  # fmt: skip
    """Return the rows of the table, each over `seeds` x `instances` instances, the same for all; `tell` hears of every row."""
    work = [(world, label, planner, params, range(seeds * instances)) for label, planner, params in ROWS]
    with ProcessPoolExecutor(jobs) if jobs > 1 else nullcontext() as pool:
        rows = []
        for row in map(_row, work) if pool is None else pool.map(_row, work):
            rows.append(row)
            tell(f"{world}: {row.label}")
        return rows


def row_record(row: Measured) -> dict[str, Any]:
    """Return one row of the table as plain values."""
    return {
        "planner": row.label,
        **{metric: None if np.isnan(value := rate(row.marks, metric)) else value for metric in METRICS},
        "forced recovery": float(np.mean(row.forced)),
        **{name: float(row.costs[:, counter].mean()) for name, counter in COSTS.items()},
        "cpu_seconds": row.cpu_seconds,
    }


HEADER = (
    "planner", "success", "Err@1", "Trap@1", "first error (censored)", "recovery", "forced recovery", "R calls", "l calls",
    "transitions",
)  # fmt: skip


def cells_of(rows: Sequence[Measured], seeds: int = 5) -> list[list[str]]:
    """Return the cells of the table below `HEADER`; the deviation is that of the `seeds` groups of instances."""
    found = []
    for row in rows:
        groups = np.array_split(np.array([m.solved for m in row.marks], np.float64), seeds)
        deviation = float(np.std([g.mean() for g in groups], ddof=1)) if seeds > 1 else 0.0
        cells = [f"{rate(row.marks, metric):.3f}" for metric in METRICS]
        cells[0] += f" ± {deviation:.3f}"
        cells.append(f"{np.mean(row.forced):.3f}")
        cells += [f"{row.costs[:, counter].mean():.0f}" for counter in COSTS.values()]
        found.append([row.label, *cells])
    return found


def render(rows: Sequence[Measured], seeds: int = 5) -> str:
    """Return the table in Markdown."""
    lines = [HEADER, ["---"] * len(HEADER), *cells_of(rows, seeds)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def count() -> int:
    """Return how many things `run` will tell of."""
    return len(SPEEDS)


def run(*, repeats: int = 5, tell: Callable[[str], None]) -> dict[str, Any]:
    """Return the episodes a CPU second of planners on the knowledge-graph walk: the best of `repeats` times 200 instances."""
    record: dict[str, Any] = {}
    world = load_world("kg-walk")
    instances = [world.instance(seed) for seed in range(200)]
    for name in SPEEDS:
        tell(f"kg-walk: {name}")
        planner = find_planner(name)
        play(instances[0], planner, Budget())
        best = 0.0
        for _ in range(repeats):
            begin = time.process_time()
            for instance in instances:
                play(instance, planner, Budget())
            best = max(best, len(instances) / (time.process_time() - begin))
        record[name] = {"episodes_per_second": best}
    return record
