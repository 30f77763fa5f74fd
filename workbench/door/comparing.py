"""Comparisons from Python: algorithms on games, planners in worlds, methods of learning in worlds."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from games.asked import Natural, Place, Positive
from games.errors import UsageError
from workbench.comparison import methods as of_methods
from workbench.comparison import planners as of_planners
from workbench.comparison import solvers as of_solvers
from workbench.comparison.place import labels, writing
from workbench.door.asking import asked
from workbench.door.options import Duration, SolveOptions, TrainOptions, game_name, seconds
from workbench.door.planning import Learned, learned_names
from workbench.door.progress import Reporter, Wish, reporting
from workbench.door.results import Result, Row, html_table, shown, text_of
from workbench.engines import local_pool, thread_pool
from workbench.engines.engine import Engine
from workbench.planning.config import PlanConfig
from workbench.solving.config import SolveConfig
from workbench.solving.isolated import trust_of
from workbench.training.config import TrainConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SOLVE, _TRAIN = SolveOptions(), TrainOptions()
DONE, INTERRUPTED = "done", "interrupted"


class Comparison(Result):
    """What came of a comparison.

    Attributes
    ----------
    status : str
        "done" or "interrupted"; then only some cells are there.
    run : Path or None
        Its directory, if there is one: the same call with the same `out` goes on where it stopped.
    record : dict
        The record that ``gameplan compare --json`` prints.
    """

    title = "comparison"

    def __init__(
        self, summary: Mapping[str, Any], rows: Sequence[Row], status: str, out: Path | None, draw: Callable[[], Any]
    ) -> None:
        self.status, self.run, self._draw = status, out, draw
        self.record: dict[str, Any] = {**(_without_places(summary) if out is None else summary), "run": out and str(out)}
        self._rows: list[Row] = [_without_places(row) for row in rows]

    def facts(self) -> dict[str, str]:
        """Return how many cells there are."""
        return {"status": self.status, "cells": f"{len(self._rows):,}", **({} if self.run is None else {"run": str(self.run)})}

    def rows(self) -> Sequence[Row]:
        """Return a row a cell; one that did not run has a ``reason``."""
        return self._rows

    def _repr_html_(self) -> str:
        return html_table(f"{self.title}: {self.status}", self._rows)

    def plot(self) -> "Figure":
        """Return the figure of the comparison.

        Raises
        ------
        GameplanError
            If nothing ran.
        """
        return shown(self._draw())


class GameComparison(Comparison):
    """Algorithms compared on games: a `Comparison` with a table of exploitabilities.

    Attributes
    ----------
    games, algos : list of str
    best : dict
        Game -> the algorithm of the least exploitability.
    matches : dict
        Algorithm -> on how many games it is level with the best, within a factor of two.
    """

    title = "comparison of algorithms"

    def __init__(self, summary: Mapping[str, Any], status: str, out: Path | None, draw: Callable[[], Any]) -> None:
        self._called = labels(summary["algos"])
        rows = [
            {"game": game, "algo": self._called[algo], **{k: v for k, v in cell.items() if k != "run"}}
            for game, row in summary["cells"].items()
            for algo, cell in row.items()
        ]
        super().__init__(summary, rows, status, out, draw)
        self.games: list[str] = list(summary["games"])
        self.algos: list[str] = list(summary["algos"])
        self.best: dict[str, str] = dict(summary["best"])
        self.matches: dict[str, int] = {algo: count["matches"] for algo, count in summary["counts"].items()}

    def facts(self) -> dict[str, str]:
        """Return who matches or beats the others, on how many games."""
        wins = ", ".join(f"{self._called[algo]} {count}/{len(self.best)}" for algo, count in self.matches.items())
        return {**super().facts(), "matches or beats": wins}

    def _repr_html_(self) -> str:
        cells = self.record["cells"]
        rows: list[dict[str, Any]] = []
        for game in self.games:
            row = {self._called[algo]: cells.get(game, {}).get(algo, {}).get("exploitability") for algo in self.algos}
            rows.append({"game": game, **{name: "-" if value is None else f"{value:.2g}" for name, value in row.items()}})
        rows.append({"game": "matches or beats", **{self._called[algo]: text_of(n) for algo, n in self.matches.items()}})
        return html_table(f"exploitability: {self.status}", rows)


@asked
def compare(
    games: object,
    algos: Sequence[str] = ("cfr", "cfr+", "lcfr", "dcfr", "pcfr+", "dpcfr+", "hs-pcfr+", "vad-cfr"),
    n: Natural = 0,
    *,
    seeds: Positive = 1,
    time_limit: Duration | None = None,
    options: SolveOptions | None = None,
    repeats: Positive = 1,
    jobs: Positive = 1,
    out: Place | None = None,
    progress: Wish = None,
) -> GameComparison:
    """Return every algorithm on every game: a table, who matches or beats whom, and the convergence figure.

    Parameters
    ----------
    games : str, game, or sequence of them
        Games and suites, such as ``"quick"`` or ``["kuhn_2p", "leduc_2p"]``.
    algos : sequence of str
    n : int
        Iterations of every run; 0: as many as each algorithm's family usually does.
    seeds : int
        Runs of every algorithm that draws random numbers, with seeds from that of `options` on.
    time_limit : float or str, optional
        Of every run.
    options : SolveOptions, optional
        As for `workbench.door.solving.solve`, but for `jitter`.
    repeats : int
        Run algorithms within 10 times the best of a game so often, all but once with payoffs off by the `jitter` of `options`
        (0: by 1e-15); medians count, and what rounding decides is marked.
    jobs : int
        Processes; with more than one, a script needs ``if __name__ == "__main__":`` around its calls.
    out : str or Path, optional
        The directory of the comparison, as ``gameplan compare --out`` makes it. Without it nothing is kept but the result.
    progress : bool or callable, optional
        As for `workbench.door.solving.solve`.

    Raises
    ------
    UsageError
        For an unknown game or algorithm, before anything runs.

    Examples
    --------
    >>> import workbench as gp
    >>> gp.compare("kuhn_2p", ["cfr", "cfr+"], n=200).best
    {'kuhn_2p': 'cfr+'}
    """
    rest = options or _SOLVE
    if not algos:
        raise UsageError("algos is empty; 'gameplan algos' lists what there is")
    names = [game_name(game) for game in _several(games)]
    base = SolveConfig(
        "", "", n, updates=rest.updates, iterate=rest.iterate, every=rest.every, time_limit=seconds(time_limit), seed=rest.seed,
        max_histories=rest.max_histories, max_memory=rest.memory,
    )  # fmt: skip
    chosen = of_solvers.expand_games(names)
    with _place(out) as path:
        trust = trust_of(rest.sandbox, rest.trusted, {})
        plan = of_solvers.make_jobs(chosen, list(algos), base, lambda configs: path, trust, seeds)
        cells: dict[of_solvers.Place, of_solvers.Cell] = {}
        with _working(path, progress, "comparing", len(plan), jobs) as (reporter, engine, tell):
            of_solvers.run_comparison(plan, engine(), stop=reporter.stop, on_done=tell, cells=cells)
        again = of_solvers.repeated(plan, cells, repeats, rest.jitter or of_solvers.JITTER) if len(cells) == len(plan) else []
        if again:
            with _working(path, progress, "repeating", len(again), jobs) as (reporter, engine, tell):
                of_solvers.run_comparison(again, engine(), stop=reporter.stop, on_done=tell, cells=cells)
        summary = of_solvers.conclude(plan, chosen, cells)
        curves = of_solvers.curves(summary)
    status = DONE if len(cells) == len(plan) + len(again) else INTERRUPTED

    def draw() -> "Figure":
        from workbench.figures.convergence import draw_convergence

        return draw_convergence(curves, None)

    return GameComparison(summary, status, None if out is None else path, draw)


@asked
def compare_planners(
    envs: str | Sequence[str],
    planners: Sequence[str],
    budgets: Sequence[int | str] = (),
    *,
    unit: str = "simulations",
    episodes: Natural = 0,
    world: Mapping[str, Any] | None = None,
    learned: Mapping[str, Learned] | None = None,
    jobs: Positive = 1,
    out: Place | None = None,
    progress: Wish = None,
) -> Comparison:
    """Return every planner in every world at every budget, with the same seeds: scores and what they cost.

    Parameters
    ----------
    envs, planners : sequences of str
    budgets : sequence of int or str
        Of a decision: numbers of `unit` ("simulations", "evaluations" or "expansions"), or durations such as ``"1ms"``.
    episodes : int
        Of every run; 0: ten, or every level once.
    world : mapping, optional
        Options of the worlds.
    learned : mapping, optional
        What planners that take it use, as for `workbench.door.planning.plan`.
    jobs, out, progress
        As for `compare`.

    Raises
    ------
    UsageError
        For an unknown world, planner or budget, before anything runs.

    Examples
    --------
    >>> import workbench as gp
    >>> len(gp.compare_planners("kg-walk", ["greedy", "flare"], [10, 40], episodes=3).rows())
    4
    """
    base = PlanConfig("", "", episodes, world=dict(world or {}))
    with _place(out) as path:
        cells, _ = of_planners.make_cells(
            _texts(envs), list(planners), [str(budget) for budget in budgets], unit, base, path, path, learned_names(learned)
        )
        results: dict[of_planners.Cell, dict[str, Any]] = {}
        with _working(path, progress, "comparing", len(cells), jobs) as (reporter, engine, tell):
            of_planners.run_cells(cells, engine, jobs, stop=reporter.stop, on_cell=tell, results=results)
        summary = of_planners.summarise(results)
        of_planners.write_table(summary, path)
    rows = [_flat(row) for row in summary["rows"]]
    status = DONE if len(results) == len(cells) else INTERRUPTED

    def draw() -> "Figure":
        from workbench.figures.planners import draw_success

        return draw_success(summary, None)

    return Comparison(summary, rows, status, None if out is None else path, draw)


@asked
def compare_methods(
    envs: str | Sequence[str],
    methods: Sequence[str],
    *,
    seeds: Positive = 5,
    updates: Natural = 0,
    time_limit: Duration | None = None,
    params: Mapping[str, Any] | None = None,
    options: TrainOptions | None = None,
    jobs: Positive = 1,
    out: Place | None = None,
    progress: Wish = None,
) -> Comparison:
    """Return every method of learning in every world with several seeds: scores with bands, and learning curves.

    Parameters
    ----------
    envs, methods : sequences of str
    seeds : int
        Runs of each, with seeds from 0 on.
    updates, time_limit, params, options
        Of every run, as for `workbench.door.learning.train`.
    jobs, out, progress
        As for `compare`.

    Raises
    ------
    UsageError
        For an unknown world, method or parameter, before anything runs.

    Examples
    --------
    >>> import workbench as gp
    >>> options = gp.TrainOptions(episodes=2)
    >>> len(gp.compare_methods("2048-2x3", ["td", "tc"], seeds=2, updates=2, options=options).rows())
    2
    """
    rest = options or _TRAIN
    given = {**asdict(rest), "init": str(rest.init)}
    if given.pop("force"):
        raise UsageError("force = True replaces a run; a comparison goes on in its directory: choose another out=, or remove it")
    base = TrainConfig("", "", params=dict(params or {}), updates=updates, time_limit=seconds(time_limit), **given)
    with _place(out) as path:
        cells, _ = of_methods.make_cells(_texts(envs), list(methods), seeds, base, path, path)
        found: dict[of_methods.Cell, dict[str, Any]] = {}
        with _working(path, progress, "learning", len(cells), jobs) as (reporter, engine, tell):
            of_methods.run_cells(cells, engine(), stop=reporter.stop, on_cell=tell, found=found)
        summary = of_methods.summarise(found)
        of_methods.write_table(summary, path)
        curves = of_methods.learning_curves(summary)
    status = DONE if len(found) == len(cells) else INTERRUPTED

    def draw() -> "Figure":
        from workbench.figures.training import draw_learning

        return draw_learning(curves, None)

    return Comparison(summary, [_flat(row) for row in summary["rows"]], status, None if out is None else path, draw)


@contextmanager
def _place(out: Place | None) -> Iterator[Path]:
    """Yield the directory of a comparison, one that goes away again if none is asked for."""
    if out is not None:
        yield Path(out)
        return
    with tempfile.TemporaryDirectory(prefix="gameplan-") as folder:
        yield Path(folder) / "comparison"


@contextmanager
def _working(
    path: Path, progress: Wish, what: str, total: int, jobs: int
) -> Iterator[tuple[Reporter, Callable[[], Engine], Callable[[str], None]]]:
    """Yield who is told, what returns the engine, and what counts cells; an interruption ends the block."""
    done = 0

    def tell(name: str) -> None:
        nonlocal done
        done += 1
        reporter.moved(done, name)

    with reporting(progress, what, total) as reporter, suppress(KeyboardInterrupt), writing(path):
        made = local_pool(jobs) if jobs > 1 else thread_pool(1)
        with made as engine:
            yield reporter, cache(lambda: engine), tell


def _several(games: object) -> Sequence[object]:
    return games if isinstance(games, list | tuple) else [games]


def _texts(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _without_places(value: Any) -> Any:
    """Return a record without the directories of its runs, which are not there any more."""
    if isinstance(value, list):
        return [_without_places(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: _without_places(item) for name, item in value.items() if name not in ("run", "runs")}


def _flat(row: Mapping[str, Any]) -> Row:
    """Return a row without what is no single value; costs become columns."""
    plain = {name: value for name, value in row.items() if not isinstance(value, dict | list)}
    return {**plain, **{f"cost_{name}": value for name, value in row.get("cost", {}).items()}}
