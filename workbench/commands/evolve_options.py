"""Options that the verbs of ``gameplan evolve`` share, and how their values are read."""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import click

from workbench.commands.options import FiniteRange, Option, duration, jobs_option, json_option, names

sandbox_option = click.option(
    "--sandbox", type=click.Choice(["auto", "none"]), default="auto", show_default=True,
    help="auto: all that the kernel offers; none: trust candidates.",
)  # fmt: skip


class Measuring(NamedTuple):
    """Where candidates are measured: how many at once (None: one a core), the engine's name, and how isolated, "auto" or "none"."""

    jobs: int | None
    engine: str
    sandbox: str


class Subject(NamedTuple):
    """What is taken apart: a run (and which `program` of it, None: its best), a rule file or a published name; of which task."""

    target: str
    program: str | None
    task_name: str


class HeldOut(NamedTuple):
    """What is looked at on held-out instances: these or the task's own, or none at all; `every` removal or those of the front."""

    instances: list[str]
    no_held_out: bool
    every: bool


class Bounds(NamedTuple):
    """How far removing goes: decades that the distilled program may lose, decades lost at which it ends, programs measured."""

    tolerance: float
    depth: float
    limit: int


class Papers(NamedTuple):
    """What is written: the tables as Markdown, and the distilled program as a rule file."""

    out: Path | None
    save: Path | None


PLACE = ("out", "jobs", "engine", "as_json")


def weights(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, float]:
    """Turn an option such as mixed=3,llm=1 into operators with weights."""
    table: dict[str, float] = {}
    for text in names(ctx, param, value):
        name, equals, weight = text.partition("=")
        try:
            table[name] = float(weight) if equals else 1.0
        except ValueError:
            raise click.UsageError(f"the weight {weight!r} of operator {name} is no number; write {name}=2") from None
    return table


def settings(_ctx: click.Context, _param: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any]:
    """Turn --set name=value into settings; values are read as TOML reads them, or as text."""
    table: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"{text!r} is not of the form name=value")
        try:
            parsed: Any = tomllib.loads(f"x = {value}")["x"]
        except tomllib.TOMLDecodeError:
            parsed = value
        if key.startswith("llm."):
            table.setdefault("language", {})[key[4:]] = parsed
        else:
            table[key] = parsed
    return table


def with_settings(ctx: click.Context, given: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Return what options and `settings` say together; an option that was not typed leaves the word to a setting of its name.

    Raises
    ------
    click.UsageError
        If both say something, or the task is named twice.
    """
    default = click.core.ParameterSource.DEFAULT
    typed = {param.name: param.opts[-1] for param in ctx.command.params if isinstance(param, click.Option)}
    for name in settings:
        if name == "task":
            raise click.UsageError("the task is named first, and not by --set", ctx)
        if name in given and ctx.get_parameter_source(name) not in (default, None):
            raise click.UsageError(f"{name} is given twice, by {typed[name]} and by --set; leave one out", ctx)
    return {**given, **settings}


def task_option(command: Any) -> Any:
    """Add the option that names a task of one's own to a command on runs."""

    def named(_ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
        if value is not None:
            from workbench.discovery.task import name_task

            name_task(value)

    option = click.option(
        "--task", expose_value=False, is_eager=True, callback=named, metavar="FOLDER",
        help="The folder of the run's task, if it is one of your own.",
    )  # fmt: skip
    return option(command)


def budget_options(command: Any) -> Any:
    """Add the options of budgets to a command."""
    for option in reversed(
        (
            click.option("--budget-evals", "evals", type=click.IntRange(1), help="Programs measured on training instances."),
            click.option(
                "--budget-cpu", "cpu_seconds", callback=duration, metavar="DURATION", help="CPU time of candidates, such as 15m."
            ),
            click.option("--budget-time", "wall_seconds", callback=duration, metavar="DURATION", help="Wall-clock time."),
            click.option("--budget-calls", "calls", type=click.IntRange(1), help="Questions to language models."),
            click.option("--budget-tokens", "tokens", type=click.IntRange(1), help="Tokens in and out."),
            click.option(
                "--budget-money", "money", type=FiniteRange(0.0, min_open=True), help="By the prices in the configuration."
            ),
        )
    ):
        command = option(command)
    return command


def config_options(command: Any) -> Any:
    """Add the options that say how programs are scored and parents are drawn."""
    for option in reversed(
        (
            click.option(
                "-n",
                "--horizon",
                cls=Option,
                former=["--iterations"],
                default=0,
                type=click.IntRange(0),
                help="Iterations at which programs are scored.  [default: the task's own]",
            ),
            click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of everything that is random."),
            click.option("--ranking", default="log", show_default=True, help="log, average or capped-log."),
            click.option(
                "--set",
                "settings",
                multiple=True,
                callback=settings,
                metavar="NAME=VALUE",
                help="Another setting of the configuration; llm.NAME=VALUE for models.",
            ),
            click.option(
                "--flagged", is_flag=True, help="Let in programs that take more than 20 times the CPU time of CFR+ an iteration."
            ),
            sandbox_option,
        )
    ):
        command = option(command)
    return command


flagged_option = click.option("--flagged", is_flag=True, help="Also programs that take more than 20 times the CPU time of CFR+.")


def place_options(command: Any) -> Any:
    """Add the options that say where a new run goes and how it is shown: `PLACE`, which do not decide its result."""
    out = click.option(
        "--out", type=click.Path(path_type=Path), help="Directory of the run.  [default: runs/<date>-evolve-<task>-s<seed>]"
    )
    return out(engine_options(json_option(command)))


def engine_options(command: Any) -> Any:
    """Add the options that say where candidates run."""
    jobs = jobs_option("Candidates at once.  [default: one a core]", "--workers")
    engine = click.option(
        "--engine", default="threads", show_default=True, help="Where candidates run: threads, dask://host:port, slurm ..."
    )
    return jobs(engine(command))
