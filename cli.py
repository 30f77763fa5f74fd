"""The command line: parse, call, print. Everything heavy is imported inside the commands, so that --help stays fast."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

PACKAGES = ("games", "solvers", "planners", "workbench")
SCHEMA = 1
RUNS = Path("runs")


def check_packages() -> str | None:
    """Return a line saying which of our packages is somebody else's, or None: other distributions have packages so named."""
    import importlib.util

    here = Path(__file__).resolve().parent
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found is None or found.parent.parent != here:
            return (
                f"the package {name!r} that Python finds is not Gameplan's but {found or 'missing'}; "
                "run from another directory, unset PYTHONPATH, or install gameplan in an environment of its own"
            )
    return None


class Gameplan(click.Group):
    """The command group: commands in the order of their definition, near misses named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of a first session."""
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Add "did you mean" to click's complaint about an unknown command."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from games.errors import did_you_mean

            raise click.UsageError(f"no such command {args[0]!r}{did_you_mean(args[0], list(self.commands))}", ctx) from error


@click.group(cls=Gameplan, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="gameplan", prog_name="gameplan")
@click.option("--debug", is_flag=True, help="Show Python tracebacks.")
def cli(debug: bool) -> None:
    """Exact answers for games and plans: equilibria with their exploitability, curves, comparisons.

    \b
    gameplan solve leduc_2p --algo vad-cfr        one run
    gameplan compare quick --algos cfr+,vad-cfr   a table and a figure
    gameplan games                                what can be played
    gameplan algos                                what can be run
    """


def main() -> None:
    """Run the command line; errors become one line on stderr and an exit code."""
    problem = check_packages()
    if problem:
        click.echo(f"gameplan: {problem}", err=True)
        sys.exit(1)
    debug = "--debug" in sys.argv or bool(os.environ.get("GAMEPLAN_DEBUG"))
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    try:
        sys.exit(cli.main(arguments, prog_name="gameplan", standalone_mode=False) or 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except (click.Abort, KeyboardInterrupt):
        click.echo("gameplan: interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "gameplan"
        click.echo(f"{path}: {error.format_message().rstrip('.')}; see '{path} --help'", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except Exception as error:
        from games.errors import GameplanError

        if debug:
            raise
        if isinstance(error, GameplanError):
            click.echo(f"gameplan: {error}", err=True)
            sys.exit(error.exit_code)
        if isinstance(error, MemoryError):
            click.echo("gameplan: out of memory; choose a smaller game", err=True)
        else:
            click.echo(f"gameplan: unexpected {type(error).__name__}: {error}; run again with --debug and report it", err=True)
        sys.exit(1)


def print_json(record: Any) -> None:
    """Print one record as JSON on stdout."""
    click.echo(json.dumps(record, indent=2))


def duration(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    """Turn an option such as 10s into seconds."""
    from workbench.durations import parse_duration

    return None if value is None else parse_duration(value)


def names(_ctx: click.Context, _param: click.Parameter, value: str | None) -> list[str]:
    """Turn a comma-separated option into a list."""
    return [name.strip() for name in (value or "").split(",") if name.strip()]


def assignments(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """Turn --set name=value options into a dictionary."""
    table: dict[str, Any] = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise click.BadParameter(f"{text!r} is not of the form name=value")
        table[key.strip()] = value.strip()
    return table


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
set_option = click.option(
    "--set",
    "params",
    multiple=True,
    callback=assignments,
    metavar="NAME=VALUE",
    help="Set a parameter of the algorithm; repeatable.",
)
size_option = click.option(
    "--max-histories", default=5_000_000, show_default=True, type=click.IntRange(1), help="Refuse larger games."
)
updates_option = click.option(
    "--updates",
    type=click.Choice(["alternating", "simultaneous"]),
    default="alternating",
    show_default=True,
    help="How players move on.",
)
every_option = click.option(
    "--every", type=click.IntRange(1), help="Evaluate each so many iterations.  [default: ten a decade: 1, 2, 3 ... 100, 125 ...]"
)


@cli.command()
@click.argument("game", required=False)
@click.option(
    "--algo", default="vad-cfr", show_default=True, metavar="NAME|FILE.py", help="Algorithm ('gameplan algos') or a rule file."
)
@click.option("-n", "--iterations", default=1000, show_default=True, type=click.IntRange(1), help="Iterations; PSRO: 100.")
@set_option
@click.option("--train", metavar="NAME|FILE.py", help="PSRO: meta-strategy solver that the oracle answers.")
@click.option("--eval", metavar="NAME|FILE.py", help="PSRO: meta-strategy solver that is reported.  [default: as --train]")
@updates_option
@every_option
@click.option("--target", type=click.FloatRange(0), help="Stop at this exploitability; exit code 3 if it is missed.")
@click.option("--time-limit", callback=duration, metavar="DURATION", help="Stop after so much iterating, such as 10s or 5m.")
@click.option("--seed", default=0, show_default=True, help="Recorded; CFR and LP draw no random numbers.")
@size_option
@click.option("--out", type=click.Path(path_type=Path), help="Run directory.  [default: runs/<date>-<game>-<algo>-s<seed>]")
@click.option("--force", is_flag=True, help="Replace the run directory if it exists.")
@click.option(
    "--resume", is_flag=False, flag_value="", metavar="RUN", help="Continue the run in this directory (or in --out); -n may grow."
)
@json_option
@click.pass_context
def solve(
    ctx: click.Context, game: str | None, out: Path | None, force: bool, resume: str | None, as_json: bool, **options: Any
) -> int:
    """Solve GAME: a short name, an OpenSpiel game string or an .efg file.

    The run directory keeps configuration, metrics, policy (npz, JSON, CSV) and checkpoints. Exit codes: 0 done, 1 error, 2 usage,
    3 target missed, 130 interrupted (a checkpoint is saved; --resume goes on to the same bits as an uninterrupted run).
    """
    from games.loader import resolve
    from workbench.catalogue import PSRO
    from workbench.rundir import RunDirectory, default_path
    from workbench.solve import SolveConfig, resolve_config, resumed_config

    if resume is not None:
        if resume and game is None and out is not None and not Path(resume).exists():
            game, resume = resume, ""  # "--resume GAME --out RUN": the option has taken the game for its value
        directory = Path(resume) if resume else out
        if directory is None:
            raise click.UsageError("--resume needs the run directory: say --resume RUN", ctx)
        run = RunDirectory.open(directory)
        given = {
            key: value for key, value in options.items() if ctx.get_parameter_source(key) != click.core.ParameterSource.DEFAULT
        }
        config = resumed_config(run, {**given, **({"game": game} if game else {})})
        return _solve(config, run, as_json, resume=True)
    if game is None:
        raise click.UsageError("name a game: 'gameplan games' lists short names", ctx)
    if (options["train"] or options["eval"]) and ctx.get_parameter_source("algo") == click.core.ParameterSource.DEFAULT:
        options["algo"] = "psro"
    if options["algo"] in PSRO and ctx.get_parameter_source("iterations") == click.core.ParameterSource.DEFAULT:
        options["iterations"] = 100  # a PSRO iteration grows the populations; a thousand would be a misunderstanding
    config, _ = resolve_config(SolveConfig(game=game, **options))
    resolve(game)[1]()  # a misspelt game leaves no directory behind
    path = out or default_path(RUNS, config.game, config.algo, config.seed)
    return _solve(config, RunDirectory.create(path, force=force), as_json, resume=False)


def _solve(config: Any, run: Any, as_json: bool, *, resume: bool) -> int:
    from workbench.interrupts import stop_on_signal
    from workbench.solve import INTERRUPTED, MISSED, solve
    from workbench.terminal import print_run, run_display, say

    try:
        with stop_on_signal() as stop, run_display(config.iterations) as display:
            record = solve(config, run, resume=resume, stop=stop, on_progress=display.moved, on_compile=display.walked, say=say)
    finally:
        run.discard_if_empty()
    if as_json:
        print_json(record)
    else:
        print_run(record, run.read_lines("metrics.jsonl"), run.read_lines("timing.jsonl"))
    if record["status"] == INTERRUPTED:
        say(f"interrupted after iteration {record['iterations']}; continue with: gameplan solve --resume {run.path}")
        return 130
    return 3 if record["status"] == MISSED else 0


@cli.command()
@click.argument("games", nargs=-1, required=True, metavar="SUITE|GAME...")
@click.option(
    "--algos", default="cfr,cfr+,lcfr,dcfr,pcfr+,dpcfr+,hs-pcfr+,vad-cfr", show_default=True, callback=names, help="Algorithms."
)
@click.option("-n", "--iterations", default=1000, show_default=True, type=click.IntRange(1), help="Iterations of every run.")
@updates_option
@every_option
@click.option("--time-limit", callback=duration, metavar="DURATION", help="Stop every run after so much iterating.")
@click.option("--seed", default=0, show_default=True, help="Recorded; CFR and LP draw no random numbers.")
@size_option
@click.option("--jobs", type=click.IntRange(1), help="Parallel processes.  [default: one a processor]")
@click.option("--out", type=click.Path(path_type=Path), help="Directory.  [default: runs/compare-... named by the request]")
@click.option("--format", "formats", default="png", show_default=True, callback=names, help="Kinds of figure: png, svg, pdf.")
@json_option
def compare(
    games: tuple[str, ...], algos: list[str], jobs: int | None, out: Path | None, formats: list[str], as_json: bool, **options: Any
) -> int:
    """Run every algorithm on every game; print a table, write CSV, JSON, Markdown and the convergence figure.

    Suites: paper11, train4, test4, quick. Finished runs are kept: the same command goes on where it stopped.
    """
    from workbench import compare as comparison
    from workbench.interrupts import stop_on_signal
    from workbench.jobs import local_pool
    from workbench.plotting import check_format, draw_convergence
    from workbench.solve import SolveConfig
    from workbench.terminal import job_progress, print_comparison, say

    for kind in formats:
        check_format(f".{kind}")
    if not algos:
        raise click.UsageError("--algos is empty; 'gameplan algos' lists what there is")
    chosen = comparison.expand_games(games)
    plan = comparison.make_jobs(
        chosen,
        algos,
        SolveConfig(game="", algo="", **options),
        lambda configs: out or comparison.default_path(RUNS, games, configs),
    )
    path = plan[0].path.parent.parent
    try:
        with (
            stop_on_signal() as stop,
            job_progress(len(plan), "comparing") as tell,
            local_pool(jobs or os.cpu_count() or 1) as pool,
        ):
            cells = comparison.run_comparison(plan, pool, stop=stop, on_done=tell)
    except KeyboardInterrupt:
        say(f"interrupted; finished runs are kept in {path}, and the same command goes on from there")
        return 130
    order = list(dict.fromkeys(job.config.algo for job in sorted(plan, key=lambda job: job.column)))
    summary = comparison.summarise(chosen, order, cells)
    comparison.write_table(summary, path)
    lines = comparison.curves(summary)
    figures = [path / f"figure.{kind}" for kind in formats]
    for figure in figures if lines else []:
        draw_convergence(lines, figure)
    if as_json:
        print_json({"schema": SCHEMA, "command": "compare", "run": str(path), "figures": [str(f) for f in figures], **summary})
    else:
        print_comparison(summary, comparison.label, comparison.format_exploitability)
        click.echo(f"{path}: table.csv table.json table.md {' '.join(f.name for f in figures)}")
    return (
        0
        if all(cell.exploitability is not None for cell in cells.values()) or any(cell.reason == "" for cell in cells.values())
        else 1
    )


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--by", "x", type=click.Choice(["iteration", "seconds"]), default="iteration", show_default=True, help="Horizontal axis."
)
@click.option("--out", default="convergence.png", show_default=True, type=click.Path(path_type=Path), help="PNG, SVG or PDF file.")
@click.option("--title", default="", help="A title above the panels.")
@click.option(
    "--font-size", default=8.0, show_default=True, type=click.FloatRange(4, 24), help="In points, at the size of the figure."
)
def plot(runs: tuple[Path, ...], x: str, out: Path, title: str, font_size: float) -> int:
    """Draw the convergence of solver runs (run directories, or a comparison's directory), one panel a game."""
    from workbench.plotting import draw_convergence
    from workbench.rundir import run_curves

    draw_convergence(run_curves(runs), out, x=x, title=title, font_size=font_size)
    click.echo(str(out))
    return 0


@cli.command("psro-show")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="PNG, SVG or PDF file.  [default: population.png in the run directory]"
)
@json_option
def psro_show(run: Path, out: Path | None, as_json: bool) -> int:
    """Look into the PSRO run in directory RUN: meta-game, meta-strategies, supports, exploitability of each mixture."""
    from workbench.population import Population, draw_population
    from workbench.terminal import print_table

    population = Population(run)
    rows = population.mixtures()
    figure = out or run / "population.png"
    draw_population(population, figure, rows)
    if as_json:
        print_json({"schema": SCHEMA, "command": "psro-show", "run": str(run), "figure": str(figure), "mixtures": rows})
        return 0
    shown = [
        (f"{r['iteration']}", " ".join(map(str, r["support"])), f"{r['eval']:.4g}", f"{r['train']:.4g}", f"{r['uniform']:.4g}")
        for r in rows
    ]
    print_table(("iteration", "support", "eval", "train", "uniform"), shown, left=0, title="exploitability of each mixture")
    click.echo(str(figure))
    return 0


@cli.command()
@click.argument("game")
@click.argument("policy", type=click.Path(path_type=Path))
@size_option
@json_option
def exploit(game: str, policy: Path, max_histories: int, as_json: bool) -> int:
    """Print the exact exploitability of the POLICY file (npz, JSON or CSV) in GAME.

    JSON may be {"game": ..., "players": [{infoset: {action: probability}}, ...]} or one flat table, such as OpenSpiel's
    TabularPolicy.to_dict(). Infosets that the file does not mention are played uniformly.
    """
    from games.loader import load_game
    from solvers.exploitability import Evaluator
    from workbench.policies import load_policy
    from workbench.terminal import print_values, run_display, say

    with run_display(0) as display:
        compiled = load_game(game, max_histories=max_histories, progress=display.walked)
    table, missing = load_policy(compiled, policy)
    if missing:
        say(f"warning: {policy} does not mention {missing} of {sum(compiled.infosets)} infosets; they are played uniformly")
    result = Evaluator(compiled)(table)
    record = {
        "schema": SCHEMA, "command": "exploit", "game": game, "policy": str(policy), "exploitability": result.exploitability,
        "nash_conv": result.nash_conv, "values": list(result.values), "best_responses": list(result.best_responses),
        "missing_infosets": missing,
    }  # fmt: skip
    if as_json:
        print_json(record)
    else:
        print_values(record)
    return 0


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--stripped", is_flag=True, help="Without the line 'Current player: ...' of converted simultaneous-move games.")
def export(run: Path, file: Path, stripped: bool) -> int:
    """Write the policy of a finished RUN to FILE (.npz, .json or .csv)."""
    from games.loader import load_game
    from workbench.policies import load_policy, save_policy
    from workbench.rundir import CONFIG, RunDirectory

    config = RunDirectory.open(run).read_json(CONFIG)
    game = load_game(config["game"], max_histories=config["max_histories"])
    policy, _ = load_policy(game, run / "policy.npz")
    save_policy(game, policy, file, stripped=stripped)
    click.echo(str(file))
    return 0


@cli.command()
@click.argument("game", required=False)
@size_option
@json_option
def games(game: str | None, max_histories: int, as_json: bool) -> int:
    """List the catalogued games with their sizes, or compile GAME and show it."""
    from games.catalogue import GAMES, SUITES
    from workbench.terminal import print_games, run_display

    if game is None:
        if as_json:
            print_json({"schema": SCHEMA, "games": {n: e._asdict() for n, e in GAMES.items()}, "suites": SUITES})
        else:
            print_games(GAMES, SUITES)
        return 0
    from games.loader import load_game

    with run_display(0) as display:
        compiled = load_game(game, max_histories=max_histories, progress=display.walked)
    record = {
        "schema": SCHEMA, "game": game, "name": compiled.name, "players": compiled.players, "histories": compiled.histories,
        "terminals": compiled.terminals, "rows": len(compiled.rows.chance), "infosets": compiled.infosets,
        "actions": compiled.actions, "zero_sum": compiled.zero_sum, "converted": compiled.converted, "bytes": compiled.nbytes(),
    }  # fmt: skip
    if as_json:
        print_json(record)
    else:
        from workbench.terminal import print_record

        print_record({k: v for k, v in record.items() if k != "schema"})
    return 0


@cli.command()
@click.argument("name", required=False)
@json_option
def algos(name: str | None, as_json: bool) -> int:
    """List the algorithms, or show NAME (or a rule file) with its parameters and reference."""
    from workbench.catalogue import ALGORITHMS, describe
    from workbench.terminal import print_algorithm, print_table

    if name is None:
        records = [describe(entry) for entry in ALGORITHMS]
        if as_json:
            print_json({"schema": SCHEMA, "algos": records})
        else:
            print_table(("name", "algorithm", "reference"), [(r["name"], r["title"], r["reference"]) for r in records], left=3)
            click.echo("'gameplan algos NAME' shows parameters; 'gameplan new-rule FILE' starts a rule of your own")
        return 0
    record = describe(name)
    if as_json:
        print_json({"schema": SCHEMA, **record})
    else:
        print_algorithm(record)
    return 0


@cli.command("new-rule")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def new_rule(file: Path, force: bool) -> int:
    """Write a commented CFR rule to FILE, to be changed and run with --algo FILE."""
    from workbench.rule_tools import write_new_rule

    write_new_rule(file, force=force)
    click.echo(f"{file}: check it with 'gameplan check-rule {file}', run it with 'gameplan solve leduc_2p --algo {_path(file)}'")
    return 0


@cli.command("check-rule")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def check_rule(file: Path, as_json: bool) -> int:
    """Say what is wrong with the rule in FILE: its form, then 100 iterations of Kuhn poker with it."""
    from workbench.rule_tools import check_rule_file

    record = check_rule_file(file)
    if as_json:
        print_json({"schema": SCHEMA, "command": "check-rule", **record})
    else:
        for problem in record["problems"]:
            click.echo(f"{file}: {problem}")
        if record["ok"]:
            click.echo(
                f"{file}: fine ({record['form']}); exploitability in kuhn_2p after 100 iterations: {record['exploitability']:.3g}"
            )
    return 0 if record["ok"] else 1


def _path(file: Path) -> str:
    return str(file) if file.is_absolute() or len(file.parts) > 1 else f"./{file}"


@cli.group()
def runs() -> None:
    """Look at run directories."""


@runs.command("list")
@click.argument("root", default="runs", type=click.Path(path_type=Path))
@json_option
def runs_list(root: Path, as_json: bool) -> int:
    """List the runs below ROOT, with what became of them."""
    from workbench.rundir import list_runs
    from workbench.terminal import print_runs

    records = list_runs(root)
    if as_json:
        print_json({"schema": SCHEMA, "runs": records})
    elif records:
        print_runs(records)
    else:
        click.echo(f"no runs below {root}; 'gameplan solve leduc_2p' makes one")
    return 0


@cli.group("cache")
def cache_group() -> None:
    """The cache of compiled games and kernels, which can always be rebuilt."""


@cache_group.command("info")
@json_option
def cache_info(as_json: bool) -> int:
    """Show where the cache is and what it holds."""
    from workbench.cache_tools import describe_cache
    from workbench.terminal import print_cache

    record = describe_cache()
    if as_json:
        print_json({"schema": SCHEMA, **record})
    else:
        print_cache(record)
    return 0


@cache_group.command("clear")
def cache_clear() -> int:
    """Remove compiled games and kernels."""
    from workbench.cache_tools import clear_cache

    click.echo(f"removed {clear_cache() / 1e6:.1f} MB")
    return 0


@cli.group()
def bench() -> None:
    """Measure speed beside what else is installed; quote the ratios, they share the machine's noise."""


@bench.command("cfr")
@click.option(
    "--games", default="kuhn_2p,leduc_2p,goofspiel_5,liars_dice_6,leduc_3p", show_default=True, callback=names, help="Games."
)
@click.option("--algos", callback=names, help="Algorithms; the first is the yardstick.  [default: cfr+ and all other variants]")
@click.option(
    "--budget", default="1s", show_default=True, callback=duration, metavar="DURATION", help="Time for one figure, about."
)
@click.option("--peers/--no-peers", default=True, show_default=True, help="Measure OpenSpiel and LiteEFG too, if installed.")
@json_option
def bench_cfr(games: list[str], algos: list[str], budget: float, peers: bool, as_json: bool) -> int:
    """Time set-up, iterations of every variant, exploitability and memory (VAD-CFR without its cheaper warm-up)."""
    from workbench.bench import cfr
    from workbench.catalogue import CFR
    from workbench.compare import expand_games
    from workbench.terminal import print_bench, say

    chosen = algos or ["cfr+", *(name for name in CFR if name != "cfr+")]
    record = cfr.run(expand_games(games), chosen, with_peers=peers, budget=budget, tell=say)
    if as_json:
        print_json({"schema": SCHEMA, "command": "bench cfr", **record})
    else:
        print_bench(record)
    return 0


@bench.command("psro")
@click.option("--games", default="leduc_2p,goofspiel_5,liars_dice_6,kuhn_4p", show_default=True, callback=names, help="Games.")
@click.option("--algos", default="psro-uniform,shor-psro", show_default=True, callback=names, help="PSRO presets.")
@click.option("-n", "--iterations", default=100, show_default=True, type=click.IntRange(1), help="Iterations, evaluated every 10.")
@click.option("--peers/--no-peers", default=True, show_default=True, help="Measure OpenSpiel's psro_v2 too, if it can be imported.")
@json_option
def bench_psro(games: list[str], algos: list[str], iterations: int, peers: bool, as_json: bool) -> int:
    """Time whole PSRO runs, and their first iterations beside OpenSpiel's psro_v2 with exact best responses."""
    from workbench.bench import psro
    from workbench.compare import expand_games
    from workbench.terminal import print_bench_psro, say

    record = psro.run(expand_games(games), algos, iterations=iterations, with_peers=peers, tell=say)
    if as_json:
        print_json({"schema": SCHEMA, "command": "bench psro", **record})
    else:
        print_bench_psro(record)
    return 0


if __name__ == "__main__":
    main()
