"""``gameplan solve``."""

from pathlib import Path
from typing import Any

import click

from workbench.commands.options import (
    PROGRAM,
    RUNS,
    FiniteRange,
    duration,
    every_option,
    iterate_option,
    iterations_option,
    jitter_option,
    json_option,
    lock_options,
    print_json,
    sandbox_option,
    set_option,
    size_option,
    trusted_option,
    updates_option,
)

SOLUTIONS = {"nash": (), "qre": ("qre",), "perfect": ("perfect-lp", "perfect-cfr")}  # and the algorithms that seek only them


@click.command()
@click.argument("game", required=False)
@click.option(
    "--algo", default="vad-cfr", show_default=True, metavar=PROGRAM, help="Algorithm ('gameplan algos') or a rule of your own."
)
@click.option(
    "--solution", type=click.Choice(list(SOLUTIONS)), default="nash", show_default=True,
    help="What is sought: qre is the agent logit equilibrium, its temperature, 1 / lambda, is --set temperature=0.5; perfect is "
    "Selten's, by perfect-lp where that is possible, else by perfect-cfr.",
)  # fmt: skip
@iterations_option
@set_option
@click.option("--train", metavar=PROGRAM, help="PSRO: meta-strategy solver that the oracle answers.")
@click.option("--eval", metavar=PROGRAM, help="PSRO: meta-strategy solver that is reported.  [default: as --train]")
@updates_option
@iterate_option
@every_option
@click.option("--target", type=FiniteRange(0), help="Stop at this exploitability, without -n only then; exit code 3 if missed.")
@click.option(
    "--time-limit", callback=duration, metavar="DURATION", help="Stop after so much iterating, such as 10s; without -n only then."
)
@click.option("--seed", default=0, show_default=True, help="Of methods that sample, and of --jitter; others draw nothing.")
@jitter_option(0.0)
@click.option(
    "--gaps/--no-gaps",
    default=None,
    help="CFR: how far the play so far is from (coarse) correlated equilibria.  [default: in small games that need it]",
)
@size_option
@click.option("--out", type=click.Path(path_type=Path), help="Run directory.  [default: runs/<date>-<game>-<algo>-s<seed>]")
@click.option("--force", is_flag=True, help="Replace the run directory if it exists.")
@click.option(
    "--resume", is_flag=False, flag_value="", metavar="RUN", help="Continue the run in this directory (or in --out); -n may grow."
)
@lock_options
@sandbox_option
@trusted_option
@json_option
@click.pass_context
def solve(
    ctx: click.Context, game: str | None, solution: str, out: Path | None, force: bool, resume: str | None, sandbox: bool,
    trusted: bool, as_json: bool, **options: Any,
) -> int:  # fmt: skip
    """Solve GAME: a short name, an OpenSpiel game string, an .efg or .nfg file.

    The run directory keeps configuration, metrics, policy (npz, JSON, CSV) and checkpoints. Exit codes: 0 done, 1 error, 2 usage,
    3 target missed or not exact, 130 interrupted (a checkpoint is saved; --resume goes on to the same bits as an uninterrupted
    run).
    """
    from games.loader import resolve
    from workbench.runs.directory import RunDirectory, default_path
    from workbench.solving.config import SolveConfig, resolve_config, resumed_config, until
    from workbench.solving.isolated import trust_of
    from workbench.solving.run import check_replaced
    from workbench.terminal.progress import run_display
    from workbench.views.names import find_run

    if resume is not None:
        if resume and game is None and out is not None and not Path(resume).exists():
            game, resume = resume, ""  # "--resume GAME --out RUN": the option has taken the game for its value
        directory = find_run(resume, ["solve"]) if resume else out
        if directory is None:
            raise click.UsageError("--resume needs the run directory: say --resume RUN", ctx)
        run = RunDirectory.open(directory)
        given = {
            key: value for key, value in options.items() if ctx.get_parameter_source(key) != click.core.ParameterSource.DEFAULT
        }
        config = resumed_config(run, {**given, **({"game": game} if game else {})})
        return _solve(config, run, as_json, trust_of(sandbox, trusted, given), resume=True)
    if game is None:
        raise click.UsageError("name a game: 'gameplan games' lists short names", ctx)
    fit = SOLUTIONS[solution]
    if fit and options["algo"] not in fit:
        if ctx.get_parameter_source("algo") != click.core.ParameterSource.DEFAULT:
            raise click.UsageError(
                f"{options['algo']} seeks no {solution} equilibria; leave out --algo, or say --algo {fit[0]}", ctx
            )
        options["algo"] = fit[0]
        if solution == "perfect":
            from games.loader import load_game
            from solvers.trembles import refusal

            compiled = load_game(game, max_histories=options["max_histories"], max_memory=options["max_memory"])
            options["algo"] = fit[1] if refusal(compiled) else fit[0]
    if (options["train"] or options["eval"]) and ctx.get_parameter_source("algo") == click.core.ParameterSource.DEFAULT:
        options["algo"] = "psro"
    trust = trust_of(sandbox, trusted, {})
    config, _ = resolve_config(until(SolveConfig(game=game, **options)), trust=trust)
    resolve(game)[1]()  # a misspelt game leaves no directory behind
    path = out or default_path(RUNS, config.game, config.algo, config.seed)
    with run_display() as display:
        check_replaced(config, path, display.walked)
    return _solve(config, RunDirectory.create(path, force=force), as_json, trust, resume=False)


def _solve(config: Any, run: Any, as_json: bool, trust: Any, *, resume: bool) -> int:
    from workbench.solving.run import INEXACT, INTERRUPTED, MISSED, solve
    from workbench.terminal.interrupts import stop_on_signal
    from workbench.terminal.progress import run_display, say
    from workbench.terminal.solve import print_run

    try:
        with stop_on_signal() as stop, run_display(config.iterations, config.target, config.time_limit) as display:
            record = solve(
                config, run, resume=resume, stop=stop, on_progress=display.moved, on_compile=display.walked, say=say, trust=trust
            )
    finally:
        run.discard_if_empty()
    if as_json:
        print_json(record)
    else:
        print_run(record, run.read_lines("metrics.jsonl"), run.read_lines("timing.jsonl"))
    if record["status"] == INTERRUPTED:
        say(f"interrupted after iteration {record['iterations']}; continue with: gameplan solve --resume {run.path}")
        return 130
    return 3 if record["status"] in (MISSED, INEXACT) else 0
