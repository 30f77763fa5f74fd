"""``gameplan plot``: figures of what runs have left behind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from workbench.commands.looks import look_of, look_options
from workbench.commands.options import gathered, json_option, names, print_json, trusted_option
from workbench.commands.run_names import RunName
from workbench.terminal.printing import echo

WAYS = ("policy", "bars", "tree", "infoset")  # of drawing a policy


class PolicyFigure(NamedTuple):
    """What is drawn of a policy: one of the `WAYS`, and which infosets of it.

    Attributes
    ----------
    policy, bars, tree : bool
        The figure; none of them: over time, at the infosets with `infoset` in their name.
    infoset : str, optional
        Part of the names of those that are drawn; None: all.
    against : Path, optional
        The run whose policy is set beside.
    player : int, optional
        Whose infosets; None: every player's.
    most : int, optional
        How many infosets at most; None: as many as the figure has room for.
    """

    policy: bool
    bars: bool
    tree: bool
    infoset: str | None
    against: Path | None
    player: int | None
    most: int | None


@click.command()
@click.argument("runs", nargs=-1, type=RunName(), metavar="RUN...")
@click.option(
    "--by", "x", type=click.Choice(["iteration", "seconds", "nodes", "cost", "environment_steps", "expansions"]),
    help="Horizontal axis; nodes: visited by CFR.  [default: iteration; training runs: cost: environment steps plus expansions]",
)  # fmt: skip
@click.option("--measure", default="score", show_default=True, help="Training runs: what is drawn, such as entropy or kl.")
@click.option("--games", callback=names, metavar="GAME,...", help="Draw only runs on these games, in this order.")
@click.option("--bands", is_flag=True, help="Solver runs that differ in seeds only: their interquartile mean and a 95 % band.")
@click.option("--policy", is_flag=True, help="Draw the policy of a solver run: a heat map, reach and regret of its infosets.")
@click.option("--bars", is_flag=True, help="Draw the policy of a solver run: a panel of bars for every infoset.")
@click.option("--tree", is_flag=True, help="Draw the tree of a small game, with what the run's policy does in it.")
@click.option(
    "--infoset", metavar="PATTERN",
    help="Draw current and average policy over time at infosets with PATTERN in their name; with --policy and --bars: only those.",
)  # fmt: skip
@click.option(
    "--simplex", metavar="GAME|PAYOFFS",
    help="Draw dynamics of a matrix game with three actions, or of a zero-sum one written as 0,-1,1/1,0,-1/-1,1,0; without RUN.",
)  # fmt: skip
@click.option("--dynamics", callback=names, metavar="NAME,...", help="--simplex: of rm, prd, rd, fp, alpharank.  [default: all]")
@click.option("--against", type=RunName(), metavar="RUN", help="--policy, --bars: compare with that run's policy.")
@click.option("--player", type=click.IntRange(0), help="Policies: only infosets of this player.")
@click.option("--most", type=click.IntRange(1, 400), help="Policies: most infosets that are drawn, those reached most.")
@click.option("--out", type=click.Path(path_type=Path), help="PNG, SVG or PDF file.  [default: named by what is drawn, .png]")
@trusted_option
@look_options
@json_option
@gathered(wanted=PolicyFigure)
def plot(runs: tuple[Path, ...], out: Path | None, wanted: PolicyFigure, trusted: bool, as_json: bool, **options: Any) -> int:
    """Draw the convergence of solver runs (run directories, or a comparison's directory), one panel a game.

    Of training runs, what they measured while learning: those of one method in one world make a curve with a band.
    """
    look = look_of(options)
    chosen = [way for way in WAYS if getattr(wanted, way)]
    if options["simplex"]:
        if runs:
            raise click.UsageError("--simplex draws a game, not runs: leave RUN out")
        return _tell(_simplex(options["simplex"], out, look, options["dynamics"]), runs, as_json)
    if not runs:
        raise click.UsageError("name a run: a run directory, or a comparison's directory; 'gameplan runs list' shows what there is")
    if chosen:
        path = _policies(runs, out, look, chosen, wanted, trusted)
    else:
        path = _curves(runs, out, look, **{key: options[key] for key in ("x", "measure", "games", "bands")})
    return _tell(path, runs, as_json)


def _tell(path: Path, runs: Sequence[Path], as_json: bool) -> int:
    print_json({"runs": [str(run) for run in runs], "figure": str(path)}) if as_json else echo(str(path))
    return 0


def _simplex(name: str, out: Path | None, look: Any, dynamics: list[str]) -> Path:
    from games.loader import load_game
    from workbench.figures.simplex import draw_simplex
    from workbench.solving.labels import action_names
    from workbench.terminal.progress import drawing
    from workbench.views.dynamics import DYNAMICS, is_written, matrix_of, written_matrix

    path = out or Path("simplex.png")
    if is_written(name):
        matrix = written_matrix(name)
    else:
        game = load_game(name)
        matrix = matrix_of(game, action_names(game))
    with drawing(path):
        draw_simplex(matrix, path, dynamics=dynamics or tuple(DYNAMICS), look=look)
    return path


def _curves(runs: Sequence[Path], out: Path | None, look: Any, x: str | None, measure: str, games: list[str], bands: bool) -> Path:
    from workbench.comparison.curves import NODES, Visits, curve_of, run_curves
    from workbench.comparison.episodes import planner_runs
    from workbench.comparison.methods import curves
    from workbench.figures.convergence import AXES, draw_convergence, keep_games
    from workbench.figures.scores import draw_scores
    from workbench.figures.training import draw_learning
    from workbench.runs.listing import training_runs
    from workbench.terminal.progress import drawing

    path = out or Path("convergence.png")
    trained = training_runs(runs)
    if trained:
        if x == NODES:
            raise click.UsageError("--by nodes is for solver runs; of training runs there are cost, environment_steps, expansions")
        x = "update" if x == "iteration" else x or "cost"
        lines = {world: {label: curves(paths, x, measure) for label, paths in m.items()} for world, m in trained.items()}
        with drawing(path):
            draw_learning(lines, path, x=x, y=measure, look=look)
        return path
    played = planner_runs(runs)
    if played:
        path = out or Path("scores.png")
        with drawing(path):
            draw_scores(keep_games(played, games), path, look=look)
        return path
    if x not in (None, *AXES):
        raise click.UsageError(f"--by {x} is for training runs; of solver runs there are {', '.join(AXES)}")
    found = keep_games(run_curves(runs, bands=bands, read=Visits().curve if x == NODES else curve_of), games)
    with drawing(path):
        draw_convergence(found, path, x=x or "iteration", look=look)
    return path


def _policies(runs: Sequence[Path], out: Path | None, look: Any, chosen: list[str], wanted: PolicyFigure, trusted: bool) -> Path:
    from workbench.figures import policy as figures
    from workbench.figures.tree import draw_tree
    from workbench.terminal.progress import drawing
    from workbench.views.policy import view_run

    policy, bars, tree, infoset, against, player, most = wanted
    if sum((policy, bars, tree)) > 1:
        raise click.UsageError(f"--{chosen[0]} and --{chosen[1]} are two figures; ask for one of them")
    if len(runs) > 1:
        raise click.UsageError(f"{len(runs)} runs are named; a policy is drawn of one, or of two with --against")
    if against is not None and not (policy or bars):
        raise click.UsageError("--against goes with --policy or --bars")
    path = out or Path(f"{chosen[0]}.png")
    players = () if player is None else (player,)
    view, other = view_run(runs[0]), None if against is None else view_run(against)
    if not (policy or bars or tree):
        return _over_time(view, infoset or "", players, most, trusted, path, look)
    draw, own = (figures.draw_policy, figures.MOST) if policy else (figures.draw_bars, figures.MOST_BARS)
    with drawing(path):
        if tree:
            draw_tree(view, path, look=look)
        else:
            draw(view, path, other=other, players=players, pattern=infoset or "", most=most or own, look=look)
    return path


def _over_time(view: Any, pattern: str, players: tuple[int, ...], most: int | None, trusted: bool, path: Path, look: Any) -> Path:
    import numpy as np

    from workbench.figures.over_time import MOST, draw_over_time
    from workbench.figures.policy import most_reached
    from workbench.terminal.progress import counting, say
    from workbench.views.history import iterations_of, replayed

    rows, matching = most_reached(view, players, pattern, most or MOST)
    if len(rows) < matching:
        say(f"{matching} infosets match {pattern!r}; the {len(rows)} that are reached most are drawn (--most draws more)")
    pairs = np.concatenate([view.pairs(row.player, row.number) for row in rows])
    total = iterations_of(view.source)
    say(f"a run keeps its last policy only: its {total:,} iterations are computed again")
    with counting("iterating", total, "iterations") as tell:
        history = replayed(view.source, pairs, trusted=trusted, on_iteration=tell)
    draw_over_time(history, rows, path, look=look)
    return path
