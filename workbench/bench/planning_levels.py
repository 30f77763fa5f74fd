"""How many levels of Sokoban collections are solved, how soon, and how long the plans are, in CPU time; medians of several runs."""

import resource
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from games.errors import UsageError
from games.random import stream
from games.world import Instance
from games.worlds import load_world
from planners.budget import Budget, new_cost
from planners.catalogue import find_planner
from planners.search import best_first, portfolio
from planners.search.best_first_search import Search, Way
from planners.search.solving import ENDS, SOLVED, SlicedSearch

SOON, LIMIT = 1.0, 10.0  # CPU seconds a level
SLICE = 200  # expansions between two looks at the clock
SUFFIXES = (".xsb", ".sok", ".txt")


def _astar(instance: Instance) -> SlicedSearch:
    return Search(instance.model, instance.start, Way(1.0, 1.0), int(best_first.PARAMS["memory"]) << 20)


def _solver(instance: Instance) -> SlicedSearch:
    return portfolio.Turns(instance.model, instance.start, int(portfolio.PARAMS["turn"]), int(portfolio.PARAMS["memory"]) << 20)


PLANNERS: dict[str, Callable[[Instance], SlicedSearch]] = {"astar": _astar, "sokoban-solver": _solver}


def collections(levels: Sequence[str]) -> dict[str, list[str]]:
    """Return the files of every collection among files and folders: a file each, but numbered files are those of their folder.

    Raises
    ------
    UsageError
        For a folder without any.
    """
    found: dict[str, list[str]] = {}
    for path in map(Path, levels):
        files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES) if path.is_dir() else [path]
        if not files:
            raise UsageError(f"{path} has no levels; legal are files and folders of files that end in {', '.join(SUFFIXES)}")
        for file in files:
            name = "/".join(file.resolve().parts[-3:-1]) if file.stem.isdigit() else file.stem
            found.setdefault(name, []).append(str(file))
    return found or {"shipped": [""]}


def count(levels: Sequence[str] = ()) -> int:
    """Return how many things `run` will tell of in a run."""
    return len(collections(levels)) * len(PLANNERS)


def run(*, repeats: int = 3, tell: Callable[[str], None], levels: Sequence[str] = ()) -> dict[str, Any]:
    """Return the table, a row for each collection and planner, and the most memory that this process has had.

    `over_optimum` is by how many per cent plans are longer than proven shortest ones, on levels of which these are known.
    """
    table = []
    for name, files in collections(levels).items():
        plans: dict[str, list[list[tuple[int, bool, float]]]] = {}
        for planner in PLANNERS:
            tell(f"levels: {planner} on {name}")
            plans[planner] = [solve(planner, files) for _ in range(repeats)]
        shortest = [
            min((each[k][0] for runs in plans.values() for each in runs if each[k][1]), default=-1)
            for k in range(len(plans["astar"][0]))
        ]
        for planner, runs in plans.items():
            each = [_row(found, shortest) for found in runs]
            medians = {key: statistics.median(row[key] for row in each) for key in each[0]}
            table.append({"collection": name, "planner": planner, **medians})
    return {"levels": table, "most_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0}


def solve(planner: str, files: Sequence[str]) -> list[tuple[int, bool, float]]:
    """Return of every level the length of the plan (-1: none), whether it is proven to be a shortest one, and CPU seconds."""
    found, limit = [], Budget().limits()
    for file in files:
        world = load_world("sokoban", {"levels": file})
        player: Any = find_planner(planner)  # so that nothing is compiled later
        player.begin(world.instance(0), stream("warm"))
        player.decide(world.instance(0).start, None, Budget(units=1))
        player.warm_up()
        for number in range(len(world)):
            instance, cost = world.instance(number), new_cost()
            begin = time.process_time()
            search = PLANNERS[planner](instance)
            while search.status not in ENDS and time.process_time() - begin < LIMIT:
                search.advance(SLICE, cost, limit)
            done = search.status == SOLVED
            found.append((len(search.line()) if done else -1, done and search.optimal, time.process_time() - begin))
    return found


def _row(found: Sequence[tuple[int, bool, float]], shortest: Sequence[int]) -> dict[str, float]:
    known = [(length, least) for (length, _, _), least in zip(found, shortest, strict=True) if length >= 0 and least >= 0]
    total = sum(least for _, least in known)
    return {
        "levels": len(found),
        "within_1s": sum(length >= 0 and seconds <= SOON for length, _, seconds in found),
        "within_10s": sum(length >= 0 for length, _, _ in found),
        "proven": sum(proven for _, proven, _ in found),
        "over_optimum": 100.0 * (sum(length for length, _ in known) / total - 1.0) if total else 0.0,
        "cpu_seconds": sum(seconds for _, _, seconds in found),
    }
