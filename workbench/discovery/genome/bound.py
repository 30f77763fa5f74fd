"""Where the names of a program are bound: each function, class and comprehension has its own, as in Python."""

import ast
from collections.abc import Collection, Iterable, Iterator

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (*_FUNCTIONS, *_COMPREHENSIONS, ast.ClassDef)


def unbound_names(tree: ast.Module, allowed: Collection[str]) -> Iterator[ast.Name]:
    """Yield the places that read a name which is neither bound where they are nor `allowed`."""
    return _unbound(tree.body, frozenset(), frozenset(allowed), of_class=False)


def bound_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that the nodes themselves bind, in whatever scope."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.split(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


def _unbound(block: Iterable[ast.AST], own: frozenset[str], outer: frozenset[str], *, of_class: bool) -> Iterator[ast.Name]:
    """Yield from a scope and those in it: `own` are its arguments, `outer` is known around it; methods do not see their class."""
    plain: list[ast.AST] = []
    scopes: list[ast.AST] = []
    rest = list(block)
    while rest:
        node = rest.pop()
        (scopes if isinstance(node, _SCOPES) else plain).append(node)
        rest += _outside(node) if isinstance(node, _SCOPES) else ast.iter_child_nodes(node)
    given = [n.target for s in scopes if isinstance(s, _COMPREHENSIONS) for n in ast.walk(s) if isinstance(n, ast.NamedExpr)]
    known = outer | own | bound_names([*plain, *scopes, *given])
    yield from (node for node in plain if isinstance(node, ast.Name) and node.id not in known)
    for scope in scopes:
        is_class = isinstance(scope, ast.ClassDef)
        yield from _unbound(_inside(scope), _arguments(scope), outer if of_class else known, of_class=is_class)


def _outside(scope: ast.AST) -> list[ast.AST]:
    """Return the parts of a scope that are evaluated where it stands."""
    if isinstance(scope, _COMPREHENSIONS):
        return [scope.generators[0].iter]
    if isinstance(scope, ast.ClassDef):
        return [*scope.decorator_list, *scope.bases, *scope.keywords]
    assert isinstance(scope, _FUNCTIONS)
    defaults = [*scope.args.defaults, *(default for default in scope.args.kw_defaults if default is not None)]
    return [*defaults, *getattr(scope, "decorator_list", [])]


def _inside(scope: ast.AST) -> list[ast.AST]:
    """Return the other parts, annotations left out."""
    if isinstance(scope, _COMPREHENSIONS):
        first, *others = scope.generators
        made: list[ast.AST] = [scope.key, scope.value] if isinstance(scope, ast.DictComp) else [scope.elt]
        return [*made, first.target, *first.ifs, *others]
    body = getattr(scope, "body", [])
    return body if isinstance(body, list) else [body]


def _arguments(scope: ast.AST) -> frozenset[str]:
    return (
        frozenset(node.arg for node in ast.walk(scope.args) if isinstance(node, ast.arg))
        if isinstance(scope, _FUNCTIONS)
        else frozenset()
    )
