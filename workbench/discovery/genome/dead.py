"""Dead code: statements whose effect nobody can see, and memory that is written but never read."""

import ast
from collections.abc import Callable, Iterator

from workbench.discovery.genome.check import words

PURE_BUILTINS = words("abs bool divmod float int len max min pow range round sum enumerate zip reversed")
PURE_VOCABULARY = words(
    "discount ramp ema safe_divide safe_power safe_exp safe_log1p safe_sqrt largest_in highest_in lowest_in mean_in positive_in"
)
PURE_NUMPY = {  # with so many arguments at most: a further one by position would be written to
    **dict.fromkeys(words(
        "abs absolute fabs exp expm1 log log1p log2 log10 sqrt square sign floor ceil rint negative reciprocal isnan isinf "
        "isfinite sin cos tan sinh cosh tanh sort float64 int64 int32 bool_ zeros_like ones_like empty_like"
    ), 1),
    **dict.fromkeys(words(
        "add subtract multiply divide true_divide power float_power maximum minimum fmax fmin hypot mod copysign greater less "
        "greater_equal less_equal equal not_equal logical_and logical_or dot sum prod mean std var median max min amax amin argmax "
        "argmin any all cumsum cumprod round full full_like zeros ones empty asarray array"
    ), 2),
    **dict.fromkeys(words("where clip arange linspace"), 3),
}  # fmt: skip
_MODULES = {"np": "numpy", "numpy": "numpy", "math": "math"}  # what these names must stand for
_FRESH = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare)  # expressions whose value is nobody else's array
NOTHING: frozenset[str] = frozenset()


def own_names(tree: ast.Module) -> frozenset[str]:
    """Return the names that stand for something of the program's own, whatever they mean elsewhere."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.Import):
            found |= {a.asname or a.name for a in node.names if _MODULES.get(a.asname or a.name) != a.name}
        elif isinstance(node, ast.ImportFrom):
            found |= {a.asname or a.name for a in node.names if node.module != "solvers.rule" or a.asname not in (None, a.name)}
    return frozenset(found)


def drop_dead_code(function: ast.FunctionDef, own: frozenset[str] = NOTHING) -> None:
    """Remove, in place, what has no effect: unused locals, empty branches and loops, statements after a return.

    `own` are names that may stand for anything (`own_names`).
    """
    while True:
        loaded = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        fresh = _fresh_names(function)
        if not _sweep(function, lambda node, loaded=loaded, fresh=fresh: _reduced(node, loaded, fresh, own)):  # type: ignore[misc]
            return


def drop_dead_registers(tree: ast.Module, registers: set[str], own: frozenset[str] = NOTHING) -> None:
    """Remove, in place, all writing to registers of `state` that are read for nothing but writing them again."""
    known_uses = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    handed_on = any(isinstance(node, ast.Name) and node.id == "state" and id(node) not in known_uses for node in ast.walk(tree))
    if not registers or handed_on:  # who gets all of the memory may read all of it
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
        _sweep(function, lambda node, known=known: [] if _written(node, known, own) in dead else [node])  # type: ignore[misc]


def is_pure(node: ast.AST, own: frozenset[str] = NOTHING) -> bool:
    """Return whether evaluating the expression changes nothing; names in `own` may stand for anything."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            if any(keyword.arg == "out" for keyword in call.keywords):
                return False
            name = ast.unparse(call.func)
            module, _, member = name.partition(".")
            if module in own or any(isinstance(argument, ast.Starred) for argument in call.args):
                return False
            if module in ("np", "numpy"):
                if len(call.args) > PURE_NUMPY.get(member, -1):
                    return False
            elif module != "math" and name not in PURE_BUILTINS and name not in PURE_VOCABULARY:
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


def _reduced(node: ast.stmt, loaded: set[str], fresh: set[str], own: frozenset[str]) -> list[ast.stmt]:
    """Return what of a statement has to stay."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Name):
            return [] if target.id not in loaded and is_pure(node.value, own) else [node]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) and len(target.elts) == len(node.value.elts):
            return _used_pairs(node, target.elts, node.value.elts, loaded, own)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        unused = node.target.id not in loaded and node.target.id in fresh  # else it may be another name of an array
        return [] if unused and is_pure(node.value, own) else [node]
    elif isinstance(node, ast.Expr):
        return [] if is_pure(node.value, own) else [node]
    elif isinstance(node, ast.If) and _is_empty(node.body) and (not node.orelse or _is_empty(node.orelse)):
        return [] if is_pure(node.test, own) else [node]
    elif isinstance(node, ast.For) and _is_empty(node.body) and not node.orelse and is_pure(node.iter, own):
        counted = {inner.id for inner in ast.walk(node.target) if isinstance(inner, ast.Name)}
        return [node] if counted & loaded or not isinstance(node.target, ast.Name | ast.Tuple) else []
    return [node]


def _used_pairs(
    node: ast.Assign, targets: list[ast.expr], values: list[ast.expr], loaded: set[str], own: frozenset[str]
) -> list[ast.stmt]:
    kept = [
        (target, value)
        for target, value in zip(targets, values, strict=True)
        if not (isinstance(target, ast.Name) and target.id not in loaded and is_pure(value, own))
    ]
    if len(kept) == len(targets):
        return [node]
    if len(kept) == 1:
        return [ast.copy_location(ast.Assign([kept[0][0]], kept[0][1]), node)]
    if not kept:
        return []
    made = ast.Assign([ast.Tuple([t for t, _ in kept], ast.Store())], ast.Tuple([v for _, v in kept], ast.Load()))
    return [ast.copy_location(made, node)]


def _fresh_names(function: ast.FunctionDef) -> set[str]:
    """Return the locals that are never another name of an array: what is added to them in place is seen nowhere else."""
    made: set[str] = set()
    other = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    known: set[int] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            known.add(id(node.targets[0]))
            (made if isinstance(node.value, _FRESH) else other).add(node.targets[0].id)
        elif isinstance(node, ast.AugAssign):
            known.add(id(node.target))
    other |= {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and id(node) not in known
    }
    return made - other


def _is_empty(block: list[ast.stmt]) -> bool:
    return all(isinstance(node, ast.Pass) for node in block)


def aliases_of(function: ast.FunctionDef) -> dict[str, str]:
    """Return the local names that stand for registers, such as ``trend`` after ``trend = state.trend``, and for nothing else."""
    found: dict[str, str] = {}
    bound = [node.id for node in ast.walk(function) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)]
    bound += [node.arg for node in ast.walk(function) if isinstance(node, ast.arg)]
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            pairs = (
                zip(target.elts, value.elts, strict=False)
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                else [(target, value)]
            )
            for name, given in pairs:
                if isinstance(name, ast.Name) and bound.count(name.id) == 1 and (register := _register(given, {})):
                    found[name.id] = register
    return found


def _register(node: ast.AST, aliases: dict[str, str]) -> str | None:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "state":
        return node.attr
    return aliases.get(node.id) if isinstance(node, ast.Name) else None


def _written(statement: ast.stmt, aliases: dict[str, str], own: frozenset[str] = NOTHING) -> str | None:
    """Return the register that an assignment to one of its entries writes."""
    target = (
        statement.targets[0]
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1
        else statement.target
        if isinstance(statement, ast.AugAssign)
        else None
    )
    return _register(target.value, aliases) if isinstance(target, ast.Subscript) and is_pure(statement, own) else None


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
