"""Arithmetic with constants in a program from which something was taken out, so that what it carried goes as well."""

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip
_PURE: dict[str, Callable[..., Any]] = {
    "max": max, "min": min, "abs": abs, "float": float, "math.exp": math.exp, "math.sqrt": math.sqrt, "math.log": math.log,
}  # fmt: skip
_MISSING = object()


def fold(tree: ast.Module) -> ast.Module:
    """Return `tree` with constants folded and locals that are constants filled in, changed in place.

    0 times anything counts as 0: in a program that works, factors are finite.
    """
    before = ""
    while (after := ast.dump(tree)) != before:
        before = after
        for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
            _fill_in(function)
        tree = _Folder().visit(tree)
    return ast.fix_missing_locations(tree)


def _fill_in(function: ast.FunctionDef) -> None:
    """Replace the reads of locals that are assigned once, a constant, by the constant."""
    stored: dict[str, int] = {argument.arg: 1 for argument in function.args.args}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            stored[node.id] = stored.get(node.id, 0) + 1
    constants: dict[str, ast.expr] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            for target, value in pairs(node.targets[0], node.value):
                if isinstance(target, ast.Name) and stored.get(target.id) == 1 and constant(value) is not _MISSING:
                    constants[target.id] = value

    class Filler(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return number(constant(constants[node.id])) if isinstance(node.ctx, ast.Load) and node.id in constants else node

    Filler().visit(function)


def pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """Return the single assignments of a (tuple) assignment."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        return list(zip(target.elts, value.elts, strict=True))
    return [(target, value)]


def constant(node: ast.AST) -> Any:
    """Return the value of a literal number or truth value, else a mark of its own."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = constant(node.operand)
        return -inner if inner is not _MISSING else _MISSING
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)) else _MISSING


def is_constant(node: ast.AST, value: float | None = None) -> bool:
    """Return whether the node is a literal number (of this value)."""
    found = constant(node)
    return found is not _MISSING and not isinstance(found, bool) and (value is None or found == value)


def number(value: Any) -> ast.expr:
    """Return the syntax of a number or truth value; negative ones as Python reads them."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and str(value).startswith("-"):
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


class _Folder(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        left, right, op = node.left, node.right, type(node.op)
        if is_constant(left) and is_constant(right):
            return _computed(_ARITHMETIC.get(op), constant(left), constant(right)) or node
        if op in (ast.Add, ast.Mult):
            for inner, other in ((left, right), (right, left)):
                if is_constant(inner, 0.0):
                    return other if op is ast.Add else ast.Constant(0.0)
                if is_constant(inner, 1.0) and op is ast.Mult:
                    return other
        elif op is ast.Sub and is_constant(right, 0.0):
            return left
        elif op is ast.Sub and is_constant(left, 0.0):
            return ast.UnaryOp(ast.USub(), right)
        elif op is ast.Div:
            if is_constant(left, 0.0):
                return ast.Constant(0.0)
            if is_constant(right, 1.0):
                return left
        elif op is ast.Pow:
            if is_constant(right, 1.0):
                return left
            if is_constant(right, 0.0) or is_constant(left, 1.0):
                return ast.Constant(1.0)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if len(node.ops) == 1:
            left, right = constant(node.left), constant(node.comparators[0])
            if left is not _MISSING and right is not _MISSING:
                return _computed(_ARITHMETIC.get(type(node.ops[0])), left, right) or node
            if isinstance(node.left, ast.Constant) and isinstance(node.comparators[0], ast.Constant):  # texts
                return _computed(_ARITHMETIC.get(type(node.ops[0])), node.left.value, node.comparators[0].value) or node
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Constant):
            return ast.Constant(not node.operand.value)
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.UnaryOp) and isinstance(node.operand.op, ast.USub):
            return node.operand.operand
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        decisive = isinstance(node.op, ast.Or)
        kept = [value for value in node.values if not (isinstance(value, ast.Constant) and bool(value.value) is not decisive)]
        if any(isinstance(value, ast.Constant) for value in kept):
            return ast.Constant(decisive)
        return kept[0] if len(kept) == 1 else ast.Constant(not decisive) if not kept else ast.BoolOp(node.op, kept)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node.body if ast.dump(node.body) == ast.dump(node.orelse) else node

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse or [ast.Pass()]
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        function = _PURE.get(ast.unparse(node.func))
        if function is None or not node.args or node.keywords:
            return node
        if len(node.args) == 1 and function in (max, min):
            return node.args[0]
        values = [constant(argument) for argument in node.args]
        return node if any(value is _MISSING for value in values) else _computed(function, *values) or node


def _computed(function: Callable[..., Any] | None, *values: Any) -> ast.expr | None:
    if function is None:
        return None
    try:
        result = function(*values)
    except (ArithmeticError, ValueError, TypeError):
        return None
    if isinstance(result, bool):
        return ast.Constant(result)
    return number(result) if isinstance(result, (int, float)) and math.isfinite(result) else None
