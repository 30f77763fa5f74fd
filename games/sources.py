"""Digests of source code with all it is built on: what a compiled kernel depends on, and nothing else.

A kernel's machine code holds the kernels and constants that its module imports, and those of their modules, and so on. The digest
of this *import closure* says whether a kernel on disk still fits the sources. Comments, docstrings and layout are left out, so that
only edits that could change a kernel give it another digest.
"""

import ast
import hashlib
import json
import sys
import sysconfig
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

from games.files import write_atomically

_TOP = Path(__file__).resolve().parent.parent
_PACKAGES = ("games", "solvers", "planners", "workbench")
_NAMED_BY_CONTENT = "gameplan_"  # how modules begin that are loaded from a file under a name that holds a hash of its code
_MOST = 5_000  # sources in the memo; past that it begins anew
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_STARTED = time.time()
_LIBRARIES = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib"))


class ChangedSource(Exception):
    """A source file is newer than this process, which may therefore run older code than the file holds."""


def closure_digest(modules: Iterable[str], memo: Path) -> str:
    """Return the digest of the `modules` (names) and of every module of ours or of the user's that they import at their top level.

    Modules of the standard library and of installed packages are left out, but for this project's own. What a file holds is
    looked up in, and added to, the file `memo` by a hash of its bytes; a memo that cannot be read or written is done without.

    Raises
    ------
    OSError
        If a source file cannot be read.
    ChangedSource
        If a file has changed since this process began, which may have imported it before.
    """
    known = _memo(memo)
    before = len(known)
    found: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = None if name in found else _source_file(name)
        if path is not None:
            found[name], imports = _read(name, path, known)
            waiting.extend(imports)
    if len(known) > before:
        with suppress(OSError):
            write_atomically(memo, json.dumps(known).encode())
    return hashlib.sha256(json.dumps(sorted(found.items())).encode()).hexdigest()


def code_digest(source: str | bytes) -> str:
    """Return a hash of Python source that does not change with comments, docstrings and layout.

    Source nested too deeply to be taken apart is hashed as it stands.

    Raises
    ------
    SyntaxError, ValueError
        If it is no Python.
    """
    try:
        return _summary(ast.parse(source))[0]
    except RecursionError:
        return hashlib.sha256(source if isinstance(source, bytes) else source.encode()).hexdigest()[:32]


@cache
def _memo(path: Path) -> dict[str, tuple[str, list[str]]]:
    with suppress(OSError, ValueError, TypeError, AttributeError):
        found = json.loads(path.read_bytes())
        if len(found) < _MOST:
            return {key: (str(digest), [str(name) for name in imports]) for key, (digest, imports) in found.items()}
    return {}


def _read(name: str, path: Path, known: dict[str, tuple[str, list[str]]]) -> tuple[str, list[str]]:
    if not name.startswith(_NAMED_BY_CONTENT) and _STARTED < path.stat().st_mtime <= time.time():
        raise ChangedSource(path)
    data = path.read_bytes()
    key = hashlib.sha256(data).hexdigest()
    if key not in known:
        known[key] = _summary(ast.parse(data))
    return known[key]


def _summary(tree: ast.Module) -> tuple[str, list[str]]:
    """Return the digest of a module without its docstrings, which are removed in place, and what it may import at its top level."""
    imports: set[str] = set()
    for node in _top_level(tree):
        if isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports.add(node.module)
            imports.update(f"{node.module}.{alias.name}" for alias in node.names)  # a module or a name in one
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body[0:1] = [] if len(node.body) > 1 or isinstance(node, ast.Module) else [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:32], sorted(imports)


def _top_level(tree: ast.AST) -> Iterable[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):  # kernels see module globals only
            yield from _top_level(node)


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in _PACKAGES


def _source_file(name: str) -> Path | None:
    """Return the file of a module whose code may be part of kernels."""
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if loaded is None:
        stem = _TOP.joinpath(*name.split("."))
        files = (stem.with_suffix(".py"), stem / "__init__.py") if _is_ours(name) else ()
        return next((file for file in files if file.is_file()), None)
    path = Path(loaded)
    if path.suffix != ".py" or (not _is_ours(name) and any(path.resolve().is_relative_to(library) for library in _LIBRARIES)):
        return None
    return path
