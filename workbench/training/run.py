"""One training run, from a resolved configuration to a result record; it knows learners, and no method.

learning.jsonl        one line an update on a grid: counters and what the update measured; no clock
timing.jsonl          one line each: seconds
policy.safetensors    what was learned (value.safetensors, or both)
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

import numpy as np

from games.errors import GameplanError
from games.modules import short_name
from games.world import Instance, World
from planners.budget import Budget
from planners.episode import play
from planners.learning.learner import Diverged, Learner
from planners.policies.files import NAMES, encode_learned
from planners.policies.reactive import Reactive
from workbench.environment import describe_environment
from workbench.formats import SCHEMA
from workbench.interrupts import patience
from workbench.programs import read_data
from workbench.rundir import CONFIG, INITIAL, LEARNING, TIMING, RunDirectory, copy_name
from workbench.training.config import (
    TrainConfig,
    identity,
    initial_path,
    kept_texts,
    load_train,
    own_texts,
    split,
)
from workbench.training.optimum import optimum

DONE, INTERRUPTED, TIME_UP, DIVERGED = "done", "interrupted", "time limit", "diverged"
TELL_SECONDS = 0.1  # between two looks at the progress
CHECKPOINT_SECONDS = 1.0  # what a crash can cost, or twenty times what a checkpoint takes

OnProgress = Callable[[Learner, dict[str, float]], None]


def train(
    config: TrainConfig,
    run: RunDirectory,
    *,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    on_progress: OnProgress = lambda learner, figures: None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Train `config` (resolved) in the directory `run` and return the result record, which is also saved there.

    With `resume` the run goes on from its last checkpoint and ends with the same bytes as one that was never stopped. `stop` is
    asked before every update; when true, a checkpoint is saved and the run ends with status "interrupted".

    Raises
    ------
    GameplanError
        For a world or method that fails, or a disk that cannot be written.
    """
    with run.writing(resume=resume):
        return _Training(config, run, resume, stop, on_progress, say).run()


def is_recorded(update: int) -> bool:
    """Return whether the figures of an update are kept: the first hundred, then some ninety for every factor of ten."""
    return update % 10 ** max(0, len(str(update)) - 2) == 0


class _Training:
    def __init__(
        self, config: TrainConfig, run: RunDirectory, resume: bool, stop: Callable[[], bool], on_progress: OnProgress,
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.config, self.directory, self.stop, self.on_progress, self.say = config, run, stop, on_progress, say
        texts = kept_texts(config, run) if resume else own_texts(config)
        self.identity, self._texts = identity(config), texts
        if not resume:
            copies = {copy_name(role, ""): text.encode() for role, text in texts.items()}
            copies |= _initial(config)
            run.start(asdict(config), describe_environment(1), copies)
        self._compiling = f"compiling {short_name(config.method)} for {short_name(config.env)}"
        with patience(say, self._compiling, own=bool(texts)):
            self.world, self.learner = load_train(config, texts, run)
        self.seconds, self.cpu_seconds = 0.0, 0.0
        self._warm = False
        if resume and not self._back():
            self._cut(0)
        self._saved_at, self._pause, self._told_at = time.perf_counter(), CHECKPOINT_SECONDS, 0.0

    def run(self) -> dict[str, Any]:
        started = time.perf_counter()
        status, problem = self._learn()
        if status == INTERRUPTED:
            score: dict[str, Any] = {"mean": None, "standard_error": None, "episodes": 0}
            best = None
        else:
            for learned in self.learner.learned():
                instance = split(self.world)[0](0)
                self.directory.write(NAMES[learned.role], encode_learned(learned, instance))
            score = evaluate(self.config, self.world, self.learner, self.stop)
            best = optimum(held_out(self.config, self.world), self.stop)
        record = {
            "schema": SCHEMA, "command": "train", "world": self.config.env, "method": self.config.method,
            "policy": self.config.policy, "params": self.config.params, "seed": self.config.seed, "updates": self.learner.updates,
            "environment_steps": self.learner.environment_steps, "expansions": self.learner.expansions, "score": score,
            "optimum": best, "seconds": self.seconds, "cpu_seconds": self.cpu_seconds, "status": status,
            "problem": problem, "run": str(self.directory.path), "total_seconds": time.perf_counter() - started,
        }  # fmt: skip
        self.directory.write_result(record)
        return record

    def _learn(self) -> tuple[str, str]:
        config, learner = self.config, self.learner
        while True:
            reached = config.steps and learner.environment_steps >= config.steps
            if reached or (config.updates and learner.updates >= config.updates):
                return self._end(DONE)
            if config.time_limit is not None and self.seconds >= config.time_limit:
                return self._end(TIME_UP)
            if self.stop():
                return self._end(INTERRUPTED)
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                with nullcontext() if self._warm else patience(self.say, self._compiling, own=bool(self._texts)):
                    learner.advance()
            except Diverged as error:
                self._last_good(learner.updates)
                learner = self.learner
                self.say(f"training diverged: {error}; kept is what was learned up to update {learner.updates}")
                return DIVERGED, str(error)
            if self._warm:  # the first update of a process compiles, which is no time of learning
                self.seconds += time.perf_counter() - wall
                self.cpu_seconds += time.process_time() - cpu
            self._warm = True
            if is_recorded(learner.updates):
                self._record()
            if time.perf_counter() - self._told_at > TELL_SECONDS:
                self.on_progress(learner, learner.figures())
                self._told_at = time.perf_counter()
            if time.perf_counter() - self._saved_at > self._pause:
                self._checkpoint()

    def _end(self, status: str) -> tuple[str, str]:
        self._checkpoint()
        return status, ""

    def _record(self) -> None:
        learner = self.learner
        counts = {
            "update": learner.updates, "environment_steps": learner.environment_steps, "expansions": learner.expansions
        }  # fmt: skip
        figures = {name: float(value) for name, value in learner.figures().items() if math.isfinite(value)}
        timing = {"update": learner.updates, "seconds": self.seconds, "cpu_seconds": self.cpu_seconds}
        self.directory.append_pair(LEARNING, {**counts, **figures}, timing, self.identity)

    def _checkpoint(self) -> None:
        begin = time.perf_counter()
        arrays = {**self.learner.state(), "clocks": np.array([self.seconds, self.cpu_seconds])}
        self.directory.save_checkpoint(self.learner.updates, arrays, self.identity)
        self._saved_at = time.perf_counter()
        self._pause = max(CHECKPOINT_SECONDS, 20 * (self._saved_at - begin))

    def _last_good(self, update: int) -> None:
        """Go back to before the update that failed, which may have changed some of what was learned: there are no copies."""
        for steps_again in (True, False):
            if not self._back():
                self.learner = load_train(self.config, self._texts, self.directory)[1]
                self._cut(0)
            try:
                while steps_again and self.learner.updates < update:
                    self.learner.advance()
                    if is_recorded(self.learner.updates):
                        self._record()
                return self._checkpoint()
            except Diverged:  # a method that is not the same twice
                continue

    def _back(self) -> bool:
        """Go back to the last checkpoint, and the lines with it; return whether there is one."""
        found = self.directory.load_checkpoint(self.identity)
        if found is None:
            return False
        update, arrays = found
        clocks = arrays.pop("clocks", np.zeros(2))
        try:
            self.learner.restore(update, arrays)
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise GameplanError(
                f"{self.directory.path} has a checkpoint that is none of this run; remove it to start anew"
            ) from error
        self.seconds, self.cpu_seconds = float(clocks[0]), float(clocks[1])
        self._cut(update)
        return True

    def _cut(self, update: int) -> None:
        pairs = [pair for pair in self.directory.read_pairs(LEARNING, "update", self.identity) if pair[0]["update"] <= update]
        for place, name in enumerate((LEARNING, TIMING)):
            if pairs or (self.directory.path / name).exists():
                self.directory.keep_lines(name, [pair[place] for pair in pairs])
        self.directory.write_json(CONFIG, asdict(self.config))


def evaluate(config: TrainConfig, world: World, learner: Learner, stop: Callable[[], bool]) -> dict[str, Any]:
    """Return mean and standard error of the score of greedy play on held-out seeds or levels."""
    planner = Reactive("policy", learner.learned()[0], 0.0)
    scores: list[float] = []
    for instance in held_out(config, world):
        if stop():
            break
        episode = play(instance, planner, Budget(), seed=config.seed)
        scores.append(float(world.outcome(episode.instance, episode.states, episode.actions, episode.rewards)["score"]))
    error = float(np.std(scores, ddof=1)) / len(scores) ** 0.5 if len(scores) > 1 else None
    return {"mean": float(np.mean(scores)) if scores else None, "standard_error": error, "episodes": len(scores)}


def held_out(config: TrainConfig, world: World) -> Iterator[Instance]:
    """Yield the instances of the final score, seeds or levels that were not learned from."""
    _, get, levels = split(world)
    yield from map(get, range(min(config.episodes, levels) if levels else config.episodes))


def _initial(config: TrainConfig) -> dict[str, bytes]:
    """Return the copies of what a run starts from, by their names."""
    return {name: read_data(initial_path(config, role), role) for role, name in INITIAL.items() if name in config.programs}
