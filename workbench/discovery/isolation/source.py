"""Modules from text: candidates as they are, and which of them may be compiled ahead of the process that runs them."""

import ast
import hashlib
import importlib.abc
import importlib.util
import linecache
import re
import sys
from types import CodeType, ModuleType
from typing import Any

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

    Then it holds imports from `IMPORTS`, literals and functions under a bare ``@njit`` only. Compiling looks up names and types;
    what makes numba evaluate text (``with objmode``, signatures) or follow attributes into Python's machinery is no part of it.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(map(_inert, tree.body)) and not any(map(_evaluates, ast.walk(tree)))


def _inert(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import):
        return all(alias.name in IMPORTS for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return node.level == 0 and node.module in IMPORTS
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return all(isinstance(target, ast.Name) and not target.id.startswith("_") for target in targets) and _is_literal(node.value)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return (
        isinstance(node, ast.FunctionDef)
        and [d.id if isinstance(d, ast.Name) else "" for d in node.decorator_list] == ["njit"]
        and not any(map(ast.unparse, (*node.args.defaults, *filter(None, node.args.kw_defaults))))
        and node.returns is None
        and not any(a.annotation for a in (*node.args.args, *node.args.posonlyargs, *node.args.kwonlyargs))
    )


def _is_literal(node: ast.expr | None) -> bool:
    try:
        ast.literal_eval(node or ast.Constant(None))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _evaluates(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr.startswith("_") or node.attr in ("objmode", "extending", "core", "types", "typed", "experimental")
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        return "*" in names or ((node.module or "").startswith("numba") and not names <= {"njit", "prange"})
    return isinstance(node, ast.With | ast.ClassDef | ast.Lambda | ast.Yield | ast.YieldFrom | ast.Await | ast.Global)


def describe(error: BaseException) -> tuple[str, str]:
    """Return an exception's kind and one line that says what happened where in the program."""
    text = str(error)
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
