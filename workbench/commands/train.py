"""``gameplan train``."""

import os
from pathlib import Path
from typing import Any

import click

from workbench.commands.options import (
    PROGRAM,
    RUNS,
    Place,
    RunPlace,
    check_goes_on,
    duration,
    gathered,
    jobs_option,
    json_option,
    learned_set_option,
    print_json,
    set_option,
)
from workbench.commands.plan import levels_option, trusted_option, world_option
from workbench.commands.run_names import RunName


@click.command()
@click.argument("env", metavar="WORLD", required=False)
@click.option(
    "--method",
    default="mc-grpo",
    show_default=True,
    metavar=PROGRAM,
    help="How to learn ('gameplan algos'), or a file of one's own.",
)
@click.option("--policy", default="", metavar="KIND", help="Kind of policy.  [default: that of --init, or the world's usual one]")
@click.option("--value", default="", metavar="KIND", help="Kind of learned value, where needed.  [default: as --policy]")
@click.option(
    "--init",
    default="",
    type=RunName("train", "train-lm", known=tuple),
    metavar="RUN",
    help="Start from the policy of this run or file.",
)
@set_option
@learned_set_option("policy", "Set one of the policy's parameters.")
@learned_set_option("value", "The same of the value.")
@world_option
@levels_option
@click.option("-n", "--updates", default=0, type=click.IntRange(0), help="Stop after so many updates.")
@click.option("--steps", default=0, type=click.IntRange(0), help="Stop after so many steps of the environment.")
@click.option(
    "--time-limit",
    callback=duration,
    metavar="DURATION",
    help="Stop after so much time of learning, such as 10m: without compiling and the final score.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of everything random.")
@click.option("--seeds", type=click.IntRange(1), help="So many runs with seeds from --seed on, a table, and a figure with bands.")
@jobs_option("With --seeds: processes.  [default: one a core]")
@click.option("--episodes", default=100, show_default=True, type=click.IntRange(1), help="Held-out episodes of the final score.")
@click.option("--out", type=click.Path(path_type=Path), help="Run directory.  [default: runs/<date>-<world>-<method>-s<seed>]")
@click.option("--force", is_flag=True, help="Replace the run directory if it exists.")
@click.option("--resume", type=RunName("train"), metavar="RUN", help="Go on with the run in this directory.")
@trusted_option
@json_option
@gathered(place=RunPlace)
@click.pass_context
def train(
    ctx: click.Context, env: str | None, levels: str | None, place: RunPlace, as_json: bool, seeds: int | None, jobs: int | None,
    **options: Any,
) -> int:  # fmt: skip
    """Let a policy or value learn in WORLD; print the score of its greedy play on held-out seeds or levels.

    The run directory keeps configuration, learning curves, checkpoints and what was learned: plan with it by --planner policy
    --policy RUN. With --seeds there is a run for every seed in a directory of its own, in parallel; the same command goes on where
    it stopped. Exit codes: 0 done, 1 error, 2 usage, 3 training diverged, 130 interrupted (a checkpoint is saved; --resume goes
    on).
    """
    from workbench.runs.directory import RunDirectory, default_path
    from workbench.training.config import TrainConfig, default_name, resolve_train, resumed_train

    if levels is not None:
        options["world"] = {**options["world"], "levels": levels}
    if seeds is None and jobs is not None:
        raise click.UsageError("--jobs goes with --seeds: a single run learns in one process", ctx)
    if seeds is not None and (place.force or place.resume is not None):
        raise click.UsageError(
            "--seeds goes without --force and --resume: the same command goes on where it stopped; or choose another --out",
            ctx,
        )
    check_goes_on(ctx, place.resume, place.out, place.force)
    if place.resume is not None:
        run = RunDirectory.open(place.resume)
        default = click.core.ParameterSource.DEFAULT
        given = {key: value for key, value in options.items() if key == "world" or ctx.get_parameter_source(key) != default}
        config = resumed_train(run, {**given, **({"env": env} if env else {})}, place.trusted)
    elif env is None:
        raise click.UsageError("name a world: 'gameplan games' lists them", ctx)
    elif seeds is not None:
        return _train_seeds(TrainConfig(env=env, **options), seeds, place.out, as_json, jobs or os.cpu_count() or 1)
    else:
        config = resolve_train(TrainConfig(env=env, **options))
        run = RunDirectory.create(place.out or default_path(RUNS, *default_name(config)), force=place.force)
    return _train(config, run, as_json, resume=place.resume is not None)


def _train_seeds(config: Any, seeds: int, out: Path | None, as_json: bool, jobs: int) -> int:
    from contextlib import ExitStack

    from workbench.commands.compare import Work, learn
    from workbench.engines import local_pool
    from workbench.terminal.interrupts import stop_on_signal
    from workbench.training.loop import DIVERGED

    with ExitStack() as stack:
        work = Work(lambda: stack.enter_context(local_pool(min(jobs, seeds))), stack.enter_context(stop_on_signal()), jobs)
        summary = learn([config.env], [config.method], seeds, config, Place(out, ["png"], as_json), work, "train")
    (row,) = summary["rows"]
    if "reason" in row:
        return 1
    return 3 if row["statuses"][DIVERGED] else 0


def _train(config: Any, run: Any, as_json: bool, *, resume: bool) -> int:
    from workbench.terminal.interrupts import stop_on_signal
    from workbench.terminal.progress import say
    from workbench.terminal.train import print_training, training_display
    from workbench.training.config import own_names
    from workbench.training.loop import DIVERGED, INTERRUPTED
    from workbench.training.run import train

    try:
        with stop_on_signal() as stop, training_display(config) as moved:
            record = train(config, run, resume=resume, stop=stop, on_progress=moved, say=say)
    finally:
        run.discard_if_empty()
    if as_json:
        print_json(record)
    else:
        print_training(record)
    if record["status"] == INTERRUPTED:
        trusted = " --trusted" if own_names(config) else ""  # else it would ask for the files again
        say(f"interrupted after update {record['updates']}; continue with: gameplan train --resume {run.path}{trusted}")
        return 130
    return 3 if record["status"] == DIVERGED else 0
