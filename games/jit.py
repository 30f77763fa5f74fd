"""Compilation with a disk cache that cannot go stale.

numba keys a cached kernel by its own file only, so a kernel that calls another file's kernel keeps the old machine code when
that file changes. The cache directory's name therefore holds a hash of every kernel source of the project.
"""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core.dispatcher import Dispatcher

_PACKAGES = ("games", "solvers", "planners")
_MARKS = (b"njit", b"embedded", b"@lean", b"operation", b".of(")  # what a file with code that goes into kernels says


def cache_root() -> Path:
    """Return the directory for everything that can be rebuilt (``$GAMEPLAN_CACHE`` or the user's cache directory)."""
    return Path(os.environ.get("GAMEPLAN_CACHE") or platformdirs.user_cache_path("gameplan"))


@cache
def kernel_cache() -> Path:
    """Return the directory of compiled kernels that belongs to the present sources and numba version."""
    top = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256(numba.__version__.encode())
    for package in _PACKAGES:
        for source in sorted((top / package).rglob("*.py")):
            text = source.read_bytes()
            if any(mark in text for mark in _MARKS):
                digest.update(str(source.relative_to(top)).encode())
                digest.update(text)
    return cache_root() / f"kernels-{digest.hexdigest()[:16]}"


@cache
def _cache_is_writable() -> bool:
    try:
        kernel_cache().mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(kernel_cache(), os.W_OK)


def njit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` compiled by numba in nopython mode, without the GIL, cached on disk under `kernel_cache`.

    No ``fastmath``: kernels keep IEEE semantics, so results do not depend on how the compiler reorders sums.
    """
    return _cached(function, {"nogil": True, "error_model": "numpy"})


def lean_njit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` compiled like `njit`, but without counting references to arrays.

    numba counts up and down at every use of an array that is a field of a record, with atomic instructions: in kernels that use
    many of them, up to nine tenths of the time. A lean kernel allocates no arrays, assigns no slices and returns no arrays; the
    operations and the `embedded` kernels that it calls may.
    """
    return _cached(function, {"nogil": True, "error_model": "numpy", "_nrt": False})


def _cached(function: Callable[..., Any], flags: dict[str, Any]) -> Callable[..., Any]:
    if not _cache_is_writable():  # compile in every process; numba itself would fall back to the source tree
        return numba.njit(**flags)(function)
    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(kernel_cache())
    try:
        return _forgiving(numba.njit(cache=True, **flags)(function))
    except RuntimeError:  # no file to take a cache's name from
        return numba.njit(**flags)(function)
    finally:
        config.CACHE_DIR = before


def _forgiving(kernel: Any) -> Any:
    """Let `kernel` compile again where its cache's index names record classes that this process cannot import."""
    if not isinstance(kernel, Dispatcher):  # NUMBA_DISABLE_JIT=1
        return kernel
    file = kernel._cache._cache_file  # type: ignore[attr-defined]
    load = file._load_index

    def load_index() -> Any:
        try:
            return load()
        except (ImportError, AttributeError):
            return {}

    file._load_index = load_index
    return kernel


def embedded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` (or the function inside a kernel) compiled, but never cached by itself.

    What numba reads from its disk cache is machine code that callers cannot inline; a small kernel called in a tight loop then
    costs microseconds for handing over its records of arrays. Embedded kernels are compiled into every caller, which is cached.
    """
    flags: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": True}  # even inside a lean kernel
    return numba.njit(**flags)(getattr(function, "py_func", function))


def lean(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` compiled like `embedded`, under the conditions of `lean_njit`; it may make views of its arrays."""
    flags: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
    return numba.njit(**flags)(getattr(function, "py_func", function))
