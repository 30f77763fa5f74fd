"""What commands share: options, their conversions, and how a record is printed."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import click

from workbench.commands.run_names import RunName, known_policies
from workbench.terminal.printing import echo

SCHEMA = 1
RUNS = Path("runs")
printed: list[Any] = []  # what this process has printed as JSON: one object, or an error in its place
PROGRAM = "NAME|FILE.py|MODULE:ATTRIBUTE"  # what an algorithm, meta-strategy solver or planner may be


def print_json(record: Mapping[str, Any]) -> None:
    """Print a command's one record as JSON on stdout: its schema and the command's name, unless it has them, then the rest."""
    context = click.get_current_context(silent=True)
    names: list[str] = []
    while context is not None:
        if not names or context.parent is not None:  # the program itself has no name here
            names.insert(0, str(context.info_name))
        context = context.parent
    echo(json.dumps({"schema": SCHEMA, "command": " ".join(names), **record}, indent=2))
    printed.append(record)


def print_error(line: str, code: int) -> None:
    """Print as JSON, in place of a command's record, that it has failed."""
    echo(json.dumps({"schema": SCHEMA, "error": line, "exit_code": code}, indent=2))


def duration(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    """Turn an option such as 10s into seconds."""
    from workbench.terminal.durations import parse_duration

    return None if value is None else parse_duration(value)


def memory_size(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Turn an option such as 2GB into bytes."""
    from games.memory import parse_size

    return None if value is None else parse_size(value)


def names(_ctx: click.Context, _param: click.Parameter, value: str | None) -> list[str]:
    """Turn a comma-separated option into a list."""
    return [name.strip() for name in (value or "").split(",") if name.strip()]


class FiniteRange(click.FloatRange):
    """A number in a range; what is no number is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType`."""
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is not finite", param, ctx)
        return found


def assignments(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """Turn --set name=value options into a dictionary."""
    table: dict[str, Any] = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise click.BadParameter(f"{text!r} is not of the form name=value")
        table[key.strip()] = value.strip()
    return table


def gathered(**records: type[tuple[Any, ...]]) -> Callable[..., Any]:
    """Return a decorator, below the options, that hands over those named like a record's fields as one argument, the record.

    ``@gathered(place=Place)`` gives a command that takes many options the argument `place`, a `Place`, for some of them.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def called(*args: Any, **options: Any) -> Any:
            for name, record in records.items():
                options[name] = record(**{field: options.pop(field) for field in record._fields})  # type: ignore[attr-defined]
            return function(*args, **options)

        return called

    return decorate


class Place(NamedTuple):
    """Where a comparison goes, a directory or None for one named by the request, its kinds of figures, and how it is told."""

    out: Path | None
    formats: Sequence[str]
    as_json: bool


class RunPlace(NamedTuple):
    """Which directory a run is in, of commands whose runs can go on; it becomes one argument by ``@gathered(place=RunPlace)``.

    Attributes
    ----------
    out : Path, optional
        A new run's directory; None: named by what is run.
    force : bool
        `out` may replace a run.
    resume : Path, optional
        The run that goes on; None: a new one.
    trusted : bool
        Programs of one's own that it keeps run as the user.
    """

    out: Path | None
    force: bool
    resume: Path | None
    trusted: bool


class Option(click.Option):
    """An option with `former` spellings, which are understood as ever and told nowhere."""

    def __init__(self, *args: Any, former: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.former = former

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """See `click.Option`."""
        shown = self.opts
        self.opts = [*shown, *self.former]
        super().add_to_parser(parser, ctx)
        self.opts = shown


class RunCount(click.IntRange):
    """How many runs there shall be; the name of a program is told where it belongs."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType`."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            if not str(value)[:1].isalpha():
                raise
            self.fail(f"{value!r} is no number of runs; the programs to start from are named by --from {value}", param, ctx)


def jobs_option(help: str, *former: str) -> Callable[..., Any]:
    """Return the option that says how much is done at once."""
    return click.option("--jobs", cls=Option, former=former, type=click.IntRange(1), help=help)


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
set_option = click.option(
    "--set",
    "params",
    multiple=True,
    callback=assignments,
    metavar="NAME=VALUE",
    help="Set a parameter of the algorithm; repeatable.",
)


def size_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --max-histories and --max-memory, how large a game may be."""
    histories = click.option(
        "--max-histories", default=5_000_000, show_default=True, type=click.IntRange(1), help="Refuse larger games."
    )
    memory = click.option(
        "--max-memory",
        callback=memory_size,
        metavar="SIZE",
        help="Refuse games that need more memory to compile, such as 500MB or 2GB.  [default: half of what is free]",
    )
    return histories(memory(command))


def jitter_option(default: float) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what adds --jitter, by how much payoffs are off."""
    return click.option(
        "--jitter", default=default, show_default=True, type=FiniteRange(0, 1, max_open=True), metavar="SIZE",
        help="Scale each payoff by a random factor from 1 - SIZE to 1 + SIZE: what changes at 1e-15 is rounding.",
    )  # fmt: skip


iterations_option = click.option(
    "-n",
    "--iterations",
    type=click.IntRange(1),
    callback=lambda _ctx, _param, value: value or 0,
    help="Iterations, of every algorithm.  [default: the family's own: 1000; PSRO: 100; sampling: 100000]",
)
sandbox_option = click.option(
    "--sandbox", is_flag=True, help="Run programs of your own in a locked process: no file, no network, no other process."
)
trusted_option = click.option(
    "--trusted", is_flag=True, help="Run what a run directory keeps, or a discovery wrote, as you and not isolated."
)


def lock_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --lock and what is said of a lock: whose play is given, where, and how surely."""
    options = (
        click.option(
            "--lock", type=RunName("solve", known=known_policies), metavar="POLICY",
            help="Let a player play this policy, a run, a file or uniform, and solve what is left.",
        ),
        click.option("--lock-player", type=click.IntRange(0), help="Whose play is locked.  [default: the one that POLICY is of]"),
        click.option(
            "--lock-infosets", metavar="TEXT", help="Lock only infosets that contain this; * is anything.  [default: all]"
        ),
        click.option(
            "--lock-probability", type=FiniteRange(0, 1, min_open=True),
            help="How likely the player is locked, else free, which only he sees (restricted Nash response).  [default: 1]",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


class Updates(click.Choice[str]):
    """How players move on; who means a number of updates is told how that is said."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType`."""
        if str(value).isdigit():
            self.fail(f"{value!r} is no way to move on; so many updates, or iterations, are said by -n {value}", param, ctx)
        return super().convert(value, param, ctx)


updates_option = click.option(
    "--updates",
    type=Updates(["alternating", "simultaneous"]),
    default="alternating",
    show_default=True,
    help="How players move on.",
)
iterate_option = click.option(
    "--iterate",
    type=click.Choice(["average", "last", "best"]),
    help="Policy that is reported; best: of the last iterates that were evaluated.  [default: the average, or as the rule says]",
)
every_option = click.option(
    "--every", type=click.IntRange(1), help="Evaluate each so many iterations.  [default: ten a decade: 1, 2, 3 ... 100, 125 ...]"
)


def learned_set_option(role: str, help: str) -> Callable[..., Any]:
    """Return the option that sets parameters of a policy or value (`role`)."""
    return click.option(f"--{role}-set", f"{role}_params", multiple=True, callback=assignments, metavar="NAME=VALUE", help=help)


def check_goes_on(ctx: click.Context, resume: Path | None, out: Path | None, force: bool) -> None:
    """Raise click.UsageError if a run that goes on (`resume`) is also told to be elsewhere (`out`) or to begin anew (`force`)."""
    if resume is not None and (force or (out is not None and out.resolve() != resume.resolve())):
        raise click.UsageError(
            f"--resume goes on in the run's own directory, {resume}, and replaces nothing: leave --out and --force out", ctx
        )
