"""``gameplan show``: what a run or a policy looks like."""

from pathlib import Path
from typing import Any, NamedTuple

import click

from workbench.commands.options import SCHEMA, FiniteRange, gathered, json_option, print_json
from workbench.commands.run_names import RunName

SORTS = ("reach", "regret", "loss", "game")
ROWS = 20


class Infosets(NamedTuple):
    """The options that choose infosets: the fields of `workbench.views.policy.Choice`."""

    player: int | None
    pattern: str
    reach: float
    sort: str
    rows: int | None


@click.command(short_help="Show a run of any kind, or a policy.")
@click.argument("target", type=RunName(known=tuple), metavar="RUN|POLICY")
@click.option("--game", metavar="GAME", help="Of a policy file that does not say whose it is.")
@click.option("--player", type=click.IntRange(0), help="Policy: only infosets of this player.")
@click.option("--infoset", "pattern", default="", metavar="TEXT", help="Policy: only infosets that contain this; * is anything.")
@click.option("--min-reach", "reach", default=0.0, type=FiniteRange(0, 1), help="Policy: only infosets that are reached so often.")
@click.option("--sort", type=click.Choice(SORTS), default="reach", show_default=True, help="Policy: the order.")
@click.option("--rows", type=click.IntRange(0), help=f"Policy: so many infosets.  [default: {ROWS}; all with --json]")
@click.option("--each", is_flag=True, help="Policy: a row for every action, with its value and regret.")
@click.option(
    "--against", type=RunName(known=tuple), metavar="RUN|POLICY", help="Policy: only what that one plays otherwise, as it matters."
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="PSRO: draw the population (PNG, SVG or PDF).")
@json_option
@gathered(infosets=Infosets)
def show(
    target: str, game: str | None, infosets: Infosets, each: bool, against: str | None, out: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Show RUN, whatever it is: solver, PSRO, planner or training run, data set, comparison, discovery; or a policy file.

    Of a policy, what is played in the infosets that are reached most, by the names that the game gives actions, and the
    counterfactual regret: what the best action would gain there, times the probability that chance and the others lead there.
    --sort loss: the infosets that make the exploitability what it is.
    """
    from workbench.terminal.show import print_policy, print_policy_facts, print_population, print_run_view
    from workbench.views.policy import Choice

    wanted = Choice(*infosets)
    if wanted.most is None and not as_json:
        wanted = wanted._replace(most=ROWS)
    if against is not None:
        return _show_differences(target, against, game, wanted, as_json)
    if not Path(target).is_dir():
        policy = _policy_file(Path(target), game)
        record: dict[str, Any] = {"schema": SCHEMA, "command": "show", "policy": policy.record(wanted)}
        if as_json:
            print_json(record)
        else:
            print_policy_facts(policy)
            print_policy(policy, wanted, each)
        return 0
    return _show_run(Path(target), wanted, each, out, as_json, print_run_view, print_population, print_policy)


def _show_differences(target: str, against: str, game: str | None, wanted: Any, as_json: bool) -> int:
    from workbench.terminal.show import print_differences
    from workbench.views.policy import differences, view_run

    first, second = (view_run(Path(name)) if Path(name).is_dir() else _policy_file(Path(name), game) for name in (target, against))
    if as_json:
        rows, count = differences(first, second, wanted)
        shown = [{**row._asdict(), "against": other, "distance": distance} for row, other, distance in rows]
        print_json({
            "schema": SCHEMA, "command": "show", "policy": str(first.source), "against": str(second.source), "differing": count,
            "rows": shown,
        })  # fmt: skip
    else:
        print_differences(first, second, wanted)
    return 0


def _show_run(path: Path, wanted: Any, each: bool, out: Path | None, as_json: bool, *printers: Any) -> int:
    from games.errors import UsageError
    from workbench.solving.population import FILE, Population, draw_population
    from workbench.terminal.interrupts import watched
    from workbench.terminal.progress import drawing, say
    from workbench.views.policy import has_policy, view_run
    from workbench.views.records import result_of
    from workbench.views.runs import PSRO, look

    print_run_view, print_population, print_policy = printers
    view = look(path)
    result = result_of(path)
    population, mixtures = None, []
    if view.kind == PSRO and (path / FILE).is_file():
        population = Population.open(path)
        with watched(say, "evaluating mixtures"):
            mixtures = population.mixtures()
    if out is not None:
        if population is None:
            raise UsageError(f"{path} is no finished PSRO run, of which --out draws the population; 'gameplan plot' draws others")
        with drawing(out):
            draw_population(population, out, mixtures)
    policy = view_run(path) if has_policy(path) else None
    if as_json:
        print_json({
            "schema": SCHEMA, "command": "show", "view": view.record(), "result": result,
            **({"mixtures": mixtures, "figure": str(out) if out else None} if population else {}),
            **({"policy": policy.record(wanted)} if policy else {}),
        })  # fmt: skip
        return 0
    print_run_view(view, result)
    if population is not None:
        print_population(mixtures, out)
    if policy is not None:
        print_policy(policy, wanted, each)
    return 0


def _policy_file(path: Path, game: str | None) -> Any:
    """Return the view of a policy file; of the game that it names itself only if that needs no file."""
    from games.errors import UnknownName, UsageError
    from games.loader import reads_file
    from workbench.solving.policies import SUFFIXES, game_named
    from workbench.views.policy import view_file

    if path.suffix.lower() not in SUFFIXES or not path.exists():
        what = f"policy files end in {', '.join(SUFFIXES)}" if path.exists() else "'gameplan runs list' shows runs"
        raise UnknownName(str(path), "run", f"{path} is neither a run nor a policy file: {what}")
    named = game or game_named(path)
    if not named:
        raise UsageError(f"{path} does not say whose policy it is; name the game: gameplan show {path} --game GAME")
    if game is None and reads_file(named):
        raise UsageError(f"{path} is of the game file {named}, which is read only if you name it: --game {named}")
    return view_file(named, path)
