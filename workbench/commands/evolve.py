"""``gameplan evolve``: discoveries, made and looked at."""

import importlib
import os
from pathlib import Path
from typing import Any

import click

from workbench.commands.evolve_options import (
    PLACE,
    budget_options,
    config_options,
    engine_options,
    flagged_option,
    place_options,
    sandbox_option,
    settings,
    task_option,
    weights,
    with_settings,
)
from workbench.commands.examples import with_examples
from workbench.commands.options import RUNS, RunCount, json_option, names, print_json
from workbench.commands.run_names import RunName
from workbench.terminal.printing import counted, echo

ANALYSIS = ("verify", "ablate", "compare", "report")  # in workbench.commands.evolve_analysis


def run_argument(command: Any) -> Any:
    """Add the argument RUN to a command, and the option that names a task of one's own, which no run may do."""
    argument = click.argument("run", type=RunName("evolve"), metavar="RUN")
    return argument(task_option(command))


def one_run(ctx: click.Context, _param: click.Parameter, value: int | None) -> None:
    """Say where several runs are made."""
    if value is not None:
        raise click.UsageError(f"this makes one run; {value} of each operator: gameplan evolve compare TASK --seeds {value}", ctx)


class Evolve(click.Group):
    """The verbs; those that analyse runs are imported when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of a first session."""
        return [*self.commands, *ANALYSIS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a verb."""
        if cmd_name in ANALYSIS:
            found = getattr(importlib.import_module("workbench.commands.evolve_analysis"), cmd_name)
            assert isinstance(found, click.Command)
            return with_examples(found, f"evolve {cmd_name}")
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Add "did you mean" to click's complaint about an unknown verb."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from games.errors import did_you_mean

            verbs = self.list_commands(ctx)
            raise click.UsageError(
                f"no such verb {args[0]!r}{did_you_mean(args[0], verbs)}; legal are {', '.join(verbs)}", ctx
            ) from error


@click.group(cls=Evolve)
def evolve() -> None:
    """Let algorithms evolve: CFR rules, PSRO solvers, 2048 evaluations, Sokoban heuristics."""


@evolve.command("new", short_help="Create and run a discovery for a task.")
@click.argument("task")
@click.option(
    "--from",
    "seeds",
    callback=names,
    metavar="NAMES",
    help="Programs to start from: names, or known for all published ones.  [default: the task's own]",
)
@click.option("--seeds", "several", hidden=True, expose_value=False, type=RunCount(1), callback=one_run)
@click.option(
    "--operator",
    "operators",
    default="mixed",
    show_default=True,
    callback=weights,
    help="Operators with weights, such as mixed=3,llm=1.",
)
@budget_options
@config_options
@place_options
@click.pass_context
def new(ctx: click.Context, settings: dict[str, Any], **given: Any) -> int:
    """Create and run a discovery for TASK: cfr, psro, h2048, sokoban-h, or a folder with a task.py.

    The directory holds the store; Ctrl-C and kills lose nothing that was measured. Exit codes: 0 done, 1 error, 2 usage,
    130 interrupted.
    """
    from workbench.discovery.config import BUDGETS, from_record

    place = {key: given.pop(key) for key in PLACE}
    given = with_settings(ctx, given, settings)
    if all(given[key] is None for key in BUDGETS):
        given["evals"] = 1000
    return _begin(from_record(given), **place)


@evolve.command("run", short_help="Create and run the discovery of a TOML file.")
@click.argument("config", type=click.Path(path_type=Path), metavar="CONFIG.toml")
@place_options
def run_config(config: Path, **place: Any) -> int:
    """Create and run the discovery that a TOML file describes: the keys of a run's own configuration."""
    from workbench.discovery.config import load_config

    return _begin(load_config(config), **place)


@evolve.command(short_help="Go on with a run, also with larger budgets.")
@run_argument
@budget_options
@engine_options
@click.option(
    "--set",
    "given",
    multiple=True,
    callback=settings,
    metavar="llm.NAME=VALUE",
    help="base_url, key_variable or cache, which are not taken from the run.",
)
@sandbox_option
@json_option
def resume(
    run: Path, jobs: int | None, engine: str, given: dict[str, Any], sandbox: str, as_json: bool, **budgets: Any
) -> int:  # fmt: skip
    """Go on with a run that was stopped or killed, or with larger budgets."""
    from workbench.discovery.books.store import Store
    from workbench.discovery.session import resumed

    store = Store.open(run)
    changes = {key: value for key, value in budgets.items() if value is not None}
    changes |= {key: value for key, value in given.items() if key != "language"}
    config = resumed(store, changes, sandbox=sandbox, language=given.get("language"))
    return _go_on(store, config, jobs, engine, as_json)


@evolve.command("import", short_help="Score programs from files; they begin a new run.")
@click.argument("task")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@config_options
@place_options
@click.pass_context
def import_(ctx: click.Context, files: tuple[Path, ...], settings: dict[str, Any], **given: Any) -> int:
    """Score programs from FILE... for TASK, and make them the seeds of a new run ('evolve resume' goes on from them).

    Rule files and programs in the published class form run as they are; folders are searched; JSON and JSON lines are read for
    records with a program's source.
    """
    from workbench.discovery.books.exchange import read_programs
    from workbench.discovery.config import from_record

    if given["sandbox"] == "none":
        raise click.UsageError("imported programs always run isolated; leave out --sandbox none")
    programs: dict[str, str] = {}
    for path in files:
        programs |= read_programs(path)
    place = {key: given.pop(key) for key in PLACE}
    given = with_settings(ctx, given, settings)
    return _begin(from_record({"seeds": list(programs), "evals": 0, **given}), programs, **place)


@evolve.command(short_help="Show how a run stands.")
@run_argument
@json_option
def status(run: Path, as_json: bool) -> int:
    """Show how a run stands: evaluations, best program, baselines, rejections, cost."""
    from workbench.discovery.books.store import Store
    from workbench.discovery.session import run_record

    _show(run_record(Store.open(run)), as_json)
    return 0


@evolve.command(short_help="Print or export the best program.")
@run_argument
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.py", help="Write it here instead of printing it.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@flagged_option
@json_option
def best(run: Path, flagged: bool, out: Path | None, force: bool, as_json: bool) -> int:
    """Print or export the best program: a file that 'gameplan solve --algo FILE.py' runs as it is, isolated."""
    from games.errors import GameplanError
    from workbench.discovery.books.store import Store
    from workbench.discovery.session import load_run, member_record, ranked

    members = ranked(load_run(Store.open(run), flagged=flagged).members())
    if not members:
        raise GameplanError(f"{run} has no program with a score yet")
    return _write_program(members[0].source, member_record(members[0]), run, out, force, as_json)


@evolve.command("list", short_help="List the programs of a run, best first.")
@run_argument
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many.")
@flagged_option
@json_option
def list_(run: Path, flagged: bool, limit: int, as_json: bool) -> int:
    """List the programs of a run, best first."""
    from workbench.discovery.books.store import Store
    from workbench.discovery.session import load_run, member_record, ranked
    from workbench.terminal.tables import print_table

    loaded = load_run(Store.open(run), flagged=flagged)
    records = [member_record(member) for member in ranked(loaded.members())[:limit]]
    if as_json:
        print_json({"run": str(run), "programs": records})
        return 0
    print_table(("program", "step", "operator", "log", "average", "size", *loaded.task.train), [
        (r["id"], str(r["step"]), r["operator"], f"{r['log']:.3f}", f"{r['average']:.3g}", str(r["size"]),
         *(f"{r['values'][name]:.2e}" for name in loaded.task.train))
        for r in records
    ], left=1, spare=("size", "step", *loaded.task.train))  # fmt: skip
    return 0


@evolve.command(short_help="Print or export one program.")
@run_argument
@click.argument("program")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.py", help="Write it here instead of printing it.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@flagged_option
@json_option
def show(run: Path, program: str, flagged: bool, out: Path | None, force: bool, as_json: bool) -> int:
    """Print or export a program of a run, named by the beginning of its id."""
    from games.errors import GameplanError
    from workbench.discovery.books.records import SLOW
    from workbench.discovery.books.store import Store
    from workbench.discovery.session import load_run, member_record

    store = Store.open(run)
    found = store.program(program)
    loaded = load_run(store, flagged=flagged)
    member = next((m for m in loaded.members() if m.id == found.id), None)
    record = member_record(member) if member else {"id": found.id, "size": found.size}
    steps = [step for step in loaded.steps if step.program == found.id]
    if steps:
        record |= {
            "status": steps[0].status,
            "reason": steps[0].reason,
            "parents": list(steps[0].parents),
            "detail": steps[0].detail,
        }
    if out is not None and not member and steps and steps[0].status == SLOW:
        raise GameplanError(f"{found.id} {steps[0].reason}")
    return _write_program(found.source, record, run, out, force, as_json)


@evolve.command(short_help="Show what differs between two programs.")
@run_argument
@click.argument("first")
@click.argument("second", required=False)
@json_option
def diff(run: Path, first: str, second: str | None, as_json: bool) -> int:
    """Show what differs between two programs, or between a program and its parent."""
    from workbench.discovery.analysis.lineage import source_diff
    from workbench.discovery.books.store import Store
    from workbench.discovery.session import load_run

    store = Store.open(run)
    new_program = store.program(first)
    if second is None:
        step = next((step for step in load_run(store).steps if step.program == new_program.id and step.parents), None)
        if step is None:
            raise click.UsageError(f"{first} has no parent; name a second program")
        second = step.parents[0]
    old = store.program(second)
    text = source_diff(old.source, new_program.source, (old.id, new_program.id))
    print_json({"run": str(run), "programs": [old.id, new_program.id], "diff": text}) if as_json else echo(text)
    return 0


@evolve.command(short_help="Show how a program came about.")
@run_argument
@click.argument("program", required=False)
@json_option
def lineage(run: Path, program: str | None, as_json: bool) -> int:
    """Show how a program came about, from its seed on; without PROGRAM, the best one."""
    from games.errors import GameplanError
    from workbench.discovery import session
    from workbench.discovery.analysis.lineage import descent
    from workbench.discovery.books.store import Store
    from workbench.discovery.population.ranking import score_text
    from workbench.terminal.tables import print_table

    store = Store.open(run)
    loaded = session.load_run(store)
    members = {m.id: m for m in loaded.members()}
    if program is None and not members:
        raise GameplanError(f"{run} has no program with a score yet")
    name = store.program(program).id if program else session.ranked(list(members.values()))[0].id
    line = descent(loaded.steps, name)
    if as_json:
        print_json({"run": str(run), "program": name, "steps": [
            {"program": s.program, "step": s.n, "operator": s.operator, "detail": s.detail, "parents": list(s.parents),
             "score": members[s.program].score if s.program in members else None} for s in line
        ]})  # fmt: skip
        return 0
    scores = {key: score_text(member.score) for key, member in members.items()}
    print_table(
        ("step", "program", "operator", "how", "score"),
        [(str(s.n), str(s.program), s.operator, _how(s.detail), scores.get(s.program or "", s.status)) for s in line],
        left=4,
        prose=("how",),
        spare=("operator",),
    )
    return 0


@evolve.command(short_help="Write a run as a folder of programs and JSON lines.")
@run_argument
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="A new folder.")
@click.option("--no-clocks", is_flag=True, help="Leave out times, so that equal runs give equal bytes.")
@flagged_option
@json_option
def export(run: Path, flagged: bool, out: Path, no_clocks: bool, as_json: bool) -> int:
    """Write a run as a folder of programs and JSON lines."""
    from workbench.discovery.books import exchange
    from workbench.discovery.books.store import Store

    record = exchange.export(Store.open(run), out, clocks=not no_clocks, flagged=flagged)
    if as_json:
        print_json(record)
    else:
        made = [counted(record[f"{what}s"], what) for what in ("program", "step", "evaluation")]
        echo(f"{out}: {', '.join(made)}")
    return 0


def _how(detail: dict[str, Any]) -> str:
    value = detail.get("name") or detail.get("mutations") or detail.get("model") or ""
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _begin(config: Any, imported: dict[str, str] | None = None, *, out: Path | None, **place: Any) -> int:
    from workbench.discovery.config import resolve
    from workbench.discovery.session import begin
    from workbench.runs.directory import default_path

    config = resolve(config, imported or ())
    path = out or default_path(RUNS, "evolve", Path(config.task).name, config.seed)
    return _go_on(begin(config, path, imported), config, **place)


def _go_on(store: Any, config: Any, jobs: int | None, engine: str, as_json: bool) -> int:
    from workbench.discovery.session import proceed
    from workbench.terminal.evolve import live_line
    from workbench.terminal.interrupts import stop_on_signal
    from workbench.terminal.progress import say

    with stop_on_signal() as stop, live_line(config) as tell:
        record = proceed(store, config, engine=engine, workers=jobs or os.cpu_count() or 1, stop=stop, on_step=tell, say=say)
    _show(record, as_json)
    if record["status"] == "interrupted":
        say(f"interrupted after {counted(record['evaluations'], 'evaluation')}; continue with: gameplan evolve resume {store.path}")
        return 130
    return 0


def _show(record: dict[str, Any], as_json: bool) -> None:
    from workbench.terminal.evolve import print_discovery

    if as_json:
        print_json(record)
    else:
        print_discovery(record)


def _write_program(source: str, record: dict[str, Any], run: Path, out: Path | None, force: bool, as_json: bool) -> int:
    from games.errors import UsageError
    from games.files import write_output
    from workbench.runs.programs import marked

    if out is not None:
        if out.exists() and not force:
            raise UsageError(f"{out} exists; say --force to replace it")
        write_output(out, marked(source, "best", str(run)))
    if as_json:
        print_json({**record, "source": source, "out": str(out) if out else None})
    elif out is not None:
        echo(str(out))
    else:
        echo(source, nl=not source.endswith("\n"))
    return 0
