"""``gameplan compare``."""

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import click

from workbench.commands.looks import look_of, look_options
from workbench.commands.options import (
    PROGRAM,
    RUNS,
    Place,
    assignments,
    duration,
    every_option,
    gathered,
    iterate_option,
    iterations_option,
    jitter_option,
    jobs_option,
    json_option,
    learned_set_option,
    names,
    print_json,
    sandbox_option,
    size_option,
    trusted_option,
    updates_option,
)
from workbench.commands.plan import levels_option, world_option
from workbench.commands.run_names import RunName
from workbench.terminal.printing import echo

SEEDS = 5  # of methods
FIRST = "setting up: processes start, kernels compile"  # until the first run is done


class Work(NamedTuple):
    """Who does the work: what returns the executor, what says that a stop was asked for, and how much is done at once."""

    pool: Callable[[], Any]
    stop: Callable[[], bool]
    workers: int


class ForWorlds(NamedTuple):
    """The options of comparisons in worlds."""

    budgets: list[str]
    budget_unit: str
    episodes: int | None
    steps: int | None
    world: dict[str, Any]
    levels: str | None

    def options(self) -> dict[str, Any]:
        """Return the options of the worlds themselves."""
        return {**self.world, **({"levels": self.levels} if self.levels else {})}


class ForMethods(NamedTuple):
    """The options of comparisons of methods of learning; `policy` is that of planners, too."""

    seeds: int | None
    policy: str
    policy_params: dict[str, Any]
    params: dict[str, Any]
    init: str


def interrupted(path: Path) -> Exception:
    """Return what says that somebody has stopped a comparison in `path`."""
    from games.errors import Interrupted

    return Interrupted(f"interrupted; finished runs are kept in {path}, and the same command goes on from there")


def _kinds() -> Collection[str]:
    """Return the kinds of policies."""
    from planners.policies.catalogue import KINDS

    return KINDS


@click.command()
@click.argument("games", nargs=-1, required=True, metavar="SUITE|GAME|WORLD...")
@click.option(
    "--algos", default="cfr,cfr+,lcfr,dcfr,pcfr+,dpcfr+,hs-pcfr+,vad-cfr", show_default=True, callback=names, help="Algorithms."
)
@click.option("--planners", callback=names, help="Planners, to compare in worlds such as 2048 or kg-walk.")
@click.option("--methods", callback=names, help="Methods of learning, to compare in worlds with several seeds.")
@click.option(
    "--seeds", type=click.IntRange(1),
    help="Runs of each method, or of each algorithm that samples, with seeds from --seed on.  [default: methods 5, algorithms 1]",
)  # fmt: skip
@click.option(
    "--policy",
    default="",
    type=RunName("train", known=_kinds),
    metavar="KIND|RUN",
    help="Methods: kind of policy. Planners: a learned one for those that take one.",
)
@click.option(
    "--value",
    default="",
    type=RunName("train", known=tuple),
    metavar="RUN",
    help="Planners: a learned value for those that take one.",
)
@learned_set_option("policy", "Methods: set a parameter of it.")
@click.option(
    "--set", "params", multiple=True, callback=assignments, metavar="NAME=VALUE", help="Methods: set an option of the trainer."
)
@click.option(
    "--init",
    default="",
    type=RunName("train", known=tuple),
    metavar="RUN",
    help="Methods: start from the policy of this run or file.",
)
@click.option("--budgets", callback=names, help="Worlds: budgets of a decision, such as 10,100,1000 or 1ms,10ms.")
@click.option(
    "--budget-unit",
    type=click.Choice(["simulations", "evaluations", "expansions", "time"]),
    default="simulations",
    show_default=True,
    help="Worlds: what --budgets counts.",
)
@click.option("--episodes", type=click.IntRange(1), help="Worlds: episodes of every run.  [default: 10, or every level once]")
@click.option("--steps", type=click.IntRange(1), help="Worlds: cut episodes after so many steps.")
@world_option
@levels_option
@iterations_option
@updates_option
@iterate_option
@click.option("--eval", metavar=PROGRAM, help="PSRO: meta-strategy solver that is reported.  [default: each algorithm's own]")
@every_option
@click.option("--time-limit", callback=duration, metavar="DURATION", help="Stop every run (worlds: episode) after so much time.")
@click.option(
    "--seed", default=0, show_default=True, help="Worlds: of the first episode. Algorithms that sample: of the first run."
)
@click.option(
    "--repeats",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Algorithms: run those within 10 times the best so often, all but once with payoffs off by --jitter; medians count.",
)
@jitter_option(1e-15)
@size_option
@jobs_option("Jobs at once.  [default: one a core; on a cluster: one a worker]")
@click.option(
    "--engine",
    default="local",
    show_default=True,
    help="Where jobs run: local, threads, dask, dask://HOST:PORT, slurm, slurm://PARTITION, submitit-local. Several machines must "
    "share the directory.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Directory.  [default: runs/compare-... named by the request]")
@click.option("--format", "formats", default="png", show_default=True, callback=names, help="Kinds of figure: png, svg, pdf.")
@look_options
@sandbox_option
@trusted_option
@json_option
@gathered(place=Place, worlds=ForWorlds, learning=ForMethods)
def compare(
    games: tuple[str, ...], algos: list[str], planners: list[str], methods: list[str], jobs: int | None, engine: str,
    place: Place, worlds: ForWorlds, learning: ForMethods, **options: Any,
) -> int:  # fmt: skip
    """Run every algorithm on every game; print a table, write CSV, JSON, Markdown and the convergence figure.

    Suites: paper11, eighteen, train4, test4, quick. With --planners: every planner in every world at every budget, with paired
    seeds; the figure shows score against cost. With --methods: every method of learning with several seeds, each run for
    --time-limit or -n updates; the figure shows the score against environment steps plus expansions. Finished runs are kept: the
    same command goes on where it stopped.
    """
    from workbench.engines import open_engine, parse_engine
    from workbench.figures.frame import check_format
    from workbench.terminal.interrupts import stop_on_signal

    for kind in place.formats:
        check_format(f".{kind}")
    look, value = look_of(options), options.pop("value")
    elsewhere = parse_engine(engine).kind != "local"
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signal())
        pool = cache(lambda: stack.enter_context(open_engine(engine, jobs, folder=(place.out or RUNS) / "engine")))
        work = Work(pool, stop, jobs or os.cpu_count() or 1)
        if methods:
            return _compare_methods(games, methods, place, work, look, worlds, learning, options)
        if planners:
            if elsewhere:  # is it there? How many workers has it?
                work = work._replace(workers=pool().workers)
            learned = {role: name for role, name in (("policy", learning.policy), ("value", value)) if name}
            return _compare_planners(games, planners, place, work, look, worlds, learned, options)
        return _compare_algorithms(games, algos, place, work, look, learning.seeds or 1, options)


def _compare_algorithms(
    games: tuple[str, ...], algos: list[str], place: Place, work: Work, look: Any, seeds: int, options: dict[str, Any]
) -> int:  # fmt: skip
    from workbench.comparison import solvers as comparison
    from workbench.comparison.place import writing
    from workbench.figures.convergence import draw_convergence
    from workbench.solving.config import SolveConfig
    from workbench.solving.isolated import trust_of
    from workbench.solving.run import advice
    from workbench.terminal.progress import drawing, job_progress, say
    from workbench.terminal.solve import print_comparison

    if not algos:
        raise click.UsageError("--algos is empty; 'gameplan algos' lists what there is")
    trust = trust_of(options.pop("sandbox"), options.pop("trusted"), {})
    repeats, jitter = options.pop("repeats"), options.pop("jitter")
    chosen = comparison.expand_games(games)
    plan = comparison.make_jobs(
        chosen,
        algos,
        SolveConfig(game="", algo="", **options),
        lambda configs: place.out or comparison.default_path(RUNS, games, configs),
        trust,
        seeds,
    )
    path = comparison.directory(plan)
    for hint in dict.fromkeys(filter(None, (advice(job.config) for job in plan))):  # once, not once a game
        say(hint)
    try:
        with writing(path), job_progress(len(plan), "comparing", first=FIRST) as tell:
            cells = comparison.run_comparison(plan, work.pool(), stop=work.stop, on_done=tell, say=say)
        again = comparison.repeated(plan, cells, repeats, jitter)
        if again:
            with writing(path), job_progress(len(again), "repeating", first=FIRST) as tell:
                cells |= comparison.run_comparison(again, work.pool(), stop=work.stop, on_done=tell, say=say)
    except KeyboardInterrupt:
        raise interrupted(path) from None
    summary = comparison.conclude(plan, chosen, cells)
    lines = comparison.curves(summary)
    figures = [path / f"figure.{kind}" for kind in place.formats if lines]  # where nothing ran there is nothing to draw
    for figure in figures:
        with drawing(figure):
            draw_convergence(lines, figure, look=look)
    if place.as_json:
        print_json({"run": str(path), "figures": [str(f) for f in figures], **summary})
    else:
        print_comparison(summary)
        echo(" ".join([f"{path}: table.csv table.json table.md", *(f.name for f in figures)]))
    return 0 if any(cell.exploitability is not None for cell in cells.values()) else 1


def _compare_planners(
    envs: tuple[str, ...], planners: list[str], place: Place, work: Work, look: Any, worlds: ForWorlds, learned: dict[str, str],
    options: dict[str, Any],
) -> int:  # fmt: skip
    from workbench.comparison import planners as comparison
    from workbench.comparison.place import writing
    from workbench.figures.planners import draw_success
    from workbench.planning.config import PlanConfig
    from workbench.terminal.progress import drawing, job_progress

    base = PlanConfig(
        env="", planner="", episodes=worlds.episodes or 0, world=worlds.options(), steps=worlds.steps, seed=options["seed"],
        time_limit=options["time_limit"],
    )  # fmt: skip
    cells, path = comparison.make_cells(envs, planners, worlds.budgets, worlds.budget_unit, base, RUNS, place.out, learned)
    try:
        with writing(path), job_progress(len(cells), "comparing", first=FIRST) as tell:
            results = comparison.run_cells(cells, work.pool, work.workers, stop=work.stop, on_cell=tell)
    except KeyboardInterrupt:
        raise interrupted(path) from None
    summary = comparison.summarise(results)
    comparison.write_table(summary, path)
    ran = [row for row in summary["rows"] if "reason" not in row]
    figures = [path / f"figure.{kind}" for kind in place.formats if ran]
    for figure in figures:
        with drawing(figure):
            draw_success(summary, figure, look=look)
    _tell(path, summary, figures, place.as_json, comparison.table)
    return 0 if ran else 1


def _tell(path: Path, summary: dict[str, Any], figures: list[Path], as_json: bool, table: Any, spare: Sequence[str] = ()) -> None:
    """Print what a comparison has found, as JSON or as the table that ``table(summary)`` makes, and what it has written."""
    from workbench.terminal.progress import say
    from workbench.terminal.tables import print_table

    if as_json:
        print_json({"run": str(path), "figures": [str(f) for f in figures], **summary})
        return
    header, rows, notes = table(summary)
    print_table(header, rows, left=2, spare=spare)
    for note in notes:
        say(f"- {note}")
    echo(" ".join([f"{path}: table.csv table.json table.md", *(f.name for f in figures)]))


def _compare_methods(
    envs: tuple[str, ...], methods: list[str], place: Place, work: Work, look: Any, worlds: ForWorlds, learning: ForMethods,
    options: dict[str, Any],
) -> int:  # fmt: skip
    from workbench.training.config import EPISODES, TrainConfig

    seeds, policy = learning.seeds or SEEDS, learning._asdict()
    base = TrainConfig(
        env="", method="", updates=options["iterations"], episodes=worlds.episodes or EPISODES, world=worlds.options(),
        time_limit=options["time_limit"], seed=options["seed"], **{key: policy[key] for key in policy if key != "seeds"},
    )  # fmt: skip
    summary = learn(envs, methods, seeds, base, place, work, "compare", look)
    return 0 if any("reason" not in row for row in summary["rows"]) else 1


def learn(
    worlds: Sequence[str], methods: Sequence[str], seeds: int, base: Any, place: Place, work: Work, command: str, look: Any = None
) -> dict[str, Any]:
    """Train every method in every world with several seeds, tell what came of it, and return that.

    Parameters
    ----------
    base : workbench.training.config.TrainConfig
        What the runs have in common.
    place, work
        Where it goes, and who does it.
    command : str
        Which this is; it begins the default name of the directory.
    look : workbench.figures.frame.Look, optional
        Of the figure.

    Raises
    ------
    Interrupted
        When `stop` says so.
    """
    from games.errors import UsageError
    from workbench.comparison import methods as comparison
    from workbench.comparison.place import writing
    from workbench.figures.frame import PLAIN
    from workbench.figures.training import draw_learning
    from workbench.runs.directory import CONFIG
    from workbench.terminal.progress import drawing, job_progress

    cells, path = comparison.make_cells(worlds, methods, seeds, base, RUNS, place.out, command)
    if (path / CONFIG).exists():
        raise UsageError(f"{path} is a single run; choose another --out for several")
    try:
        with writing(path), job_progress(len(cells), "learning", first=FIRST) as tell:
            results = comparison.run_cells(cells, work.pool(), stop=work.stop, on_cell=tell)
    except KeyboardInterrupt:
        raise interrupted(path) from None
    summary = comparison.summarise(results)
    comparison.write_table(summary, path)
    curves = comparison.learning_curves(summary)
    drawn = any(len(curve[0]) for lines in curves.values() for curve in lines.values())  # else no episode ended while learning
    figures = [path / f"figure.{kind}" for kind in place.formats if drawn]
    for figure in figures:
        with drawing(figure):
            draw_learning(curves, figure, look=look or PLAIN)
    _tell(path, summary, figures, place.as_json, comparison.table, comparison.SPARE)
    return summary
