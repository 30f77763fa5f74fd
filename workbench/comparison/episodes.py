"""Scores of planner runs, for figures: what every episode came to, and how far it climbed where a world has a ladder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from games.modules import short_name
from games.worlds import WORLDS, load_world
from workbench.planning.config import EPISODES, PlanConfig, saved_plan
from workbench.runs.directory import CONFIG, RunDirectory
from workbench.runs.kinds import PLANNER_RUN, kind_of
from workbench.runs.listing import configs_below


@dataclass(frozen=True)
class Episodes:
    """The episodes of a planner run.

    Attributes
    ----------
    name : str
        The planner, which decides the colour.
    scores : (n,) float64 array
    instances : (n,) int64 array
        Equal for episodes on the same level.
    ladder : str
        The key of what is climbed, such as "max_tile"; empty where the world has no such thing.
    climbed : (n,) float64 array
        How far, NaN where there is no ladder.
    variant : int
        Which this is of the runs of `name`.
    """

    name: str
    scores: np.ndarray
    instances: np.ndarray
    ladder: str
    climbed: np.ndarray
    variant: int = 0

    @property
    def strata(self) -> list[int] | None:
        """The strata of a bootstrap: levels that were played several times; None where the instances are the sample."""
        return self.instances.tolist() if np.bincount(self.instances).min() > 1 else None


def planner_runs(paths: Sequence[Path]) -> dict[str, dict[str, Episodes]]:
    """Return the planner runs at or below `paths` that have episodes: world -> label -> episodes; {} if there are others only.

    Several runs of one planner in one world are told apart by their budgets, else by their directories' names.
    """
    found: dict[str, dict[str, Episodes]] = {}
    for path in dict.fromkeys(config.parent for place in paths for config in configs_below(place)):
        run = RunDirectory(path)
        if kind_of(run.read_json(CONFIG)) != PLANNER_RUN:
            continue
        config = saved_plan(run)
        lines = run.read_lines(EPISODES)
        if not lines:
            continue
        runs = found.setdefault(short_name(config.env), {})
        name = short_name(config.planner)
        budget = _budget(config)
        label = name if not any(each.name == name for each in runs.values()) else f"{name} {budget}".strip()
        label = label if label not in runs else f"{name} ({path.name})"
        runs[label] = episodes_of(config, name, lines, sum(each.name == name for each in runs.values()))
    return found


def _budget(config: PlanConfig) -> str:
    limits = {key: getattr(config, key) for key in ("simulations", "evaluations", "expansions", "time_per_move")}
    return " ".join(f"{value:g} {key.replace('_', ' ')}" for key, value in limits.items() if value is not None)


def episodes_of(config: PlanConfig, name: str, lines: Sequence[dict[str, Any]], variant: int) -> Episodes:
    """Return the episodes on record; worlds of the user's own are not made for this, so that they have no ladder here."""
    ladder = str(getattr(load_world(config.env, config.world), "ladder", "")) if config.env in WORLDS else ""
    known = [line.get(ladder) for line in lines]
    climbed = [float(value) if isinstance(value, int | float) else np.nan for value in known]
    ladder = "" if np.isnan(climbed).any() else ladder
    _, instances = np.unique([line["instance"] for line in lines], return_inverse=True)
    return Episodes(name, np.array([float(line["score"]) for line in lines]), instances, ladder, np.array(climbed), variant)
