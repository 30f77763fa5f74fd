"""Looking for runs below a directory: what became of them, and what they measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from games.errors import GameplanError, UsageError
from games.files import reason
from games.modules import short_name
from workbench.runs.directory import CONFIG, METRICS, RESULT, RunDirectory
from workbench.runs.kinds import TRAINING_RUN, kind_of


def list_runs(root: Path) -> list[dict[str, Any]]:
    """Return a summary of every run below `root`, oldest name first."""
    found: list[dict[str, Any]] = []
    for config in configs_below(root):
        run = RunDirectory(config.parent)
        try:
            settings, result = run.read_json(CONFIG), run.read_json(RESULT)
            lines = run.read_lines(METRICS)
        except GameplanError as error:
            found.append({"run": str(config.parent), "status": f"damaged: {error}"})
            continue
        kind, last = kind_of(settings), lines[-1] if lines else {}
        done = result or {}
        counted = next((done[key] for key in ("played", "accepted", "updates") if key in done), 0)
        found.append({
            "run": str(config.parent),
            "game": settings[kind.world],
            "algo": kind.command or settings[kind.algo],
            "status": result["status"] if result else "unfinished",
            "iterations": (result or last).get("iterations", last.get("iteration", counted)),
            "exploitability": (result or last).get("exploitability"),
            "mean": done.get("mean", (done.get("score") or {}).get("mean")),
        })  # fmt: skip
    return found


def training_runs(paths: Sequence[Path]) -> dict[str, dict[str, list[Path]]]:
    """Return the training runs at or below `paths`: world -> method -> directories; none if there are others only."""
    found: dict[str, dict[str, list[Path]]] = {}
    for path in paths:
        for config in configs_below(path):
            settings = RunDirectory(config.parent).read_json(CONFIG)
            if kind_of(settings) == TRAINING_RUN:
                world, method = short_name(settings["env"]), short_name(settings["method"])
                found.setdefault(world, {}).setdefault(method, []).append(config.parent)
    return found


def configs_below(root: Path) -> list[Path]:
    """Return the configurations of all runs at or below `root`."""
    try:
        return sorted(path for path in root.rglob(CONFIG) if path.is_file()) if root.is_dir() else []
    except OSError as error:
        raise UsageError(f"cannot look into {root}: {reason(error)}") from error
