"""``gameplan exploit``, ``export`` and ``psro-show``: what came out of a run."""

from pathlib import Path
from typing import Any

import click

from workbench.commands.options import SCHEMA, json_option, print_json, size_option
from workbench.commands.run_names import RunName, known_policies
from workbench.terminal.printing import echo


@click.command()
@click.argument("game", metavar="GAME|RUN")
@click.argument("policy", required=False, type=RunName("solve", known=known_policies), metavar="[POLICY]")
@size_option
@json_option
def exploit(game: str, policy: str | None, max_histories: int, max_memory: int | None, as_json: bool) -> int:
    """Print the exact exploitability of a policy: that of a RUN in its own game, or POLICY in GAME.

    POLICY is a run, a file (npz, JSON or CSV), or uniform. JSON may be
    {"game": ..., "players": [{infoset: {action: probability}}, ...]} or one flat table, such as OpenSpiel's
    TabularPolicy.to_dict(). Infosets that the file does not mention are played uniformly.
    """
    from solvers.exploitability import Evaluator
    from workbench.terminal.progress import run_display, say
    from workbench.terminal.solve import print_values
    from workbench.views.given import game_and_policy

    sizes: dict[str, Any] = {"max_histories": max_histories, "max_memory": max_memory}
    with run_display() as display:
        compiled, name, given = game_and_policy(
            game, policy, "exploit", lambda text: say(f"warning: {text}"), display.walked, **sizes
        )
    result = Evaluator(compiled)(given.policy)
    record = {
        "schema": SCHEMA, "command": "exploit", "game": name, "policy": given.source, "exploitability": result.exploitability,
        "nash_conv": result.nash_conv, "values": list(result.values), "best_responses": list(result.best_responses),
        "missing_infosets": given.missing,
    }  # fmt: skip
    if as_json:
        print_json(record)
    else:
        print_values(record)
    return 0


@click.command(short_help="Write policy, metrics or table of a run, or a game.")
@click.argument("source", metavar="RUN|GAME")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--what", type=click.Choice(["policy", "metrics", "table"]),
    help="Of a run.  [default: the policy of solver runs, the table of comparisons, metrics of others]",
)  # fmt: skip
@click.option("--stripped", is_flag=True, help="Without the line 'Current player: ...' of converted simultaneous-move games.")
@size_option
@json_option
def export(
    source: str, file: Path, what: str | None, stripped: bool, max_histories: int, max_memory: int | None, as_json: bool
) -> int:
    """Write what a RUN has come to to FILE, or the tree of a GAME (.efg, for Gambit).

    A policy as .npz, .json or .csv, or with reach, counterfactual values and regrets as .parquet; metrics (iterations, episodes,
    updates) and tables of comparisons as .csv or .parquet. Parquet needs the extra data: pip install 'gameplan[data]'.
    """
    from games.errors import UsageError
    from games.gambit.export import SUFFIX, export_game
    from workbench.catalogue.naming import GAME, what_is
    from workbench.runs.columns import columns_of, write_columns
    from workbench.solving.policies import SUFFIXES
    from workbench.terminal.progress import run_display
    from workbench.views.columns import metric_rows, table_rows
    from workbench.views.names import find_run
    from workbench.views.runs import COMPARE, PSRO, SOLVE, look

    if file.suffix.lower() == SUFFIX:
        with run_display() as display:
            export_game(source, file, max_histories, max_memory, display.walked)
        print_json({"source": source, "file": str(file)}) if as_json else echo(str(file))
        return 0
    if not Path(source).is_dir() and GAME in [meaning.kind for meaning in what_is(source)]:
        raise UsageError(
            f"{source} is a game, which is written as a {SUFFIX} file, not as {file}; a {', '.join(SUFFIXES)} file takes the "
            "policy of a run: name its directory"
        )
    path = find_run(source)
    kind = look(path).kind
    what = what or {SOLVE: "policy", PSRO: "policy", COMPARE: "table"}.get(kind, "metrics")
    if what == "policy":
        _export_policy(path, file, stripped, max_memory)
    else:
        write_columns(columns_of((metric_rows if what == "metrics" else table_rows)(path)), file)
    print_json({"source": source, "file": str(file)}) if as_json else echo(str(file))
    return 0


def _export_policy(path: Path, file: Path, stripped: bool, max_memory: int | None) -> None:
    from dataclasses import replace

    from workbench.runs.columns import PARQUET, write_columns
    from workbench.runs.directory import RunDirectory
    from workbench.solving.config import saved_config
    from workbench.solving.policies import load_policy, save_policy
    from workbench.solving.run import load_run_game
    from workbench.views.columns import policy_columns
    from workbench.views.policy import POLICY, PolicyView

    run = RunDirectory.open(path)
    game = load_run_game(replace(saved_config(run), max_memory=max_memory), run)
    policy, _ = load_policy(game, path / POLICY)
    if file.suffix.lower() == PARQUET:
        write_columns(policy_columns(PolicyView(game, policy, path)), file)
    else:
        save_policy(game, policy, file, stripped=stripped)


@click.command("psro-show", hidden=True)
@click.argument("run", type=RunName("solve"))
@click.option(
    "--out", type=click.Path(path_type=Path), help="PNG, SVG or PDF file.  [default: population.png in the run directory]"
)
@json_option
def psro_show(run: Path, out: Path | None, as_json: bool) -> int:
    """Look into the PSRO run in directory RUN: meta-game, meta-strategies, supports, exploitability of each mixture."""
    from workbench.solving.population import Population, draw_population
    from workbench.terminal.interrupts import watched
    from workbench.terminal.progress import drawing, say
    from workbench.terminal.show import print_population

    population = Population.open(run)
    with watched(say, "evaluating mixtures"):
        rows = population.mixtures()
    figure = out or run / "population.png"
    with drawing(figure):
        draw_population(population, figure, rows)
    if as_json:
        print_json({"run": str(run), "figure": str(figure), "mixtures": rows})
        return 0
    print_population(rows, figure)
    return 0
