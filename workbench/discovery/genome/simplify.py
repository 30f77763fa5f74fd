"""Simplification: identities and arithmetic of constants, so that what mutation piles up stays readable."""

import ast
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.discovery.genome.draft import Draft


def simplify(draft: "Draft") -> None:
    """Simplify all places of the functions that changed, in place."""
    for function in draft.changed.values():
        for _ in range(10):
            changed = False
            for site in reversed(draft.sites(function)):
                if not site.condition:
                    made = _reduced(site.node)
                    if made is not None:
                        site.put(made)
                        changed = True
            if not changed:
                break
        _fold(draft, function)


def _fold(draft: "Draft", function: ast.FunctionDef) -> None:
    """Replace arithmetic of constants alone by one constant."""
    table = draft.grammar.functions[function.name].table
    values = {name: value for (owner, name), value in draft.constants().items() if owner == table}
    done: list[ast.AST] = []
    for site in draft.sites(function):
        if any(outer.node in done for outer in site.above) or not isinstance(site.node, ast.BinOp):
            continue
        if any(_is(part, number) for part in (site.node.left, site.node.right) for number in (0.0, 1.0)):
            continue  # 1 - rate says more than a constant of its own
        value = _value(site.node, values)
        if value is not None and math.isfinite(value):
            done.append(site.node)
            name = draft.new_constant(table, value)
            made = ast.parse(name, mode="eval").body
            done.append(made)
            site.put(made)


def _value(node: ast.expr, values: dict[str, float]) -> float | None:
    """Return the value of an expression of constants, else None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "params":
        return values.get(node.attr)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _value(node.operand, values)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, values), _value(node.right, values)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
    return None


def _is(node: ast.expr, value: float) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value == value


def _reduced(node: ast.expr) -> ast.expr | None:
    """Return a simpler equal expression, or None."""
    if isinstance(node, ast.BinOp):
        left, right, op = node.left, node.right, node.op
        if isinstance(op, ast.Mult):
            if _is(left, 1.0):
                return right
            if _is(right, 1.0):
                return left
            if _is(left, 0.0) or _is(right, 0.0):
                return ast.Constant(0.0)
        elif isinstance(op, ast.Add):
            if _is(left, 0.0):
                return right
            if _is(right, 0.0):
                return left
        elif isinstance(op, ast.Sub):
            if _is(right, 0.0):
                return left
            if ast.dump(left) == ast.dump(right):
                return ast.Constant(0.0)
        elif isinstance(op, (ast.Div, ast.Pow)) and _is(right, 1.0):
            return left
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        if isinstance(node.operand, ast.UnaryOp) and isinstance(node.operand.op, ast.USub):
            return node.operand.operand
    elif isinstance(node, ast.IfExp):
        if ast.dump(node.body) == ast.dump(node.orelse):
            return node.body
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("max", "min") and len(node.args) == 2:
        left, right = node.args
        if ast.dump(left) == ast.dump(right):
            return left
        for inner, other in ((left, right), (right, left)):  # max(max(x, 0), 0)
            same = isinstance(inner, ast.Call) and ast.unparse(inner.func) == ast.unparse(node.func)
            if same and ast.dump(other) in map(ast.dump, inner.args):  # type: ignore[attr-defined]
                return inner
    return None
