"""The configuration of a planner run: resolved, saved, resumed, repeated."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from games.errors import UsageError
from games.modules import is_program, load_program, short_name
from games.params import Value
from games.plugins import EVALUATOR, PLANNER, WORLD, expanded
from games.world import World
from games.worlds import WORLDS, load_world, world_options
from planners.budget import Budget
from planners.catalogue import PLANNERS, find_planner, planner_params
from planners.parts.evaluators import EVALUATORS, is_own
from planners.planner import Planner
from workbench.planning.addresses import check_addresses
from workbench.planning.learned import PARAMETERS, found_files, learned_names, parameter, renamed
from workbench.planning.mixture import own_players
from workbench.runs.directory import EPISODES, LEVELS, RunDirectory
from workbench.runs.formats import SCHEMA, differing
from workbench.runs.kinds import PLANNER_RUN, read_config
from workbench.runs.programs import (
    check_trust,
    data_digest,
    digests_of,
    explained,
    kept_data,
    own_names,
    read_programs,
    resolved_name,
)

ANSWERS = "answers"  # of an endpoint, in the directory of a run under a protocol
CHANGEABLE = ("episodes",)  # what a resumed run may change


@dataclass(frozen=True)
class PlanConfig:
    """A planner run, resolved: everything that decides its result.

    `world` and `params` hold a value for every option of the world and every parameter of the planner. Episode k plays the world's
    instance ``seed + k``, or level k of a collection. Budgets are those of one decision, `time_limit` of one episode, in seconds;
    `steps` cuts episodes. `programs` has the digests of the user's own world, planner and levels. `units` has the recorded units of
    every decision of every episode, for a run that repeats another. `protocol` and `beside` are those of
    `workbench.planning.protocol`.
    """

    env: str
    planner: str
    episodes: int = 0
    seed: int = 0
    world: dict[str, Value] = field(default_factory=dict)
    params: dict[str, Value] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)
    simulations: int | None = None
    evaluations: int | None = None
    expansions: int | None = None
    time_per_move: float | None = None
    time_limit: float | None = None
    steps: int | None = None
    units: list[list[int]] | None = None
    protocol: str | None = None
    beside: str | None = None
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
    named = _expanded({"env": config.env, "planner": config.planner, "params": config.params})
    config = replace(config, **{key: value for key, value in named.items() if key != EVALUATOR})
    texts = read_programs(own_names(config))
    config = replace(config, env=resolved_name(config.env), planner=resolved_name(config.planner))
    options, digests = world_options(config.env, config.world, texts.get("env")), digests_of(texts)
    of_file = bool(options.get(LEVELS)) and config.env in WORLDS
    if of_file:
        options[LEVELS] = str(Path(str(options[LEVELS])).resolve())
    params = planner_params(config.planner, config.params, texts.get("planner"))
    config = replace(config, programs=digests, world=options, params=params)
    world, _ = load_plan(config, texts)
    levels = len(world)
    names = learned_names(config.planner, params)
    if names:
        with explained(own_names(config)):
            files = found_files(names, world.instance(0 if levels else config.seed))
        digests |= {role: data_digest(path, role) for role, path in files.items()}
        config = replace(config, params=renamed(params, files))
    if of_file:
        digests[LEVELS] = data_digest(str(options[LEVELS]), LEVELS)
    if config.episodes < 0:
        raise UsageError(f"episodes = {config.episodes} is too small; it must be at least 1")
    return replace(config, episodes=config.episodes or levels or 10)


def _expanded(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the programs that names of plug-ins stand for."""
    shipped: dict[str, tuple[str, Collection[str]]] = {"env": (WORLD, WORLDS), "planner": (PLANNER, PLANNERS)}
    params = given.get("params") or {}
    if is_own(str(params.get(EVALUATOR, ""))):
        found = resolved_name(expanded(EVALUATOR, str(params[EVALUATOR]), EVALUATORS))
        given = {**given, "params": {**params, EVALUATOR: found}, EVALUATOR: found}
    return {key: expanded(shipped[key][0], value, shipped[key][1]) if key in shipped else value for key, value in given.items()}


def load_plan(config: PlanConfig, texts: Mapping[str, str]) -> tuple[World, Planner]:
    """Return world and planner of a resolved `config`; `texts` (role: text) has those of the user's own, whatever their paths hold.

    Raises
    ------
    GameplanError
        If one cannot be made.
    """
    with explained(own_names(config)):
        world, params = load_world(config.env, config.world, texts.get("env")), config.params
        if EVALUATOR in own_names(config):  # by the name of the module that the text becomes in this process
            program = load_program(str(params[EVALUATOR]), "evaluator file", texts.get(EVALUATOR))
            attribute = program.attribute if hasattr(program.module, program.attribute) else "worth"
            params = {**params, EVALUATOR: f"{program.module.__name__}:{attribute}"}
        return world, find_planner(config.planner, params, texts.get("planner"))


def data_of(config: PlanConfig) -> dict[str, str]:
    """Return role -> path of the data files of a resolved `config`: levels, learned policies and values."""
    levels = {LEVELS: str(config.world[LEVELS])} if LEVELS in config.programs else {}
    return {
        **levels,
        **{role: path for role, path in learned_names(config.planner, config.params).items() if role in config.programs},
    }


def with_copies(config: PlanConfig, run: RunDirectory) -> PlanConfig:
    """Return `config` with the files of data, and under a protocol the answers, that `run` keeps in place of the user's own.

    Raises
    ------
    GameplanError
        If one is not what was recorded.
    """
    kept = {role: str(kept_data(run, role, path, config.programs).resolve()) for role, path in data_of(config).items()}
    world = {**config.world, **({LEVELS: kept.pop(LEVELS)} if LEVELS in kept else {})}
    params = renamed(config.params, kept)
    if config.protocol is not None and not params.get("cache"):
        params["cache"] = str((run.path / ANSWERS).resolve())
    return replace(config, world=world, params=params)


def trusted_plan(
    run: RunDirectory, named: Mapping[str, Any], trusted: bool, again: str, unasked: Collection[str] = ()
) -> PlanConfig:
    """Return the configuration of the run in `run`, once what it would run of the user's own is named (role: name) or `trusted`.

    Roles that are `unasked` are of programs that are not going to run.

    Raises
    ------
    UsageError
        If it is not (see `workbench.runs.programs.check_trust`, also for `again`).
    """
    saved, named = saved_plan(run), _expanded(named)
    own = {role: name for role, name in own_names(saved).items() if role not in unasked}
    check_trust(run, own, saved.programs, named, trusted, again)
    levels, world = saved.world.get(LEVELS), named.get("world") or {}
    if levels and saved.env in WORLDS and LEVELS not in saved.programs and LEVELS not in world and not trusted:
        raise UsageError(
            f"the run in {run.path} keeps no copy of its levels, {levels}, which is not read because a run directory says so; "
            f"if you trust the run: {again} --trusted"
        )
    unkept = [path for role, path in learned_names(saved.planner, saved.params).items() if role not in saved.programs]
    if unkept and not trusted:
        raise UsageError(
            f"the run in {run.path} keeps no copy of {unkept[0]}, which is not read because a run directory says so; if you trust "
            f"the run: {again} --trusted"
        )
    beside = [] if trusted else own_players(saved.beside or "")
    if beside:
        raise UsageError(
            f"the run in {run.path} is played beside a planner of its own, {beside[0]}, which runs as you only if you trust the "
            f"run: {again} --trusted"
        )
    return saved


def resumed_plan(run: RunDirectory, changes: dict[str, Any], trusted: bool = False) -> PlanConfig:
    """Return the configuration of the run in `run` with `changes`, which may only ask for more episodes.

    Raises
    ------
    UsageError
        If a change would make it another run, or a program in the directory is neither among them nor `trusted`.
    """
    again = f"gameplan plan --resume {run.path}"
    changes = _expanded(changes)
    saved = trusted_plan(run, changes, trusted, again)
    if not trusted:
        check_addresses(saved.params, changes.get("params") or {}, again)
    changes.pop(EVALUATOR, None)  # its text was compared
    for name, value in changes.items():
        before = getattr(saved, name)
        if name in saved.programs and is_program(value):
            other = None  # its text was compared
        else:
            given = {k: v for k, v in value.items() if not _is_same_file(saved, k, v)} if isinstance(before, dict) else value
            other = None if name in CHANGEABLE else differing(name, before, given)
        if other:
            raise UsageError(
                f"the run in {run.path} has {other[0]} = {other[1]}, not {other[2]}; a resumed run keeps it: leave it out or start "
                "anew"
            )
    if saved.planner in PLANNERS:  # a parameter that came later stands for what was done before it
        saved = replace(saved, params={**planner_params(saved.planner), **saved.params})
    return replace(saved, **{name: value for name, value in changes.items() if name in CHANGEABLE})


def _is_same_file(saved: PlanConfig, key: str, path: Any) -> bool:
    for role, names in PARAMETERS.items():
        if key in names and role in saved.programs and key == parameter(saved.params, role):
            again = learned_names(saved.planner, {**saved.params, key: path})
            return role in again and data_digest(again[role], role) == saved.programs[role]
    if key == EVALUATOR and EVALUATOR in saved.programs and is_program(str(path)):
        return True  # its text was compared
    if key != LEVELS or saved.env not in WORLDS:
        return False
    if LEVELS in saved.programs:
        return data_digest(str(path), LEVELS) == saved.programs[LEVELS]
    return str(Path(str(path)).resolve()) == saved.world.get(LEVELS)


def saved_plan(run: RunDirectory) -> PlanConfig:
    """Return the configuration of the planner run in `run`.

    Raises
    ------
    UsageError
        If it is a run of another command.
    GameplanError
        If the saved configuration is damaged or of a newer version.
    """
    return read_config(run, PLANNER_RUN, PlanConfig)


def repeated_plan(run: RunDirectory, named: Mapping[str, Any], trusted: bool = False) -> PlanConfig:
    """Return the configuration that plays the run in `run` again, every decision with the units that it had then.

    Raises
    ------
    UsageError
        If the run has not finished, or a program in the directory is neither `named` (role: name) again nor `trusted`.
    """
    again = f"gameplan plan --repeat {run.path}"
    saved = trusted_plan(run, named, trusted, again)
    if not trusted:
        check_addresses(saved.params, named.get("params") or {}, again)
    lines = {line["episode"]: line for line in run.read_lines(EPISODES)}
    if len(lines) < saved.episodes:
        raise UsageError(f"{run.path} has {len(lines)} of {saved.episodes} episodes; finish it with --resume {run.path} first")
    return replace(with_copies(saved, run), units=[lines[k]["units"] for k in range(saved.episodes)])


def default_name(config: PlanConfig) -> tuple[str, str, int]:
    """Return (world, planner, seed) as they name a run's directory."""
    return short_name(config.env), short_name(config.planner), config.seed
