"""``gameplan plot``: figures of what runs have left behind."""

from pathlib import Path
from typing import Any

import click

from workbench.commands.looks import look_of, look_options
from workbench.commands.options import names
from workbench.commands.run_names import RunName
from workbench.terminal.printing import echo


@click.command()
@click.argument("runs", nargs=-1, required=True, type=RunName(), metavar="RUN...")
@click.option(
    "--by", "x", type=click.Choice(["iteration", "seconds", "cost", "environment_steps", "expansions"]),
    help="Horizontal axis.  [default: iteration; training runs: cost, which is environment steps plus expansions]",
)  # fmt: skip
@click.option("--measure", default="score", show_default=True, help="Training runs: what is drawn, such as entropy or kl.")
@click.option("--games", callback=names, metavar="GAME,...", help="Draw only runs on these games, in this order.")
@click.option("--bands", is_flag=True, help="Solver runs that differ in seeds only: their interquartile mean and a 95 % band.")
@click.option("--out", default="convergence.png", show_default=True, type=click.Path(path_type=Path), help="PNG, SVG or PDF file.")
@look_options
def plot(runs: tuple[Path, ...], x: str | None, measure: str, games: list[str], bands: bool, out: Path, **options: Any) -> int:
    """Draw the convergence of solver runs (run directories, or a comparison's directory), one panel a game.

    Of training runs, what they measured while learning: those of one method in one world make a curve with a band.
    """
    from workbench.comparison.curves import run_curves
    from workbench.comparison.methods import curves
    from workbench.figures.convergence import draw_convergence, keep_games
    from workbench.figures.training import draw_learning
    from workbench.runs.listing import training_runs
    from workbench.terminal.progress import drawing

    look = look_of(options)
    trained = training_runs(runs)
    if trained:
        if x == "iteration":
            x = "update"
        lines = {world: {label: curves(paths, x or "cost", measure) for label, paths in m.items()} for world, m in trained.items()}
        with drawing(out):
            draw_learning(lines, out, x=x or "cost", y=measure, look=look)
        echo(str(out))
        return 0
    if x not in (None, "iteration", "seconds"):
        raise click.UsageError(f"--by {x} is for training runs; of solver runs there are iteration and seconds")
    with drawing(out):
        draw_convergence(keep_games(run_curves(runs, bands=bands), games), out, x=x or "iteration", look=look)
    echo(str(out))
    return 0
