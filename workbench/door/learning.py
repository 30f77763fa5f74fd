"""Policies and values learned from Python."""

import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from games.asked import Natural, Place
from games.errors import UsageError
from games.params import Value
from games.world import World
from planners.learning.learner import Learner
from planners.policies.files import NAMES, encode_learned
from workbench.door.asking import asked
from workbench.door.options import Duration, TrainOptions, seconds
from workbench.door.progress import Wish, reporting
from workbench.door.results import Result, Row, shown, text_of
from workbench.runs.directory import LEARNING, RunDirectory
from workbench.runs.memory import RunMemory
from workbench.terminal.durations import format_duration
from workbench.training.config import LANGUAGE, TrainConfig, resolve_train, resumed_train, split
from workbench.training.run import train as run_training

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NO_OPTIONS = TrainOptions()


class TrainResult(Result):
    """What came of a training run; planners and the critic take it (``learned={"value": result}``).

    Attributes
    ----------
    env, method, status : str
        The status is "done", "time limit", "diverged" or "interrupted".
    score, standard_error : float or None
        Of greedy play on held-out seeds or levels; None if it was interrupted.
    updates, environment_steps, expansions : int
        What learning took.
    curve : list of dict
        What was measured while it learned.
    learned : tuple of str
        The roles of what was learned: "policy", "value".
    run : Path or None
        The run directory, if there is one.
    record : dict
        The record that ``gameplan train --json`` prints.
    """

    title = "training run"

    def __init__(self, record: Mapping[str, Any], kept: RunDirectory, learned: Mapping[str, bytes]) -> None:
        self.run = kept.path if kept.lasting else None
        self.record = {**record, "run": None if self.run is None else str(self.run)}
        self.env, self.method, self.status = str(record["world"]), str(record["method"]), str(record["status"])
        self.score: float | None = record["score"]["mean"]
        self.standard_error: float | None = record["score"]["standard_error"]
        self.updates, self.environment_steps = int(record["updates"]), int(record["environment_steps"])
        self.expansions = int(record["expansions"])
        self.curve: list[dict[str, Any]] = kept.read_lines(LEARNING)
        self.learned = tuple(learned)
        self._kept, self._bytes = kept, dict(learned)

    def facts(self) -> dict[str, str]:
        """Return world, method, score and what it took."""
        score = "none" if self.score is None else text_of(self.score)
        if self.standard_error is not None:
            score += f" ± {text_of(self.standard_error)}"
        return {
            "": f"{self.env} {self.method}",
            "status": self.status,
            "score": score,
            "learned": " and ".join(self.learned) or "nothing",
            "updates": f"{self.updates:,}",
            "time": format_duration(float(self.record["seconds"])),
            **({} if self.run is None else {"run": str(self.run)}),
        }

    def rows(self) -> Sequence[Row]:
        """Return those of the curve."""
        return self.curve

    def file(self, role: str) -> Path:
        """Return the file of what was learned, "policy" or "value"; without a run directory, one that lives as long as the result.

        Raises
        ------
        UsageError
            If there is none.
        """
        if role not in self._bytes:
            raise UsageError(f"{self.method} has learned {' and '.join(self.learned) or 'nothing'}, no {role}")
        path = (self.run or Path(self._folder.name)) / NAMES[role]
        if not path.exists():
            path.write_bytes(self._bytes[role])
        return path

    @cached_property
    def _folder(self) -> "tempfile.TemporaryDirectory[str]":
        return tempfile.TemporaryDirectory(prefix="gameplan-")

    def save(self, role: str, path: Place) -> None:
        """Write the policy or value (`role`) to a file; errors are those of `file`, and of the disk."""
        from games.files import write_output

        write_output(Path(path), self.file(role).read_bytes(), "FILE")

    def plot(self, y: str = "score", x: str = "cost") -> "Figure":
        """Return what was measured while learning (`y`, such as "score" or "entropy") as a figure, over "cost", "seconds" ...

        Raises
        ------
        GameplanError
            If it was not measured.
        """
        from workbench.comparison.methods import curves_of
        from workbench.figures.training import draw_learning

        return shown(draw_learning({self.env: {self.method: curves_of([self._kept], x, y)}}, None, x=x, y=y))


@asked
def train(
    env: str,
    method: str = "mc-grpo",
    *,
    updates: Natural = 0,
    time_limit: Duration | None = None,
    params: Mapping[str, Value] | None = None,
    seed: Natural = 0,
    options: TrainOptions | None = None,
    out: Place | None = None,
    progress: Wish = None,
) -> TrainResult:
    """Return a policy or value that has learned in a world.

    Parameters
    ----------
    env : str
        A world, or a file of your own.
    method : str
        A name (``gameplan algos``), or a file of your own.
    updates : int
        Stop after so many; 0: no such limit.
    time_limit : float or str, optional
        Stop after so much learning, in seconds or as a text such as ``"10m"``.
    params : mapping, optional
        Parameters of the method, and options of the trainer.
    seed : int
        Of everything random.
    options : TrainOptions, optional
        What is learned, where from, and how it is scored.
    out : str or Path, optional
        A run directory, as ``gameplan train --out`` makes it. Without it nothing is kept but the result.
    progress : bool or callable, optional
        As for `workbench.door.solving.solve`.

    Returns
    -------
    TrainResult
        Also after an interrupt, with what was learned until then and no score.

    Raises
    ------
    UsageError
        For an unknown world, method, kind, option or parameter, or no limit at all.
    GameplanError
        For a world or method that fails.

    Examples
    --------
    >>> import workbench as gp
    >>> value = gp.train("2048-2x3", "td", updates=3, options=gp.TrainOptions(episodes=5))
    >>> gp.plan("2048-2x3", "expectimax", episodes=2, learned={"value": value}).status
    'done'
    """
    rest = options or _NO_OPTIONS
    config = resolve_train(
        TrainConfig(
            env, method, rest.policy, rest.value, str(rest.init), dict(rest.world), dict(params or {}), dict(rest.policy_params),
            dict(rest.value_params), updates=updates, steps=rest.steps, time_limit=seconds(time_limit), seed=seed,
            episodes=rest.episodes,
        )
    )  # fmt: skip
    if config.policy == LANGUAGE and out is None:
        raise UsageError("a language model is kept in a run directory: say out=...")
    return _ran(config, RunMemory() if out is None else RunDirectory.create(Path(out), force=rest.force), progress)


def resumed(path: Path, changes: Mapping[str, Any], *, trusted: bool, progress: Wish) -> TrainResult:
    """Return what the training run in `path` comes to when it goes on, with `changes` to its limits.

    Raises
    ------
    UsageError, GameplanError
        As ``gameplan train --resume``.
    """
    run = RunDirectory.open(path)
    return _ran(resumed_train(run, changes, trusted), run, progress, resume=True)


def _ran(config: TrainConfig, run: RunDirectory, progress: Wish, *, resume: bool = False) -> TrainResult:
    learned: dict[str, bytes] = {}

    def ended(learner: Learner, world: World) -> None:
        if config.policy != LANGUAGE:
            instance = split(world)[0](0)
            learned.update({made.role: encode_learned(made, instance) for made in learner.learned()})

    try:
        with reporting(progress, f"learning {config.env}", config.updates or None) as reporter:

            def moved(learner: Learner, figures: dict[str, float]) -> None:
                told = {name: figures[name] for name in ("score", "loss") if name in figures}
                reporter.moved(learner.updates, "  ".join(f"{name} {text_of(value)}" for name, value in told.items()))

            record = run_training(
                config, run, resume=resume, stop=reporter.stop, on_progress=moved, say=reporter, on_end=ended
            )  # fmt: skip
    finally:
        run.discard_if_empty()
    return TrainResult(record, run, learned)
