"""One training run, from a resolved configuration to a result record; it knows learners, and no method.

learning.jsonl        one line an update on a grid: counters and what the update measured; no clock
timing.jsonl          one line each: seconds
policy.safetensors    what was learned (value.safetensors, or both)
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

import numpy as np

from games.errors import UsageError
from games.modules import short_name
from games.world import Instance, World
from planners.budget import Budget
from planners.episode import play
from planners.language.small import MODEL
from planners.learning.learner import Learner
from planners.policies.files import NAMES, encode_learned
from planners.policies.reactive import Reactive
from workbench.runs.directory import INITIAL, LEVELS, RunDirectory, copy_name
from workbench.runs.environment import describe_environment
from workbench.runs.formats import SCHEMA
from workbench.runs.programs import explained, read_copies, read_data
from workbench.terminal.interrupts import patience, watched
from workbench.training.config import (
    LANGUAGE,
    TrainConfig,
    identity,
    initial_path,
    kept_texts,
    load_train,
    own_names,
    own_texts,
    split,
    training_world,
)
from workbench.training.loop import DONE, INTERRUPTED, TIME_UP, Loop, OnProgress, Watch
from workbench.training.optimum import optimum

OnEnd = Callable[[Learner, World], None]


def train(
    config: TrainConfig,
    run: RunDirectory,
    *,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    on_progress: OnProgress = lambda learner, figures: None,
    say: Callable[[str], None] = lambda text: None,
    on_end: OnEnd = lambda learner, world: None,
) -> dict[str, Any]:
    """Train `config` (resolved) in the directory `run` and return the result record, which is also saved there.

    With `resume` the run goes on from its last checkpoint and ends with the same bytes as one that was never stopped. `stop` is
    asked before every update; when true, a checkpoint is saved and the run ends with status "interrupted". `on_end` is given the
    learner as it is then, and the world.

    Raises
    ------
    GameplanError
        For a world or method that fails, or a disk that cannot be written.
    """
    with run.writing(resume=resume), explained(own_names(config)):
        return _train(config, run, resume, Watch(stop, on_progress, say), on_end)


def _train(config: TrainConfig, run: RunDirectory, resume: bool, watch: Watch, on_end: OnEnd) -> dict[str, Any]:
    stop, say = watch.stop, watch.say
    texts = kept_texts(config, run) if resume else own_texts(config)
    if not resume:
        copies = {copy_name(role, ""): text.encode() for role, text in texts.items()}
        levels = {LEVELS: str(config.world[LEVELS])} if LEVELS in config.programs else {}
        copies |= read_copies(levels, config.programs) | _initial(config)
        run.start(asdict(config), describe_environment(1), copies)

    def compiling() -> AbstractContextManager[None]:
        return patience(say, f"compiling {short_name(config.method)} for {short_name(config.env)}", own=bool(texts))

    def ended(loop: Loop) -> str:
        learner = loop.learner
        if (config.steps and learner.environment_steps >= config.steps) or (config.updates and learner.updates >= config.updates):
            return DONE
        return TIME_UP if config.time_limit is not None and loop.seconds >= config.time_limit else ""

    def reached(learner: Learner) -> None:
        if config.updates and learner.updates > config.updates:
            raise UsageError(f"{run.path} has already done {learner.updates} updates; ask for at least that many with --updates")

    loop = Loop(
        run, lambda: load_train(config, texts, run)[1], identity(config), asdict(config), watch,
        resume=resume, compiling=compiling, reached=reached,
    )  # fmt: skip
    world = training_world(config, texts, run)
    started = time.perf_counter()
    if resume and ended(loop):
        say(f"{run.path} was finished: {loop.learner.updates:,} updates are done; a larger limit goes on")
    status, problem = loop.learn(ended)
    learner = loop.learner
    on_end(learner, world)
    score: dict[str, Any] = {"mean": None, "standard_error": None, "episodes": 0}
    best = None
    if status != INTERRUPTED:
        for learned in learner.learned():
            run.write(NAMES[learned.role], encode_learned(learned, split(world)[0](0)))
        if config.policy == LANGUAGE:
            score = keep_model(config, world, run, learner, stop, say)
        else:
            with watched(say, "playing for the score", config.episodes, "episodes") as tell:
                score = evaluate(config, world, learner, stop, tell)
        with watched(say, "computing what the best play expects"):
            best = optimum(held_out(config, world), stop)
    record = {
        "schema": SCHEMA, "command": "train", "world": config.env, "method": config.method,
        "policy": config.policy, "params": config.params, "seed": config.seed, "updates": learner.updates,
        "environment_steps": learner.environment_steps, "expansions": learner.expansions, "score": score,
        "optimum": best, "seconds": loop.seconds, "cpu_seconds": loop.cpu_seconds, "status": status,
        "problem": problem, "run": str(run.path), "total_seconds": time.perf_counter() - started,
    }  # fmt: skip
    run.write_result(record)
    return record


def evaluate(
    config: TrainConfig, world: World, learner: Learner, stop: Callable[[], bool], tell: Callable[[int], None] = lambda done: None
) -> dict[str, Any]:
    """Return mean and standard error of the score of greedy play on held-out seeds or levels; `tell` hears how many are played."""
    planner = Reactive("policy", learner.learned()[0], 0.0)
    scores: list[float] = []
    for instance in held_out(config, world):
        if stop():
            break
        tell(len(scores))
        episode = play(instance, planner, Budget(), seed=config.seed)
        scores.append(float(world.outcome(episode.instance, episode.states, episode.actions, episode.rewards)["score"]))
    error = float(np.std(scores, ddof=1)) / len(scores) ** 0.5 if len(scores) > 1 else None
    return {"mean": float(np.mean(scores)) if scores else None, "standard_error": error, "episodes": len(scores)}


def held_out(config: TrainConfig, world: World) -> Iterator[Instance]:
    """Yield the instances of the final score, seeds or levels that were not learned from."""
    _, get, levels = split(world)
    yield from map(get, range(min(config.episodes, levels) if levels else config.episodes))


def keep_model(
    config: TrainConfig, world: World, run: RunDirectory, learner: Any, stop: Callable[[], bool], say: Callable[[str], None]
) -> dict[str, Any]:
    """Keep the language model that was learned, and return how it plays: its likeliest answers, all games side by side."""
    from planners.language.small.files import encode_model
    from workbench.training.language import play_record

    model = learner.model()
    run.write(MODEL, encode_model(model))
    return play_record(model, world, config.episodes, 0.0, stop=stop, say=say)


def _initial(config: TrainConfig) -> dict[str, bytes]:
    """Return the copies of what a run starts from, by their names."""
    return {name: read_data(initial_path(config, role), role) for role, name in INITIAL.items() if name in config.programs}
