"""``gameplan plan`` and ``gameplan replay``."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import click

from workbench.commands.options import (
    PROGRAM,
    RUNS,
    FiniteRange,
    assignments,
    check_goes_on,
    duration,
    gathered,
    jobs_option,
    json_option,
    print_json,
    set_option,
)
from workbench.commands.run_names import RunName
from workbench.terminal.printing import echo

world_option = click.option(
    "--world", multiple=True, callback=assignments, metavar="NAME=VALUE", help="Set an option of the world; repeatable."
)
trusted_option = click.option("--trusted", is_flag=True, help="Run the programs of one's own that a run directory keeps, as you.")
levels_option = click.option(
    "--levels", metavar="FILE", help="Sokoban: a file of levels (XSB, SOK); short for --world levels=FILE."
)


@click.command()
@click.argument("env", required=False)
@click.option(
    "--planner",
    default="greedy",
    show_default=True,
    metavar=PROGRAM,
    help="'gameplan algos', or one of your own.",
)
@click.option("--episodes", default=0, type=click.IntRange(0), help="Episodes.  [default: 10, or every level once]")
@click.option("--seed", default=0, show_default=True, help="Of the first episode; the next have the seeds that follow.")
@set_option
@world_option
@levels_option
@click.option(
    "--value",
    type=RunName("train", known=tuple),
    metavar="RUN",
    help="A learned value for planners that take one: a run of 'gameplan train', or a file.",
)
@click.option(
    "--policy",
    type=RunName("train", known=tuple),
    metavar="RUN",
    help="A learned policy, likewise, or a file with a function logits(instance, state, actions): plays by itself unless "
    "--planner says mcts (prior), flat, flat-critic, proact (rollouts).",
)
@click.option("--temperature", type=FiniteRange(0.0), help="--planner policy: draw from the softmax; 0, the default: no draw.")
@click.option("--simulations", type=click.IntRange(1), help="Budget of a decision: trajectories.")
@click.option("--evaluations", type=click.IntRange(1), help="Budget of a decision: calls of the evaluator.")
@click.option("--expansions", type=click.IntRange(1), help="Budget of a decision: states expanded.")
@click.option("--time-per-move", callback=duration, metavar="DURATION", help="Budget of a decision, such as 1ms.")
@click.option("--time-limit", callback=duration, metavar="DURATION", help="Budget of an episode (a level), such as 10s.")
@click.option("--steps", type=click.IntRange(1), help="Cut episodes after so many steps.  [default: the world's own rule]")
@jobs_option("Processes.  [default: one a core]")
@click.option("--out", type=click.Path(path_type=Path), help="Run directory.  [default: runs/<date>-<env>-<planner>-s<seed>]")
@click.option("--force", is_flag=True, help="Replace the run directory if it exists.")
@click.option("--resume", type=RunName("plan"), metavar="RUN", help="Finish the run in this directory.")
@click.option("--repeat", type=RunName("plan"), metavar="RUN", help="Play a run again, with the units that every decision had.")
@click.option("--protocol", metavar="proact|clean", help="Language models: ProAct's evaluation, every turn on record.")
@click.option("--beside", metavar="PLANNERS", help="With --protocol: who else plays.  [default: random, flat-critic:rollouts=20]")
@trusted_option
@click.option("--render", is_flag=True, help="Show the play in the terminal: board, chosen action, values.")
@click.option("--delay", default="0.1s", show_default=True, callback=duration, metavar="DURATION", help="With --render: pause.")
@json_option
@click.pass_context
def plan(
    ctx: click.Context,
    env: str | None,
    jobs: int | None,
    out: Path | None,
    force: bool,
    resume: Path | None,
    repeat: Path | None,
    trusted: bool,
    render: bool,
    delay: float,
    as_json: bool,
    levels: str | None,
    protocol: str | None,
    beside: str | None,
    value: str | None,
    policy: str | None,
    temperature: float | None,
    **options: Any,
) -> int:
    """Play episodes of ENV with a planner, each a name or a file of one's own; print scores and costs.

    The run directory keeps configuration, every episode with its actions (Sokoban: the LURD solution), and times. Exit codes:
    0 done, 1 error, 2 usage, 3 a planner that searches for solutions (astar, idastar, sokoban-solver ...) has not solved every
    episode, 130 interrupted (finished episodes are kept; --resume goes on).
    """
    from games.modules import is_program
    from games.plugins import POLICY, expanded
    from planners.policies.catalogue import VALUE
    from workbench.planning.config import PlanConfig, default_name, repeated_plan, resolve_plan, resumed_plan, saved_plan
    from workbench.planning.learned import is_function, params_of, policy_params
    from workbench.runs.directory import RunDirectory, default_path

    if protocol is not None and ctx.get_parameter_source("planner") == click.core.ParameterSource.DEFAULT:
        options["planner"] = "llm"
    if policy is not None and ctx.get_parameter_source("planner") == click.core.ParameterSource.DEFAULT:
        options["planner"] = "policy"
    if levels is not None:
        options["world"] = {**options["world"], "levels": levels}
    policy = policy if policy is None else expanded(POLICY, policy, ())
    function = policy is not None and is_function(policy)
    if function:
        if options["planner"] != "policy":
            raise click.UsageError(f"a function as a policy plays by itself; {options['planner']} cannot use one", ctx)
        options["planner"], policy = policy, None
    check_goes_on(ctx, resume, out, force)
    planner, earlier, learned = options["planner"], resume or repeat, dict[str, Any]()
    if earlier is not None and not function and ctx.get_parameter_source("planner") == click.core.ParameterSource.DEFAULT:
        planner = saved_plan(RunDirectory.open(earlier)).planner
        if is_program(planner) and (policy is not None or value is not None):
            raise click.UsageError("--policy and --value need the planner of your own that they are for: --planner FILE", ctx)
    if function:
        learned |= {} if temperature is None else {"temperature": temperature}
    elif policy is not None or temperature is not None:
        learned |= policy_params(planner, policy, temperature)
    if value is not None:
        learned |= params_of(planner, VALUE, value)
    options["params"] = {**options["params"], **learned}
    given = {
        key: value
        for key, value in {**options, **({"env": env} if env else {})}.items()
        if key == "world"
        or ctx.get_parameter_source(key) != click.core.ParameterSource.DEFAULT
        or (key == "params" and learned)
        or (key == "planner" and function)
    }
    source = None
    if resume is not None:
        run = RunDirectory.open(resume)
        config, again = resumed_plan(run, given, trusted), True
    elif repeat is not None:
        source = RunDirectory.open(repeat)
        config, again = repeated_plan(source, given, trusted), False
    elif env is None:
        raise click.UsageError("name a world: 'gameplan games' lists them", ctx)
    else:
        config, again = resolve_plan(_with_protocol(PlanConfig(env=env, **options), protocol, beside)), False
    if not again:
        run = RunDirectory.create(out or default_path(RUNS, *default_name(config)), force=force)
    return _plan(config, run, as_json, resume=again, source=source, jobs=jobs or os.cpu_count() or 1, render=render, delay=delay)


def _with_protocol(config: Any, protocol: str | None, beside: str | None) -> Any:
    from workbench.planning.protocol import BESIDE, under_protocol

    if protocol is None:
        if beside is not None:
            raise click.UsageError("--beside goes with --protocol; to compare planners: gameplan compare WORLD --planners ...")
        return config
    return under_protocol(config, protocol, BESIDE if beside is None else beside)


def _plan(config: Any, run: Any, as_json: bool, *, resume: bool, source: Any, jobs: int, render: bool, delay: float) -> int:
    from contextlib import ExitStack
    from functools import cache

    from workbench.engines import local_pool
    from workbench.planning.config import load_plan, own_names, with_copies
    from workbench.planning.protocol import run_protocol
    from workbench.planning.run import INTERRUPTED, run_plan
    from workbench.runs.programs import kept_programs
    from workbench.terminal.interrupts import stop_on_signal
    from workbench.terminal.plan import Screen, playing, print_plan
    from workbench.terminal.progress import say

    try:
        with ExitStack() as stack:
            stop = stack.enter_context(stop_on_signal())
            if render:
                copies = run if resume else source
                kept = kept_programs(copies, config.programs) if copies else {}
                screen = Screen(load_plan(with_copies(config, run) if resume else config, kept)[0], delay)
                record = run_plan(
                    config,
                    run,
                    resume=resume,
                    source=source,
                    stop=stop,
                    on_decision=screen.decided,
                    on_episode=screen.ended,
                    say=say,
                )
            else:
                shown = stack.enter_context(playing(config.episodes))
                make = run_plan if config.protocol is None else run_protocol
                record = make(
                    config,
                    run,
                    resume=resume,
                    executor=cache(lambda: stack.enter_context(local_pool(jobs))),
                    source=source,
                    workers=jobs,
                    stop=stop,
                    say=say,
                    on_episode=shown.ended,
                    on_decision=shown.decided,
                )
    finally:
        run.discard_if_empty()
    if as_json:
        print_json(record)
    else:
        print_plan(record)
    if record["status"] == INTERRUPTED:
        again = f"gameplan plan --resume {run.path}{' --trusted' if own_names(config) else ''}"  # else it would ask for the files
        say(f"interrupted after {record['played']} of {config.episodes} episodes; continue with: {again}")
        return 130
    return 3 if record["solutions_sought"] and record["solved"] is not None and record["solved"] < record["played"] else 0


class Shown(NamedTuple):
    """How an episode is shown again."""

    animate: bool
    delay: float
    gif: Path | None
    search: Path | None
    as_json: bool


@click.command()
@click.argument("run", type=RunName("plan"))
@click.option("--episode", default=0, show_default=True, type=click.IntRange(0), help="Which episode.")
@click.option("--values", is_flag=True, help="Plan again and show what the planner knew (a run against the clock: with its units).")
@click.option("--animate", is_flag=True, help="Play by itself instead of waiting for keys.")
@click.option("--delay", default="0.2s", show_default=True, callback=duration, metavar="DURATION", help="With --animate and --gif.")
@click.option("--gif", type=click.Path(path_type=Path), metavar="FILE.gif", help="Write an animation instead.")
@click.option(
    "--search", type=click.Path(path_type=Path), metavar="FILE",
    help="Plan again and draw the search before step --from: the tree of MCTS or FLARE, what A* expanded (PNG, SVG or PDF).",
)  # fmt: skip
@trusted_option
@click.option("--from", "first", default=0, show_default=True, type=click.IntRange(0), help="First step.")
@click.option("--to", "last", type=click.IntRange(0), help="Last step.")
@json_option
@gathered(shown=Shown)
def replay(run: Path, episode: int, values: bool, trusted: bool, first: int, last: int | None, shown: Shown) -> int:
    """Step through an episode of the planner run in directory RUN, or animate it.

    Keys: right, space or n: next; left or p: back; down and up: ten steps; home and end; q: leave. Where there is no terminal, all
    steps are printed.
    """
    from workbench.figures.animation import write_gif
    from workbench.planning.replay import load_frames, thinned, told
    from workbench.runs.directory import RunDirectory
    from workbench.terminal.plan import browse, show_all
    from workbench.terminal.progress import job_progress

    if shown.search is not None:
        return _draw_search(run, episode, first, shown.search, trusted, shown.as_json)
    every = load_frames(RunDirectory.open(run), episode, values=values, trusted=trusted)
    frames = every[first : None if last is None else last + 1]
    if not frames:
        raise click.UsageError(f"the episode has no step {first}")
    if shown.gif is not None:
        few = thinned(frames)
        with job_progress(len(few), "drawing", "frames") as tell:
            write_gif(few, shown.gif, shown.delay, tell)
    if shown.as_json:
        gif = str(shown.gif) if shown.gif else None
        print_json({"run": str(run), "episode": episode, "gif": gif, "frames": [told(frame) for frame in frames]})
    elif shown.gif is not None:
        echo(str(shown.gif))
    elif shown.animate or not os.isatty(0) or not os.isatty(1):
        show_all(frames, shown.delay if os.isatty(1) else 0.0)
    else:
        browse(frames)
    return 0


def _draw_search(run: Path, episode: int, number: int, path: Path, trusted: bool, as_json: bool) -> int:
    from workbench.figures.search import draw_search
    from workbench.planning.replay import load_search
    from workbench.runs.directory import RunDirectory
    from workbench.terminal.progress import drawing

    with drawing(path):
        world, instance, found, title = load_search(RunDirectory.open(run), episode, number, trusted=trusted)
        draw_search(world, instance, found, path, title=title)
    if as_json:
        print_json({"run": str(run), "episode": episode, "step": number, "search": str(path)})
    else:
        echo(str(path))
    return 0
