"""``gameplan games`` and ``algos``: what can be played, and what can be run."""

import click

from games.errors import UsageError
from workbench.commands.options import json_option, print_json, size_option
from workbench.terminal.printing import echo


@click.command()
@click.argument("game", required=False)
@size_option
@json_option
def games(game: str | None, max_histories: int, max_memory: int | None, as_json: bool) -> int:
    """List the games to solve and the worlds to plan in, or show GAME: its size, or a world's options and a first state."""
    from games.catalogue import GAMES, SUITES
    from games.plugins import REGISTRY, WORLD
    from games.worlds import WORLDS, is_world
    from workbench.terminal.progress import run_display
    from workbench.terminal.tables import print_games, print_worlds

    if game is None:
        plugged = {name: plugin.about or plugin.program for name, plugin in REGISTRY.names(WORLD).items()}
        abouts = {**{name: entry.about for name, entry in WORLDS.items()}, **plugged}
        if as_json:
            worlds = {name: {"about": about} for name, about in abouts.items()}
            print_json({"games": {n: e._asdict() for n, e in GAMES.items()}, "suites": SUITES, "worlds": worlds})
        else:
            print_games(GAMES, SUITES)
            print_worlds(abouts)
        return 0
    from games.gambit.files import is_game_file
    from games.loader import load_game

    if not is_game_file(game) and is_world(game):
        return _show_world(game, as_json)
    with run_display() as display:
        compiled = load_game(game, max_histories=max_histories, max_memory=max_memory, progress=display.walked)
    record = {
        "game": game, "name": compiled.name, "players": compiled.players, "histories": compiled.histories,
        "terminals": compiled.terminals, "rows": len(compiled.rows.chance), "infosets": compiled.infosets,
        "actions": compiled.actions, "zero_sum": compiled.zero_sum, "constant_sum": compiled.constant_sum,
        "converted": compiled.converted, "bytes": compiled.nbytes(),
    }  # fmt: skip
    if as_json:
        print_json(record)
    else:
        from workbench.terminal.tables import print_record

        print_record({k: v for k, v in record.items() if k != "schema"})
    return 0


def _show_world(name: str, as_json: bool) -> int:
    from games.modules import is_program
    from workbench.runs.programs import explained

    with explained({"env": name} if is_program(name) else {}):
        return _show_known_world(name, as_json)


def _show_known_world(name: str, as_json: bool) -> int:
    from games.sentences import sentences
    from games.worlds import about_world, load_world, world_choices, world_doc, world_options
    from workbench.terminal.tables import print_parameters

    options, world, about = world_options(name), load_world(name), about_world(name)
    instance = world.instance(0)
    record = {
        "world": name, "about": about, "options": options, "levels": len(world) or None,
        "stochastic": instance.model.outcomes > 0, "horizon": instance.horizon, "sentences": sentences(world_doc(name)),
    }  # fmt: skip
    if as_json:
        print_json(record)
        return 0
    echo(f"{name}: {about}\n")
    echo(world.text(instance, instance.start))
    echo("")
    if options:
        print_parameters(options, world_choices(name), record["sentences"], "option")
    echo(f"gameplan plan {name} --planner NAME [--world OPTION=VALUE]")
    return 0


@click.command()
@click.argument("name", required=False)
@click.option("--bibtex", is_flag=True, help="Print what to cite for NAME, as BibTeX.")
@json_option
def algos(name: str | None, bibtex: bool, as_json: bool) -> int:
    """List algorithms, planners, methods of learning and kinds of policies, or show NAME (or a file of your own).

    What is shown has a sentence about every parameter, with unit and range. NAME may be a meta-strategy solver or a task of
    evolution, too.
    """
    from games.plugins import KINDS as PLUGINS
    from games.plugins import REGISTRY
    from planners.catalogue import PLANNERS
    from planners.learning.names import METHODS
    from planners.policies.catalogue import KINDS
    from workbench.catalogue.descriptions import describe, describe_any, describe_method, describe_planner, describe_policy
    from workbench.catalogue.families import ALGORITHMS
    from workbench.terminal.tables import print_algorithm, print_line, print_table

    if bibtex and name is None:
        raise UsageError("--bibtex is about one NAME, such as 'gameplan algos vad-cfr --bibtex'")
    if name is None:
        plugged = [
            {"kind": kind, "name": name, **plugin._asdict()} for kind in PLUGINS for name, plugin in REGISTRY.names(kind).items()
        ]
        records = [describe(entry) for entry in ALGORITHMS]
        planners = [describe_planner(entry) for entry in PLANNERS]
        methods = [describe_method(entry) for entry in METHODS]
        kinds = [describe_policy(entry) for entry in KINDS]
        if as_json:
            all_of_them = {"algos": records, "planners": planners, "methods": methods, "policies": kinds, "plugins": plugged}
            print_json(all_of_them)
        else:
            listed = {"algorithm": records, "planner": planners, "method of learning": methods, "kind of policy": kinds}
            for what, found in listed.items():
                rows = [(r["name"], r["title"], r["reference"]) for r in found]
                print_table(("name", what, "reference"), rows, left=3, prose=(what, "reference"), spare=("reference",))
            if plugged:
                rows = [(p["name"], p["kind"], p["about"] or p["program"]) for p in plugged]
                print_table(("name", "plugged in", "what it is"), rows, left=3, prose=("what it is",))
            print_line("'gameplan algos NAME' shows parameters; 'gameplan new-rule FILE' starts a rule of your own")
        return 0
    record = describe_any(name)
    if bibtex:
        from workbench.catalogue.citations import bibtex as cited

        entries = cited(record["reference"])
        print_json({"name": name, "bibtex": entries}) if as_json else echo(entries)
    elif as_json:
        print_json(record)
    else:
        print_algorithm(record)
    return 0
