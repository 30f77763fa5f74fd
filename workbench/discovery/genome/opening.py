"""Opening: calls of the vocabulary that hide arithmetic become the loops they stand for, so that mutation can reach inside.

An opened program behaves as before. What is left of calls is what no mutation should break: `normalise` and its like.
"""

import ast
from collections.abc import Callable, Iterable

from workbench.discovery.genome.dead import blocks

NESTED = """
first, count = infosets.first, infosets.count
for {i} in range(len(first)):
    for {k} in range(first[{i}], first[{i}] + count[{i}]):
        pass
"""


def opened(tree: ast.Module, reserved: Iterable[str] = ()) -> ast.Module:
    """Open every function of `tree` in place and return it; locals called like one of the `reserved` names are renamed."""
    for function in [node for node in tree.body if isinstance(node, ast.FunctionDef)]:
        _rename_locals(function, set(reserved))
        for block in blocks(function):
            block[:] = [made for statement in block for made in _opened_statement(function, statement)]
    return ast.fix_missing_locations(tree)


def statements(text: str) -> list[ast.stmt]:
    """Return the statements of a text."""
    return ast.parse(text).body


def expression(text: str) -> ast.expr:
    """Return the expression that a text is."""
    return ast.parse(text, mode="eval").body


def fresh(wanted: str, taken: Iterable[str]) -> str:
    """Return `wanted`, or `wanted` with the first number that makes it a new name."""
    used = set(taken)
    name, number = wanted, 2
    while name in used:
        name, number = f"{wanted}{number}", number + 1
    return name


def names_in(node: ast.AST) -> set[str]:
    """Return every name and argument under `node`."""
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)} | {
        inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)
    }


def nest(function: ast.FunctionDef, loop: ast.For) -> ast.For | None:
    """Turn ``for k in range(len(R))`` at the function's top level into a loop over infosets around one over their actions.

    Returns the outer loop, or None if `loop` is of another kind.
    """
    if loop not in function.body or not isinstance(loop.target, ast.Name) or not _is_flat(loop):
        return None
    taken = names_in(function)
    made = statements(NESTED.format(i=fresh("i", taken), k=loop.target.id))
    outer = made[-1]
    assert isinstance(outer, ast.For) and isinstance(outer.body[0], ast.For)
    outer.body[0].body = loop.body
    place = function.body.index(loop)
    defined = any("first, count = " in ast.unparse(node).replace("(", "") for node in function.body[:place])
    function.body[place : place + 1] = made[1:] if defined else made
    ast.fix_missing_locations(function)
    return outer


def _is_flat(loop: ast.For) -> bool:
    call = loop.iter
    return (
        isinstance(call, ast.Call)
        and ast.unparse(call.func) == "range"
        and len(call.args) == 1
        and isinstance(call.args[0], ast.Call)
        and ast.unparse(call.args[0].func) == "len"
        and isinstance(call.args[0].args[0], ast.Name)
    )


def _opened_statement(function: ast.FunctionDef, statement: ast.stmt) -> list[ast.stmt]:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and isinstance(statement.value.func, ast.Name):
        rewrite = _REWRITES.get(statement.value.func.id)
        if rewrite is not None and not statement.value.keywords:
            return rewrite(function, [ast.unparse(argument) for argument in statement.value.args])
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Subscript):  # R[k] += x as R[k] = R[k] + x
        read = ast.Subscript(statement.target.value, statement.target.slice, ast.Load())
        return [ast.Assign([statement.target], ast.BinOp(read, statement.op, statement.value))]
    return [statement]


def _regret_matching(function: ast.FunctionDef, given: list[str]) -> list[ast.stmt]:
    sigma, R, infosets = given
    k = _index(function, "k")
    text = f"for {k} in range(len({sigma})):\n    {sigma}[{k}] = max({R}[{k}], 0.0)\nnormalise({sigma}, {infosets})"
    return statements(text)


def _add_to_average(function: ast.FunctionDef, given: list[str]) -> list[ast.stmt]:
    S, sigma, reach, infosets, keep, weight = given
    i, k = _index(function, "i"), _index(function, "k")
    taken = names_in(function)
    lines = []
    for name, value in (("keep", keep), ("weight", weight)):
        if not _is_atom(value):  # computed once, as the call did
            local = fresh(name, taken)
            lines.append(f"{local} = {value}")
            keep, weight = (local, weight) if name == "keep" else (keep, local)
    kept = f"{S}[{k}]" if keep == "1.0" else f"{keep} * {S}[{k}]"
    share = f"{reach}[{i}]" if weight == "1.0" else f"{weight} * {reach}[{i}]"
    lines += [
        f"first, count = {infosets}.first, {infosets}.count",
        f"for {i} in range(len(first)):",
        f"    for {k} in range(first[{i}], first[{i}] + count[{i}]):",
        f"        {S}[{k}] = {kept} + {share} * {sigma}[{k}]",
    ]
    return statements("\n".join(lines))


def _index(function: ast.FunctionDef, wanted: str) -> str:
    """Return a loop variable: `wanted` unless the function uses it for something other than loops."""
    loops = {node.target.id for node in ast.walk(function) if isinstance(node, ast.For) and isinstance(node.target, ast.Name)}
    return wanted if wanted in loops else fresh(wanted, names_in(function))


def _is_atom(text: str) -> bool:
    node = expression(text)
    return isinstance(node, (ast.Constant, ast.Name))


_REWRITES: dict[str, Callable[[ast.FunctionDef, list[str]], list[ast.stmt]]] = {
    "regret_matching": _regret_matching,
    "add_to_average": _add_to_average,
}


def _rename_locals(function: ast.FunctionDef, reserved: set[str]) -> None:
    assigned = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for name in sorted(assigned & reserved):
        new = fresh(f"{name}_", names_in(function) | reserved)
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and node.id == name:
                node.id = new
