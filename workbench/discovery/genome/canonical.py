"""The normal form of a program, and its division into structure and constants.

Two programs of one canonical source are the same program; two of one structure differ in tunable constants only, which a compiled
program takes at run time. Constants are the floats of the module's dictionaries PARAMS, TRAIN and EVAL; those of PARAMS go by
their name, the others by ``train.name``.
"""

import ast
import hashlib
from collections.abc import Collection, Mapping
from functools import lru_cache

from workbench.discovery.genome.check import is_docstring, literal, table_nodes, without_annotations
from workbench.discovery.genome.dead import drop_dead_code, drop_dead_registers, own_names

TABLES = ("PARAMS", "TRAIN", "EVAL")
PLACEHOLDER = 0.5
_ROUNDS = 10  # until nothing changes any more: two, almost always


def canonical(source: str, functions: Collection[str] | None = None) -> str:
    """Return `source` in normal form: no comments, docstrings, annotations, unused names or dead code; all in order.

    `functions` are those called from outside; others that nothing uses are dropped (None: none are).

    Raises
    ------
    SyntaxError
        If it is not valid Python.
    """
    return _canonical(source, None if functions is None else frozenset(functions))


@lru_cache(maxsize=4096)
def _canonical(source: str, functions: frozenset[str] | None) -> str:
    for _ in range(_ROUNDS):
        made = ast.unparse(normalised(ast.parse(source), functions)) + "\n"
        if made == source:
            break
        source = made
    return source


def normalised(tree: ast.Module, functions: Collection[str] | None = None) -> ast.Module:
    """Return `tree` in normal form, changed in place."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)):
            node.body = [item for item in node.body if not is_docstring(item)] or (
                [] if isinstance(node, ast.Module) else [ast.Pass()]
            )
    without_annotations(tree)
    before = 0
    while (after := sum(1 for _ in ast.walk(tree))) != before:  # each step may make more work for the others
        before = after
        own = own_names(tree)
        drop_dead_registers(tree, _entries(tree, ("STATE",)), own)
        for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
            drop_dead_code(function, own)
        _drop_unused_definitions(tree, functions)
    if _binds_twice(tree):  # the order says which one counts
        return ast.fix_missing_locations(tree)
    imports = _imports(tree)
    others = [node for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom))]
    tables = [node for node in others if isinstance(node, ast.Assign)]
    defined = [node for node in others if isinstance(node, ast.FunctionDef)]
    rest = [node for node in others if not isinstance(node, (ast.Assign, ast.FunctionDef))]
    tree.body = [*imports, *tables, *sorted(defined, key=lambda node: node.name), *rest]
    return ast.fix_missing_locations(tree)


def split(source: str) -> tuple[str, dict[str, float]]:
    """Return the structure, a valid program with a placeholder for every tunable constant, and the constants by name."""
    structure, constants = _split(source)
    return structure, dict(constants)


@lru_cache(maxsize=4096)
def _split(source: str) -> tuple[str, dict[str, float]]:
    tree = ast.parse(canonical(source))
    constants = _constants(tree)
    return _filled(tree, dict.fromkeys(constants, PLACEHOLDER)), constants


def with_constants(source: str, constants: Mapping[str, float]) -> str:
    """Return the canonical source with these values of some of its constants.

    Raises
    ------
    KeyError
        If `source` has no constant of a name.
    """
    tree = ast.parse(canonical(source))
    known = _constants(tree)
    for name in constants:
        if name not in known:
            raise KeyError(name)
    return _filled(tree, constants)


def size(source: str) -> int:
    """Return the number of syntax nodes in the bodies of the canonical source's functions."""
    return count_nodes(ast.parse(canonical(source)))


def count_nodes(tree: ast.Module) -> int:
    """Return the number of syntax nodes in the bodies of functions."""
    return sum(
        not isinstance(node, (ast.expr_context, ast.operator, ast.cmpop, ast.unaryop, ast.boolop))
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for statement in function.body
        for node in ast.walk(statement)
    )


def program_id(source: str) -> str:
    """Return the id of a program: a hash of its canonical source, which `source` must be."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def constant_node(value: float) -> ast.expr:
    """Return the syntax of a number; negative ones as Python reads them."""
    if isinstance(value, float) and str(value).startswith("-"):
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def _constants(tree: ast.Module) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, table in table_nodes(tree, TABLES).items():
        values = literal(table)
        for key, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, float):
                found[key if name == "PARAMS" else f"{name.lower()}.{key}"] = value
    return found


def _filled(tree: ast.Module, constants: Mapping[str, float]) -> str:
    for name, table in table_nodes(tree, TABLES).items():
        assert isinstance(table, ast.Dict)
        prefix = "" if name == "PARAMS" else f"{name.lower()}."
        for place, key in enumerate(table.keys):
            known = prefix + str(key.value) if isinstance(key, ast.Constant) else ""
            if known in constants:
                table.values[place] = constant_node(float(constants[known]))
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _entries(tree: ast.Module, names: Collection[str]) -> set[str]:
    values = [literal(table) for table in table_nodes(tree, names).values()]
    return {str(key) for table in values if isinstance(table, dict) for key in table}


def _drop_unused_definitions(tree: ast.Module, functions: Collection[str] | None) -> None:
    """Drop constants and functions that nothing uses, and table entries whose name is no attribute anywhere; sort tables."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    tree.body = [node for node in tree.body if not _is_unused(node, names, functions)]
    for name, table in table_nodes(tree, (*TABLES, "STATE", "CHOICES")).items():
        if name in names:  # the program looks into it by itself
            continue
        if isinstance(table, ast.Dict) and all(isinstance(key, ast.Constant) for key in table.keys):
            entries = {str(key.value): value for key, value in zip(table.keys, table.values, strict=True)}  # type: ignore[union-attr]
            kept = sorted(key for key in entries if key in attributes)
            table.keys, table.values = [ast.Constant(key) for key in kept], [entries[key] for key in kept]


def _binds_twice(tree: ast.Module) -> bool:
    """Return whether a name gets two meanings at the module's level, one of them perhaps by an import."""
    imported: set[str] = set()
    defined: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.append(node.name)
        elif isinstance(node, ast.Assign):
            defined += [inner.id for target in node.targets for inner in ast.walk(target) if isinstance(inner, ast.Name)]
    return len(set(defined)) < len(defined) or not imported.isdisjoint(defined)


def _is_unused(node: ast.stmt, names: set[str], functions: Collection[str] | None) -> bool:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        name = node.targets[0].id
        return (name == "CHOICES" and literal(node.value) == {}) or (
            name not in (*TABLES, "STATE", "CHOICES", "ITERATE") and name not in names
        )
    return isinstance(node, ast.FunctionDef) and functions is not None and node.name not in functions and node.name not in names


def _imports(tree: ast.Module) -> list[ast.stmt]:
    """Return the imports that are used, merged and sorted."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    plain: set[tuple[str, str | None]] = set()
    taken: dict[str, set[tuple[str, str | None]]] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            plain |= {(a.name, a.asname) for a in node.names if (a.asname or a.name.split(".")[0]) in used}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            taken.setdefault(module, set()).update((a.name, a.asname) for a in node.names if (a.asname or a.name) in used)

    def order(pair: tuple[str, str | None]) -> tuple[str, str]:
        return pair[0], pair[1] or ""

    made: list[ast.stmt] = [ast.Import([ast.alias(name, asname)]) for name, asname in sorted(plain, key=order)]
    for module in sorted(taken):
        if taken[module]:
            made.append(ast.ImportFrom(module, [ast.alias(n, a) for n, a in sorted(taken[module], key=order)], 0))
    return made
