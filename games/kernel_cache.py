"""Compiled kernels on disk, found again by what they were compiled from.

numba's own cache keys a kernel by its own file, so a kernel that calls another file's kernel keeps old machine code when that file
changes; it also keys by path and by line, so that a comment recompiles everything below it. Here a kernel belongs to the import
closure of its module (`games.sources`), and an overload also to the closures of the modules that implement operations for the
record classes among its arguments (`games.dispatch`): what cannot have changed is never compiled again, wherever the project lies.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import numba
from numba.core import types
from numba.core.caching import IndexDataCacheFile
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from games.modules import is_users
from games.sources import closure_digest

VERSION = f"1-numba{numba.__version__}"  # format and compiler of the kernels on disk

_implementations: dict[type, set[str]] = {}  # record class -> modules with implementations of operations for it


def note_implementation(cls: type, module: str) -> None:
    """Remember that kernels compiled for the record class `cls` hold code of `module`."""
    _implementations.setdefault(cls, set()).add(module)


class KernelCache:
    """The disk cache of one kernel, in the form that numba's dispatchers ask (``_Cache``).

    Parameters
    ----------
    function : function
        The kernel in Python.
    flags : str
        How it is compiled; the same function compiled otherwise is another kernel.
    directory : Path
        Where all kernels are.

    Notes
    -----
    A cache is dispensable: whatever goes wrong in reading or writing it, the kernel is compiled in this process.
    """

    def __init__(self, function: Any, flags: str, directory: Path) -> None:
        self._function, self._flags, self._directory = function, flags, directory
        self._file: IndexDataCacheFile | None = None
        self._enabled = True

    @property
    def cache_path(self) -> str:
        """The directory of all kernels."""
        return str(self._directory)

    def enable(self) -> None:
        """Read and write from now on."""
        self._enabled = True

    def disable(self) -> None:
        """Neither read nor write from now on."""
        self._enabled = False

    def flush(self) -> None:
        """Forget what is on disk."""
        self._open().flush()

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """Return the compiled overload for `signature`, or None if it is not on disk or does not fit."""
        target_context.refresh()
        if not self._enabled:
            return None
        try:
            payload = self._open().load(self._key(signature, target_context.codegen()))
            return None if payload is None else CompileResult._rebuild(target_context, *payload)
        except Exception:  # damaged, of classes that this process does not know, out of reach: compile
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep a compiled overload, unless it holds addresses of this process or the disk is not willing.

        Nor is one kept for record classes of a user's program: no other process could read an index that names them.
        """
        if any(is_users(cls.__module__) for cls in _records(signature)):
            return
        if not self._enabled or result.library.has_dynamic_globals or not all(loop.can_cache for loop in result.lifted):
            return
        try:
            file = self._open()
            Path(file._cache_path).mkdir(parents=True, exist_ok=True)
            file.save(self._key(signature, result.codegen), result._reduce())
        except Exception:  # a full or read-only disk, a source that has changed
            return

    def _open(self) -> IndexDataCacheFile:
        if self._file is None:
            module = self._function.__module__
            closure = _digest(frozenset([module]), self._directory)[:16]
            name = self._function.__qualname__.replace("<", "").replace(">", "")[-80:]
            mark = hashlib.sha256(repr((self._function.__qualname__, self._flags, _shape(self._function.__code__))).encode())
            place = self._directory / f"{module[-80:]}-{closure}"
            self._file = _File(str(place), f"{name}-{mark.hexdigest()[:12]}", closure)
        return self._file

    def _key(self, signature: Any, codegen: Any) -> Any:
        cells = tuple(cell.cell_contents for cell in self._function.__closure__ or ())
        modules = frozenset(module for cls in _records(signature) for module in (cls.__module__, *_implementations.get(cls, ())))
        return signature, codegen.magic_tuple(), hashlib.sha256(dumps(cells)).hexdigest(), _digest(modules, self._directory)


class _File(IndexDataCacheFile):
    """The index of a kernel's overloads and a file for each, under a name of its own: processes that save at once do not mix."""

    def _data_name(self, number: int) -> str:
        return self._data_name_pattern.format(number=uuid.uuid4().int >> 64)


@cache
def _digest(modules: frozenset[str], directory: Path) -> str:
    return closure_digest(modules, directory / "sources.json")


def _records(signature: Any) -> Iterator[type]:
    """Yield the record classes among the types of a signature, at any depth."""
    for kind in signature if isinstance(signature, tuple) else (signature,):
        if isinstance(kind, types.BaseNamedTuple):
            yield kind.instance_class  # type: ignore[attr-defined]
        if isinstance(kind, types.BaseTuple):
            yield from _records(tuple(kind))  # type: ignore[arg-type]
        elif isinstance(kind, types.Optional):
            yield from _records(kind.type)


def _shape(code: CodeType) -> tuple[Any, ...]:
    """Return what tells functions of one name and module apart, but for documentation and places."""
    first = 0 if code.co_name == "<lambda>" else 1  # a function's first constant is its docstring or None
    constants = [_shape(x) if isinstance(x, CodeType) else repr(x) for x in code.co_consts[first:]]
    return code.co_code, code.co_names, code.co_varnames, tuple(constants)


def attach(kernel: Any, function: Callable[..., Any], flags: dict[str, Any], directory: Path) -> None:
    """Give the dispatcher `kernel` a disk cache."""
    kernel._cache = KernelCache(function, repr(sorted(flags.items())), directory)
