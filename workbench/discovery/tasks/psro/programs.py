"""The programs that a search for meta-strategy solvers starts from: the shipped ones, and two with all their steps in the open."""

import ast
from copy import deepcopy
from functools import cache
from importlib.resources import files

from solvers.psro.catalogue import SOLVERS
from workbench.discovery.genome.canonical import canonical

FUNCTIONS = {"train": ("meta", "iteration", "params"), "evaluate": ("meta", "iteration", "params")}
IN_PYTHON = ("nash", "alpharank")  # which solve two-player games, or small meta-games, only


@cache
def known() -> dict[str, str]:
    """Return the shipped solvers by name, uniform first, as programs."""
    names = [name for name in SOLVERS if name not in IN_PYTHON]
    return {
        name: program((files("solvers.psro.solvers") / f"{SOLVERS[name][0].rpartition('.')[2]}.py").read_text()) for name in names
    }


@cache
def seeds() -> dict[str, str]:
    """Return all programs to start from; the first is the default, uniform in a form that mutation can make something of."""
    here = files("workbench.discovery.tasks.psro.seeds")
    opened = {name: program((here / f"{name}.py").read_text()) for name in ("uniform", "skeleton")}
    return opened | {name: source for name, source in known().items() if name not in opened}


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
