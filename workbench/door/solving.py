"""Games solved from Python: one run of any algorithm, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from games.asked import Natural, Place
from games.loader import resolve
from games.modules import short_name
from games.params import Value
from workbench.catalogue.algorithms import Solver
from workbench.door.asking import asked
from workbench.door.locking import locked
from workbench.door.options import Duration, SolveOptions, game_name, seconds
from workbench.door.policy import Policy
from workbench.door.progress import Wish, reporting
from workbench.door.results import Result, Row, shown
from workbench.runs.directory import METRICS, TIMING, RunDirectory
from workbench.runs.memory import RunMemory
from workbench.solving.config import SolveConfig, resolve_config, resumed_config, until
from workbench.solving.isolated import Trust, trust_of
from workbench.solving.locking import Played
from workbench.solving.run import check_replaced
from workbench.solving.run import solve as run_solver
from workbench.terminal.durations import format_duration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from workbench.solving.population import Population


@dataclass(frozen=True, eq=False)
class Curve(Result):
    """What was measured while a solver ran, one entry an evaluation.

    Attributes
    ----------
    iteration : (evaluations,) int array
    exploitability, nash_conv, seconds : (evaluations,) float arrays
        `seconds` are those of iterating.
    values : (evaluations, players) float array
        The players' expected utilities.
    """

    iteration: np.ndarray
    exploitability: np.ndarray
    nash_conv: np.ndarray
    seconds: np.ndarray
    values: np.ndarray

    title = "curve"

    @classmethod
    def of(cls, run: RunDirectory) -> "Curve":
        """Return the curve of a solver run."""
        lines = run.read_lines(METRICS)
        clock = {line["iteration"]: line["seconds"] for line in run.read_lines(TIMING)}
        return cls(
            np.array([line["iteration"] for line in lines], np.int64),
            np.array([line["exploitability"] for line in lines], np.float64),
            np.array([line["nash_conv"] for line in lines], np.float64),
            np.array([clock.get(line["iteration"], 0.0) for line in lines], np.float64),
            np.array([line["values"] for line in lines], np.float64),
        )

    def __len__(self) -> int:
        return len(self.iteration)

    def __repr__(self) -> str:
        return Result.__repr__(self)

    def facts(self) -> dict[str, str]:
        """Return how many evaluations there are, and the last."""
        last = {"iteration": f"{self.iteration[-1]:,}", "exploitability": f"{self.exploitability[-1]:.4g}"} if len(self) else {}
        return {"evaluations": f"{len(self):,}", **last}

    def rows(self) -> Sequence[Row]:
        """Return a row an evaluation, with a column for each player's value."""
        columns = zip(
            self.iteration.tolist(), self.exploitability.tolist(), self.nash_conv.tolist(), self.seconds.tolist(), strict=True
        )
        return [
            {
                **dict(zip(("iteration", "exploitability", "nash_conv", "seconds"), row, strict=True)),
                **{f"value_{player}": value for player, value in enumerate(values)},
            }
            for row, values in zip(columns, self.values.tolist(), strict=True)
        ]


class SolveResult(Result):
    """What came of a solver run.

    Attributes
    ----------
    game, algo : str
    status : str
        "done", "target reached", "target missed", "time limit", "not exact" or "interrupted"; then the rest is what was reached.
    iterations : int
    exploitability, nash_conv : float
        Of the last iteration, exact.
    values : tuple of float
        The players' expected utilities.
    curve : Curve
        What was measured on the way.
    policy : Policy
        The policy that the algorithm reports.
    run : Path or None
        The run directory, if there is one.
    record : dict
        The record that ``gameplan solve --json`` prints.
    """

    title = "solver run"

    def __init__(self, record: Mapping[str, Any], kept: RunDirectory, policy: Policy) -> None:
        self.run = kept.path if kept.lasting else None
        self.record = {**record, "run": None if self.run is None else str(self.run)}
        self.curve, self.policy, self._kept = Curve.of(kept), policy, kept
        self.game, self.algo, self.status = str(record["game"]), str(record["algo"]), str(record["status"])
        self.iterations = int(record["iterations"])
        self.exploitability, self.nash_conv = float(record["exploitability"]), float(record["nash_conv"])
        self.values = tuple(float(value) for value in record["values"])

    def facts(self) -> dict[str, str]:
        """Return game, algorithm, status, and how good the policy is."""
        return {
            "": f"{self.game} {Path(self.algo).name if self.algo.endswith('.py') else self.algo}",
            "status": self.status,
            "iterations": f"{self.iterations:,}",
            "exploitability": f"{self.exploitability:.4g}",
            "values": " ".join(f"{value:.6g}" for value in self.values),
            "time": format_duration(float(self.record["seconds"])),
            **({"run": str(self.run)} if self.run is not None else {}),
        }

    def rows(self) -> Sequence[Row]:
        """Return those of the curve."""
        return self.curve.rows()

    def plot(self, x: str = "iteration") -> "Figure":
        """Return the curve of exploitability as a figure, over "iteration" or "seconds".

        Raises
        ------
        GameplanError
            If nothing was measured.
        """
        from workbench.comparison.curves import curve_of
        from workbench.figures.convergence import draw_convergence

        curve = curve_of(self._kept, self.record)
        return shown(draw_convergence({self.game: {curve.name: curve}}, None, x=x))


class PsroResult(SolveResult):
    """What came of a PSRO run: a `SolveResult` with its populations.

    Attributes
    ----------
    population : Population
        The policies of every player, and their meta-strategies; ``population.meta_game()`` and ``population.mixtures()``.
    """

    title = "PSRO run"

    def __init__(self, found: SolveResult, population: "Population") -> None:
        super().__init__(found.record, found._kept, found.policy)
        self.population = population

    def facts(self) -> dict[str, str]:
        """Return those of a solver run, its two meta-strategy solvers, and the size of the populations."""
        solvers = [short_name(self.record[role]) for role in ("train", "eval") if self.record.get(role)]
        named = {"solvers": " ".join(solvers)} if solvers else {}
        return {**super().facts(), **named, "policies": " ".join(str(len(plans)) for plans in self.population.plans)}

    def plot_population(self) -> "Figure":
        """Return the meta-game, the meta-strategies and who answers whom, as a figure."""
        from workbench.solving.population import draw_population

        return shown(draw_population(self.population, None, self.population.mixtures()))


@asked
def solve(
    game: object,
    algo: str = "vad-cfr",
    n: Natural = 0,
    *,
    params: Mapping[str, Value] | None = None,
    target: float | None = None,
    time_limit: Duration | None = None,
    options: SolveOptions | None = None,
    lock: object = None,
    out: Place | None = None,
    progress: Wish = None,
) -> SolveResult:
    """Return what one run of an algorithm finds in a game.

    Parameters
    ----------
    game : str, SequenceGame or pyspiel.Game
        A short name, an OpenSpiel game string, a file of Gambit's, or a game.
    algo : str
        A name (``gameplan algos``), a rule file of your own, or ``module:attribute``.
    n : int
        Iterations; 0: as many as the family of the algorithm usually does.
    params : mapping, optional
        Hyper-parameters of the algorithm.
    target : float, optional
        Stop at this exploitability; the status says whether it was reached.
    time_limit : float or str, optional
        Stop after so much iterating, in seconds or as a text such as ``"10s"``.
    options : SolveOptions, optional
        What is said more rarely.
    lock : Lock, Policy, str or Path, optional
        A policy that one player is bound to: the others' play against it is what is solved. As in ``gameplan solve --lock``, the
        curve and the exploitability are of the game with the lock; the policy, and ``record["lock"]``, are of the game itself.
    out : str or Path, optional
        A run directory, as ``gameplan solve --out`` makes it. Without it nothing is written.
    progress : bool or callable, optional
        None: shown in notebooks; True: everywhere; False: nowhere. A callback is given a `Progress`.

    Returns
    -------
    SolveResult
        Also after Ctrl-C or a notebook's interrupt, with the status "interrupted" and what was reached.

    Raises
    ------
    UsageError
        For an unknown game, algorithm or parameter, a value that is not possible, or a directory that exists.
    GameplanError
        For a game that cannot be solved, a rule that breaks down, or a disk that cannot be written.

    Examples
    --------
    >>> import workbench as gp
    >>> result = gp.solve("kuhn_2p", "cfr+", n=1000)
    >>> result.exploitability < 1e-3
    True
    >>> round(result.values[0], 2)  # -1/18
    -0.06
    >>> answer = gp.solve("kuhn_2p", "lp", lock=gp.Lock("uniform", player=1))  # what wins most from random play
    >>> round(answer.values[0], 2), round(answer.record["lock"]["exploitability"], 2)
    (0.5, 0.42)
    """
    config = _config(game, algo, n, params, target, time_limit, options or SolveOptions())
    with locked(lock, game) as settings:
        return _result_of(_solved(replace(config, **settings), options or SolveOptions(), out, progress))


@asked
def psro(
    game: object,
    train: str = "shor",
    n: Natural = 0,
    *,
    evaluate: str | None = None,
    params: Mapping[str, Value] | None = None,
    target: float | None = None,
    time_limit: Duration | None = None,
    options: SolveOptions | None = None,
    out: Place | None = None,
    progress: Wish = None,
) -> PsroResult:
    """Return what policy-space response oracles find in a game, with their populations.

    Parameters
    ----------
    train, evaluate : str
        Meta-strategy solvers that the oracle answers and that are reported (default: the same): names such as "nash", "prd" or
        "uniform", or files of your own.
    params : mapping, optional
        Their parameters, as ``{"train.momentum": 0.4}``.
    game, n, target, time_limit, options, out, progress
        As for `solve`.

    Raises
    ------
    UsageError, GameplanError
        As `solve`.

    Examples
    --------
    >>> import workbench as gp
    >>> result = gp.psro("kuhn_2p", "nash", n=8)
    >>> result.population.meta_game().shape
    (8, 8)
    """
    config = _config(game, "psro", n, params, target, time_limit, options or SolveOptions(), train, evaluate)
    return _with_population(_solved(config, options or SolveOptions(), out, progress))


def _config(
    game: object, algo: str, n: int, params: Mapping[str, Value] | None, target: float | None, time_limit: Duration | None,
    options: SolveOptions, train: str | None = None, evaluate: str | None = None,
) -> SolveConfig:  # fmt: skip
    return SolveConfig(
        game=game_name(game), algo=algo, iterations=n, params=dict(params or {}), train=train, eval=evaluate,
        updates=options.updates, iterate=options.iterate, every=options.every, target=target,
        time_limit=seconds(time_limit), seed=options.seed, jitter=options.jitter, gaps=options.gaps,
        max_histories=options.max_histories, max_memory=options.memory,
    )  # fmt: skip


class _Solved(NamedTuple):
    """A run that has ended: what everybody gets of it, and what is kept of it for more."""

    result: SolveResult
    config: SolveConfig
    run: RunDirectory
    what: Played
    solver: Solver


def _solved(config: SolveConfig, options: SolveOptions, out: Place | None, progress: Wish) -> _Solved:
    trust = trust_of(options.sandbox, options.trusted, {})
    config, _ = resolve_config(until(config), trust=trust)
    resolve(config.game)[1]()  # a misspelt game leaves no directory behind
    if out is not None:
        check_replaced(config, Path(out))
    run = RunMemory() if out is None else RunDirectory.create(Path(out), force=options.force)
    return _ran(config, run, trust, progress)


def _ran(config: SolveConfig, run: RunDirectory, trust: Trust, progress: Wish, *, resume: bool = False) -> _Solved:
    ended: list[tuple[Played, Solver, np.ndarray]] = []
    try:
        with reporting(progress, f"solving {config.game}", config.iterations) as reporter:

            def moved(iteration: int, exploitability: float | None) -> None:
                reporter.moved(iteration, "" if exploitability is None else f"exploitability {exploitability:.4g}")

            record = run_solver(
                config, run, resume=resume, stop=reporter.stop, on_progress=moved, say=reporter, trust=trust,
                on_end=lambda *end: ended.append(end),
            )  # fmt: skip
    finally:
        run.discard_if_empty()
    ((what, solver, policy),) = ended
    return _Solved(SolveResult(record, run, Policy(what.itself, policy)), config, run, what, solver)


def _result_of(found: _Solved) -> SolveResult:
    """Return the result, of what has a population with it: a preset or a file may be PSRO, too."""
    return _with_population(found) if "population" in found.solver.artifacts() else found.result


def _with_population(found: _Solved) -> PsroResult:
    from workbench.solving.population import Population

    arrays = found.solver.artifacts()["population"]
    return PsroResult(
        found.result, Population(found.run.path, found.config, found.what.solved, arrays, found.run.read_lines(METRICS))
    )


def resumed(path: Path, changes: Mapping[str, Any], *, trusted: bool, progress: Wish) -> SolveResult:
    """Return what the solver run in `path` comes to when it goes on, with `changes` to iterations, target or time limit.

    Raises
    ------
    UsageError, GameplanError
        As ``gameplan solve --resume``.
    """
    run = RunDirectory.open(path)
    config = resumed_config(run, dict(changes))
    found = _ran(config, run, trust_of(False, trusted, {}), progress, resume=True)
    return _result_of(found)
