"""The static check: what a program may say before any of it is executed.

It keeps honest mistakes and simple tricks out of the engine; what contains a hostile program is the isolation, not this check.
"""

import ast
import math
from collections.abc import Callable, Collection, Mapping

from workbench.discovery.genome.bound import bound_names, unbound_names
from workbench.discovery.genome.names import Found, Names, attributes, imports, words

BUILTINS = words(
    "abs all any bool dict divmod enumerate filter float frozenset int isinstance len list map max min object pow range reversed "
    "round set slice sorted str sum tuple zip property staticmethod classmethod super "
    "ArithmeticError Exception IndexError KeyError OverflowError TypeError ValueError ZeroDivisionError"
)
SPECIAL = words("__init__ __call__ __len__ __getitem__ __post_init__")  # methods that a class may define
_DECORATORS = ("njit", "numba.njit", "dataclass", "dataclasses.dataclass")
SIZE_LIMIT = 60_000  # characters
NODE_LIMIT = 12_000
DEPTH_LIMIT = 150  # what reads syntax trees goes down into them
LARGEST = 2**63 - 1
NOTHING: Mapping[str, tuple[str, ...]] = {}
_REFUSED = {
    ast.Global: "global", ast.Nonlocal: "nonlocal", ast.With: "with", ast.AsyncFor: "async", ast.AsyncFunctionDef: "async",
    ast.AsyncWith: "async", ast.Await: "await", ast.Yield: "yield", ast.YieldFrom: "yield", ast.Delete: "del", ast.Match: "match",
}  # fmt: skip


def problems(
    source: str,
    functions: Mapping[str, tuple[str, ...]],
    *,
    optional: Mapping[str, tuple[str, ...]] = NOTHING,
    tables: Collection[str] = ("PARAMS",),
    state_kinds: Collection[str] = (),
    classes: Collection[str] = (),
) -> list[str]:
    """Return what is wrong with a program, one line each with its place; empty if nothing is. Nothing is executed.

    Parameters
    ----------
    source : str
    functions : mapping
        The functions that the program must define, with the names of their arguments.
    optional : mapping
        Those that it may define, alike.
    tables : collection of str
        Module-level dictionaries of hyper-parameters: names to float, int, bool or str.
    state_kinds : collection of str
        Legal values in STATE.
    classes : collection of str
        Classes of the published interface; a program that defines one of them is held to these instead of `functions`.
    """
    if len(source) > SIZE_LIMIT:
        return [f"line 1: {len(source)} characters; at most {SIZE_LIMIT} are allowed"]
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return [f"line {error.lineno or 1}: not valid Python: {error.msg}"]
    except (ValueError, RecursionError, MemoryError, SystemError) as error:
        return [f"line 1: not valid Python: {str(error).strip() or type(error).__name__}"]
    without_annotations(tree)
    nodes, depth = _measured(tree)
    if len(nodes) > NODE_LIMIT:
        return [f"line 1: {len(nodes)} syntax nodes; at most {NODE_LIMIT} are allowed"]
    if depth > DEPTH_LIMIT:
        return [f"line 1: nested {depth} deep; at most {DEPTH_LIMIT} are allowed"]
    for node in nodes:
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value > LARGEST:
            return [f"line {node.lineno}: a whole number of {node.value.bit_length()} bits; at most 63 are allowed"]
    class_form = any(isinstance(node, ast.ClassDef) and node.name in classes for node in tree.body)
    found = [*imports(nodes), *attributes(nodes), *_words(tree, nodes), *_module_level(tree, nodes, class_form)]
    if class_form:
        present = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
        found += [(1, f"class {name} is missing") for name in classes if name not in present]
    else:
        found += [*_signatures(tree, functions, optional), *_tables(tree, tables, state_kinds)]
    return [f"line {line}: {what}" for line, what in sorted(set(found))]


def _measured(tree: ast.Module) -> tuple[list[ast.AST], int]:
    """Return all nodes, and how deep they are nested."""
    found: list[ast.AST] = []
    row: list[ast.AST] = [tree]
    depth = 0
    while row:
        found += row
        row, depth = [child for node in row for child in ast.iter_child_nodes(node)], depth + 1
    return found, depth


def _words(tree: ast.Module, nodes: list[ast.AST]) -> Found:
    """Find forbidden statements and unknown names."""
    for node in nodes:
        if type(node) in _REFUSED:
            yield getattr(node, "lineno", 1), f"the statement {_REFUSED[type(node)]!r} is not allowed"
    for name in unbound_names(tree, BUILTINS):
        yield name.lineno, f"the name {name.id!r} is neither defined here nor allowed"
    for word in bound_names(nodes):
        if (word.startswith("__") and word not in SPECIAL) or word in ("eval", "exec", "open", "compile", "getattr", "setattr"):
            yield 1, f"the name {word!r} is not allowed"


def _module_level(tree: ast.Module, nodes: list[ast.AST], class_form: bool) -> Found:
    names = Names(nodes)
    bound = bound_names([node for node in nodes if not isinstance(node, ast.alias)])

    def meant(decorator: ast.expr) -> str:
        """Return what a decorator is, by the import that its name comes from, or as a builtin; neither may be bound to another."""
        if isinstance(decorator, ast.Name) and (decorator.id in bound or decorator.id not in names.taken):
            return decorator.id if decorator.id not in bound else ""
        return (names.object(decorator) or "").rpartition(".")[2] if ast.unparse(decorator) in _DECORATORS else ""

    for place, node in enumerate(tree.body):
        if isinstance(node, ast.ClassDef) and class_form:
            for decorator in node.decorator_list:
                if meant(decorator) != "dataclass":
                    yield node.lineno, f"{node.name} has a decorator other than dataclass"
            if node.keywords or not all(isinstance(base, ast.Name | ast.Attribute) for base in node.bases):
                yield node.lineno, f"{node.name} has a base class that is no name"
            for inner, item in enumerate(node.body):
                yield from _definition(item, inner, class_form, meant)
        else:
            yield from _definition(node, place, class_form, meant)


def _definition(node: ast.stmt, place: int, class_form: bool, meant: Callable[[ast.expr], str]) -> Found:
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass)) or (place == 0 and is_docstring(node)):
        return
    if isinstance(node, ast.FunctionDef):
        if getattr(node, "type_params", None):
            yield node.lineno, f"{node.name} has type parameters, which are not allowed"
        legal = ("njit", "property", "staticmethod", "classmethod") if class_form else ("njit",)
        for decorator in node.decorator_list:
            if meant(decorator) not in legal:
                yield (
                    node.lineno,
                    f"{node.name} has the decorator {ast.unparse(decorator)}; legal is {', '.join(legal)} without arguments",
                )
        for default in [*node.args.defaults, *[d for d in node.args.kw_defaults if d is not None]]:
            if literal(default) is _NONE:
                yield node.lineno, f"{node.name} has a default that is no literal"
        return
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if all(isinstance(target, ast.Name) for target in targets) and (node.value is None or literal(node.value) is not _NONE):
            return
        yield node.lineno, "an assignment outside functions must give a name a literal value"
        return
    yield node.lineno, "outside functions only imports, literal assignments and function definitions are allowed"


def _signatures(tree: ast.Module, functions: Mapping[str, tuple[str, ...]], optional: Mapping[str, tuple[str, ...]]) -> Found:
    defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name, arguments in {**functions, **optional}.items():
        if name not in defined and name in optional:
            continue
        if name not in defined:
            yield 1, f"function {name}({', '.join(arguments)}) is missing"
            continue
        given = [argument.arg for argument in defined[name].args.args]
        if tuple(given) != tuple(arguments) or defined[name].args.vararg or defined[name].args.kwonlyargs:
            yield defined[name].lineno, f"{name} takes ({', '.join(given)}); it must take ({', '.join(arguments)})"


def _tables(tree: ast.Module, tables: Collection[str], kinds: Collection[str]) -> Found:
    for name, node in table_nodes(tree, (*tables, "STATE")).items():
        table = literal(node)
        if not isinstance(table, dict):
            yield node.lineno, f"{name} is not a dictionary"
            continue
        for key, value in table.items():
            if not isinstance(key, str) or not key.isidentifier() or key.startswith("_"):
                yield node.lineno, f"{name} has the key {key!r}; keys are identifiers that do not start with an underscore"
            elif name == "STATE":
                if kinds and value not in kinds:
                    yield node.lineno, f"STATE[{key!r}] is {value!r}; legal are {', '.join(map(repr, kinds))}"
            elif not isinstance(value, (bool, int, float, str)) or (isinstance(value, float) and not math.isfinite(value)):
                yield node.lineno, f"{name}[{key!r}] is {value!r}; values are finite float, int, bool or str"
    present = table_nodes(tree, tables)
    for name in tables:
        if name not in present:
            yield 1, f"{name} is missing: write {name} = {{}} or a dictionary of names and defaults"


def without_annotations(tree: ast.Module) -> ast.Module:
    """Return `tree` with no annotation but ``object``, for the fields of classes, changed in place: others are never evaluated."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        for name in ("body", "orelse", "finalbody"):
            statements = getattr(node, name, None)
            if isinstance(statements, list):
                plain = [_plain(item, in_class=isinstance(node, ast.ClassDef)) for item in statements]
                kept = [item for item in plain if item is not None]
                if len(kept) < len(statements) and not kept and name == "body" and not isinstance(node, ast.Module):
                    kept = [ast.copy_location(ast.Pass(), statements[0])]
                setattr(node, name, kept)
    return tree


def _plain(node: ast.stmt, *, in_class: bool) -> ast.stmt | None:
    if not isinstance(node, ast.AnnAssign):
        return node
    if in_class and not any("ClassVar" in (getattr(n, "id", ""), getattr(n, "attr", "")) for n in ast.walk(node.annotation)):
        node.annotation = ast.copy_location(ast.Name("object", ast.Load()), node)
        return node
    return None if node.value is None else ast.copy_location(ast.Assign([node.target], node.value), node)


_NONE = object()


def literal(node: ast.expr) -> object:
    """Return the value of a literal, or a mark of its own for anything else (`check._NONE`)."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _NONE


def is_docstring(node: ast.stmt) -> bool:
    """Return whether the statement is a bare string."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def table_nodes(tree: ast.Module, names: Collection[str]) -> dict[str, ast.expr]:
    """Return the value nodes of the module-level assignments to `names`."""
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id in names:
                found[target.id] = node.value
    return found
