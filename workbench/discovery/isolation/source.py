"""Modules from text: candidates as they are, and which of them may be compiled ahead of the process that runs them."""

import ast
import hashlib
import importlib.abc
import importlib.util
import linecache
import re
import sys
from itertools import chain
from types import CodeType, ModuleType
from typing import Any

from workbench.discovery.genome.names import attributes, imports

FILE = "<candidate>"
IMPORTS = ("math", "numpy", "numba", "collections", "dataclasses", "typing", "solvers.rule")
LONGEST = 200_000  # characters of a program


class _Loader(importlib.abc.InspectLoader):
    def __init__(self, text: str, tree: ast.Module | None) -> None:
        self.text = text
        self.tree = tree

    def get_source(self, fullname: str) -> str:
        return self.text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.tree or self.text, FILE, "exec", dont_inherit=True)


def load_source(text: str, tree: ast.Module | None = None) -> ModuleType:
    """Return the module that `text` (or a `tree` made of it) is the source of; its lines are known to tracebacks."""
    given = text if tree is None else ast.dump(tree)
    name = f"candidate_{hashlib.sha256(given.encode()).hexdigest()[:16]}"
    loader = _Loader(text, tree)
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # numba finds a function's globals through here
    linecache.cache[FILE] = (len(text), None, text.splitlines(keepends=True), FILE)
    loader.exec_module(module)
    return module


def is_inert(source: str) -> bool:
    """Return whether importing and compiling `source` runs nothing of it.

    Then it holds imports of listed names, literals and functions under a bare ``@njit`` that is ours, and no annotation. Compiling
    looks up names and types; what makes numba evaluate text (``with objmode``, signatures) or follow attributes into Python's
    machinery is no part of it.
    """
    try:
        tree = ast.parse(source)
        nodes = list(ast.walk(tree))
        if not all(map(_inert, tree.body)) or any(map(_evaluates, nodes)) or not _has_our_njit(nodes):
            return False
        return not any(True for _ in chain(imports(nodes), attributes(nodes)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _inert(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True  # which names these may be is looked at for the whole program
    if isinstance(node, ast.Assign):
        return all(isinstance(t, ast.Name) and not t.id.startswith("_") for t in node.targets) and _is_literal(node.value)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return (
        isinstance(node, ast.FunctionDef)
        and [d.id if isinstance(d, ast.Name) else "" for d in node.decorator_list] == ["njit"]
        and not any((node.args.defaults, [d for d in node.args.kw_defaults if d], getattr(node, "type_params", [])))
    )


def _has_our_njit(nodes: list[ast.AST]) -> bool:
    """Whether ``njit`` can be nothing but the decorator of numba or of the vocabulary of rules."""
    bound = [name for node in nodes for name in _bound(node) if name == "njit"]
    ours = [
        alias.asname is None
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module in ("numba", "solvers.rule")
        for alias in node.names
        if alias.name == "njit"
    ]
    return len(bound) == len(ours) and all(ours)


def _bound(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    name = getattr(node, "name", None) or getattr(node, "arg", None)
    return [name] if isinstance(name, str) and not isinstance(node, ast.keyword | ast.alias) else []


def _is_literal(node: ast.expr | None) -> bool:
    try:
        ast.literal_eval(node or ast.Constant(None))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _evaluates(node: ast.AST) -> bool:
    """Whether something here is evaluated beside what functions do, or may be while they are compiled."""
    if getattr(node, "annotation", None) is not None or getattr(node, "returns", None) is not None:
        return True
    return isinstance(node, ast.With | ast.ClassDef | ast.Lambda | ast.Yield | ast.YieldFrom | ast.Await | ast.Global)


def describe(error: BaseException) -> tuple[str, str]:
    """Return an exception's kind and one line that says what happened where in the program."""
    try:
        text = str(error)
    except BaseException as fault:  # the program's own, or a number that is too long
        text = f"its message cannot be told ({type(fault).__name__})"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    place = re.findall(re.escape(f'File "{FILE}", line ') + r"(\d+)", text)  # numba names the place in its message
    if place:
        skip = ("Failed in", "During", "File", "-", "<", "No implementation", "There are")
        lines = [line for line in lines if not line.startswith(skip)] or lines
    else:
        trace: Any = error.__traceback__
        while trace:
            if trace.tb_frame.f_code.co_filename == FILE:
                place = [str(trace.tb_lineno)]
            trace = trace.tb_next
    where = f" (line {place[-1]})" if place else ""
    return type(error).__name__, f"{lines[0] if lines else 'no message'}{where}"
