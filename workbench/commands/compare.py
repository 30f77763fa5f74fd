"""``gameplan compare`` and ``gameplan plot``."""

import os
from pathlib import Path
from typing import Any

import click

from workbench.commands.options import (
    RUNS,
    SCHEMA,
    duration,
    every_option,
    json_option,
    names,
    print_json,
    size_option,
    updates_option,
)


@click.command()
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
    return 0 if any(cell.exploitability is not None for cell in cells.values()) else 1


@click.command()
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
