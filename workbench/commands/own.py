"""``gameplan new-rule``, ``new-planner``, ``new-world``, ``new-evaluator`` and the like, and what checks what they begin."""

import shlex
from pathlib import Path
from typing import Any

import click

from workbench.commands.options import json_option, print_json, sandbox_option, set_option, trusted_option
from workbench.commands.plan import world_option

_file = click.argument("file", type=click.Path(path_type=Path))
_force = click.option("--force", is_flag=True, help="Replace what is there.")


def _begun(file: Path, kind: str, check: str, use: str, force: bool, as_json: bool) -> int:
    """Write the template of a `kind`, and say what checks and what uses it, both with {} for the name."""
    from workbench.own.begin import write_new
    from workbench.terminal.tables import print_line

    written = write_new(file, kind, force=force)
    if as_json:
        print_json({"file": str(written)})
        return 0
    name = shlex.quote(str(file) if file.is_absolute() or len(file.parts) > 1 or not file.suffix else f"./{file}")
    print_line(f"{written}: check it with 'gameplan {check.format(name)}', use it with 'gameplan {use.format(name)}'")
    return 0


def _checked(record: dict[str, Any], fine: str, as_json: bool) -> int:
    from workbench.terminal.tables import print_line

    if as_json:
        print_json(record)
    else:
        for problem in (*record["problems"], *record.get("warnings", ())):
            named = problem.startswith((f"{record['file']} ", f"{Path(record['file']).name} "))
            print_line(problem if named else f"{record['file']}: {problem}")
        if record["ok"]:
            print_line(f"{record['file']}: fine; {fine}")
    return 0 if record["ok"] else 1


@click.command("new-rule")
@_file
@click.option("--psro", is_flag=True, help="Meta-strategy solvers of PSRO in place of a CFR rule.")
@_force
@json_option
def new_rule(file: Path, psro: bool, force: bool, as_json: bool) -> int:
    """Write a commented CFR rule, or PSRO's meta-strategy solvers, to FILE, to be changed and run with --algo FILE."""
    from workbench.own.begin import META_SOLVER, RULE

    return _begun(file, META_SOLVER if psro else RULE, "check-rule {}", "solve leduc_2p --algo {}", force, as_json)


@click.command("check-rule")
@_file
@sandbox_option
@trusted_option
@json_option
def check_rule(file: Path, sandbox: bool, trusted: bool, as_json: bool) -> int:
    """Say what is wrong with the rule in FILE: its form, then 100 iterations of Kuhn poker with it."""
    from games.modules import located
    from workbench.solving.isolated import trust_of
    from workbench.solving.rule_tools import check_rule_file

    trust = trust_of(sandbox, trusted, {})
    file = Path(located(str(file)))
    record = check_rule_file(file, sandbox=True if trust.sandbox else False if trust.trusted else None)
    left = f"exploitability in kuhn_2p after 100 iterations: {record['exploitability']:.3g}" if record["ok"] else ""
    return _checked(record, f"{record['form']}, {left}", as_json)


@click.command("new-planner")
@_file
@_force
@json_option
def new_planner(file: Path, force: bool, as_json: bool) -> int:
    """Write a commented planner to FILE, to be changed and used with gameplan plan WORLD --planner FILE."""
    return _begun(file, "planner", "check-planner {}", "plan WORLD --planner {}", force, as_json)


@click.command("check-planner")
@click.argument("file")
@set_option
@json_option
def check_planner(file: str, params: dict[str, str], as_json: bool) -> int:
    """Say what is wrong with the planner in FILE, by the suite of all planners: legal play, seeds, budgets, honest ends."""
    from workbench.own.check import check_planner as checked

    return _checked(checked(file, params), "it passes the suite of planners", as_json)


@click.command("new-world")
@_file
@click.option("--python", is_flag=True, help="A world in plain Python: shorter, and slower to plan in.")
@_force
@json_option
def new_world(file: Path, python: bool, force: bool, as_json: bool) -> int:
    """Write a commented world to FILE, to be changed and used with gameplan plan FILE.

    It is compiled, with all that planners, networks, tables and pictures ask of a world.
    """
    from workbench.own.begin import PYTHON, WORLD

    return _begun(file, f"{PYTHON}{WORLD}" if python else WORLD, "check-world {}", "plan {} --planner astar", force, as_json)


@click.command("check-world")
@click.argument("file")
@world_option
@json_option
def check_world(file: str, world: dict[str, str], as_json: bool) -> int:
    """Say what is wrong with the world in FILE, by the suite of all worlds: actions, keys, chance, lower bounds, playouts, names.

    Lower bounds are judged where all states were met: choose a small one with --world.
    """
    from workbench.own.check import check_world as checked

    return _checked(checked(file, world), "it passes the suite of worlds", as_json)


@click.command("new-evaluator")
@_file
@click.option("--python", is_flag=True, help="A function in plain Python: shorter, and slower to plan with.")
@_force
@json_option
def new_evaluator(file: Path, python: bool, force: bool, as_json: bool) -> int:
    """Write a commented evaluator to FILE, to be changed and used with --set evaluator=FILE by planners that look ahead."""
    from workbench.own.begin import EVALUATOR, PYTHON

    kind = f"{PYTHON}{EVALUATOR}" if python else EVALUATOR
    return _begun(file, kind, "check-evaluator {} WORLD", "plan WORLD --planner flare --set evaluator={}", force, as_json)


@click.command("check-evaluator")
@click.argument("file")
@click.argument("world_name", metavar="WORLD")
@world_option
@json_option
def check_evaluator(file: str, world_name: str, world: dict[str, str], as_json: bool) -> int:
    """Say what is wrong with the evaluator in FILE, by the suite of all evaluators, on what may happen in WORLD."""
    from workbench.own.check import check_evaluator as checked

    record = checked(file, world_name, world)
    low, high = record["worths"] or (0.0, 0.0)
    return _checked(record, f"it passes the suite of evaluators; worths from {low:.3g} to {high:.3g} in {world_name}", as_json)


@click.command("new-policy")
@_file
@_force
@json_option
def new_policy(file: Path, force: bool, as_json: bool) -> int:
    """Write a commented policy, a function, to FILE, to be changed and used with gameplan plan WORLD --policy FILE."""
    return _begun(file, "policy", "check-policy {} WORLD", "plan WORLD --policy {}", force, as_json)


@click.command("check-policy")
@click.argument("file")
@click.argument("world_name", metavar="WORLD")
@world_option
@json_option
def check_policy(file: str, world_name: str, world: dict[str, str], as_json: bool) -> int:
    """Say what is wrong with the function in FILE as a policy, by some steps in WORLD, greedy and drawn."""
    from workbench.own.check import check_policy as checked

    record = checked(file, world_name, world)
    scores = ", ".join(f"score {score:,.4g} at {how}" for how, score in record["scores"].items())
    return _checked(record, f"{scores}, in {world_name}", as_json)


@click.command("new-method")
@_file
@_force
@json_option
def new_method(file: Path, force: bool, as_json: bool) -> int:
    """Write a commented method of learning to FILE, to be changed and run with gameplan train WORLD --method FILE."""
    from games.worlds import WORLDS
    from workbench.own.begin import METHOD

    return _begun(file, METHOD, "check-method {}", f"train {next(iter(WORLDS))} --method {{}} --time-limit 30s", force, as_json)


@click.command("check-method")
@click.argument("file")
@json_option
def check_method(file: str, as_json: bool) -> int:
    """Say what is wrong with the method in FILE: its form, some updates in a small game of dice, the slope of its loss."""
    from workbench.training.method_tools import UPDATES, check_method_file

    record = check_method_file(file)
    where = (
        "in a small game of merging after 1 update"
        if record["sampling"] == "moves"
        else f"in a small game of dice after {UPDATES} updates"
    )
    score = f"score {where}: {record['figures'].get('score', float('nan')):.3g}"
    return _checked(record, f"it learns from {record['sampling']}, {score}", as_json)


@click.command("new-task")
@click.argument("folder", type=click.Path(path_type=Path))
@_force
@json_option
def new_task(folder: Path, force: bool, as_json: bool) -> int:
    """Write a commented task of evolution to FOLDER, to be changed and run with gameplan evolve new FOLDER."""
    return _begun(folder, "task", "check-task {}", "evolve new {}", force, as_json)


@click.command("check-task")
@click.argument("folder")
@json_option
def check_task(folder: str, as_json: bool) -> int:
    """Say what is wrong with the task of evolution in FOLDER: its seeds are checked, run and scored on all instances, here."""
    from workbench.own.check import check_task as checked

    record = checked(folder)
    scores = "; ".join(
        f"{seed}: {', '.join(f'{cost:.3g} on {name}' for name, cost in costs.items())}" for seed, costs in record["scores"].items()
    )
    return _checked(record, f"costs of its seeds: {scores}", as_json)
