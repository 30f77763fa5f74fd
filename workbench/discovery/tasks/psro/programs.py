"""The programs that a search for meta-strategy solvers starts from: the shipped ones, and two with all their steps in the open."""

import ast
from copy import deepcopy
from functools import cache
from importlib.resources import files

from solvers.psro.catalogue import SOLVERS
from workbench.discovery.genome.canonical import canonical

FUNCTIONS = {"train": ("meta", "iteration", "params"), "evaluate": ("meta", "iteration", "params")}


@cache
def known() -> dict[str, str]:
    """Return the shipped solvers that are compiled by name, uniform first, as programs.

    Those in plain Python solve two-player games, or small meta-games, only.
    """
    shipped = {name: f"{module.rpartition('.')[2]}.py" for name, (module, _) in SOLVERS.items()}
    texts = {name: (files("solvers.psro.solvers") / file).read_text() for name, file in shipped.items()}
    return {name: program(text) for name, text in texts.items() if _is_compiled(text)}


@cache
def seeds() -> dict[str, str]:
    """Return all programs to start from; the first is the default, uniform in a form that mutation can make something of."""
    here = files("workbench.discovery.tasks.psro.seeds")
    opened = {name: program((here / f"{name}.py").read_text()) for name in ("uniform", "skeleton")}
    return opened | {name: source for name, source in known().items() if name not in opened}


def _is_compiled(text: str) -> bool:
    train = next(node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == "train")
    return [argument.arg for argument in train.args.args] == [*FUNCTIONS["train"]]


def program(source: str) -> str:
    """Return a solver's file in normal form, with what `train` and `evaluate` share written out for each."""
    tree = ast.parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    body: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in functions:
            copy = deepcopy(functions[node.value.id])
            copy.name = ast.unparse(node.targets[0])
            body.append(copy)
        elif isinstance(node, ast.Assign):
            body += [ast.Assign([target], deepcopy(node.value)) for target in node.targets]
        else:
            body.append(node)
    tables = {ast.unparse(target) for node in body if isinstance(node, ast.Assign) for target in node.targets}
    body += [ast.parse(f"{name} = {{}}").body[0] for name in ("TRAIN", "EVAL") if name not in tables]
    return canonical(ast.unparse(ast.fix_missing_locations(ast.Module(body, []))), FUNCTIONS)
