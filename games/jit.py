"""Compilation, with the results kept on disk (`games.kernel_cache`)."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core.dispatcher import Dispatcher

from games.kernel_cache import VERSION, attach


def cache_root() -> Path:
    """Return the directory for everything that can be rebuilt (``$GAMEPLAN_CACHE`` or the user's cache directory)."""
    return Path(os.environ.get("GAMEPLAN_CACHE") or platformdirs.user_cache_path("gameplan"))


@cache
def kernel_cache() -> Path:
    """Return the directory of compiled kernels of the present numba version."""
    return cache_root() / f"kernels-{VERSION}"


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
    kernel: Callable[..., Any] = numba.njit(**flags)(function)
    if isinstance(kernel, Dispatcher):  # not so with NUMBA_DISABLE_JIT=1
        attach(kernel, function, flags, kernel_cache())
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


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` compiled like `lean`, and always made a part of its callers: for small kernels that take large records."""
    flags: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False, "forceinline": True}
    return numba.njit(**flags)(function)
