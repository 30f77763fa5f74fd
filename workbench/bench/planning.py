"""How fast planning runs here: playouts, searches, the critic, FLARE, environments; CPU seconds, the best of several repeats."""

import importlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from games.jit import njit
from workbench.runs.environment import describe_environment

PARTS = {
    "2048": "workbench.bench.planning_2048",
    "sokoban": "workbench.bench.planning_sokoban",
    "levels": "workbench.bench.planning_levels",
    "critic": "workbench.bench.planning_critic",
    "graphs": "workbench.bench.planning_flare",
    "chains": "workbench.bench.chains",
    "environments": "workbench.bench.planning_environments",
}
OF_LEVELS = ("sokoban", "levels")


@njit
def _spin(n):
    x = 1
    for _ in range(n):
        x ^= x << 13
        x ^= x >> 7
        x ^= x << 17
    return x


def calibration(repeats: int = 5) -> float:
    """Return steps of a fixed kernel (xorshift) a CPU second, the best of `repeats`: what this machine does at this moment."""
    _spin(10)
    best = 0.0
    for _ in range(repeats):
        begin = time.process_time()
        _spin(20_000_000)
        best = max(best, 20_000_000 / (time.process_time() - begin))
    return best


def run(parts: Sequence[str], *, repeats: int = 5, levels: Sequence[str] = (), tell: Callable[[str], None]) -> dict[str, Any]:
    """Return the figures of the `parts` as one record, each beside the calibration kernel's rate before it.

    `levels` are files, or for the part "levels" also folders, on which Sokoban is measured, in place of the shipped levels.
    """
    record: dict[str, Any] = {"environment": describe_environment(1), "repeats": repeats, "parts": {}}
    for part in parts:
        rate = calibration()
        options: dict[str, Any] = {"levels": levels} if part in OF_LEVELS else {}
        figures = importlib.import_module(PARTS[part]).run(repeats=repeats, tell=tell, **options)
        record["parts"][part] = {"calibration": rate, "figures": figures}
    return record


def count(parts: Sequence[str], levels: Sequence[str] = ()) -> int:
    """Return how many things `run` will tell of."""
    counts = {part: importlib.import_module(PARTS[part]).count for part in parts}
    return sum(counted(levels) if part in OF_LEVELS else counted() for part, counted in counts.items())


def rows(figures: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return the numbers of a nested record as (name, number) rows."""
    if not isinstance(figures, dict):
        return [(prefix, figures)]
    return [row for name, value in figures.items() for row in rows(value, f"{prefix} {str(name).replace('_', ' ')}".strip())]
