"""What can be taken out of a program: its terms, factors, bounds, branches, statements, constants, memory and parts.

All edits are named by places of one marked syntax tree, so any set of them can be applied together.
"""

import ast
import copy
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.discovery.analysis.folding import fold, is_constant, number, pairs
from workbench.discovery.genome.canonical import TABLES, normalised
from workbench.discovery.genome.check import is_docstring, literal, table_nodes

LARGE = 1e9  # the value of a constant that takes a bound or a saturation away
ROLES = {"train": "TRAIN", "evaluate": "EVAL"}  # functions whose constants have a table of their own
WORDS = 72  # characters of a piece of source in a description


@dataclass(frozen=True)
class Edit:
    """One thing taken out; `words` says what. `marks` are the places, `what` is how each is changed."""

    what: str
    marks: tuple[int, ...]
    words: str
    function: str = ""  # or the table of a constant
    name: str = ""  # of a constant, or of the program whose part is taken
    value: Any = None

    def excludes(self, other: "Edit") -> bool:
        """Return whether both change the same thing."""
        if self.what in ("constant", "part") and self.what == other.what:
            return self.function == other.function and (self.what == "part" or self.name == other.name)
        return bool(set(self.marks) & set(other.marks))


@dataclass
class Marked:
    """A program whose syntax nodes have numbers."""

    tree: ast.Module
    donors: Mapping[str, ast.Module] = field(default_factory=dict)  # plain programs, for parts

    @classmethod
    def of(cls, source: str, donors: Mapping[str, str]) -> "Marked":
        """Return the program with numbers; `donors` are plain programs by name."""
        tree = normalised(ast.parse(source))
        for place, node in enumerate(ast.walk(tree)):
            node.mark = place  # type: ignore[attr-defined]
        return cls(tree, {name: normalised(ast.parse(text)) for name, text in donors.items()})

    def without(self, edits: Collection[Edit], *, keep_constants: bool = False) -> str:
        """Return the source with these edits made and folded, not in normal form.

        With `keep_constants` a changed constant stays a parameter with another value: of the same structure, hence cheap to run.
        """
        tree = copy.deepcopy(self.tree)
        values = {(edit.function, edit.name): edit.value for edit in edits if edit.what == "constant"}
        parts = [edit for edit in edits if edit.what == "part"]
        tree = _Changer({mark: edit for edit in edits for mark in edit.marks}).visit(tree)
        for edit in parts:
            _transplant(tree, edit.function, self.donors[edit.name])
        for name, table in table_nodes(tree, TABLES).items():
            if isinstance(table, ast.Dict):
                keys = [(name, str(key.value)) if isinstance(key, ast.Constant) else ("", "") for key in table.keys]
                table.values = [
                    number(values[key]) if key in values else value for key, value in zip(keys, table.values, strict=True)
                ]
        if not keep_constants:
            tree = fold(_Inliner(values).visit(tree))
        return ast.unparse(ast.fix_missing_locations(_filled(tree))) + "\n"


def find_edits(program: Marked) -> list[Edit]:
    """Return everything that can be taken out of `program`, in the order of its text."""
    found = [*_constants(program), *_parts(program), *_registers(program)]
    for function in _functions(program.tree):
        for statement in function.body:
            found += _in_statement(statement, function.name)
    return found


def _constants(program: Marked) -> Iterator[Edit]:
    choices = _table(program.tree, "CHOICES")
    for table in TABLES:
        prefix = "" if table == "PARAMS" else f"{table.lower()}."
        for name, value in _table(program.tree, table).items():
            if isinstance(value, bool):
                others: list[Any] = [not value]
            elif isinstance(value, (int, float)):
                others = [type(value)(neutral) for neutral in (0, 1, LARGE if value > 0 else -LARGE) if neutral != value]
            else:
                others = [other for other in choices.get(name, ()) if other != value]
            for other in others:
                words = f"{prefix}{name} = {_shown(other)} (was {_shown(value)})"
                yield Edit("constant", (), words, table, name, other)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _parts(program: Marked) -> Iterator[Edit]:
    own = {function.name: function for function in _functions(program.tree)}
    seen = {ast.dump(function) for function in own.values()}
    for name, donor in program.donors.items():
        for part in _functions(donor):
            if part.name in own and ast.dump(part) not in seen:
                seen.add(ast.dump(part))
                yield Edit("part", (), f"{part.name} as in {name}", part.name, name)


def _registers(program: Marked) -> Iterator[Edit]:
    """Memory frozen at its initial value: every statement that writes it goes."""
    for register in _table(program.tree, "STATE"):
        marks: list[int] = []
        for function in _functions(program.tree):
            aliases = _aliases(function, register)
            for node in ast.walk(function):
                if isinstance(node, ast.stmt) and _writes(node, register, aliases):
                    marks.append(node.mark)  # type: ignore[attr-defined]
        if marks:
            yield Edit("delete", tuple(marks), f"memory {register} stays 0")


def _aliases(function: ast.FunctionDef, register: str) -> set[str]:
    return {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and len(node.targets) == 1
        for target, value in pairs(node.targets[0], node.value)
        if isinstance(target, ast.Name) and _is_register(value, register, ())
    }


def _is_register(node: ast.expr, register: str, aliases: Collection[str]) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "state":
        return node.attr == register
    return isinstance(node, ast.Name) and node.id in aliases


def _writes(node: ast.stmt, register: str, aliases: Collection[str]) -> bool:
    if isinstance(node, (ast.Assign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(isinstance(t, ast.Subscript) and _is_register(t.value, register, aliases) for t in targets)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return any(_is_register(argument, register, aliases) for argument in node.value.args)
    return False


def _in_statement(node: ast.stmt, function: str) -> Iterator[Edit]:
    mark: int = node.mark  # type: ignore[attr-defined]
    if isinstance(node, ast.Pass) or is_docstring(node):
        return
    if isinstance(node, ast.If):
        test = short(node.test)
        yield Edit("body", (mark,), f"{function}: always as if {test}", function)
        yield Edit("orelse", (mark,), f"{function}: never {'else' if not node.orelse else 'as'} if {test}", function)
    else:
        yield Edit("delete", (mark,), f"{function}: without {short(node)}", function)
    for name in ("body", "orelse"):
        for child in getattr(node, name, ()):
            yield from _in_statement(child, function)
    whole = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)  # a call for its effect: only what it is given
    for child in ast.iter_child_nodes(node.value if whole else node):  # type: ignore[attr-defined]
        if isinstance(child, ast.expr):
            yield from _in_expression(child, function)


def _in_expression(node: ast.expr, function: str) -> Iterator[Edit]:
    mark = (node.mark,)  # type: ignore[attr-defined]

    def put(what: str, left: ast.expr | str) -> Edit:
        return Edit(what, mark, f"{function}: {short(node)} -> {left if isinstance(left, str) else short(left)}", function)

    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Sub) and is_constant(node.right, 1):  # t - 1 counts from zero, no more
            return
        yield put("left", node.left)
        if isinstance(node.op, ast.Sub):
            yield put("right", ast.UnaryOp(ast.USub(), node.right))
        elif isinstance(node.op, (ast.Add, ast.Mult)):
            yield put("right", node.right)
        else:
            yield put("one", "1")
    elif isinstance(node, ast.IfExp):
        yield put("body", node.body)
        yield put("orelse", node.orelse)
    elif isinstance(node, ast.BoolOp):
        for place, value in enumerate(node.values):
            yield put(f"value {place}", value)
    elif isinstance(node, ast.Call) and not node.keywords:
        name = ast.unparse(node.func)
        if name in ("len", "range", "float", "int") or not node.args:
            return
        if len(node.args) == 1 or name in ("max", "min"):
            for place, value in enumerate(node.args):
                yield put(f"argument {place}", value)
        yield put("one", "1")
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from _in_expression(child, function)


class _Changer(ast.NodeTransformer):
    """Makes the edits from the inside out; of two at one place the first counts."""

    def __init__(self, edits: Mapping[int, Edit]) -> None:
        self.edits = edits

    def visit(self, node: ast.AST) -> Any:
        edit = self.edits.get(getattr(node, "mark", -1))
        self.generic_visit(node)
        if edit is None:
            return node
        what, _, place = edit.what.partition(" ")
        if what == "delete":
            return None
        if what == "one":
            return ast.Constant(1.0)
        if what == "value" and isinstance(node, ast.BoolOp):
            return node.values[int(place)]
        if what == "argument" and isinstance(node, ast.Call):
            return node.args[int(place)]
        if what == "right" and isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            return ast.UnaryOp(ast.USub(), node.right)
        return getattr(node, what)


class _Inliner(ast.NodeTransformer):
    """Puts values, by table and name, in the place of constants."""

    def __init__(self, values: Mapping[tuple[str, str], Any]) -> None:
        self.values = values
        self.table = ""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.table = ROLES.get(node.name, "")
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "params":
            for table in ("PARAMS", self.table):
                if (table, node.attr) in self.values:
                    return number(self.values[table, node.attr])
        return self.generic_visit(node)


def _transplant(tree: ast.Module, name: str, donor: ast.Module) -> None:
    """Replace a function by the donor's, whose constants become numbers; the donor's imports come along."""
    values = {(table, key): value for table in TABLES for key, value in _table(donor, table).items()}
    part = _Inliner(values).visit(copy.deepcopy(next(f for f in _functions(donor) if f.name == name)))
    tree.body = [part if isinstance(node, ast.FunctionDef) and node.name == name else node for node in tree.body]
    tree.body[:0] = [copy.deepcopy(node) for node in donor.body if isinstance(node, (ast.Import, ast.ImportFrom))]


def _filled(tree: ast.Module) -> ast.Module:
    """Put ``pass`` where blocks have become empty."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.For, ast.While, ast.If)) and not node.body:
            node.body = [ast.Pass()]
    return tree


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _table(tree: ast.Module, name: str) -> dict[str, Any]:
    found = {key: literal(value) for key, value in table_nodes(tree, (name,)).items()}.get(name, {})
    return found if isinstance(found, dict) else {}


def short(node: ast.AST) -> str:
    """Return the source of a node in one line, cut to `WORDS` characters."""
    text = " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
    return text if len(text) <= WORDS else f"{text[: WORDS - 3]}..."
