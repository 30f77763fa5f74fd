"""What the shell offers when a key is pressed: quick, and without numba, OpenSpiel or anything of a run but its name.

Names come from the catalogues' own text (`workbench.catalogue.declared`), parameters from the text of the program that the line
names so far. Only texts are offered anything: types such as `click.Choice` and `RunName` know what they take.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from workbench.catalogue.declared import declared, module_file, text_of

Offer = Callable[[click.Context, str], Iterable[Any]]
_PLAIN = re.compile(r"(?![-~=])(?:[\w.,:+=@%~-]|'[\w.,:+=@%~/ -]*'|\"[\w.,:+=@%~/ -]*\")+")  # nothing here means more to a shell


class Offered(click.ParamType):
    """Any text; `offer` says what the shell names. Used while completing only."""

    name = "text"

    def __init__(self, offer: Offer) -> None:
        self.offer = offer

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Return what is offered and begins with `incomplete`."""
        found = self.offer(ctx, incomplete)
        return [item for item in found if item.type != "plain" or (item.value.startswith(incomplete) and is_plain(item.value))]


def is_plain(name: str) -> bool:
    """Return whether a shell takes `name` for a word and nothing else.

    What is offered is put into the line as it is: of a directory called ``$(command)`` the next key would run the command.
    """
    return _PLAIN.fullmatch(name) is not None


def offer_names(command: click.Command, path: str) -> None:
    """Let the parameters of the command called `path`, and of those in it, offer names to the shell."""
    for param in command.params:
        found = OFFERS.get(f"{path} {param.name}", OFFERS.get(str(param.name)))
        if found is not None and isinstance(param.type, click.types.StringParamType):
            param.type = Offered(found)
    for name, inner in getattr(command, "commands", {}).items():
        offer_names(inner, f"{path} {name}")


def complete_runs(incomplete: str, kinds: Collection[str] = ()) -> list[Any]:
    """Return the runs of these kinds whose names begin with `incomplete`, the newest first; paths complete as files do."""
    from workbench.views.names import LAST, RUNS, begins, by_start, kind_at
    from workbench.views.runs import run_directories

    if "/" in incomplete or incomplete.startswith("."):
        return [CompletionItem(incomplete, type="file")]
    found = [path for path in run_directories(RUNS) if not kinds or kind_at(path) in kinds]
    items = [CompletionItem(LAST, help="the run that started last")] if found and LAST.startswith(incomplete) else []
    for path in reversed(by_start(found)):
        if not is_plain(path.name) or not begins(path.name, incomplete):
            continue
        name = path.name if path.name.startswith(incomplete) else path.name[path.name.index(incomplete) :]
        items.append(CompletionItem(name, help=kind_at(path)))
    return items


def _items(names: Mapping[str, str]) -> list[Any]:
    return [CompletionItem(name, help=about) for name, about in names.items()]


def games() -> dict[str, str]:
    """Return the catalogued games, each with its line."""
    from games.catalogue import GAMES

    return {name: entry.about for name, entry in GAMES.items()}


def suites() -> dict[str, str]:
    """Return the suites of games."""
    from games.catalogue import SUITES

    return {name: f"suite of {len(members)} games" for name, members in SUITES.items()}


def worlds() -> dict[str, str]:
    """Return the catalogued worlds."""
    return dict.fromkeys(declared(module_file("games.worlds"), "WORLDS"), "world")


def algorithms() -> dict[str, str]:
    """Return the catalogued algorithms for games."""
    from workbench.catalogue.entries import CFR, CONCEPTS, EXACT, PSRO, SAMPLING

    return {name: entry.title for name, entry in {**CFR, **PSRO, **EXACT, **CONCEPTS, **SAMPLING}.items()}


def meta_solvers() -> dict[str, str]:
    """Return the catalogued meta-strategy solvers."""
    from solvers.psro.catalogue import SOLVERS

    return {name: about for name, (_, about) in SOLVERS.items()}


def planners() -> dict[str, str]:
    """Return the catalogued planners."""
    return dict.fromkeys(declared(module_file("planners.catalogue"), "PLANNERS"), "planner")


def methods() -> dict[str, str]:
    """Return the catalogued methods of learning."""
    from planners.learning.names import METHODS

    return dict.fromkeys(METHODS, "method of learning")


def policies() -> dict[str, str]:
    """Return the kinds of policies and values that learn."""
    return dict.fromkeys(declared(module_file("planners.policies.catalogue"), "KINDS"), "kind of policy or value")


def tasks() -> dict[str, str]:
    """Return the tasks of evolution."""
    from workbench.catalogue.shipped import TASKS

    return dict(TASKS)


def _any_of(*tables: Callable[[], Mapping[str, str]], files: bool = False) -> Offer:
    """Return the offer of all names in `tables`; with `files`, paths are completed as such."""

    def offer(_ctx: click.Context, incomplete: str) -> list[Any]:
        if files and ("/" in incomplete or incomplete.startswith(".")):
            return [CompletionItem(incomplete, type="file")]
        return [item for table in tables for item in _items(table())]

    return offer


def _listed(*tables: Callable[[], Mapping[str, str]]) -> Offer:
    """Return the offer of names in a list with commas: what stands before the last comma is kept."""

    def offer(_ctx: click.Context, incomplete: str) -> list[Any]:
        before, comma, _ = incomplete.rpartition(",")
        taken = set(before.split(","))
        return _items({f"{before}{comma}{n}": about for table in tables for n, about in table().items() if n not in taken})

    return offer


def _parameters(ctx: click.Context, _incomplete: str) -> list[Any]:
    """Return the parameters of the algorithm, planner or method that the line names, each with its default."""
    given = {param.name: ctx.params.get(str(param.name)) or param.default for param in ctx.command.params}
    found: dict[str, str] = {}
    for role, constant in (("algo", "PARAMS"), ("planner", "PARAMS"), ("method", "PARAMS")):
        if isinstance(name := given.get(role), str):
            found |= _declared_by(name, role, constant)
    return _assigned(found)


def _options(ctx: click.Context, _incomplete: str) -> list[Any]:
    """Return the options of the world that the line names, each with its default."""
    makers = declared(module_file("games.worlds"), "WORLDS")
    words = [ctx.params.get("env"), *os.environ.get("COMP_WORDS", "").split()]  # click has no arguments yet where an option is open
    name = next((word for word in words if isinstance(word, str) and word in makers), None)
    if name is None:
        return []
    maker = makers[name].partition("(")[2].partition(",")[0]  # a text, or the name of one
    module = (maker.strip("'") if maker.startswith("'") else text_of(module_file("games.worlds"), maker)).partition(":")[0]
    return _assigned(declared(module_file(module), "OPTIONS"))


def _declared_by(name: str, role: str, constant: str) -> dict[str, str]:
    from planners.learning.names import METHODS
    from workbench.catalogue.entries import CFR

    if name.endswith(".py"):
        return declared(Path(name), constant)
    if role == "algo" and name in CFR:
        return declared(module_file(CFR[name].module), constant)
    if role == "method" and name in METHODS:
        return declared(module_file(f"planners.learning.methods.{name.replace('-', '_')}"), constant)
    if role == "planner":
        entry = declared(module_file("planners.catalogue"), "PLANNERS").get(name, "")
        module = next((part for part in entry.replace("'", '"').split('"') if part.startswith("planners.")), "")
        return declared(module_file(module), constant) if module else {}
    return {}


def _of_chains(world: Any) -> dict[str, str]:
    """Return the parameters of what positions of `world` come from."""
    from workbench.catalogue.shipped import CHAINS

    return declared(module_file(CHAINS[world]), "PARAMS") if world in CHAINS else {}


def _assigned(params: Mapping[str, str]) -> list[Any]:
    return [CompletionItem(f"{name}={value}", help="default") for name, value in params.items()]


OFFERS: dict[str, Offer] = {  # parameter, or command and parameter
    "game": _any_of(games, files=True),
    "games": _listed(games, suites),
    "exploit game": lambda ctx, incomplete: [*complete_runs(incomplete, ["solve"]), *_items(games())],
    "distill params": lambda ctx, _: _assigned(_of_chains(ctx.params.get("world"))),
    "compare games": _any_of(suites, games, worlds, files=True),
    "games game": _any_of(games, suites, worlds),
    "env": _any_of(worlds, files=True),
    "distill world": _any_of(worlds),
    "play-lm world": _any_of(worlds),
    "world": _options,
    "algo": _any_of(algorithms, files=True),
    "algos": _listed(algorithms),
    "algos name": _any_of(algorithms, meta_solvers, planners, methods, files=True),
    "train": _any_of(meta_solvers, files=True),
    "eval": _any_of(meta_solvers, files=True),
    "planner": _any_of(planners, files=True),
    "planners": _listed(planners),
    "method": _any_of(methods, files=True),
    "methods": _listed(methods),
    "policy": _any_of(policies),
    "value": _any_of(policies),
    "params": _parameters,
    "task": _any_of(tasks, files=True),
    "task_name": _any_of(tasks, files=True),
    "source": lambda ctx, incomplete: [*complete_runs(incomplete, ["solve"]), *_items(games())],
    "resume": lambda ctx, incomplete: complete_runs(incomplete, ["solve"]),
}
