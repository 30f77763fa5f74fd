"""The loop of every training run: the learner advances, what it measured is recorded, and a checkpoint says where to go on."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from games.errors import GameplanError
from planners.learning.learner import Diverged, Learner
from workbench.runs.directory import CHECKPOINT, CONFIG, LEARNING, TIMING, RunDirectory

DONE, INTERRUPTED, TIME_UP, DIVERGED = "done", "interrupted", "time limit", "diverged"
TELL_SECONDS = 0.1  # between two looks at the progress
CHECKPOINT_SECONDS = 1.0  # what a crash can cost, or twenty times what a checkpoint takes

OnProgress = Callable[[Learner, dict[str, float]], None]


class Watch(NamedTuple):
    """Who follows a training run, and may end it.

    Attributes
    ----------
    stop : callable
        Asked before every update; when true, a checkpoint is saved and the run ends with status "interrupted".
    on_progress : callable
        Given the learner and its figures, `TELL_SECONDS` apart.
    say : callable
        Told what a user should know.
    """

    stop: Callable[[], bool]
    on_progress: OnProgress
    say: Callable[[str], None]


def is_recorded(update: int) -> bool:
    """Return whether the figures of an update are kept: the first hundred, then some ninety for every factor of ten."""
    return update % 10 ** max(0, len(str(update)) - 2) == 0


def _is_finite(name: str, value: Any) -> bool:
    try:
        return math.isfinite(value)
    except TypeError as error:
        raise GameplanError(f"the figure {name!r} of a learner is {type(value).__name__}, not a number") from error


class Loop:
    """Lets a learner learn in a run directory.

    Parameters
    ----------
    directory : RunDirectory
        It has been started.
    make : callable
        Returns the learner at its beginning.
    identity : mapping
        What makes the run this one: lines and checkpoints of another are refused.
    config : mapping
        The configuration, which is written again when the run goes on.
    watch : Watch
    resume : bool
        Go on from the last checkpoint.
    recorded : callable
        Whether the figures of an update are kept.
    reached : callable
        Called with a learner that is back where a run goes on; it raises if the run may not.
    compiling : callable
        Returns a context for what may take long because it compiles: making the learner, and its first update.

    Attributes
    ----------
    learner : Learner
    seconds, cpu_seconds : float
        Spent learning, without what the first update of a process takes to compile.
    """

    def __init__(
        self, directory: RunDirectory, make: Callable[[], Learner], identity: dict[str, Any], config: dict[str, Any],
        watch: Watch, *, resume: bool,
        recorded: Callable[[int], bool] = is_recorded, compiling: Callable[[], AbstractContextManager[Any]] = nullcontext,
        reached: Callable[[Learner], None] = lambda learner: None,
    ) -> None:  # fmt: skip
        self.directory, self.identity, self._make, self._config = directory, identity, make, config
        self._watch, self._recorded = watch, recorded
        self._compiling, self._reached = compiling, reached
        with compiling():
            self.learner = make()
        self.seconds, self.cpu_seconds = 0.0, 0.0
        self._warm = False
        if resume and not self._back():
            self._cut(0)
        self._saved_at, self._pause, self._told_at = time.perf_counter(), CHECKPOINT_SECONDS, 0.0

    def learn(self, ended: Callable[["Loop"], str]) -> tuple[str, str]:
        """Learn until `ended` names a status, or somebody stops it, or it diverges; return the status, and what diverged."""
        learner = self.learner
        while True:
            status = ended(self) or (INTERRUPTED if self._watch.stop() else "")
            if status:
                self._checkpoint()
                return status, ""
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                before = learner.updates
                with nullcontext() if self._warm else self._compiling():
                    learner.advance()
                if learner.updates <= before:
                    raise GameplanError(f"advance() of {type(learner).__name__} counts no update, so learning would not end")
            except Diverged as error:
                self._last_good(learner.updates)
                learner = self.learner
                self._watch.say(f"training diverged: {error}; kept is what was learned up to update {learner.updates}")
                return DIVERGED, str(error)
            if self._warm:  # the first update of a process compiles, which is no time of learning
                self.seconds += time.perf_counter() - wall
                self.cpu_seconds += time.process_time() - cpu
            self._warm = True
            if self._recorded(learner.updates):
                self._record()
            if time.perf_counter() - self._told_at > TELL_SECONDS:
                self._watch.on_progress(learner, learner.figures())
                self._told_at = time.perf_counter()
            if time.perf_counter() - self._saved_at > self._pause:
                self._checkpoint()

    def _record(self) -> None:
        learner = self.learner
        counts = {
            "update": learner.updates, "environment_steps": learner.environment_steps, "expansions": learner.expansions
        }  # fmt: skip
        figures = {name: float(value) for name, value in learner.figures().items() if _is_finite(name, value)}
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
                self.learner = self._make()
                self._cut(0)
            try:
                while steps_again and self.learner.updates < update:
                    self.learner.advance()
                    if self._recorded(self.learner.updates):
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
        self._reached(self.learner)
        self.seconds, self.cpu_seconds = float(clocks[0]), float(clocks[1])
        self._cut(update)
        return True

    def _cut(self, update: int) -> None:
        pairs = [pair for pair in self.directory.read_pairs(LEARNING, "update", self.identity) if pair[0]["update"] <= update]
        there = {line["update"] for line, _ in pairs}
        lost = next((k for k in range(1, update + 1) if k not in there and self._recorded(k)), None)
        if lost is not None:
            raise GameplanError(
                f"{self.directory.path / LEARNING} and {TIMING} have no line for update {lost}, although the checkpoint is of "
                f"update {update}; put them back, or remove {CHECKPOINT} to run again from the start"
            )
        for place, name in enumerate((LEARNING, TIMING)):
            if pairs or self.directory.holds(name):
                self.directory.keep_lines(name, [pair[place] for pair in pairs])
        self.directory.write_json(CONFIG, self._config)
