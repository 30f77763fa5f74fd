"""A program while it is being changed: its opened syntax tree, its constants and registers, and the helpers of all mutations."""

import ast
from functools import lru_cache

from solvers import rule
from workbench.discovery.genome.canonical import TABLES, constant_node, normalised
from workbench.discovery.genome.check import literal, table_nodes
from workbench.discovery.genome.dead import aliases_of
from workbench.discovery.genome.grammar import Grammar, Part
from workbench.discovery.genome.opening import expression, fresh, names_in, nest, opened, statements
from workbench.discovery.genome.scope import Scope, Site, index_names, sites
from workbench.discovery.genome.simplify import simplify

_VOCABULARY = frozenset(rule.__all__)
_KEPT = (0.0, 1.0, -1.0)  # literals that are no tunable constants


class Draft:
    """A program to mutate.

    Parameters
    ----------
    source : str
        A program that passes the static check.
    grammar : Grammar

    Attributes
    ----------
    tree : ast.Module
        Its opened syntax tree; `source` writes it out.
    """

    def __init__(self, source: str, grammar: Grammar) -> None:
        self.grammar = grammar
        self.tree = ast.parse(opened_source(source, grammar))
        self._changed: set[str] = set()
        self._touched: list[ast.stmt] = []

    @property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """Return the functions that mutation may change, by name."""
        found = {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)}
        return {name: found[name] for name in self.grammar.functions if name in found}

    @property
    def changed(self) -> dict[str, ast.FunctionDef]:
        """Return those that did change."""
        return {name: function for name, function in self.functions.items() if name in self._changed}

    @property
    def registers(self) -> dict[str, str]:
        """Return the program's memory: names and kinds."""
        table = literal(table_nodes(self.tree, ("STATE",))["STATE"])
        return dict(table) if isinstance(table, dict) else {}

    def constants(self) -> dict[tuple[str, str], float]:
        """Return the tunable constants by (table, name)."""
        found = {}
        for table, node in table_nodes(self.tree, TABLES).items():
            values = literal(node)
            for name, value in values.items() if isinstance(values, dict) else ():
                if isinstance(value, float):
                    found[table, name] = value
        return found

    def set_constant(self, table: str, name: str, value: float) -> None:
        """Give a constant another value, or declare it."""
        node = table_nodes(self.tree, (table,))[table]
        assert isinstance(node, ast.Dict)
        for place, key in enumerate(node.keys):
            if isinstance(key, ast.Constant) and key.value == name:
                node.values[place] = constant_node(value)
                return
        node.keys.append(ast.Constant(name))
        node.values.append(constant_node(value))

    def new_constant(self, table: str, value: float, wanted: str = "c1") -> str:
        """Declare a constant and return its reading, such as ``params.c1``."""
        taken = {name for known in table_nodes(self.tree, TABLES).values() for name in _keys(known)}
        base, number = wanted, 1
        while base in taken:
            number += 1
            base = f"{wanted.rstrip('0123456789')}{number}"
        self.set_constant(table, base, float(value))
        return f"params.{base}"

    def new_register(self, kind: str, wanted: str) -> str:
        """Declare a register and return its name in `state`."""
        node = table_nodes(self.tree, ("STATE",))["STATE"]
        assert isinstance(node, ast.Dict)
        name = fresh(wanted, {*_keys(node), *_VOCABULARY})
        node.keys.append(ast.Constant(name))
        node.values.append(ast.Constant(kind))
        return name

    def alias(self, function: ast.FunctionDef, register: str) -> str:
        """Return the local name of a register, made at the function's start if there is none."""
        for local, known in aliases_of(function).items():
            if known == register:
                return local
        local = fresh(register, names_in(function) | _VOCABULARY)
        function.body[0:0] = statements(f"{local} = state.{register}")
        return local

    def sites(self, function: ast.FunctionDef) -> list[Site]:
        """Return the places of `function` that may change."""
        return sites(function, self.grammar, self.registers)

    def put(self, site: Site, node: ast.expr) -> None:
        """Put `node` at `site`; divisions by and powers of what changed become protected."""
        site.put(node)
        self._touched.append(site.statement)
        self.touch(site.scope.function.name)
        inner = site
        for outer in reversed(site.above):
            above = outer.node
            if isinstance(above, ast.BinOp):
                if isinstance(above.op, ast.Div) and inner.field == "right":
                    outer.put(self.call(self.grammar.divide, above.left, above.right))
                elif isinstance(above.op, ast.Pow):
                    outer.put(self.call(self.grammar.power, above.left, above.right))
            inner = outer

    def call(self, template: str, *arguments: ast.expr) -> ast.expr:
        """Return a template with its arguments filled in."""
        return expression(template.format(*(f"({ast.unparse(argument)})" for argument in arguments)))

    def touch(self, function: str) -> None:
        """Note that a function changed by other means than `put`."""
        self._changed.add(function)

    def outer_index(self, scope: Scope) -> str | None:
        """Return the index of the loop over infosets (or what the grammar's outer kind is), nesting a flat loop if need be."""
        if self.grammar.outer in scope.indices:
            return scope.indices[self.grammar.outer]
        if len(scope.loops) == 1 and self.grammar.inner in scope.indices:
            made = nest(scope.function, scope.loops[0])
            if made is not None and isinstance(made.target, ast.Name):
                return made.target.id
        return None

    def outer_loop(self, function: ast.FunctionDef, index: str, inside: ast.AST) -> ast.For | None:
        """Return the loop of `function` over `index` around `inside`."""
        for node in ast.walk(function):
            if not isinstance(node, ast.For) or ast.unparse(node.target) != index:
                continue
            if any(inner is inside for inner in ast.walk(node)):
                return node
        return None

    def local(self, function: ast.FunctionDef, block: list[ast.stmt], wanted: str, text: str) -> str:
        """Return a local with the value `text`, computed at the start of `block`; an equal one is used again."""
        for node in block:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and ast.unparse(node.value) == text:
                return node.targets[0].id
        name = fresh(wanted, names_in(function) | _VOCABULARY)
        block[0:0] = statements(f"{name} = {text}")
        return name

    def lift(self) -> None:
        """Declare numbers inside expressions as constants, unless they are 0, 1 or a tiny threshold."""
        for name, function in self.changed.items():
            for site in self.sites(function):
                node = site.node
                negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
                number = node.operand if isinstance(node, ast.UnaryOp) else node
                if not isinstance(number, ast.Constant) or isinstance(number.value, bool):
                    continue
                value = number.value
                if isinstance(value, (int, float)) and value not in _KEPT and abs(value) > 1e-6:
                    text = self.new_constant(self.grammar.functions[name].table, -value if negative else value)
                    site.put(expression(text))

    def source(self) -> str:
        """Return the changed program in normal form."""
        self._keep_signs()
        simplify(self)
        self.lift()
        bound = {alias.asname or alias.name for node in self.tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
        bound |= {node.name for node in self.tree.body if isinstance(node, ast.FunctionDef)}
        missing = sorted(
            name
            for name in {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)} & _VOCABULARY - bound
            if not any(name in names_in(function) and _binds(function, name) for function in self.functions.values())
        )
        if missing:
            self.tree.body.insert(0, statements(f"from solvers.rule import {', '.join(missing)}")[0])
        for wanted, text in (("np", "import numpy as np"), ("math", "import math")):
            if any(isinstance(node, ast.Name) and node.id == wanted for node in ast.walk(self.tree)):
                self.tree.body.insert(0, statements(text)[0])
        return ast.unparse(normalised(ast.fix_missing_locations(self.tree), self.grammar.functions)) + "\n"

    def _keep_signs(self) -> None:
        """Cut at zero what was changed and goes into an array that must stay non-negative, unless it is so by its form."""
        for name, function in self.changed.items():
            part = self.grammar.functions[name]
            for site in self.sites(function) if part.nonnegative else ():
                target = site.statement.targets[0] if isinstance(site.statement, ast.Assign) else None
                if site.above or not isinstance(target, ast.Subscript) or site.statement not in self._touched:
                    continue
                if ast.unparse(target.value) in part.nonnegative and not self._is_nonnegative(site.node, part):
                    site.put(self.call("max({0}, {1})", site.node, ast.Constant(0.0)))

    def _is_nonnegative(self, node: ast.expr, part: Part) -> bool:
        def good(inner: ast.expr) -> bool:
            return self._is_nonnegative(inner, part)

        if isinstance(node, ast.Constant):
            return isinstance(node.value, int | float) and node.value >= 0.0
        if isinstance(node, ast.Name):
            return node.id in part.numbers
        if isinstance(node, ast.Attribute):
            return ast.unparse(node.value) == "params" and self.constants().get((part.table, node.attr), -1.0) >= 0.0
        if isinstance(node, ast.Subscript):
            return ast.unparse(node.value) in part.nonnegative | part.positive
        if isinstance(node, ast.BinOp):
            return isinstance(node.op, (ast.Add, ast.Mult, ast.Div)) and good(node.left) and good(node.right)
        if isinstance(node, ast.IfExp):
            return good(node.body) and good(node.orelse)
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name == "max":
                return any(map(good, node.args))
            if name in ("safe_power", "safe_sqrt", "safe_log1p"):
                return good(node.args[0])
            return name in ("abs", "safe_exp", "discount", "ramp", "largest_in", "positive_in") or (
                name in ("min", "safe_divide") and all(map(good, node.args))
            )
        return False

    def open(self, source: str) -> str:
        """Take `source` as the program and return it opened, its numbers declared."""
        self.tree = opened(normalised(ast.parse(source), self.grammar.functions), _VOCABULARY)
        for name in ("STATE", *{part.table for part in self.grammar.functions.values()}):
            if name not in table_nodes(self.tree, (name,)):
                self.tree.body.insert(0, statements(f"{name} = {{}}")[0])
        self._float_tables()
        return self.source()

    def _float_tables(self) -> None:
        """Make whole numbers in tables floats, so that they can be tuned, unless they count loops or index arrays."""
        counting: set[str] = set()
        for function in [node for node in self.tree.body if isinstance(node, ast.FunctionDef)]:
            guarded = index_names(function)
            for node in ast.walk(function):
                held: list[ast.AST] = []
                if isinstance(node, ast.For):
                    held = [node.iter]
                elif isinstance(node, ast.Subscript):
                    held = [node.slice]
                elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in guarded:
                    held = [node.value]
                counting |= {inner.attr for each in held for inner in ast.walk(each) if isinstance(inner, ast.Attribute)}
        for node in table_nodes(self.tree, TABLES).values():
            if isinstance(node, ast.Dict):
                for place, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
                    number = literal(value)
                    if type(number) is int and number and isinstance(key, ast.Constant) and key.value not in counting:
                        node.values[place] = constant_node(float(number))


def _keys(table: ast.expr) -> list[str]:
    return [str(key.value) for key in table.keys if isinstance(key, ast.Constant)] if isinstance(table, ast.Dict) else []


def _binds(function: ast.FunctionDef, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store) for node in ast.walk(function))


@lru_cache(maxsize=1024)
def opened_source(source: str, grammar: Grammar) -> str:
    """Return `source` opened and in normal form, its numbers declared as constants: what mutations start from."""
    draft = Draft.__new__(Draft)
    draft.grammar, draft._touched, draft._changed = grammar, [], set(grammar.functions)
    return draft.open(source)
