"""Dead code: statements whose effect nobody can see, and memory that is written but never read."""

import ast
from collections.abc import Callable, Iterator

from workbench.discovery.genome.check import words

PURE_BUILTINS = words("abs bool divmod float int len max min pow range round sum enumerate zip reversed")
PURE_VOCABULARY = words(
    "discount ramp ema safe_divide safe_power safe_exp safe_log1p safe_sqrt largest_in highest_in lowest_in mean_in positive_in"
)
WRITING_NUMPY = words("copyto put place putmask fill_diagonal put_along_axis shuffle seed random")


def drop_dead_code(function: ast.FunctionDef) -> None:
    """Remove, in place, what has no effect: unused locals, empty branches and loops, statements after a return."""
    while True:
        loaded = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        if not _sweep(function, lambda node, loaded=loaded: _reduced(node, loaded)):  # type: ignore[misc]
            return


def drop_dead_registers(tree: ast.Module, registers: set[str]) -> None:
    """Remove, in place, all writing to registers of `state` that are read for nothing but writing them again."""
    if not registers:
        return
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    live: set[str] = set()
    for function in functions:
        known = aliases_of(function)
        reads = _reads(function, known)
        live |= {name for name, by in reads if by != name}
    dead = registers - live
    for function in functions if dead else ():
        known = aliases_of(function)
        _sweep(function, lambda node, known=known: [] if _written(node, known) in dead else [node])  # type: ignore[misc]


def is_pure(node: ast.AST) -> bool:
    """Return whether evaluating the expression changes nothing."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            if any(keyword.arg == "out" for keyword in call.keywords):
                return False
            name = ast.unparse(call.func)
            module, _, member = name.partition(".")
            if module in ("np", "numpy", "math") and member:
                if member.split(".")[0] in WRITING_NUMPY:
                    return False
            elif name not in PURE_BUILTINS and name not in PURE_VOCABULARY:
                return False
        elif isinstance(call, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)):
            return False
    return True


def blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield every list of statements under `node`, inner ones first."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            for statement in block:
                yield from blocks(statement)
            yield block


def _sweep(function: ast.FunctionDef, keep: Callable[[ast.stmt], list[ast.stmt]]) -> bool:
    """Replace every statement by what `keep` returns; return whether anything changed."""
    changed = False
    for block in blocks(function):
        kept: list[ast.stmt] = []
        for statement in block:
            kept += keep(statement)
            if isinstance(statement, (ast.Return, ast.Continue, ast.Break, ast.Raise)):
                break
        full = [statement for statement in kept if not isinstance(statement, ast.Pass)]
        full = full or ([ast.Pass()] if block else [])
        same = [a is b or (isinstance(a, ast.Pass) and isinstance(b, ast.Pass)) for a, b in zip(full, block, strict=False)]
        if len(full) != len(block) or not all(same):
            block[:] = full
            changed = True
    for node in ast.walk(function) if changed else ():
        if isinstance(node, (ast.If, ast.For, ast.While)) and node.orelse and _is_empty(node.orelse):
            node.orelse = []
    return changed


def _reduced(node: ast.stmt, loaded: set[str]) -> list[ast.stmt]:
    """Return what of a statement has to stay."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Name):
            return [] if target.id not in loaded and is_pure(node.value) else [node]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) and len(target.elts) == len(node.value.elts):
            return _used_pairs(node, target.elts, node.value.elts, loaded)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        return [] if node.target.id not in loaded and is_pure(node.value) else [node]
    elif isinstance(node, ast.Expr):
        return [] if is_pure(node.value) else [node]
    elif isinstance(node, ast.If) and _is_empty(node.body) and (not node.orelse or _is_empty(node.orelse)):
        return [] if is_pure(node.test) else [node]
    elif isinstance(node, ast.For) and _is_empty(node.body) and not node.orelse and is_pure(node.iter):
        return []
    return [node]


def _used_pairs(node: ast.Assign, targets: list[ast.expr], values: list[ast.expr], loaded: set[str]) -> list[ast.stmt]:
    kept = [
        (target, value)
        for target, value in zip(targets, values, strict=True)
        if not (isinstance(target, ast.Name) and target.id not in loaded and is_pure(value))
    ]
    if len(kept) == len(targets):
        return [node]
    if len(kept) == 1:
        return [ast.copy_location(ast.Assign([kept[0][0]], kept[0][1]), node)]
    if not kept:
        return []
    made = ast.Assign([ast.Tuple([t for t, _ in kept], ast.Store())], ast.Tuple([v for _, v in kept], ast.Load()))
    return [ast.copy_location(made, node)]


def _is_empty(block: list[ast.stmt]) -> bool:
    return all(isinstance(node, ast.Pass) for node in block)


def aliases_of(function: ast.FunctionDef) -> dict[str, str]:
    """Return the local names that stand for registers, such as ``trend`` after ``trend = state.trend``."""
    found: dict[str, str] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            pairs = (
                zip(target.elts, value.elts, strict=False)
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                else [(target, value)]
            )
            for name, given in pairs:
                if isinstance(name, ast.Name) and (register := _register(given, {})):
                    found[name.id] = register
    return found


def _register(node: ast.AST, aliases: dict[str, str]) -> str | None:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "state":
        return node.attr
    return aliases.get(node.id) if isinstance(node, ast.Name) else None


def _written(statement: ast.stmt, aliases: dict[str, str]) -> str | None:
    """Return the register that an assignment to one of its entries writes."""
    target = (
        statement.targets[0]
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1
        else statement.target
        if isinstance(statement, ast.AugAssign)
        else None
    )
    return _register(target.value, aliases) if isinstance(target, ast.Subscript) and is_pure(statement) else None


def _reads(function: ast.FunctionDef, aliases: dict[str, str]) -> set[tuple[str, str | None]]:
    """Return pairs (register, register written by the statement that mentions it); definitions of aliases do not count."""
    found: set[tuple[str, str | None]] = set()

    def visit(node: ast.AST, owner: str | None) -> None:
        if isinstance(node, ast.stmt):
            owner = _written(node, aliases)
            if isinstance(node, ast.Assign) and not owner and _onlyaliases_of(node, aliases):
                return
        register = _register(node, aliases)
        if register and not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)):
            found.add((register, owner))
        for child in ast.iter_child_nodes(node):
            visit(child, owner)

    for statement in function.body:
        visit(statement, None)
    return found


def _onlyaliases_of(node: ast.Assign, aliases: dict[str, str]) -> bool:
    target = node.targets[0]
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    return all(isinstance(name, ast.Name) and name.id in aliases for name in names)
