"""Programs as plain Python that computes as compiled code does: no exception where machine arithmetic has none, no compiling.

Literals and parameters become NumPy's numbers, which divide by zero and overflow like those of compiled code, functions of `math`
become NumPy's, ``@njit`` goes, and `solvers.rule` is a copy made in the same way.
"""

import ast
import math
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from games.dispatch import plain
from solvers import rule
from workbench.discovery.isolation.source import load_source

_UFUNCS: dict[str, Any] = {
    "pow": np.power, "fabs": np.abs, **{name: getattr(np, name) for name in (
        "sqrt", "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "tanh", "sinh", "cosh", "hypot", "copysign"
    )},
}  # fmt: skip
_MATH = SimpleNamespace(**{**{name: getattr(math, name) for name in dir(math) if not name.startswith("_")}, **_UFUNCS})
_REPLACED = {id(getattr(math, name)): ufunc for name, ufunc in _UFUNCS.items()}
_PREFIX = "number_"


def plain_module(source: str) -> ModuleType:
    """Return the module of `source` in plain form; its other imports stay as they are."""
    numbers: list[float] = []
    tree = ast.fix_missing_locations(_Plain(numbers).visit(ast.parse(source)))
    module = load_source(source, tree)
    for k, number in enumerate(numbers):
        setattr(module, f"{_PREFIX}{k}", np.float64(number))
    module.float = np.float64  # type: ignore[attr-defined]
    for name, value in list(vars(module).items()):
        if value is math:
            setattr(module, name, _MATH)
        elif value is rule and source is not _rule_source():
            setattr(module, name, plain_rule())
        elif id(value) in _REPLACED:
            setattr(module, name, _REPLACED[id(value)])
        elif hasattr(value, "py_func"):
            own = source is _rule_source()  # the vocabulary has kernels from elsewhere too
            setattr(module, name, plain(value) if own else getattr(plain_rule(), value.__name__, value.py_func))
    return module


@cache
def plain_rule() -> ModuleType:
    """Return `solvers.rule` in plain form."""
    return plain_module(_rule_source())


@cache
def _rule_source() -> str:
    assert rule.__file__
    return Path(rule.__file__).read_text()


class _Plain(ast.NodeTransformer):
    def __init__(self, numbers: list[float]) -> None:
        self.numbers = numbers
        self.depth = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.decorator_list = [d for d in node.decorator_list if not (isinstance(d, ast.Name) and d.id == "njit")]
        self.depth += 1
        node.body = [self.visit(item) for item in node.body]
        self.depth -= 1
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not self.depth or not isinstance(node.value, float):
            return node
        self.numbers.append(node.value)
        return ast.copy_location(ast.Name(f"{_PREFIX}{len(self.numbers) - 1}", ast.Load()), node)
