"""Worlds planned in from Python: episodes of a planner, and the Monte-Carlo critic of a position."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from games.asked import Natural, Place, Positive
from games.errors import GameplanError, UsageError
from games.modules import short_name
from games.params import Value
from planners.episode import Episode
from planners.policies.catalogue import POLICY, VALUE
from workbench.door.asking import asked
from workbench.door.options import Budget, PlanOptions, seconds
from workbench.door.progress import Reporter, Wish, reporting
from workbench.door.results import Result, Row, shown, text_of
from workbench.planning.config import PlanConfig, resolve_plan, resumed_plan
from workbench.planning.critic import Answer, Question, ask_critic
from workbench.planning.learned import params_of
from workbench.planning.protocol import BESIDE, run_protocol, under_protocol
from workbench.planning.run import Conduct, run_plan
from workbench.runs.directory import EPISODES, RunDirectory
from workbench.runs.memory import RunMemory
from workbench.terminal.durations import format_duration
from workbench.views.names import run_or_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NO_BUDGET, _NO_OPTIONS = Budget(), PlanOptions()


@runtime_checkable
class HasFiles(Protocol):
    """What was learned, such as `workbench.door.learning.TrainResult`: it has a file for each role."""

    def file(self, role: str) -> Path:
        """Return the file of the policy or value that was learned."""


Learned = Place | HasFiles


class PlanResult(Result):
    """What came of a planner run.

    Attributes
    ----------
    env, planner, status : str
        The status is "done" or "interrupted"; then only some episodes were played.
    mean, standard_error : float or None
        Of the scores; the error of a single one is not known.
    scores : tuple of float
        One an episode.
    solved : int or None
        Episodes that were solved, where the world says so.
    episodes : list of dict
        The record of every episode: score, status, steps, costs, and what the world tells.
    cost : dict
        Means of an episode: expansions, simulations, calls of the evaluator ...
    run : Path or None
        The run directory, if there is one.
    record : dict
        The record that ``gameplan plan --json`` prints.
    """

    title = "planner run"

    def __init__(self, record: Mapping[str, Any], kept: RunDirectory, config: PlanConfig) -> None:
        self._kept, self._config = kept, config
        self.run = kept.path if kept.lasting else None
        self.record = {**record, "run": None if self.run is None else str(self.run)}
        self.env, self.planner, self.status = str(record["env"]), str(record["planner"]), str(record["status"])
        self.mean: float | None = record["mean"]
        self.standard_error: float | None = record["standard_error"]
        self.episodes: list[dict[str, Any]] = list(record["episodes"])
        self.scores = tuple(float(line["score"]) for line in self.episodes)
        self.solved: int | None = record["solved"]
        self.cost: dict[str, float] = dict(record["cost"])

    def facts(self) -> dict[str, str]:
        """Return world, planner, score and time."""
        score = "none" if self.mean is None else text_of(self.mean)
        if self.standard_error is not None:
            score += f" ± {text_of(self.standard_error)}"
        env, planner = (Path(name).name if name.endswith(".py") else name for name in (self.env, self.planner))
        return {
            "": f"{env} {planner}",
            "status": self.status,
            "episodes": f"{len(self.episodes):,}",
            "score": score,
            **({} if self.solved is None else {"solved": f"{self.solved} of {len(self.episodes)}"}),
            "time": format_duration(float(self.record["seconds"])),
            **({} if self.run is None else {"run": str(self.run)}),
        }

    def rows(self) -> Sequence[Row]:
        """Return a row an episode, its costs as columns."""
        flat = [{name: value for name, value in line.items() if not isinstance(value, dict)} for line in self.episodes]
        return [{**line, **episode["cost"]} for line, episode in zip(flat, self.episodes, strict=True)]

    def plot(self) -> "Figure":
        """Return the distribution of the scores as a figure, and how far the episodes climbed where the world has a ladder.

        Raises
        ------
        GameplanError
            If no episode was finished.
        """
        from workbench.comparison.episodes import episodes_of
        from workbench.figures.scores import draw_scores

        if not self.episodes:
            raise GameplanError("there is nothing to draw: no episode was finished")
        name = short_name(self.planner)
        drawn = episodes_of(self._config, name, self._kept.read_lines(EPISODES), 0)
        return shown(draw_scores({short_name(self.env): {name: drawn}}, None))


class CriticResult(Result):
    """The values of a position, by rollouts.

    Attributes
    ----------
    env : str
    board : str
        The position as a person reads it.
    value, standard_error : float
        V, and how sure it is.
    actions : list of dict
        Every action with its value Q, standard error, and whether it does anything.
    best : str or None
        The action of the greatest value.
    record : dict
        The record that ``gameplan critic --json`` prints.
    """

    title = "critic"

    def __init__(self, question: Question, answer: Answer) -> None:
        self._question, self._answer = question, answer
        self.env, self.record = question.env, answer.record
        self.board = answer.world.text(answer.instance, answer.state)
        self.value, self.standard_error = float(self.record["v"]["value"]), float(self.record["v"]["standard_error"])
        self.actions: list[dict[str, Any]] = list(self.record["q"])
        self.best: str | None = self.record["best"]

    def facts(self) -> dict[str, str]:
        """Return V, and Q of every action."""
        values = {row["action"]: f"{row['value']:.6g} ± {row['standard_error']:.2g}" for row in self.actions}
        return {"": self.env, "V": f"{self.value:.6g} ± {self.standard_error:.2g}", **values}

    def rows(self) -> Sequence[Row]:
        """Return a row an action."""
        return self.actions

    def plot(self) -> "Figure":
        """Return bias and standard error of the critic here against M, T and gamma, as a figure; it takes some seconds.

        Raises
        ------
        UsageError
            For rollouts by a learned policy.
        """
        from workbench.figures.critic import draw_critic

        asked = self._question
        if asked.learned:
            raise UsageError(f"the figure is drawn for random play only, not for {asked.policy}")
        _, world, instance, state = self._answer
        return shown(
            draw_critic(
                world, instance, state, None, length=asked.length, gamma=asked.gamma, policy=asked.policy, seed=asked.seed
            )
        )  # fmt: skip


@asked
def plan(
    env: str,
    planner: str = "greedy",
    episodes: Natural = 0,
    *,
    params: Mapping[str, Value] | None = None,
    budget: Budget | None = None,
    learned: Mapping[str, Learned] | None = None,
    seed: Natural = 0,
    options: PlanOptions | None = None,
    out: Place | None = None,
    progress: Wish = None,
) -> PlanResult:
    """Return what episodes of a planner in a world come to.

    Parameters
    ----------
    env : str
        A world (``gameplan games``), a file of your own, or ``module:attribute``.
    planner : str
        A name (``gameplan algos``), a file of your own, or ``module:attribute``.
    episodes : int
        How many; 0: ten, or every level once.
    params : mapping, optional
        Parameters of the planner.
    budget : Budget, optional
        What a decision and an episode may cost; without it the planner's own.
    learned : mapping, optional
        What the planner uses: ``{"value": ...}`` or ``{"policy": ...}`` with a `TrainResult`, a run or a file.
    seed : int
        Of the first episode; the next have the seeds that follow.
    options : PlanOptions, optional
        Options of the world, and processes.
    out : str or Path, optional
        A run directory, as ``gameplan plan --out`` makes it. Without it nothing is written.
    progress : bool or callable, optional
        As for `workbench.door.solving.solve`.

    Returns
    -------
    PlanResult
        Also after an interrupt, with the episodes that were finished.

    Raises
    ------
    UsageError
        For an unknown world, planner, option or parameter, or a directory that exists.
    GameplanError
        For a world that cannot be played, or a planner that fails.

    Examples
    --------
    >>> import workbench as gp
    >>> result = gp.plan("kg-walk", "flare", episodes=5, budget=gp.Budget(simulations=50))
    >>> len(result.scores)
    5
    """
    limits, rest = budget or _NO_BUDGET, options or _NO_OPTIONS
    given: dict[str, Value] = dict(params or {})
    for role, name in learned_names(learned).items():
        given |= params_of(planner, role, name)
    asked = PlanConfig(
        env, planner, episodes, seed, dict(rest.world), given, simulations=limits.simulations, evaluations=limits.evaluations,
        expansions=limits.expansions, time_per_move=seconds(limits.time_per_move), time_limit=seconds(limits.time_limit),
        steps=limits.steps,
    )  # fmt: skip
    if rest.protocol is not None:
        if out is None:
            raise UsageError("a protocol keeps every turn in a run directory: say out=...")
        asked = under_protocol(asked, rest.protocol, BESIDE if rest.beside is None else rest.beside)
    elif rest.beside is not None:
        raise UsageError(f"beside = {rest.beside!r} goes with a protocol; gp.compare_planners compares planners")
    config = resolve_plan(asked)
    run = RunMemory() if out is None else RunDirectory.create(Path(out), force=rest.force)
    return _ran(config, run, rest.jobs, progress)


def resumed(path: Path, changes: Mapping[str, Any], *, trusted: bool, jobs: int, progress: Wish) -> PlanResult:
    """Return what the planner run in `path` comes to when it goes on, perhaps with more episodes.

    Raises
    ------
    UsageError, GameplanError
        As ``gameplan plan --resume``.
    """
    run = RunDirectory.open(path)
    return _ran(resumed_plan(run, dict(changes), trusted), run, jobs, progress, resume=True)


def _ran(config: PlanConfig, run: RunDirectory, jobs: int, progress: Wish, *, resume: bool = False) -> PlanResult:
    try:
        with ExitStack() as stack:
            reporter = stack.enter_context(reporting(progress, f"playing {config.env}", config.episodes))
            record = _played(config, run, reporter, jobs, stack, resume)
    finally:
        run.discard_if_empty()
    return PlanResult(record, run, config)


def _played(config: PlanConfig, run: RunDirectory, reporter: Reporter, jobs: int, stack: ExitStack, resume: bool) -> dict[str, Any]:
    from workbench.engines import local_pool

    done = 0

    def ended(line: dict[str, Any]) -> None:
        nonlocal done
        done += 1
        reporter.moved(done, f"{line['instance']}: {text_of(line['score'])}")

    def decided(episode: Episode) -> None:
        reporter.sometimes(done, lambda: f"{episode.instance.name}: step {len(episode.actions):,}")

    pool = cache(lambda: stack.enter_context(local_pool(jobs)))
    make = run_plan if config.protocol is None else run_protocol
    conduct = Conduct(pool, jobs, stop=reporter.stop, on_episode=ended, on_decision=decided, say=reporter)
    return make(config, run, conduct, resume=resume)


@asked
def critic(
    env: str,
    board: str | None = None,
    *,
    rollouts: Positive = 1000,
    length: Natural = 0,
    gamma: float = 0.0,
    policy: Learned = "all",
    seed: Natural = 0,
    world: Mapping[str, Value] | None = None,
    jobs: Positive | None = None,
    progress: Wish = None,
) -> CriticResult:
    """Return Monte-Carlo values of a position: mean discounted returns of rollouts, with standard errors (ProAct's critic).

    Parameters
    ----------
    env : str
        The world.
    board : str, optional
        The position as the world reads it, in 2048 rows such as ``"2 16 4 16/2 128 64 4/8 16 8 2/4 4 2 4"``; without it the start
        of the instance `seed`.
    rollouts : int
        M, an action.
    length, gamma : int, float
        Steps T of a rollout and the discount; 0: the world's own.
    policy : str, Path or TrainResult
        Of the rollouts: "all" moves, "legal" ones, "pushes", or a learned policy.
    seed : int
        Of the rollouts.
    world : mapping, optional
        Options of the world.
    jobs : int, optional
        Threads; the values do not depend on it.
    progress : bool or callable, optional
        As for `workbench.door.solving.solve`.

    Raises
    ------
    UsageError
        For an unknown world, policy or option, or a position that cannot be read.

    Examples
    --------
    >>> import workbench as gp
    >>> gp.critic("2048-2x3", "2 4 2/4 2 0", rollouts=200).best in ("up", "down", "left", "right")
    True
    """
    name = policy if isinstance(policy, str) else str(_file(policy, POLICY))
    question = Question(env, board, seed, rollouts, length, gamma, name, dict(world or {}))
    with reporting(progress, f"asking the critic of {env}") as reporter:
        return CriticResult(question, ask_critic(question, jobs, reporter))


def learned_names(learned: Mapping[str, Learned] | None) -> dict[str, str]:
    """Return role -> run or file of what was learned.

    Raises
    ------
    UsageError
        For a role that there is not, or that was not learned.
    """
    for role in learned or ():
        if role not in (POLICY, VALUE):
            raise UsageError(f"learned = {role!r} is not possible; legal are {POLICY!r} and {VALUE!r}")
    return {role: str(_file(source, role)) for role, source in (learned or {}).items()}


def _file(source: Learned, role: str) -> Path:
    if isinstance(source, str):
        return Path(run_or_file(source, ("train",)))
    return source if isinstance(source, Path) else source.file(role)
