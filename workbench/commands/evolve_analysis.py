"""``gameplan evolve verify``, ``ablate``, ``compare`` and ``report``: what came out of discoveries, and how much it is worth."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from workbench.commands.evolve_options import (
    Bounds,
    HeldOut,
    Measuring,
    Papers,
    Subject,
    engine_options,
    sandbox_option,
    task_option,
)
from workbench.commands.looks import look_of, look_options
from workbench.commands.options import FiniteRange, Option, Place, RunCount, gathered, json_option, names, print_json
from workbench.commands.run_names import RunName
from workbench.terminal.printing import echo


def horizon_option(default: str) -> Callable[..., Any]:
    """Return the option that says at how many iterations programs are scored."""
    return click.option(
        "-n", "--horizon", cls=Option, former=["--iterations"], type=click.IntRange(1),
        help=f"Iterations at which programs are scored.  [default: {default}]",
    )  # fmt: skip


def numbers(_ctx: click.Context, _param: click.Parameter, value: str | None) -> list[int]:
    """Turn a comma-separated option into whole numbers."""
    try:
        found = [int(text) for text in (value or "").split(",") if text.strip()]
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a list of whole numbers such as 250,1000,4000") from error
    if any(n < 1 for n in found):
        raise click.BadParameter(f"{value!r}: all must be at least 1")
    return found


@contextmanager
def _workers(engine: str, workers: int | None, alone: AbstractContextManager[None]) -> Iterator[tuple[Any, Callable[[], bool]]]:
    """Yield an engine on which candidates are measured, and what says that a stop was asked for; `alone` keeps others away."""
    from workbench.engines import open_engine
    from workbench.terminal.interrupts import stop_on_signal

    with stop_on_signal() as stop, alone, open_engine(engine, workers) as executor:
        yield executor, stop


def _interrupted(what: str) -> Exception:
    from games.errors import Interrupted

    return Interrupted(f"interrupted; {what}")


def _published() -> list[str]:
    """Return the names of published programs."""
    from workbench.catalogue.shipped import TASKS
    from workbench.discovery.task import find_task

    return [name for task in map(find_task, TASKS) for name in (*task.known(), *task.seeds())]


@click.command(short_help="Score programs on games and horizons they have not seen.")
@click.argument("run", type=RunName("evolve"))
@task_option
@click.argument("programs", nargs=-1, metavar="[PROGRAM...]")
@click.option("--best", default=3, show_default=True, type=click.IntRange(1), help="Without PROGRAM: so many of the run's best.")
@click.option("--games", "instances", callback=names, help="Held-out instances or suites, such as paper11.  [default: the task's]")
@click.option("--horizons", callback=numbers, help="Numbers of iterations.  [default: K/4,K,4K around the run's K]")
@click.option("--margin", default=2, show_default=True, type=click.IntRange(1), help="Flag a program that loses so many places.")
@engine_options
@json_option
def verify(
    run: Path, programs: tuple[str, ...], best: int, instances: list[str], horizons: list[int], margin: int,
    jobs: int | None, engine: str, as_json: bool,
) -> int:  # fmt: skip
    """Score programs of RUN, isolated, on held-out games and at other horizons, beside every published program.

    Every look at held-out games is recorded in the run. A program whose place among the published ones drops off the training
    horizon, or on held-out games, is flagged.
    """
    from workbench.discovery.analysis import verify as verification
    from workbench.discovery.analysis.scoring import Scorer
    from workbench.discovery.books.store import Store
    from workbench.discovery.session import config_of, load_run, ranked
    from workbench.discovery.task import find_task
    from workbench.runs import locks
    from workbench.terminal.progress import job_progress, say
    from workbench.terminal.tables import print_table

    store = Store.open(run)
    config = config_of(store)
    task = find_task(config.task)
    chosen = [store.program(prefix) for prefix in programs]
    if not chosen:
        chosen = [store.program(m.id) for m in ranked(load_run(store).members())[:best]]
    held_out = verification.expand_instances(task, instances) if instances else None
    with _workers(engine, jobs, locks.writing(run)) as (executor, stop):
        scorer = Scorer(config.task, executor, config.seed, "auto", store=store, stop=stop, fresh=True)
        try:
            with job_progress(len(task.known()) + len(chosen), "verifying", "programs") as tell:
                record = verification.verify(
                    scorer, task, {p.id: p for p in chosen}, horizon=config.horizon, held_out=held_out, horizons=horizons,
                    margin=margin, tell=tell,
                )  # fmt: skip
        except KeyboardInterrupt:
            raise _interrupted(f"what was measured is kept in {run}, and the same command goes on from there") from None
    with store.transaction():
        store.set("verify", record)
    store.close()
    if as_json:
        print_json({"run": str(run), **record})
        return 0
    print_table(*verification.details(record, record["horizon"]))
    print_table(*verification.table(record), prose=("flag",))
    for note in verification.notes(record):
        say(f"- {note}")
    return 0


@click.command(short_help="Take a program apart: what matters, what is left.")
@click.argument("target", type=RunName("evolve", known=_published), metavar="RUN|FILE.py|NAME")
@click.argument("program", required=False)
@click.option("--task", "task_name", default="cfr", show_default=True, help="The task of a file or name.")
@horizon_option("the run's, else the task's")
@click.option("--games", "instances", callback=names, help="Held-out instances or suites.  [default: the task's]")
@click.option("--no-held-out", is_flag=True, help="Look at training instances only.")
@click.option(
    "--all", "every", cls=Option, former=["--every"], is_flag=True, help="Measure each single removal on held-out instances too."
)
@click.option("--known", is_flag=True, help="Set the published programs beside.")
@click.option(
    "--tolerance", default=0.1, show_default=True, type=FiniteRange(0), help="Decades that the distilled program may lose."
)
@click.option("--depth", default=1.5, show_default=True, type=FiniteRange(0), help="Decades lost at which removing ends.")
@click.option("--limit", default=120, show_default=True, type=click.IntRange(1), help="Most programs measured while combining.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the tables as Markdown.")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Write the distilled program as a rule file.")
@engine_options
@sandbox_option
@json_option
@gathered(subject=Subject, unseen=HeldOut, bounds=Bounds, papers=Papers, measuring=Measuring)
def ablate(
    subject: Subject, horizon: int | None, unseen: HeldOut, known: bool, bounds: Bounds, papers: Papers, measuring: Measuring,
    as_json: bool,
) -> int:  # fmt: skip
    """Take a program apart: which terms, constants and mechanisms matter, and what is left when the others are gone.

    Every piece is taken out alone, then together with others, the least harmful first; the front of size against score is printed
    for training and held-out games. The program is one of a RUN (its best, or PROGRAM), a rule file, or a published one.
    """
    from workbench.discovery.analysis.ablate import Ablation
    from workbench.discovery.analysis.ablation_tables import markdown
    from workbench.discovery.analysis.scoring import Scorer
    from workbench.discovery.analysis.verify import expand_instances
    from workbench.discovery.task import find_task, name_task
    from workbench.runs import locks
    from workbench.runs.programs import marked
    from workbench.terminal.progress import say

    name_task(subject.task_name)
    store, config, name, source = _program(subject)
    task = find_task(config.get("task", subject.task_name))
    problems = task.problems(source)
    if problems:
        from games.errors import GameplanError

        raise GameplanError(f"{name} is not a program of task {task.name}: {'; '.join(problems)}")
    asked = expand_instances(task, unseen.instances) if unseen.instances and not unseen.no_held_out else list(task.held_out)
    held_out = [] if unseen.no_held_out else [name for name in asked if name not in task.train]
    alone = locks.writing(store.path) if store else nullcontext()
    with (
        _workers(measuring.engine, measuring.jobs, alone) as (executor, stop),
        _progress("measuring") as tell,
    ):
        scorer = Scorer(
            config.get("task", subject.task_name), executor, config.get("seed", 0), measuring.sandbox, store=store,
            purpose="ablate", stop=stop,
        )  # fmt: skip
        work = Ablation(scorer, task, horizon or config.get("horizon") or task.horizon, held_out, *bounds, tell)
        try:
            record = work.run(name, source, every=unseen.every, known=known)
        except KeyboardInterrupt:
            raise _interrupted(f"what was measured is kept in {subject.target}" if store else "nothing was kept") from None
    if record["failed"]:
        say(f"{name} has no score: {record['failed']}")
        return 1
    if store is not None:
        with store.transaction():
            store.set("ablate", record)
        store.close()
    for path, text in ((papers.out, markdown(record)), (papers.save, marked(record["distilled"]["source"], "ablate"))):
        if path is not None:
            _write(path, text)
    if as_json:
        print_json(record)
    else:
        _print_ablation(record)
    return 0


@click.command(short_help="Set operators side by side at equal evaluations.")
@click.argument("task", default="cfr")
@click.option(
    "--operators", default="symbolic,random,iid,sequential,constants-only", show_default=True, callback=names,
    help="Contenders; a+b mixes operators.",
)  # fmt: skip
@click.option("--budget-evals", "evals", default=300, show_default=True, type=click.IntRange(1), help="Evaluations of every run.")
@click.option("--seeds", "repeats", default=3, show_default=True, type=RunCount(1), help="Runs of every contender.")
@click.option("--from", "start", callback=names, help="Programs to start from, or known.  [default: the task's default seed]")
@click.option("--seed", default=0, show_default=True, help="Random seed of the first run.")
@horizon_option("the task's")
@click.option("--out", type=click.Path(path_type=Path), help="Directory.  [default: runs/evolve-compare-... named by the request]")
@click.option("--format", "formats", default="png", show_default=True, callback=names, help="Kinds of figure: png, svg, pdf.")
@engine_options
@sandbox_option
@json_option
@gathered(place=Place, measuring=Measuring)
def compare(
    task: str, operators: list[str], evals: int, repeats: int, start: list[str], seed: int, horizon: int | None, place: Place,
    measuring: Measuring,
) -> int:  # fmt: skip
    """Set operators side by side at equal evaluations: means and bands over seeds, published programs as reference.

    Finished runs are kept: the same command goes on where it stopped.
    """
    from workbench.comparison.place import writing
    from workbench.discovery.analysis import compare as comparison
    from workbench.discovery.config import DiscoveryConfig
    from workbench.figures.frame import check_format
    from workbench.terminal.progress import drawing, say
    from workbench.terminal.tables import print_table

    for kind in place.formats:
        check_format(f".{kind}")
    base = DiscoveryConfig(task, tuple(start), horizon=horizon or 0, seed=seed, evals=evals, sandbox=measuring.sandbox)
    chosen = comparison.contenders(base, operators)
    path = place.out or comparison.default_path(chosen, repeats)
    with _workers(measuring.engine, measuring.jobs, writing(path)) as (executor, stop), _progress("comparing") as tell:
        try:
            record = comparison.run_comparison(chosen, repeats, path, executor, stop=stop, tell=tell)
        except KeyboardInterrupt:
            raise _interrupted(f"finished evaluations are kept in {path}, and the same command goes on from there") from None
    figures = [path / f"figure.{kind}" for kind in place.formats]
    for figure in figures:
        with drawing(figure):
            comparison.draw(record, figure)
    comparison.write(record, path)
    if place.as_json:
        print_json({"run": str(path), "figures": [str(f) for f in figures], **record})
        return 0
    for ranking, what in (("log", "minus mean log10, higher is better"), ("average", "average, lower is better")):
        print_table(*comparison.table(record, ranking), title=f"best {record['measure']} by evaluations: {what}")
    for note in comparison.notes(record):
        say(f"- {note}")
    echo(f"{path}: table.json table.md {' '.join(f.name for f in figures)}")
    return 0


@click.command(short_help="Write one HTML file, or a figure, about a run.")
@click.argument("run", type=RunName("evolve"))
@task_option
@click.option("--draw", "what", type=click.Choice(["scores", "lineage", "front"]), help="Draw this for paper instead of the page.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False),
    help="HTML file; with --draw PNG, SVG or PDF.  [default: RUN/report.html; scores.png ...]",
)  # fmt: skip
@look_options
@json_option
def report(run: Path, what: str | None, out: Path | None, as_json: bool, **options: Any) -> int:
    """Write one HTML file about RUN: score over evaluations, best programs, lineage, rejections, cost.

    It loads nothing from elsewhere. After 'gameplan evolve verify' it has the held-out table, too. With --draw a figure: scores
    as they came, the lineage of the best program, or the front of size against score.
    """
    from games.errors import UsageError
    from games.files import write_output
    from workbench.discovery.books.store import Store
    from workbench.figures.frame import PLAIN, SUFFIXES
    from workbench.pages.report import discovery_report
    from workbench.terminal.interrupts import watched
    from workbench.terminal.progress import say

    look = look_of(options)
    path = out or (Path(f"{what}.png") if what else run / "report.html")
    if what:
        _draw(run, what, path, look)
    elif path.suffix in SUFFIXES or look != PLAIN:
        given = f"{path} is the name of a figure" if path.suffix in SUFFIXES else "a page has no --width and the like"
        raise UsageError(f"{given}; say what to draw: --draw scores, lineage or front")
    else:
        with watched(say, f"writing {path}"):
            write_output(path, discovery_report(Store.open(run)))
    if as_json:
        print_json({"run": str(run), "figure" if what else "report": str(path)})
    else:
        echo(str(path))
    return 0


def _draw(run: Path, what: str, path: Path, look: Any) -> None:
    from workbench.discovery.books.store import Store
    from workbench.figures.discovery import draw_front, draw_lineage, draw_scores
    from workbench.terminal.progress import drawing
    from workbench.views.discovery import view_discovery

    draw = {"scores": draw_scores, "lineage": draw_lineage, "front": draw_front}[what]
    with drawing(path):
        draw(view_discovery(Store.open(run)), path, look=look)


def _program(subject: Subject) -> tuple[Any, dict[str, Any], str, str]:
    """Return store and configuration of the run, if it is one, and name and source of the program."""
    from games.errors import UnknownName, UsageError, did_you_mean
    from workbench.catalogue.sources import ALGORITHM, read_source
    from workbench.discovery.books.store import FILE, Store
    from workbench.discovery.session import config_of, load_run, ranked
    from workbench.discovery.task import find_task

    target, program, task_name = subject
    if (Path(target) / FILE).is_file():
        store = Store.open(Path(target))
        config = asdict(config_of(store))
        if program is not None:
            found = store.program(program)
        else:
            members = ranked(load_run(store).members())
            if not members:
                raise UsageError(f"no program of {target} has a score yet; name one")
            found = store.program(members[0].id)
        return store, config, found.id, found.source
    if program is not None:
        raise UsageError(f"{target} is not a discovery, so {program!r} can be no program of it")
    if target.endswith(".py"):
        return None, {}, Path(target).name, read_source(target, ALGORITHM).text
    task = find_task(task_name)
    programs = {**task.known(), **task.seeds()}
    if target not in programs:
        raise UnknownName(
            target,
            "program",
            f"unknown program {target!r}{did_you_mean(target, list(programs))}; legal are a run, a file and {', '.join(programs)}",
        )
    return None, {}, target, programs[target]


def _print_ablation(record: dict[str, Any]) -> None:
    from workbench.discovery.analysis.ablation_tables import front_table, summary
    from workbench.terminal.tables import print_line, print_table

    for key, title in (("front", "size against score in training"), ("front_held_out", "size against score on held-out instances")):
        if key == "front" or record["held_out"]:
            print_table(*front_table(record, key), title=title, prose=("taken out",))
    rows = [
        [row["removed"][0], str(row["size"]), *("-" if v is None else f"{v:.2f}" for v in (row["loss"], row["held_out_loss"]))]
        for row in record["singles"]
    ]
    print_table(
        ("taken out alone", "size", "loss", "held-out loss"),
        rows,
        title="one piece taken out: decades lost",
        prose=("taken out alone",),
    )
    for line in summary(record):
        print_line(line)


def _write(path: Path, text: str) -> None:
    from games.files import write_output

    write_output(path, text)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function (what, done, of how much) that shows how far a work of several parts is."""
    from workbench.terminal.progress import counting_work

    with counting_work(what, None, "steps") as work:

        def tell(text: str, done: int, total: int) -> None:
            if text != work.what:
                work.becomes(text, total, "programs")
            work.pace.total = total
            work.moved(done)

        yield tell
