"""How fast Sokoban runs: random play by pushes and by moves, and best-first search over a collection of levels."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from games.random import stream
from games.worlds import load_world
from planners.budget import EXPANSIONS, Budget
from planners.catalogue import find_planner
from workbench.bench.planning_critic import rollout_rate

LIMIT = 10.0  # seconds a level


def count(levels: Sequence[str] = ()) -> int:
    """Return how many things `run` will tell of."""
    return 2 + 2 * max(1, len(levels))


def run(*, repeats: int = 5, tell: Callable[[str], None], levels: Sequence[str] = ()) -> dict[str, Any]:
    """Return steps a CPU second of random play (60 pushes, 120 moves) and what A* does on `levels`, or on the shipped ones."""
    record: dict[str, Any] = {}
    for actions, steps in (("pushes", 60), ("moves", 120)):
        tell(f"sokoban: random {actions}")
        world = load_world("sokoban", {"actions": actions})
        record[f"random {actions}"] = rollout_rate(world, [world.instance(0).start], repeats, steps)
    for path in levels or ("",):
        for minimise in ("pushes", "moves"):
            tell(f"sokoban: astar by {minimise} on {path or 'the shipped levels'}")
            record[f"astar {minimise} {path.rpartition('/')[2] or 'shipped'}"] = search("astar", path, minimise)
    return record


def search(planner: str, path: str, minimise: str) -> dict[str, Any]:
    """Return how many levels of a file the planner solves within `LIMIT`, in all and in a second each, and its CPU seconds."""
    world = load_world("sokoban", {"levels": path, "minimise": minimise})
    player = find_planner(planner)
    player.begin(world.instance(0), stream("warm"))
    player.decide(world.instance(0).start, None, Budget(units=1))
    solved, soon, seconds, worst, expansions = 0, 0, 0.0, 0.0, 0
    for number in range(len(world)):
        instance = world.instance(number)
        begin = time.process_time()
        player.begin(instance, stream("bench", number))
        decision = player.decide(instance.start, None, Budget(seconds=LIMIT))
        took = time.process_time() - begin
        found = decision.action is not None and not decision.note
        solved, soon = solved + found, soon + (found and took <= 1.0)
        seconds, worst, expansions = seconds + took, max(worst, took), expansions + int(decision.cost[EXPANSIONS])
    return {
        "levels": len(world), "solved": solved, "solved_within_a_second": soon, "cpu_seconds": seconds, "worst_level": worst,
        "expansions_per_second": expansions / seconds,
    }  # fmt: skip
