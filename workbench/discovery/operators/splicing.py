"""Larger changes of a draft: idioms of the literature, and parts of other programs."""

import ast
import copy
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.discovery.genome.canonical import TABLES
from workbench.discovery.genome.check import literal, table_nodes
from workbench.discovery.genome.draft import Draft
from workbench.discovery.genome.grammar import Idiom
from workbench.discovery.genome.opening import expression, fresh, names_in, statements
from workbench.discovery.genome.scope import Site


def splice(draft: Draft, rng: np.random.Generator) -> str | None:
    """Work a known idiom into the program."""
    idioms = [idiom for idiom in draft.grammar.idioms if idiom.function in draft.functions]
    if not idioms:
        return None
    weights = np.array([idiom.weight for idiom in idioms])
    idiom = idioms[int(rng.choice(len(idioms), p=weights / weights.sum()))]
    return f"{idiom.name} in {idiom.function}" if apply(draft, idiom, rng) else None


def apply(draft: Draft, idiom: Idiom, rng: np.random.Generator) -> bool:
    """Apply an idiom in place; return whether there was a place for it. Its constants are varied a little."""
    function = draft.functions[idiom.function]
    roots = [site for site in draft.sites(function) if not site.above and _written(site.statement) == idiom.target]
    if not roots:
        return False
    root = roots[int(rng.integers(len(roots)))]
    if idiom.bare:
        _strip(root)
    found = [root] if idiom.find == "*" else _readings(draft, function, root, idiom.find)
    texts = (idiom.replace, idiom.top, idiom.outer, idiom.before)
    k = found[0].scope.indices.get(draft.grammar.inner) if found else None
    i = draft.outer_index(found[0].scope) if found and any(re.search(r"\bi\b", text) for text in texts) else "i"
    if k is None or i is None:
        return False
    words = {"k": k, "i": i, **_declared(draft, idiom, function, rng)}
    for site in found:
        text = f"({ast.unparse(site.node)})"
        draft.put(site, expression(re.sub(r"\b_\b", lambda _, text=text: text, _renamed(idiom.replace, words))))  # type: ignore[misc]
    block, statement = found[0].block, found[0].statement
    place = block.index(statement)
    block[place:place] = statements(_renamed(idiom.before, words))
    loop = draft.outer_loop(function, i, statement)
    if idiom.outer and loop is not None:
        loop.body[0:0] = statements(_renamed(idiom.outer, words))
    function.body[0:0] = statements(_renamed(idiom.top, words))
    return True


def _declared(draft: Draft, idiom: Idiom, function: ast.FunctionDef, rng: np.random.Generator) -> dict[str, str]:
    """Declare an idiom's constants, memory and locals; return what their names become."""
    table = draft.grammar.functions[function.name].table
    words: dict[str, str] = {}
    for name, value in idiom.constants.items():
        value *= float(np.exp(0.2 * rng.standard_normal()))
        words[f"params.{name}"] = draft.new_constant(table, float(f"{value:.3g}"), name)
    taken = names_in(function)
    for text in (idiom.top, idiom.outer, idiom.before):
        for node in statements(text):
            for target in getattr(node, "targets", []):
                if isinstance(target, ast.Name):
                    words[target.id] = fresh(target.id, taken)
    for name, kind in idiom.state.items():
        words[f"state.{name}"] = draft.alias(function, draft.new_register(kind, name))
    return words


def take_function(draft: Draft, other: str, rng: np.random.Generator) -> str | None:
    """Take one of the functions of the program `other`, with its constants, memory and helpers."""
    giver = Draft(other, draft.grammar)
    names = [name for name in draft.functions if name in giver.functions]
    differing = [name for name in names if ast.dump(draft.functions[name]) != ast.dump(giver.functions[name])]
    if not differing:
        return None
    name = differing[int(rng.integers(len(differing)))]
    function = copy.deepcopy(giver.functions[name])
    _bring(draft, giver, function)
    place = draft.tree.body.index(draft.functions[name])
    draft.tree.body[place] = function
    draft.touch(name)
    return f"{name} of the other"


def take_expression(draft: Draft, other: str, rng: np.random.Generator) -> str | None:
    """Put an expression of the program `other` in the place of one that can read the same."""
    giver = Draft(other, draft.grammar)
    names = [name for name in draft.functions if name in giver.functions]
    if not names:
        return None
    name = names[int(rng.integers(len(names)))]
    mine, theirs = draft.sites(draft.functions[name]), giver.sites(giver.functions[name])
    mine = [site for site in mine if not site.condition]
    theirs = [site for site in theirs if not site.condition and isinstance(site.node, (ast.BinOp, ast.Call, ast.IfExp))]
    if not mine or not theirs:
        return None
    site = mine[int(rng.integers(len(mine)))]
    source = theirs[int(rng.integers(len(theirs)))].node
    node = copy.deepcopy(source)
    legal = {*site.scope.arrays, *site.scope.part.numbers, *site.scope.locals, *site.scope.indices.values(), "params", "infosets"}
    functions = {inner.func.id for inner in ast.walk(node) if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name)}
    if names_in(node) - legal - functions:
        return None
    holder = ast.Expression(node)
    _bring(draft, giver, holder)
    before = ast.unparse(site.node)
    draft.put(site, holder.body)
    return f"{before} -> {ast.unparse(holder.body)}"


def _bring(draft: Draft, giver: Draft, node: ast.AST) -> None:
    """Declare in `draft` what `node` of `giver` uses, and rename in `node` what is taken there for something else."""
    mine, theirs = draft.constants(), giver.constants()
    others = {
        (table, key): value
        for table, found in table_nodes(giver.tree, TABLES).items()
        for key, value in _table(found).items()
        if (table, key) not in theirs
    }
    helpers = {
        item.name: item for item in giver.tree.body if isinstance(item, ast.FunctionDef) and item.name not in giver.functions
    }
    used = [helpers[name] for name in sorted(helpers) if name in names_in(node)]
    wanted = [node, *[copy.deepcopy(helper) for helper in used]]
    attributes = {inner.attr for each in wanted for inner in ast.walk(each) if isinstance(inner, ast.Attribute)}
    tables: dict[str, str] = {}
    for (table, name), value in {**theirs, **others}.items():
        if name in attributes:
            if mine.get((table, name), value) == value and (table, name) not in tables:
                draft.set_constant(table, name, value)
            elif isinstance(value, float):
                tables[name] = draft.new_constant(table, value, name).removeprefix("params.")
    registers: dict[str, str] = {}
    for name, kind in giver.registers.items():
        if name in attributes:
            if name not in draft.registers:
                draft.new_register(kind, name)
            elif draft.registers[name] != kind:
                registers[name] = draft.new_register(kind, name)
    for each in wanted:
        for inner in ast.walk(each):
            if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
                table_names: Mapping[str, str] = (
                    tables if inner.value.id == "params" else registers if inner.value.id == "state" else {}
                )
                inner.attr = table_names.get(inner.attr, inner.attr)
    present = {item.name for item in draft.tree.body if isinstance(item, ast.FunctionDef)}
    draft.tree.body += [each for each in wanted[1:] if isinstance(each, ast.FunctionDef) and each.name not in present]
    choices = table_nodes(giver.tree, ("CHOICES",))
    if choices and not table_nodes(draft.tree, ("CHOICES",)):
        draft.tree.body.insert(0, ast.Assign([ast.Name("CHOICES", ast.Store())], copy.deepcopy(choices["CHOICES"])))
    ast.fix_missing_locations(draft.tree)


def _table(node: ast.expr) -> dict[str, Any]:
    values = literal(node)
    return values if isinstance(values, dict) else {}


def _written(statement: ast.stmt) -> str | None:
    """Return the array to an entry of which a statement assigns."""
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Subscript):
        return ast.unparse(statement.targets[0].value)
    return None


def _readings(draft: Draft, function: ast.FunctionDef, root: Site, array: str) -> list[Site]:
    """Return the places that read an entry of the array: in the root's statement, else the first elsewhere."""
    found = [
        site
        for site in draft.sites(function)
        if isinstance(site.node, ast.Subscript)
        and ast.unparse(site.node.value) == array
        and draft.grammar.inner in site.scope.indices
    ]
    return [site for site in found if site.statement is root.statement] or found[:1]


def _strip(root: Site) -> None:
    node = root.node
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "max" and len(node.args) == 2:
        if isinstance(node.args[1], (ast.Constant, ast.Attribute)):
            root.put(node.args[0])
        elif isinstance(node.args[0], (ast.Constant, ast.Attribute)):
            root.put(node.args[1])


def _renamed(text: str, words: Mapping[str, str]) -> str:
    for name, new in words.items():
        if name.startswith("state."):
            text = re.sub(rf"\bstate\.{name[6:]}\b", new, text)
    names = sorted((name for name in words if not name.startswith("state.")), key=len, reverse=True)
    if not names:
        return text
    pattern = r"(?<![\w.])(" + "|".join(re.escape(name) for name in names) + r")\b"
    return re.sub(pattern, lambda match: words[match.group(1)], text)
