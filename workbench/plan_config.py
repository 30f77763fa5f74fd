"""The configuration of a planner run: resolved, saved, resumed, repeated."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from games.errors import UsageError
from games.params import Value
from games.worlds import load_world, world_options
from planners.budget import Budget
from planners.catalogue import find_planner, planner_params
from workbench.formats import SCHEMA, from_saved
from workbench.rundir import CONFIG, EPISODES, RunDirectory

LEVELS = "levels"  # the option of a world that names a file
CHANGEABLE = ("episodes",)  # what a resumed run may change


@dataclass(frozen=True)
class PlanConfig:
    """A planner run, resolved: everything that decides its result.

    `world` and `params` hold a value for every option of the world and every parameter of the planner. Episode k plays the world's
    instance ``seed + k``, or level k of a collection. Budgets are those of one decision, `time_limit` of one episode, in seconds;
    `steps` cuts episodes. `units` has the recorded units of every decision of every episode, for a run that repeats another.
    """

    env: str
    planner: str
    episodes: int = 0
    seed: int = 0
    world: dict[str, Value] = field(default_factory=dict)
    params: dict[str, Value] = field(default_factory=dict)
    simulations: int | None = None
    evaluations: int | None = None
    expansions: int | None = None
    time_per_move: float | None = None
    time_limit: float | None = None
    steps: int | None = None
    units: list[list[int]] | None = None
    schema: int = SCHEMA

    def budget(self) -> Budget:
        """Return the budget of one decision."""
        limits = [limit for limit in (self.time_per_move, self.time_limit) if limit is not None]
        return Budget(None, self.simulations, self.evaluations, self.expansions, min(limits) if limits else None)


def resolve_plan(config: PlanConfig) -> PlanConfig:
    """Return `config` with all options and parameters filled in, and the number of episodes if it is 0.

    Raises
    ------
    UsageError
        For an unknown world, planner, option or parameter, or a number out of range.
    """
    options = world_options(config.env, config.world)
    if options.get(LEVELS):  # the run may be resumed or replayed from another directory
        options[LEVELS] = str(Path(str(options[LEVELS])).resolve())
    config = replace(config, world=options, params=planner_params(config.planner, config.params))
    find_planner(config.planner, config.params)
    levels = len(load_world(config.env, config.world))
    if config.episodes < 0:
        raise UsageError(f"episodes = {config.episodes} is too small; it must be at least 1")
    return replace(config, episodes=config.episodes or levels or 10)


def resumed_plan(run: RunDirectory, changes: dict[str, Any]) -> PlanConfig:
    """Return the configuration of the run in `run` with `changes`, which may only ask for more episodes.

    Raises
    ------
    UsageError
        If a change would make it another run.
    """
    saved = saved_plan(run)
    for name, value in changes.items():
        before = getattr(saved, name)
        if isinstance(before, dict):
            same = all(str(before.get(key)) == str(new) for key, new in value.items())
        else:
            same = name in CHANGEABLE or value == before
        if not same:
            raise UsageError(
                f"the run in {run.path} has {name} = {before}, not {value}; a resumed run keeps it: leave it out or start anew"
            )
    return replace(saved, **{name: value for name, value in changes.items() if name in CHANGEABLE})


def saved_plan(run: RunDirectory) -> PlanConfig:
    """Return the configuration of the planner run in `run`.

    Raises
    ------
    UsageError
        If it is a run of another command.
    GameplanError
        If the saved configuration is damaged or of a newer version.
    """
    saved = run.read_json(CONFIG)
    if "planner" not in saved:
        raise UsageError(f"{run.path} is not a planner run; 'gameplan runs list' shows what there is")
    return from_saved(PlanConfig, saved, run.path / CONFIG)


def repeated_plan(run: RunDirectory) -> PlanConfig:
    """Return the configuration that plays the run in `run` again, every decision with the units that it had then.

    Raises
    ------
    UsageError
        If the run has not finished.
    """
    saved = saved_plan(run)
    lines = {line["episode"]: line for line in run.read_lines(EPISODES)}
    if len(lines) < saved.episodes:
        raise UsageError(f"{run.path} has {len(lines)} of {saved.episodes} episodes; finish it with --resume {run.path} first")
    return replace(saved, units=[lines[k]["units"] for k in range(saved.episodes)])


def default_name(config: PlanConfig) -> tuple[str, str, int]:
    """Return (world, planner, seed) as they name a run's directory."""
    return config.env, Path(config.planner).stem, config.seed
