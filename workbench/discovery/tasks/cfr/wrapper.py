"""The text of a candidate as the engine compiles it: its three functions and an ``update`` of a fixed signature around them."""

import ast
from collections.abc import Mapping
from typing import Any, NamedTuple

from games.params import Value
from solvers.cfr.rule_file import FUNCTIONS, OPTIONAL, STATE_KINDS
from workbench.discovery.genome.check import literal, table_nodes


class Updating(NamedTuple):
    """A rule's text with its ``update``, the rule's functions in it, its numeric parameters with defaults, and its memory."""

    tree: ast.Module
    functions: tuple[str, ...]
    params: dict[str, Value]
    state: dict[str, str]


def with_update(source: str, chosen: Mapping[str, Value]) -> Updating:
    """Return the rule in `source` with its ``update``; `chosen` has other values for parameters that are texts."""
    tree = ast.parse(source)
    nodes = table_nodes(tree, ("PARAMS", "STATE"))
    params, state = _table(nodes, "PARAMS"), _table(nodes, "STATE")
    params |= {name: value for name, value in chosen.items() if isinstance(params.get(name), str)}
    texts = {name: value for name, value in params.items() if isinstance(value, str)}
    numeric = {name: value for name, value in params.items() if name not in texts}
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    functions = tuple(name for name in (*FUNCTIONS, *OPTIONAL) if name in defined)
    wrapper = ast.parse(_wrapper(params, numeric, state, "regularise" in functions))
    tree = _Bake(texts).visit(tree)
    tree.body += wrapper.body
    return Updating(ast.fix_missing_locations(tree), functions, numeric, state)


def _table(nodes: Mapping[str, ast.expr], name: str) -> dict[str, Any]:
    value = literal(nodes[name]) if name in nodes else None
    return value if isinstance(value, dict) else {}


def _wrapper(params: dict[str, Value], numeric: dict[str, Value], state: dict[str, str], regularised: bool) -> str:
    """Return the source of ``update``, which makes the records that rules are written for from flat arrays."""
    index = {name: k for k, name in enumerate(numeric)}
    cast = {bool: "p[{}] != 0.0", int: "int(p[{}])", float: "p[{}]"}
    values = [cast[type(v)].format(index[name]) if name in index else repr(v) for name, v in params.items()]
    rows = dict.fromkeys(STATE_KINDS, 0)
    views = []
    for kind in state.values():
        views.append(f"memory_{kind}[{rows[kind]}]" + {"action": "[a:b]", "game": ""}.get(kind, "[i:j]"))
        rows[kind] += 1
    terms = "regularise(r, sigma, reach, t, infosets, params, state)" if regularised else "pass"
    return f"""

from solvers.cfr.records import record_class as _record_class
from solvers.rule import Infosets as _Infosets
_Params, _State = _record_class({tuple(params)!r}), _record_class({tuple(state)!r})

def update(
    S, sigma, reach, r, R, t, first, count, player, p, memory_action, memory_infoset, memory_game, memory_others, a, b, i, j, terms
):
    infosets = _Infosets(first, count, player)
    params = _Params({", ".join(values)})
    state = _State({", ".join(views)})
    if terms:
        {terms}
        return
    accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state)
    accumulate_regret(R, r, t, infosets, params, state)
    derive_policy(sigma, R, r, t, infosets, params, state)
"""


class _Bake(ast.NodeTransformer):
    """Put the values of str parameters where they are read, and decide comparisons between them: compiled strings are slow."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == "params" and node.attr in self.texts:
            return ast.Constant(self.texts[node.attr])
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        if len(sides) == 2 and all(isinstance(side, ast.Constant) and isinstance(side.value, str) for side in sides):
            equal = sides[0].value == sides[1].value  # type: ignore[attr-defined]
            if isinstance(node.ops[0], ast.Eq | ast.NotEq):
                return ast.Constant(equal == isinstance(node.ops[0], ast.Eq))
        return node
