"""The places of a function that mutation may change, and what can be read there.

A place holds a number or a condition. Names that index arrays or bound loops are left alone, with whatever computes them.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from workbench.discovery.genome.dead import aliases_of
from workbench.discovery.genome.grammar import Grammar, Part

NUMERIC_BUILTINS = ("abs", "max", "min", "float")


@dataclass(frozen=True)
class Scope:
    """What can be read at a place: arrays by kind, the indices in reach by kind, local numbers, and the loops around it."""

    function: ast.FunctionDef
    part: Part
    arrays: Mapping[str, str]
    indices: Mapping[str, str] = field(default_factory=dict)
    locals: tuple[str, ...] = ()
    loops: tuple[ast.For, ...] = ()

    def readings(self) -> list[str]:
        """Return all numbers that can be read here, as texts."""
        entries = [f"{name}[{self.indices[kind]}]" for name, kind in self.arrays.items() if kind in self.indices]
        return [*entries, *self.part.numbers, *self.locals]


@dataclass(frozen=True)
class Site:
    """A number or a condition: the field of `holder` that has it, the statement, and the nodes above it in the expression."""

    holder: ast.AST
    field: str
    place: int | None
    condition: bool
    statement: ast.stmt
    block: list[ast.stmt]
    above: tuple["Site", ...]
    scope: Scope

    @property
    def node(self) -> ast.expr:
        """Return what is there now."""
        found = getattr(self.holder, self.field)
        value: ast.expr = found if self.place is None else found[self.place]
        return value

    def put(self, node: ast.expr) -> None:
        """Replace it."""
        if self.place is None:
            setattr(self.holder, self.field, node)
        else:
            getattr(self.holder, self.field)[self.place] = node


def sites(function: ast.FunctionDef, grammar: Grammar, registers: Mapping[str, str]) -> list[Site]:
    """Return the places of `function` in order; `registers` are the kinds of the program's memory."""
    part = grammar.functions[function.name]
    arrays = dict(part.arrays)
    for name, register in aliases_of(function).items():
        if register in registers:
            arrays[name] = registers[register]
    guarded = index_names(function) | part.fixed
    kinds = {**arrays, **_index_arrays(function, part)}
    scope = Scope(function, part, arrays)
    return list(_in_block(function.body, scope, grammar, guarded, kinds))


def index_names(function: ast.FunctionDef) -> set[str]:
    """Return the names that index arrays or bound loops, directly or through other names."""
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.For):
            found |= _loaded(node.iter) | _loaded(node.target)
        elif isinstance(node, ast.Subscript):
            found |= _loaded(node.slice)
    makers: list[tuple[set[str], set[str]]] = []
    for node in ast.walk(function):
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {name for target in targets if not isinstance(target, ast.Subscript) for name in _loaded(target)}
            if names:
                makers.append((names, _loaded(node.value)))
    while True:
        more = found.union(*(used for names, used in makers if names & found))
        if more == found:
            return found
        found = more


def _loaded(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _index_arrays(function: ast.FunctionDef, part: Part) -> dict[str, str]:
    """Return the kinds of index arrays by the texts that stand for them in this function."""
    found = dict(part.indices)
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            pairs = (
                zip(target.elts, value.elts, strict=False)
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                else [(target, value)]
            )
            for name, given in pairs:
                if isinstance(name, ast.Name) and isinstance(given, ast.Attribute) and ast.unparse(given) in part.indices:
                    found[name.id] = part.indices[ast.unparse(given)]
    return found


def _kind_of_loop(loop: ast.For, kinds: Mapping[str, str]) -> str | None:
    if isinstance(loop.target, ast.Name):
        for node in ast.walk(loop):
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name) and node.slice.id == loop.target.id:
                kind = kinds.get(ast.unparse(node.value))
                if kind is not None:
                    return kind
    return None


def _in_block(block: list[ast.stmt], scope: Scope, grammar: Grammar, guarded: set[str], kinds: Mapping[str, str]) -> Iterator[Site]:
    for statement in list(block):
        if isinstance(statement, ast.For):
            inner = scope
            kind = _kind_of_loop(statement, kinds)
            if kind is not None and isinstance(statement.target, ast.Name):
                inner = replace(scope, indices={**scope.indices, kind: statement.target.id})
            yield from _in_block(statement.body, replace(inner, loops=(*scope.loops, statement)), grammar, guarded, kinds)
            continue
        yield from _in_statement(statement, block, scope, grammar, guarded)
        if isinstance(statement, ast.If):
            yield from _in_block(statement.body, scope, grammar, guarded, kinds)
            yield from _in_block(statement.orelse, scope, grammar, guarded, kinds)
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            known = {*guarded, *scope.locals, *scope.arrays}
            if isinstance(target, ast.Name) and target.id not in known and _is_number(statement.value, scope):
                scope = replace(scope, locals=(*scope.locals, target.id))


def _is_number(node: ast.expr, scope: Scope) -> bool:
    """Return whether an assigned value is taken for a number: arithmetic, or an entry of an array."""
    if isinstance(node, ast.Subscript):
        return not isinstance(node.slice, ast.Slice)
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == "params"
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in NUMERIC_BUILTINS or bool(node.args)
    if isinstance(node, ast.Name):
        return node.id in scope.locals or node.id in scope.part.numbers
    return isinstance(node, (ast.BinOp, ast.UnaryOp, ast.IfExp, ast.Constant))


def _in_statement(statement: ast.stmt, block: list[ast.stmt], scope: Scope, grammar: Grammar, guarded: set[str]) -> Iterator[Site]:
    def start(holder: ast.AST, name: str, condition: bool = False, place: int | None = None) -> Iterator[Site]:
        yield from _inside(Site(holder, name, place, condition, statement, block, (), scope), grammar)

    if isinstance(statement, (ast.Assign, ast.AugAssign)):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        if isinstance(target, ast.Name) and (target.id in guarded or target.id in scope.arrays):
            return
        if isinstance(target, ast.Tuple):
            if not isinstance(statement.value, ast.Tuple) or len(statement.value.elts) != len(target.elts):
                return
            for place, (name, value) in enumerate(zip(target.elts, statement.value.elts, strict=True)):
                known = isinstance(name, ast.Name) and (name.id in guarded or name.id in scope.arrays)
                if not known and _is_number(value, scope):
                    yield from start(statement.value, "elts", False, place)
        elif isinstance(target, ast.Subscript) or _is_number(statement.value, scope):
            yield from start(statement, "value")
    elif isinstance(statement, ast.If):
        yield from start(statement, "test", True)
    elif isinstance(statement, ast.Return) and statement.value is not None and _is_number(statement.value, scope):
        yield from start(statement, "value")
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        for place in grammar.arguments.get(ast.unparse(statement.value.func), ()):
            if place < len(statement.value.args):
                yield from start(statement.value, "args", False, place)


def _inside(site: Site, grammar: Grammar) -> Iterator[Site]:
    """Yield the site and those inside it."""
    yield site
    node = site.node

    def go(name: str, condition: bool = False, place: int | None = None) -> Iterator[Site]:
        yield from _inside(
            replace(site, holder=node, field=name, place=place, condition=condition, above=(*site.above, site)), grammar
        )

    if isinstance(node, ast.BinOp):
        yield from go("left")
        yield from go("right")
    elif isinstance(node, ast.UnaryOp):
        yield from go("operand", isinstance(node.op, ast.Not))
    elif isinstance(node, ast.IfExp):
        yield from go("test", True)
        yield from go("body")
        yield from go("orelse")
    elif isinstance(node, ast.Compare):
        yield from go("left")
        for place in range(len(node.comparators)):
            yield from go("comparators", False, place)
    elif isinstance(node, ast.BoolOp):
        for place in range(len(node.values)):
            yield from go("values", True, place)
    elif isinstance(node, ast.Call) and not node.keywords:
        name = ast.unparse(node.func)
        if name in NUMERIC_BUILTINS:
            places: tuple[int, ...] = tuple(range(len(node.args)))
        else:
            places = grammar.arguments.get(name, ())
        for place in places:
            if place < len(node.args):
                yield from go("args", False, place)
