"""``gameplan bench``."""

import click

from workbench.catalogue.shipped import FLARE
from workbench.commands.options import duration, json_option, names, print_json
from workbench.terminal.printing import echo


@click.group()
def bench() -> None:
    """Measure speed beside what else is installed; quote the ratios, they share the machine's noise."""


@bench.command("cfr", short_help="Time CFR variants, set-up and exploitability.")
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
    from workbench.catalogue.entries import CFR
    from workbench.comparison.solvers import expand_games
    from workbench.terminal.bench import print_bench
    from workbench.terminal.progress import naming

    chosen = algos or ["cfr+", *(name for name in CFR if name != "cfr+")]
    expanded = expand_games(games)
    with naming("measuring", cfr.count(expanded, chosen, with_peers=peers), "figures") as tell:
        record = cfr.run(expanded, chosen, with_peers=peers, budget=budget, tell=tell)
    if as_json:
        print_json(record)
    else:
        print_bench(record)
    return 0


@bench.command("psro", short_help="Time PSRO runs, beside OpenSpiel's psro_v2.")
@click.option("--games", default="leduc_2p,goofspiel_5,liars_dice_6,kuhn_4p", show_default=True, callback=names, help="Games.")
@click.option("--algos", default="psro-uniform,shor-psro", show_default=True, callback=names, help="PSRO presets.")
@click.option("-n", "--iterations", default=100, show_default=True, type=click.IntRange(1), help="Iterations, evaluated every 10.")
@click.option("--peers/--no-peers", default=True, show_default=True, help="Measure OpenSpiel's psro_v2 too, if it can be imported.")
@json_option
def bench_psro(games: list[str], algos: list[str], iterations: int, peers: bool, as_json: bool) -> int:
    """Time whole PSRO runs, and their first iterations beside OpenSpiel's psro_v2 with exact best responses (processor time)."""
    from workbench.bench import psro
    from workbench.comparison.solvers import expand_games
    from workbench.terminal.bench import print_bench_psro
    from workbench.terminal.progress import naming

    expanded = expand_games(games)
    with naming("measuring", psro.count(expanded, algos, with_peers=peers), "figures") as tell:
        record = psro.run(expanded, algos, iterations=iterations, with_peers=peers, tell=tell)
    if as_json:
        print_json(record)
    else:
        print_bench_psro(record)
    return 0


@bench.command("sampling", short_help="Time methods that sample, beside OpenSpiel's.")
@click.option("--games", default="kuhn_2p,leduc_2p,liars_dice_5", show_default=True, callback=names, help="Games.")
@click.option("--algos", callback=names, help="Methods that sample.  [default: all]")
@click.option(
    "--budget", default="1s", show_default=True, callback=duration, metavar="DURATION", help="Time for one figure, about."
)
@click.option("--peers/--no-peers", default=True, show_default=True, help="Measure OpenSpiel's solvers too.")
@json_option
def bench_sampling(games: list[str], algos: list[str], budget: float, peers: bool, as_json: bool) -> int:
    """Time iterations and nodes of Monte-Carlo CFR, beside OpenSpiel's C++ in the same process (processor time, medians)."""
    from games.errors import UsageError, did_you_mean
    from workbench.bench import sampling
    from workbench.catalogue.entries import SAMPLING
    from workbench.comparison.solvers import expand_games
    from workbench.terminal.bench import print_bench_sampling
    from workbench.terminal.progress import naming

    for algo in algos:
        if algo not in SAMPLING:
            raise UsageError(f"{algo} does not sample{did_you_mean(algo, list(SAMPLING))}; legal: {', '.join(SAMPLING)}")
    expanded, chosen = expand_games(games), algos or list(SAMPLING)
    with naming("measuring", sampling.count(expanded, chosen, with_peers=peers), "figures") as tell:
        record = sampling.run(expanded, chosen, with_peers=peers, budget=budget, tell=tell)
    if as_json:
        print_json(record)
    else:
        print_bench_sampling(record)
    return 0


@bench.command("planning", short_help="Time playouts, searches, the critic and environments.")
@click.option("--parts", callback=names, help="2048, sokoban, levels, critic, graphs, chains, environments.  [default: all]")
@click.option(
    "--repeats",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="The best of so many measurements counts, levels: the median.",
)
@click.option(
    "--levels",
    multiple=True,
    metavar="FILE",
    help="Sokoban: measure on these files of levels, levels: also on folders; repeatable.",
)
@json_option
def bench_planning(parts: list[str], repeats: int, levels: tuple[str, ...], as_json: bool) -> int:
    """Time playouts, searches, the critic, FLARE and environments, in CPU time, each beside a fixed calibration kernel."""
    from games.errors import UsageError, did_you_mean
    from workbench.bench import planning
    from workbench.terminal.bench import print_bench_planning
    from workbench.terminal.progress import naming

    for part in parts:
        if part not in planning.PARTS:
            legal = list(planning.PARTS)
            raise UsageError(f"there is no part {part!r}{did_you_mean(part, legal)}; legal: {', '.join(legal)}")
    chosen = parts or list(planning.PARTS)
    with naming("measuring", planning.count(chosen, levels), "figures") as tell:
        record = planning.run(chosen, repeats=repeats, levels=levels, tell=tell)
    if as_json:
        print_json(record)
    else:
        print_bench_planning(record, planning.rows)
    return 0


@bench.command("flare", short_help="Set FLARE beside its baselines on knowledge graphs.")
@click.option("--worlds", default=",".join(FLARE), show_default=True, callback=names, help="Knowledge-graph walks.")
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(1), help="Groups of instances.")
@click.option("--instances", default=200, show_default=True, type=click.IntRange(1), help="Instances of a group.")
@click.option("--markdown", is_flag=True, help="Print the tables in Markdown.")
@json_option
def bench_flare(worlds: list[str], seeds: int, instances: int, markdown: bool, as_json: bool) -> int:
    """Set FLARE beside its baselines: success, traps, recovery and cost, mean and standard deviation over seeds."""
    from workbench.bench import planning_flare
    from workbench.terminal.progress import job_progress
    from workbench.terminal.tables import print_table

    with job_progress(len(worlds) * len(planning_flare.ROWS), "measuring", "planners") as tell:
        tables = {world: planning_flare.table(world, seeds, instances, tell=tell) for world in worlds}
    if as_json:
        rows = {world: [planning_flare.row_record(row) for row in table] for world, table in tables.items()}
        print_json({"seeds": seeds, "instances": instances, "worlds": rows})
        return 0
    for world, table in tables.items():
        title = f"{world}: {seeds} seeds x {instances} instances, mean ± standard deviation over seeds"
        if markdown:
            echo(f"{title}\n\n{planning_flare.render(table, seeds)}\n")
        else:
            spare = planning_flare.HEADER[:-6:-1]
            print_table(planning_flare.HEADER, planning_flare.cells_of(table, seeds), title=title, prose=("planner",), spare=spare)
    return 0


@bench.command("learning", short_help="Time moves and updates of learning.")
@click.option("--budget", default="10s", show_default=True, callback=duration, metavar="DURATION", help="Learning of each method.")
@json_option
def bench_learning(budget: float, as_json: bool) -> int:
    """Time learning in CPU time: moves of TD learning and turns of policy optimisation on 2048, networks on a level of Sokoban."""
    from workbench.bench import learning, planning
    from workbench.terminal.bench import print_bench_planning
    from workbench.terminal.progress import naming

    with naming("measuring", learning.count(), "figures") as tell:
        record = learning.run(seconds=budget, tell=tell)
    if as_json:
        print_json(record)
    else:
        print_bench_planning(record, planning.rows)
    return 0
