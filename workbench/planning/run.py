"""Planner runs: episodes of one planner in one world, from a resolved configuration to a result record.

turns.jsonl      under a protocol (`workbench.planning.protocol`): one line a turn
episodes.jsonl   one line an episode: score, actions, units of every decision, counters; no clock
timing.jsonl     one line an episode: seconds
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from games.errors import GameplanError
from games.files import displayed
from games.modules import short_name
from games.world import Instance, World, columns_of, kept_outcome, summary_of
from planners.budget import COUNTERS, Budget
from planners.catalogue import find_planner
from planners.episode import Episode, play
from planners.language.report import language_record
from planners.metrics import Marks, judged, measures
from planners.planner import Planner
from planners.status import STATUSES
from workbench.engines.jobs import run_jobs
from workbench.planning.config import EPISODES, SCHEMA, PlanConfig, data_of, load_plan, with_copies
from workbench.planning.learned import learned_names, symmetry
from workbench.runs.directory import CONFIG, TIMING, TURNS, RunDirectory, copy_name
from workbench.runs.environment import describe_environment
from workbench.runs.formats import TURN
from workbench.runs.programs import digests_of, explained, kept_programs, own_names, read_copies, read_programs
from workbench.terminal.interrupts import patience

DONE, INTERRUPTED = "done", "interrupted"
LANGUAGE = "llm"  # a planner, and a value of parameters, that asks an endpoint
SLOW_SECONDS = 4.0  # what is left to do must take longer than this before processes are started for it


@dataclass(frozen=True)
class Chunk:
    """Some episodes of a run (a job for `workbench.engines.jobs`)."""

    config: str  # as JSON
    numbers: tuple[int, ...]
    programs: tuple[tuple[str, str], ...] = ()  # role and text of the user's own


class Conduct(NamedTuple):
    """How a run is conducted: who plays its episodes, who follows them, and who may end it.

    Attributes
    ----------
    executor : callable, optional
        Makes an executor with `workers` workers; asked for only if what is left takes long. Without one, episodes are played here.
    workers : int
    stop : callable
        Asked several times a second; when true, the finished episodes are kept and the run ends with status "interrupted".
    on_episode : callable
        Given the line of every episode as it ends (`episode_record`).
    on_decision : callable
        Given an episode that is played here after each of its decisions.
    say : callable
        Told what a user should know.
    """

    executor: Callable[[], Executor] | None = None
    workers: int = 1
    stop: Callable[[], bool] = lambda: False
    on_episode: Callable[[dict[str, Any]], None] = lambda line: None
    on_decision: Callable[[Episode], None] = lambda episode: None
    say: Callable[[str], None] = lambda text: None


HERE = Conduct()  # and nobody follows it


def instance_of(config: PlanConfig, world: World, number: int) -> tuple[Instance, int]:
    """Return the instance that episode `number` plays and the seed of its chance and planner: levels come again with new seeds."""
    levels = len(world)
    if levels:
        return world.instance(number % levels), config.seed + number // levels
    return world.instance(config.seed + number), config.seed + number


def play_episode(
    config: PlanConfig,
    world: World,
    planner: Planner,
    number: int,
    *,
    stop: Callable[[], bool] = lambda: False,
    on_decision: Callable[[Episode], None] = lambda episode: None,
) -> Episode:
    """Return episode `number` of the run."""
    instance, seed = instance_of(config, world, number)
    if config.units is None:
        return play(
            instance, planner, config.budget(), seed=seed, steps=config.steps, time_limit=config.time_limit, stop=stop,
            on_decision=on_decision, keep_records=config.protocol is not None,
        )  # fmt: skip
    budgets = [config.budget().repeated(units) for units in config.units[number]]
    return play(instance, planner, budgets, seed=seed, steps=config.steps, stop=stop, on_decision=on_decision)


def episode_record(number: int, world: World, episode: Episode) -> dict[str, Any]:
    """Return the line of an episode in episodes.jsonl; no clock in it."""
    outcome = kept_outcome(world, world.outcome(episode.instance, episode.states, episode.actions, episode.rewards))
    record: dict[str, Any] = {
        "episode": number,
        "instance": episode.instance.name,
        "seed": episode.instance.seed,
        **outcome,
        "status": episode.status,
        "steps": len(episode.actions),
        "return": math.fsum(episode.rewards),
        "decisions": len(episode.decisions),
        "cost": {name: int(n) for name, n in zip(COUNTERS, episode.cost, strict=True)},
        "actions": episode.actions,
        "units": [decision.units for decision in episode.decisions],
    }
    if len(episode.decisions) == 1 and episode.decisions[0].optimal is not None and outcome.get("solved"):
        record["optimal"] = episode.decisions[0].optimal
        if episode.decisions[0].member:
            record["member"] = episode.decisions[0].member
    if episode.note:
        record["note"] = episode.note
    fallbacks = sum(decision.fallback for decision in episode.decisions)
    if fallbacks:
        record["fallbacks"] = fallbacks
    marks = judged(episode)
    if marks is not None:
        record["marks"] = {name: None if value == math.inf else value for name, value in asdict(marks).items()}
    if episode.report:
        record["report"] = episode.report
    return record


def turn_lines(number: int, episode: Episode) -> list[dict[str, Any]]:
    """Return the line of every turn of an episode of `planners.language.agent.LanguagePlanner`, in turns.jsonl."""
    lines = []
    for turn, decision in enumerate(episode.decisions):
        found = {} if decision.record is None else decision.record
        tokens = {name: int(decision.cost[COUNTERS.index(name)]) for name in ("tokens_in", "tokens_out")}
        reward = episode.rewards[turn] if turn < len(episode.rewards) else None
        lines.append({"episode": number, "turn": turn, **found, "reward": reward, **tokens, "fallback": decision.fallback})
    return lines


def episode_timing(number: int, episode: Episode) -> dict[str, Any]:
    """Return the line of an episode in timing.jsonl."""
    return {"episode": number, "seconds": episode.seconds, "cpu_seconds": episode.cpu_seconds}


def warm_up(config: PlanConfig, world: World, planner: Planner) -> None:
    """Play two throw-away steps by chance and two by the planner, with their records, so that no time of compiling counts.

    What a planner calls only later in an episode, such as kernels that make its tables larger, its method ``warm_up`` calls if it
    has one. Language models are not asked.
    """
    if LANGUAGE in (config.planner, *config.params.values()):
        return
    instance, _ = instance_of(config, world, 0)
    for player in (find_planner("random"), planner):
        episode = play(instance, player, Budget(units=2), steps=2)
        episode_record(0, world, episode)
    if episode.decisions and hasattr(planner, "warm_up"):
        planner.warm_up()


def play_chunk(chunk: Chunk) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the (record, timing) of every episode of a chunk (a job for `workbench.engines.jobs`)."""
    config, world, planner = _prepared(chunk.config, chunk.programs)
    with explained(own_names(config)):
        return [_played(config, world, planner, number) for number in chunk.numbers]


def _played(config: PlanConfig, world: World, planner: Planner, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    episode = play_episode(config, world, planner, number)
    return _record(config, number, world, episode), episode_timing(number, episode)


def _record(config: PlanConfig, number: int, world: World, episode: Episode) -> dict[str, Any]:
    """Return `episode_record`, under a protocol with the lines of its turns as ``turns``."""
    turns = {} if config.protocol is None else {"turns": turn_lines(number, episode)}
    return {**episode_record(number, world, episode), **turns}


@cache
def _prepared(text: str, programs: tuple[tuple[str, str], ...]) -> tuple[PlanConfig, World, Planner]:
    config = PlanConfig(**json.loads(text))
    world, planner = load_plan(config, dict(programs))
    with explained(own_names(config)):
        warm_up(config, world, planner)
    return config, world, planner


def run_plan(
    config: PlanConfig,
    run: RunDirectory,
    conduct: Conduct = HERE,
    *,
    resume: bool = False,
    source: RunDirectory | None = None,
) -> dict[str, Any]:
    """Play the episodes of `config` into the directory `run` and return the result record, which is also saved there.

    Parameters
    ----------
    config : PlanConfig
        Resolved (`resolve_plan`).
    conduct : Conduct
        Who plays, who follows, who may end it.
    resume : bool
        Keep the episodes that are there. The run ends with the same bytes as one that was never stopped.
    source : RunDirectory, optional
        The run that is repeated: its copies of the user's own programs are played, whatever has become of the files.

    Raises
    ------
    GameplanError
        For a world that cannot be played, a planner that fails, or a disk that cannot be written.
    """
    with run.writing(resume=resume):
        return _run_plan(config, run, conduct, resume, run if resume else source)


def _run_plan(config: PlanConfig, run: RunDirectory, conduct: Conduct, resume: bool, source: RunDirectory | None) -> dict[str, Any]:
    stop, say = conduct.stop, conduct.say
    started = time.perf_counter()
    texts = kept_programs(source, config.programs) if source else read_programs(own_names(config))
    if any(config.programs.get(role) != digest for role, digest in digests_of(texts).items()):
        raise GameplanError(
            f"{' or '.join(map(displayed, own_names(config).values()))} has changed since the command began; run it again"
        )
    whose = identity(config)
    if resume:
        pairs = run.read_pairs(EPISODES, "episode", whose)
        _keep(run, pairs)  # without lines that a crash has left without their other half
        run.write_json(CONFIG, asdict(config))
        done = {line["episode"] for line, _ in pairs}
        if config.protocol is not None:
            run.keep_lines(TURNS, [line for line in run.read_lines(TURNS, TURN) if line["episode"] in done])
    else:
        copies = {copy_name(role, ""): text.encode() for role, text in texts.items()}
        run.start(asdict(config), describe_environment(1), copies | read_copies(data_of(config), config.programs))
        done = set()
    todo = [number for number in range(config.episodes) if number not in done]
    if resume and not todo:
        say(f"{run.path} was finished: {len(done)} episodes are played; --episodes with more goes on")

    def keep(record: dict[str, Any], timing: dict[str, Any]) -> None:
        for line in record.pop("turns", ()):
            run.append(TURNS, line)
        run.append_pair(EPISODES, record, timing, whose)
        conduct.on_episode(record)

    status = DONE
    playing = with_copies(config, run)
    world, planner = load_plan(playing, texts)
    own = own_names(config)
    if todo:
        what = f"compiling {short_name(config.planner)} for {short_name(config.env)}"
        with patience(say, what, own=bool(own)), explained(own):
            warm_up(config, world, planner)
    try:
        while todo:
            begin = time.perf_counter()
            with explained(own):
                episode = play_episode(config, world, planner, todo[0], stop=stop, on_decision=conduct.on_decision)
                if stop():
                    raise KeyboardInterrupt
                record = _record(config, todo[0], world, episode)
            keep(record, episode_timing(todo.pop(0), episode))
            seconds = time.perf_counter() - begin
            if conduct.executor is not None and conduct.workers > 1 and len(todo) * seconds > SLOW_SECONDS:
                for record, timing in _parallel(playing, texts, conduct.executor(), todo, conduct.workers, stop):
                    keep(record, timing)
                todo = []
    except KeyboardInterrupt:
        status = INTERRUPTED
    _keep(run, sorted(run.read_pairs(EPISODES, "episode", whose), key=lambda pair: int(pair[0]["episode"])))
    with explained(own):
        record = plan_record(config, run, status, world, getattr(planner, "solves", False))
    record["total_seconds"] = time.perf_counter() - started
    told = symmetry(learned_names(playing.planner, playing.params), instance_of(config, world, 0)[0])
    if told:
        record["symmetry"] = told
    run.write_result(record)
    return record


def _parallel(
    config: PlanConfig, texts: Mapping[str, str], executor: Executor, todo: Sequence[int], workers: int, stop: Callable[[], bool]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield (record, timing) of the episodes as they end, played by the executor in chunks."""
    size = max(1, min(50, len(todo) // (8 * workers)))
    text = json.dumps(asdict(config))
    chunks = [Chunk(text, tuple(todo[i : i + size]), tuple(texts.items())) for i in range(0, len(todo), size)]
    for _, result in run_jobs(executor, play_chunk, chunks, stop):
        if isinstance(result, BaseException):
            raise result if isinstance(result, GameplanError) else GameplanError(f"{type(result).__name__}: {result}") from result
        yield from result


def _keep(run: RunDirectory, pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Let the run have these lines, in this order, whichever process was first."""
    for place, name in enumerate((EPISODES, TIMING)):
        run.keep_lines(name, [pair[place] for pair in pairs])


def identity(config: PlanConfig) -> dict[str, Any]:
    """Return what makes a run this one, by which its episodes are known again: all but their number."""
    return {key: value for key, value in asdict(config).items() if value is not None and key not in ("episodes", "schema", "units")}


def plan_record(config: PlanConfig, run: RunDirectory, status: str, world: World, solves: bool) -> dict[str, Any]:
    """Return the record of a run: what ``--json`` prints and result.json holds; `solves` says that solutions were sought."""
    episodes = run.read_lines(EPISODES)
    timing = run.read_lines(TIMING)
    told = summary_of(world, episodes)
    seconds = math.fsum(line["seconds"] for line in timing)
    decisions = sum(line["decisions"] for line in episodes)
    language = language_record([line["cost"] for line in episodes], [line.get("report", {}) for line in episodes])
    marks = [{**line["marks"], "shortest": line["marks"]["shortest"] or math.inf} for line in episodes if "marks" in line]
    cost = {name: _mean([line["cost"][name] for line in episodes]) for name in COUNTERS}
    counted = [name for name in ("simulations", "evaluations", "expansions") if getattr(config, name) is not None]
    return {
        "schema": SCHEMA,
        "command": "plan",
        "env": config.env,
        "planner": config.planner,
        "params": config.params,
        "world": config.world,
        "seed": config.seed,
        "budget": {
            name: getattr(config, name)
            for name in ("simulations", "evaluations", "expansions", "time_per_move", "time_limit", "steps")
            if getattr(config, name) is not None
        },
        **summary([line["score"] for line in episodes]),
        "solved": sum(bool(line["solved"]) for line in episodes) if any(line["solved"] is not None for line in episodes) else None,
        "played": len(episodes),
        "cost": cost,
        "unlimited": [name for name in counted if decisions and not cost[name]],  # limits on what this planner never does
        "fallbacks": sum(line.get("fallbacks", 0) for line in episodes),
        **({"language": language} if language else {}),
        "decisions": decisions,
        **({"metrics": measures([Marks(**mark) for mark in marks])} if marks else {}),
        "seconds": seconds,
        "cpu_seconds": math.fsum(line["cpu_seconds"] for line in timing),
        "seconds_per_decision": seconds / decisions if decisions else None,
        "status": status,
        "statuses": {name: count for name in STATUSES if (count := sum(line["status"] == name for line in episodes))},
        "solutions_sought": solves,
        "columns": columns_of(world),
        "summary": told.lines,
        "run": str(run.path),
        "episodes": [
            {**{key: value for key, value in line.items() if key not in ("actions", "units")}, "seconds": clock["seconds"]}
            for line, clock in zip(episodes, timing, strict=True)
        ],
    }


def ignores(planner: str, unit: str) -> str:
    """Return the line that says that a limit of `unit` does not bound this planner."""
    return f"{planner} makes no {unit}, so this limit does not change its play"


def summary(scores: Sequence[float]) -> dict[str, float | None]:
    """Return mean, standard error, smallest, median and largest of `scores`."""
    if not scores:
        return dict.fromkeys(("mean", "standard_error", "min", "median", "max"))
    values = np.array(scores, np.float64)
    error = float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None
    alike = values.min() == values.max()  # then no rounding in mean and error
    return {
        "mean": float(values[0] if alike else values.mean()),
        "standard_error": 0.0 if alike and error is not None else error,
        "min": float(values.min()),
        "median": float(np.median(values)),
        "max": float(values.max()),
    }


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
