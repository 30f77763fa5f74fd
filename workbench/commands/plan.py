"""``gameplan plan`` and ``gameplan replay``."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import click

from workbench.commands.options import (
    PROGRAM,
    RUNS,
    FiniteRange,
    RunPlace,
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


class Learned(NamedTuple):
    """What was learned elsewhere, for a planner that takes it: runs of training or files, and the softmax's temperature."""

    value: str | None
    policy: str | None
    temperature: float | None


class Evaluation(NamedTuple):
    """How a language model is evaluated: the protocol's name, and the players beside it."""

    protocol: str | None
    beside: str | None


class Telling(NamedTuple):
    """How a run is told: shown while it is played, with pauses of `delay` seconds, or its record in the end as JSON or as text."""

    render: bool
    delay: float
    as_json: bool


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
@click.option("--improve", is_flag=True, help="sokoban-solver: spare time shortens a plan; short for --set improve=true.")
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
@gathered(place=RunPlace, learned=Learned, evaluation=Evaluation, telling=Telling)
@click.pass_context
def plan(
    ctx: click.Context, env: str | None, jobs: int | None, levels: str | None, repeat: Path | None, place: RunPlace,
    learned: Learned, evaluation: Evaluation, telling: Telling, **options: Any,
) -> int:  # fmt: skip
    """Play episodes of ENV with a planner, each a name or a file of one's own; print scores and costs.

    The run directory keeps configuration, every episode with its actions (Sokoban: the LURD solution), and times. Exit codes:
    0 done, 1 error, 2 usage, 3 a planner that searches for solutions (astar, idastar, sokoban-solver ...) has not solved every
    episode, 130 interrupted (finished episodes are kept; --resume goes on).
    """
    from workbench.planning.config import PlanConfig, default_name, repeated_plan, resolve_plan, resumed_plan
    from workbench.runs.directory import RunDirectory, default_path

    default = click.core.ParameterSource.DEFAULT
    unnamed = ctx.get_parameter_source("planner") == default
    if evaluation.protocol is not None and unnamed:
        options["planner"] = "llm"
    if learned.policy is not None and unnamed:
        options["planner"] = "policy"
    if levels is not None:
        options["world"] = {**options["world"], "levels": levels}
    learned, function = _as_policy(ctx, learned, options["planner"])
    options["planner"] = function or options["planner"]
    check_goes_on(ctx, place.resume, place.out, place.force)
    earlier = (place.resume or repeat) if unnamed and not function else None
    params = _learned_params(ctx, learned, options["planner"], earlier, function is not None)
    if options.pop("improve"):
        params["improve"] = True
    options["params"] = {**options["params"], **params}
    given = {
        key: value
        for key, value in {**options, **({"env": env} if env else {})}.items()
        if key == "world"
        or ctx.get_parameter_source(key) != default
        or (key == "params" and params)
        or (key == "planner" and function)
    }
    source = None
    if place.resume is not None:
        run = RunDirectory.open(place.resume)
        config = resumed_plan(run, given, place.trusted)
    elif repeat is not None:
        source = RunDirectory.open(repeat)
        config = repeated_plan(source, given, place.trusted)
    elif env is None:
        raise click.UsageError("name a world: 'gameplan games' lists them", ctx)
    else:
        config = resolve_plan(_under_protocol(PlanConfig(env=env, **options), evaluation))
    if place.resume is None:
        run = RunDirectory.create(place.out or default_path(RUNS, *default_name(config)), force=place.force)
    return _plan(config, run, telling, resume=place.resume is not None, source=source, jobs=jobs or os.cpu_count() or 1)


def _as_policy(ctx: click.Context, learned: Learned, planner: str) -> tuple[Learned, str | None]:
    """Return what was learned, its policy without short-hands, and the function that plays by itself if the policy is one."""
    from games.plugins import POLICY, expanded
    from workbench.planning.learned import is_function

    if learned.policy is None:
        return learned, None
    policy = expanded(POLICY, learned.policy, ())
    if not is_function(policy):
        return learned._replace(policy=policy), None
    if planner != "policy":
        raise click.UsageError(f"a function as a policy plays by itself; {planner} cannot use one", ctx)
    return learned._replace(policy=None), policy


def _learned_params(ctx: click.Context, learned: Learned, planner: str, earlier: Path | None, function: bool) -> dict[str, Any]:
    """Return the parameters by which `planner`, or that of an `earlier` run, uses what was learned; it may be a `function`."""
    from games.modules import is_program
    from planners.policies.catalogue import VALUE
    from workbench.planning.config import saved_plan
    from workbench.planning.learned import params_of, policy_params
    from workbench.runs.directory import RunDirectory

    if earlier is not None:
        planner = saved_plan(RunDirectory.open(earlier)).planner
        if is_program(planner) and (learned.policy is not None or learned.value is not None):
            raise click.UsageError("--policy and --value need the planner of your own that they are for: --planner FILE", ctx)
    params: dict[str, Any] = {}
    if function:
        params |= {} if learned.temperature is None else {"temperature": learned.temperature}
    elif learned.policy is not None or learned.temperature is not None:
        params |= policy_params(planner, learned.policy, learned.temperature)
    return params if learned.value is None else params | params_of(planner, VALUE, learned.value)


def _under_protocol(config: Any, evaluation: Evaluation) -> Any:
    from workbench.planning.protocol import BESIDE, under_protocol

    if evaluation.protocol is None:
        if evaluation.beside is not None:
            raise click.UsageError("--beside goes with --protocol; to compare planners: gameplan compare WORLD --planners ...")
        return config
    return under_protocol(config, evaluation.protocol, BESIDE if evaluation.beside is None else evaluation.beside)


def _plan(config: Any, run: Any, telling: Telling, *, resume: bool, source: Any, jobs: int) -> int:
    from contextlib import ExitStack
    from functools import cache

    from workbench.engines import local_pool
    from workbench.planning.config import load_plan, own_names, with_copies
    from workbench.planning.protocol import run_protocol
    from workbench.planning.run import INTERRUPTED, Conduct, run_plan
    from workbench.runs.programs import kept_programs
    from workbench.terminal.interrupts import stop_on_signal
    from workbench.terminal.plan import Screen, playing, print_plan
    from workbench.terminal.progress import say

    try:
        with ExitStack() as stack:
            stop = stack.enter_context(stop_on_signal())
            if telling.render:
                copies = run if resume else source
                kept = kept_programs(copies, config.programs) if copies else {}
                screen = Screen(load_plan(with_copies(config, run) if resume else config, kept)[0], telling.delay)
                conduct = Conduct(stop=stop, on_episode=screen.ended, on_decision=screen.decided, say=say)
                record = run_plan(config, run, conduct, resume=resume, source=source)
            else:
                shown = stack.enter_context(playing(config.episodes))
                pool = cache(lambda: stack.enter_context(local_pool(jobs)))
                make = run_plan if config.protocol is None else run_protocol
                record = make(
                    config, run, Conduct(pool, jobs, stop, shown.ended, shown.decided, say), resume=resume, source=source
                )  # fmt: skip
    finally:
        run.discard_if_empty()
    if telling.as_json:
        print_json(record)
    else:
        print_plan(record)
    if record["status"] == INTERRUPTED:
        again = f"gameplan plan --resume {run.path}{' --trusted' if own_names(config) else ''}"  # else it would ask for the files
        say(f"interrupted after {record['played']} of {config.episodes} episodes; continue with: {again}")
        return 130
    return 3 if record["solutions_sought"] and record["solved"] is not None and record["solved"] < record["played"] else 0


class Named(NamedTuple):
    """What of a run's own programs the user names again, which is trusted then."""

    env: str | None
    planner: str | None
    params: dict[str, Any]
    trusted: bool

    def roles(self) -> dict[str, Any]:
        """Return role -> name of what is named."""
        given = {"env": self.env, "planner": self.planner, "params": self.params}
        return {role: name for role, name in given.items() if name}


class Shown(NamedTuple):
    """How an episode is shown again."""

    animate: bool
    delay: float
    gif: Path | None
    search: Path | None
    as_json: bool


@click.command()
@click.argument("run", type=RunName("plan"))
@click.argument("env", required=False, metavar="[WORLD]")
@click.option("--planner", metavar=PROGRAM, help="With --values and --search: name the run's planner again, if it is of your own.")
@click.option(
    "--set", "params", multiple=True, callback=assignments, metavar="NAME=VALUE", help="Likewise an evaluator: evaluator=FILE."
)
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
@gathered(named=Named, shown=Shown)
def replay(run: Path, episode: int, values: bool, first: int, last: int | None, named: Named, shown: Shown) -> int:
    """Step through an episode of the planner run in directory RUN, or animate it.

    A world of your own runs if you name it again, as WORLD, or with --trusted if the run directory is trusted to keep it.

    Keys: right, space or n: next; left or p: back; down and up: ten steps; home and end; q: leave. Where there is no terminal, all
    steps are printed.
    """
    from workbench.figures.animation import write_gif
    from workbench.planning.replay import load_frames, thinned, told
    from workbench.runs.directory import RunDirectory
    from workbench.terminal.plan import browse, show_all
    from workbench.terminal.progress import job_progress

    if shown.search is not None:
        return _draw_search(run, episode, first, named, shown)
    every = load_frames(RunDirectory.open(run), episode, values=values, trusted=named.trusted, named=named.roles())
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


def _draw_search(run: Path, episode: int, number: int, named: Named, shown: Shown) -> int:
    from workbench.figures.search import draw_search
    from workbench.planning.replay import load_search
    from workbench.runs.directory import RunDirectory
    from workbench.terminal.progress import drawing

    path = shown.search
    assert path is not None
    with drawing(path):
        world, instance, found, title = load_search(
            RunDirectory.open(run), episode, number, trusted=named.trusted, named=named.roles()
        )
        draw_search(world, instance, found, path, title=title)
    if shown.as_json:
        print_json({"run": str(run), "episode": episode, "step": number, "search": str(path)})
    else:
        echo(str(path))
    return 0
