"""``gameplan distill``."""

import os
from pathlib import Path
from typing import Any

import click

from workbench.commands.options import RUNS, assignments, check_goes_on, jobs_option, json_option, print_json
from workbench.commands.run_names import RunName


class Distill(click.Command):
    """The command, whose help has a sentence about every parameter of what positions come from."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See `click.Command`; the modules that declare the parameters are read, not imported, which would take seconds."""
        from games.sentences import sentences
        from workbench.catalogue.declared import declared, documentation, module_file
        from workbench.catalogue.shipped import CHAINS

        super().format_options(ctx, formatter)
        for module in dict.fromkeys(CHAINS.values()):
            path, worlds = module_file(module), [world for world, found in CHAINS.items() if found == module]
            told = sentences(documentation(path))
            with formatter.section(f"Parameters (--set) of {' and '.join(worlds)}"):
                formatter.write_dl(
                    [(f"{name}={value}", told.get(name, "")) for name, value in declared(path, "PARAMS").items()], col_max=22
                )


@click.command(cls=Distill)
@click.argument("world", required=False)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Directory of the data set.")
@click.option(
    "--samples", type=click.IntRange(1), default=1000, show_default=True, metavar="N", help="Accepted chains, of all splits."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Other seeds give other positions.")
@click.option(
    "--form", default="full", show_default=True, metavar="full|short", help="How much a chain says; short: for small models."
)
@click.option("--tokens", type=click.IntRange(0), default=0, help="Most words and marks of an answer.  [default: 320, short: 120]")
@click.option("--wordings", type=click.IntRange(0), default=0, help="Wordings of a claim that are used.  [default: all]")
@click.option("--protocol", default="proact", show_default=True, metavar="proact|clean", help="How boards are shown.")
@click.option("--splits", default="90,5,5", show_default=True, help="Shares of train, validation and test in per cent.")
@click.option(
    "--set", "params", multiple=True, callback=assignments, metavar="NAME=VALUE",
    help="Set a parameter of positions or teacher (below); repeatable.",
)  # fmt: skip
@jobs_option("Processes; the bytes are the same.  [default: one a core]", "--workers")
@click.option("--force", is_flag=True, help="Replace the directory if it holds a run.")
@click.option("--resume", type=RunName("distill"), metavar="RUN", help="Finish the data set in this directory.")
@click.option("--check", type=RunName("distill"), metavar="RUN", help="Check every claim of a data set again, from its text.")
@json_option
@click.pass_context
def distill(
    ctx: click.Context,
    world: str | None,
    out: Path | None,
    jobs: int | None,
    force: bool,
    resume: Path | None,
    check: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Write a data set of checked chains of reasoning for WORLD: 2048, 2048-3x3 or sokoban-proact.

    Positions come from play, a search in the environment judges them, and every sentence of a chain is checked against the
    environment before it is written. The same command, or --resume, goes on after an interruption and ends with the same bytes.
    """
    from workbench.catalogue.shipped import CHAINS
    from workbench.distill.config import DistillConfig, resolve_distill, resumed_distill, saved_distill
    from workbench.runs.directory import CONFIG, RunDirectory, default_path

    given = {
        key: value
        for key, value in {**options, **({"world": world} if world else {})}.items()
        if ctx.get_parameter_source(key) not in (click.core.ParameterSource.DEFAULT, None)
    }
    if check is not None:
        return _check(RunDirectory.open(check), as_json)
    check_goes_on(ctx, resume, out, force)
    if resume is not None:
        run = RunDirectory.open(resume)
        return _distill(resumed_distill(run, given), run, True, jobs, as_json)
    if world is None:
        raise click.UsageError(f"name a world: {', '.join(CHAINS)}", ctx)
    config = resolve_distill(DistillConfig(world, **options))
    path = out or default_path(RUNS, world, "distill", config.seed)
    if not force and (path / CONFIG).is_file() and saved_distill(RunDirectory.open(path)) == config:
        return _distill(config, RunDirectory.open(path), True, jobs, as_json)
    return _distill(config, RunDirectory.create(path, force=force), False, jobs, as_json)


def _distill(config: Any, run: Any, resume: bool, jobs: int | None, as_json: bool) -> int:
    from contextlib import ExitStack

    from workbench.distill.run import INTERRUPTED, run_distill
    from workbench.engines import local_pool
    from workbench.terminal.distill import print_distill
    from workbench.terminal.interrupts import stop_on_signal
    from workbench.terminal.progress import counting, say

    workers = jobs or os.cpu_count() or 1
    try:
        with ExitStack() as stack:
            stop = stack.enter_context(stop_on_signal())
            tell = stack.enter_context(counting("writing", config.samples, "chains"))
            record = run_distill(
                config, run, resume=resume, executor=lambda: stack.enter_context(local_pool(workers)), workers=workers, stop=stop,
                on_accepted=tell, say=say,
            )  # fmt: skip
    finally:
        run.discard_if_empty()
    if as_json:
        print_json(record)
    else:
        print_distill(record)
    if record["status"] == INTERRUPTED:
        say(
            f"interrupted after {record['accepted']:,} of {config.samples:,} chains; continue with: "
            f"gameplan distill --resume {run.path}"
        )
        return 130
    return 0


def _check(run: Any, as_json: bool) -> int:
    from workbench.distill.audit import audit
    from workbench.distill.config import saved_distill
    from workbench.terminal.distill import print_audit
    from workbench.terminal.progress import counting

    config = saved_distill(run)
    with counting("checking", config.samples, "chains") as tell:
        record = audit(config, run, tell)
    if as_json:
        print_json(record)
    else:
        print_audit(record)
    return 1 if record["wrong"] or record["leaks"] else 0
