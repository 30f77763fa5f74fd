"""Mutations of a draft: small changes of its expressions. Each returns what it did, or None if it found no place."""

import ast
import copy
from collections.abc import Sequence

import numpy as np

from workbench.discovery.genome.draft import Draft
from workbench.discovery.genome.grammar import Template
from workbench.discovery.genome.opening import expression, names_in, statements
from workbench.discovery.genome.scope import Scope, Site

_SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
_COMPARISONS: dict[type, Sequence[type]] = {
    ast.Lt: (ast.GtE, ast.Gt), ast.Gt: (ast.LtE, ast.Lt), ast.LtE: (ast.Gt, ast.Lt), ast.GtE: (ast.Lt, ast.Gt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
}  # fmt: skip


class Grower:
    """Makes random expressions for a place of a draft."""

    def __init__(self, draft: Draft, rng: np.random.Generator) -> None:
        self.draft = draft
        self.rng = rng

    def number(self, scope: Scope, inside: ast.AST, depth: int) -> str:
        """Return the text of a number that can be computed in `scope`."""
        if depth <= 0 or self.rng.random() < 0.25:
            return self.leaf(scope, inside)
        return self.fill(self.template(self.draft.grammar.templates), scope, inside, depth - 1)

    def condition(self, scope: Scope, inside: ast.AST, depth: int) -> str:
        """Return the text of a condition."""
        return self.fill(self.template(self.draft.grammar.conditions), scope, inside, depth - 1)

    def fill(self, template: Template, scope: Scope, inside: ast.AST, depth: int, first: str | None = None) -> str:
        """Return a template with numbers, conditions and constants filled in; `first` is what goes in the place of ``{0}``."""
        text = template.text
        if "{0}" in text:
            text = text.replace("{0}", f"({self.number(scope, inside, depth) if first is None else first})")
        if "{1}" in text:
            text = text.replace("{1}", f"({self.number(scope, inside, depth)})")
        if "{2}" in text:
            text = text.replace("{2}", f"({self.number(scope, inside, depth)})")
        if "{?}" in text:
            text = text.replace("{?}", f"({self.condition(scope, inside, 1)})")
        if "{c}" in text:
            text = text.replace("{c}", self.constant(scope, template.constant))
        return ast.unparse(expression(text))

    def template(self, templates: Sequence[Template]) -> Template:
        """Draw a template by weight."""
        weights = np.array([template.weight for template in templates])
        return templates[int(self.rng.choice(len(templates), p=weights / weights.sum()))]

    def constant(self, scope: Scope, around: float | None = None) -> str:
        """Return a new constant near `around`, or near one of the grammar's values."""
        rng = self.rng
        value = float(rng.choice(self.draft.grammar.constants)) if around is None else around
        value *= float(np.exp(0.3 * rng.standard_normal()))
        return self.draft.new_constant(scope.part.table, _rounded(value))

    def leaf(self, scope: Scope, inside: ast.AST) -> str:
        """Return a reading, a new constant, or a summary of an infoset."""
        rng, grammar = self.rng, self.draft.grammar
        draw = rng.random()
        if draw < 0.12 and grammar.summaries:
            made = self.summary(scope, inside)
            if made:
                return made
        known = scope.readings()
        if draw < 0.75 and known:
            return known[int(rng.integers(len(known)))]
        return self.constant(scope)

    def summary(self, scope: Scope, inside: ast.AST) -> str | None:
        """Return a local that holds a summary of the infoset at hand, computed before the loop over its actions."""
        draft, rng = self.draft, self.rng
        arrays = [name for name, kind in scope.arrays.items() if kind == draft.grammar.inner]
        if not arrays:
            return None
        index = draft.outer_index(scope)
        loop = draft.outer_loop(scope.function, index, inside) if index else None
        if loop is None:
            return None
        text = str(rng.choice(draft.grammar.summaries)).format(x=rng.choice(arrays), i=index)
        text = ast.unparse(expression(text))
        return draft.local(scope.function, loop.body, "m", text)


def _rounded(value: float) -> float:
    """Return the value to four digits, as a person would write it."""
    return float(f"{value:.4g}")


def pick(draft: Draft, rng: np.random.Generator, *, conditions: bool = False) -> Site | None:
    """Draw a place: a function by weight, then any of its places."""
    names = list(draft.functions)
    weights = np.array([draft.grammar.functions[name].weight for name in names])
    if not names:
        return None
    name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    found = [site for site in draft.sites(draft.functions[name]) if conditions or not site.condition]
    return found[int(rng.integers(len(found)))] if found else None


def replace_subtree(draft: Draft, rng: np.random.Generator) -> str | None:
    """Replace an expression by a new one."""
    site = pick(draft, rng, conditions=True)
    if site is None or (site.condition and not draft.grammar.conditions):
        return None
    grower, depth = Grower(draft, rng), int(rng.integers(1, 4))
    make = grower.condition if site.condition else grower.number
    before, text = ast.unparse(site.node), make(site.scope, site.statement, depth)
    draft.put(site, expression(text))
    return f"{before} -> {text}"


def point(draft: Draft, rng: np.random.Generator) -> str | None:
    """Change one operator or one leaf."""
    site = pick(draft, rng, conditions=True)
    if site is None:
        return None
    node, before = site.node, ast.unparse(site.node)
    if isinstance(node, ast.BinOp) and type(node.op) in _SWAPS:
        made: ast.expr = ast.BinOp(node.left, _SWAPS[type(node.op)](), node.right)
        if isinstance(made.op, ast.Div):  # type: ignore[attr-defined]
            made = draft.call(draft.grammar.divide, node.left, node.right)
        draft.put(site, made)
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        choices = _COMPARISONS[type(node.ops[0])]
        draft.put(site, ast.Compare(node.left, [choices[int(rng.integers(len(choices)))]()], node.comparators))
    elif isinstance(node, ast.IfExp):
        draft.put(site, ast.IfExp(node.test, node.orelse, node.body))
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("max", "min"):
        other = "min" if ast.unparse(node.func) == "max" else "max"
        draft.put(site, ast.Call(ast.Name(other, ast.Load()), node.args, []))
    elif isinstance(node, (ast.Name, ast.Subscript, ast.Attribute, ast.Constant)) and not site.condition:
        draft.put(site, expression(Grower(draft, rng).leaf(site.scope, site.statement)))
    else:
        return None
    return f"{before} -> {ast.unparse(site.node)}"


def hoist(draft: Draft, rng: np.random.Generator) -> str | None:
    """Replace an expression by a part of it."""
    site = pick(draft, rng)
    if site is None or not site.above:
        return None
    outer = site.above[int(rng.integers(len(site.above)))]
    if outer.condition:
        return None
    before = ast.unparse(outer.node)
    draft.put(outer, copy.deepcopy(site.node))
    return f"{before} -> {ast.unparse(outer.node)}"


def wrap(draft: Draft, rng: np.random.Generator) -> str | None:
    """Put an expression inside a new one."""
    site = pick(draft, rng)
    if site is None:
        return None
    grower, before = Grower(draft, rng), ast.unparse(site.node)
    templates = [template for template in draft.grammar.templates if template.arity]
    text = grower.fill(grower.template(templates), site.scope, site.statement, 1, before)
    draft.put(site, expression(text))
    return f"{before} -> {text}"


def insert_term(draft: Draft, rng: np.random.Generator) -> str | None:
    """Turn e into e + c x or into c e."""
    site = pick(draft, rng)
    if site is None:
        return None
    grower, before = Grower(draft, rng), ast.unparse(site.node)
    constant = grower.constant(site.scope)
    if rng.random() < 0.25:
        text = f"({before}) * {constant}"
    else:
        sign = "+" if rng.random() < 0.7 else "-"
        text = f"({before}) {sign} {constant} * ({grower.leaf(site.scope, site.statement)})"
    text = ast.unparse(expression(text))
    draft.put(site, expression(text))
    return f"{before} -> {text}"


def delete(draft: Draft, rng: np.random.Generator) -> str | None:
    """Drop a term, a factor or a mask; or a statement that is not needed."""
    site = pick(draft, rng)
    if site is None:
        return None
    if rng.random() < 0.2 and len(site.block) > 1:
        target = site.statement
        if isinstance(target, (ast.Assign, ast.AugAssign, ast.If)) and not _defines_read_local(site):
            site.block.remove(target)
            draft.touch(site.scope.function.name)
            return f"without {ast.unparse(target).splitlines()[0]}"
    node = site.node
    parts: list[ast.expr] = []
    if isinstance(node, ast.BinOp):
        parts = [node.left, node.right]
    elif isinstance(node, ast.IfExp):
        parts = [node.body, node.orelse]
    elif isinstance(node, ast.Call) and any(
        inner.above and inner.above[-1].node is node for inner in draft.sites(site.scope.function)
    ):
        parts = [
            inner.node
            for inner in draft.sites(site.scope.function)
            if inner.above and inner.above[-1].node is node and not inner.condition
        ]
    if not parts:
        return None
    before = ast.unparse(node)
    draft.put(site, parts[int(rng.integers(len(parts)))])
    return f"{before} -> {ast.unparse(site.node)}"


def _defines_read_local(site: Site) -> bool:
    target = site.statement.targets[0] if isinstance(site.statement, ast.Assign) else None
    return isinstance(target, (ast.Name, ast.Tuple))


def jitter(draft: Draft, rng: np.random.Generator) -> str | None:
    """Change constants by log-normal factors, several at once; rarely a sign."""
    known = sorted(draft.constants())
    if not known:
        return None
    count = min(len(known), 1 + int(rng.geometric(0.5)))
    changes = []
    width = float(rng.choice((0.1, 0.3, 0.8)))
    for place in sorted(rng.choice(len(known), size=count, replace=False)):
        table, name = known[int(place)]
        value = draft.constants()[table, name]
        new = value * float(np.exp(width * rng.standard_normal())) if value else 0.1 * float(rng.standard_normal())
        if rng.random() < 0.03:
            new = -new
        if np.isfinite(new):
            draft.set_constant(table, name, _rounded(new))
            changes.append(f"{name} {value:g} -> {new:.4g}")
    return ", ".join(changes) or None


def remember(draft: Draft, rng: np.random.Generator) -> str | None:
    """Add a register that follows a number as a moving average, and read it in place of the number or beside it."""
    kinds = draft.grammar.state_kinds
    site = pick(draft, rng)
    if site is None or not kinds:
        return None
    legal = [kind for kind in kinds if kind in site.scope.indices]
    if not legal:
        return None
    grower, node = Grower(draft, rng), site.node
    kind = legal[-1] if draft.grammar.inner not in legal else draft.grammar.inner
    followed = ast.unparse(node) if rng.random() < 0.5 else grower.leaf(site.scope, site.statement)
    if not names_in(expression(followed)) - {"params", "t"}:
        return None
    register = draft.new_register(kind, "average")
    local = draft.alias(site.scope.function, register)
    entry = f"{local}[{site.scope.indices[kind]}]"
    rate = draft.new_constant(site.scope.part.table, _rounded(float(np.exp(rng.uniform(np.log(0.02), 0.0)))), "rate")
    place = site.block.index(site.statement)
    site.block[place:place] = statements(f"{entry} = ema({entry}, {followed}, {rate})")
    before = ast.unparse(node)
    constant = grower.constant(site.scope)
    text = (entry, f"({before}) + {constant} * {entry}", f"({before}) - {constant} * {entry}")[int(rng.integers(3))]
    draft.put(site, expression(text))
    return f"{before} -> {ast.unparse(site.node)}, where {entry} follows {followed}"
