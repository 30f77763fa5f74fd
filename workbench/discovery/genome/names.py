"""What names mean in a program: which modules it may look into, and which of their public names it may take.

A name may stand for a module by an import only, and a module may be used for nothing but to take a listed name from it. So no
module can be passed on, and none is reached that is not listed here, such as those which modules have as attributes.
"""

import ast
import collections
import dataclasses
import math
import typing
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from solvers import rule

Found = Iterator[tuple[int, str]]


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


LEGAL_IMPORTS = "math, numpy, numba, collections, dataclasses, typing and solvers.rule"
NUMBA = words("njit prange float64 int64 int32 boolean")
# Attributes that lead to files, to foreign code, to addresses or out of the program's names, on whatever they are looked up.
FORBIDDEN = words(
    "load save savez savez_compressed savetxt loadtxt genfromtxt fromfile tofile fromregex memmap open_memmap DataSource "
    "ctypeslib ctypes cffi f2py lib testing core distutils show_config info test lookfor source format format_map dump dumps "
    "os sys io builtins inspect importlib subprocess modules objmode jit cfunc cuda extending frompyfunc bit_generator "
    "tb_frame tb_next gi_frame gi_code cr_frame cr_code ag_frame ag_code f_globals f_locals f_builtins f_back f_code mro "
    "func_globals func_code func_closure func_dict func_defaults get_function_type "
    "py_func overloads typingctx targetctx targetdescr targetoptions recompile get_call_template get_compile_result get_overload "
    "compile get_metadata get_annotation_info parallel_diagnostics nopython_signatures "
    "inspect_llvm inspect_asm inspect_cfg inspect_types inspect_disasm_cfg add_overload disable_compile enable_caching"
)
_NJIT = {"numba.njit", "solvers.rule.njit"}  # the same; it may decorate, and evaluates text that it is called with
# Of numpy, what reads or writes beyond arrays, keeps state for all, or evaluates text; of others, what evaluates text.
_NOT = words(
    "bmat matrix asmatrix mat seterrcall geterrcall setbufsize get_include show_runtime set_printoptions from_dlpack "
    "make_dataclass get_type_hints ForwardRef evaluate_forward_ref"
)


@cache
def public() -> dict[str, frozenset[str]]:
    """Return what may be taken from each module that a program may look into."""

    def listed(module: ModuleType) -> frozenset[str]:
        names = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
        return frozenset(n for n in names if not isinstance(getattr(module, n, None), ModuleType)) - FORBIDDEN - _NOT

    random = frozenset(n for n in listed(np.random) if n[0].islower()) - words("set_state get_state") | {"Generator"}
    return {
        "math": listed(math),
        "numpy": listed(np),
        "numpy.random": random,
        "numpy.linalg": listed(np.linalg),
        "numba": NUMBA,
        "collections": frozenset(collections.__all__),
        "collections.abc": frozenset(collections.abc.__all__),
        "dataclasses": listed(dataclasses),
        "typing": listed(typing),
        "solvers.rule": frozenset(rule.__all__),
    }


class Names:
    """The imports of a program: which of its names stand for modules, and which for what was taken from one.

    What is said of a name is true wherever it is only if it has one meaning; `twice` has the lines and names of those with two.
    """

    def __init__(self, nodes: list[ast.AST]) -> None:
        self.modules: dict[str, str] = {}
        self.taken: dict[str, str] = {}
        self.twice: list[tuple[int, str]] = []
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.split(".")[0]
                    self._add(self.modules, alias.asname or first, alias.name if alias.asname else first, node.lineno)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    path = f"{node.module}.{alias.name}"
                    self._add(self.modules if path in public() else self.taken, alias.asname or alias.name, path, node.lineno)

    def _add(self, table: dict[str, str], name: str, path: str, line: int) -> None:
        known = self.modules.get(name, self.taken.get(name, path))
        if known != path and {known, path} != _NJIT:
            self.twice.append((line, name))
        table[name] = path

    def module(self, node: ast.AST) -> str | None:
        """Return the module that an expression stands for, or None."""
        if isinstance(node, ast.Name):
            return self.modules.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self.module(node.value)
            return f"{base}.{node.attr}" if base and f"{base}.{node.attr}" in public() else None
        return None

    def object(self, node: ast.AST) -> str | None:
        """Return the dotted name of what an expression takes from a module, or None."""
        if isinstance(node, ast.Name):
            return self.taken.get(node.id)
        base = self.module(node.value) if isinstance(node, ast.Attribute) else None
        return f"{base}.{node.attr}" if base and isinstance(node, ast.Attribute) else None


def imports(nodes: list[ast.AST]) -> Found:
    """Find imports of what is not listed."""
    legal = public()
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name not in legal or (alias.name == "solvers.rule" and alias.asname is None):
                    yield node.lineno, f"imports {alias.name}; a program may import {LEGAL_IMPORTS}"
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if module == "__future__":
                continue
            if module not in legal:
                yield node.lineno, f"imports {module}; a program may import {LEGAL_IMPORTS}"
                continue
            for alias in node.names:
                if alias.name not in legal[module] and f"{module}.{alias.name}" not in legal:
                    yield node.lineno, f"imports {alias.name} from {module}, which is not allowed"
    for line, name in Names(nodes).twice:
        yield line, f"imports {name} a second time, as something else"


def attributes(nodes: list[ast.AST]) -> Found:
    """Find attributes that lead astray, names that no module lists, and modules used as values."""
    names = Names(nodes)
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    stored = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    bases = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    decorators = {id(d) for node in nodes if isinstance(node, ast.FunctionDef) for d in node.decorator_list}
    for node in nodes:
        line = getattr(node, "lineno", 1)
        if names.object(node) in _NJIT and id(node) not in decorators:
            yield line, f"{ast.unparse(node)} is a decorator, and to be used as such only"
        module = names.module(node)
        if module is not None and id(node) not in bases and isinstance(getattr(node, "ctx", None), ast.Load | ast.Store | ast.Del):
            yield line, f"{module} is a module, which is for taking names from: write {ast.unparse(node)}.NAME"
        if not isinstance(node, ast.Attribute) or module is not None:
            continue
        base, taken = names.module(node.value), names.object(node.value)
        if base is not None:
            if node.attr not in public().get(base, ()) or not isinstance(node.ctx, ast.Load):
                yield line, f"{ast.unparse(node)} is not allowed"
        elif taken is not None and not isinstance(node.ctx, ast.Load):
            yield line, f"{ast.unparse(node)} is not to be changed"
        elif (node.attr.startswith("_") and not _is_own(node, stored)) or node.attr in FORBIDDEN:
            yield line, f"the attribute {node.attr!r} is not allowed"
        elif taken is not None and not _is_public(taken, node.attr):
            yield line, f"{ast.unparse(node)} is not allowed"
        elif isinstance(node.value, ast.Name) and node.value.id in functions:
            yield line, f"{ast.unparse(node)} is not allowed: {node.value.id} is a function"


def _is_own(node: ast.Attribute, stored: set[str]) -> bool:
    """Whether this is ``self._name``, which the program has written, or the call of a base class's constructor."""
    if node.attr.startswith("__"):
        base = node.value
        is_super = isinstance(base, ast.Call) and isinstance(base.func, ast.Name) and base.func.id == "super" and not base.args
        return node.attr == "__init__" and is_super
    return isinstance(node.value, ast.Name) and node.value.id == "self" and node.attr in stored


def _is_public(taken: str, attribute: str) -> bool:
    """Whether what was taken from a module is a type or ufunc with such a public attribute; functions have none."""
    module, _, name = taken.rpartition(".")
    found: Any = {"numpy": np, "numpy.random": np.random, "collections": collections, "math": math}.get(module)
    found = getattr(found, name, None)
    return isinstance(found, type | np.ufunc) and hasattr(found, attribute)
