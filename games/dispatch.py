"""Operations: functions whose compiled form is chosen by the class of their first argument.

A planner's kernel says ``apply(model, state, action)``; which world that is, numba decides when it compiles the kernel for the type
of `model`. So one kernel serves every world at full speed, each world's part compiled into it, and the kernel stays cacheable on
disk, because no function is passed as an argument. `plain` runs the same source without numba, for models written in Python.
"""

from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher
from numba.extending import overload

from games.kernel_cache import note_implementation
from games.modules import is_users


def operation(default: Callable[..., Any]) -> Any:
    """Return `default` as an operation on its first argument, a record (NamedTuple) or any Python object.

    ``@name.of(Class)`` registers the implementation for a record class: a plain function that numba can compile, which may call
    `games.jit.embedded` kernels and other operations. Elsewhere the body of `default` holds. Python objects bring a method of the
    operation's name. Records print a line, unless they have a `__repr__` of their own. Two of our record classes must not share
    name, field names and types: numba would confuse them; those of a user's programs are given names that say where they are
    from. ``name.known(subject)`` says whether the default does not hold.
    """
    implementations: dict[type, Callable[..., Any]] = {}
    name = default.__name__

    def call(subject: Any, *args: Any) -> Any:
        implementation = implementations.get(type(subject))
        if implementation is not None:
            return implementation(subject, *args)
        method = getattr(subject, name, None)
        return default(subject, *args) if method is None else method(*args)

    def chosen(subject: Any, *args: Any) -> Callable[..., Any]:
        return implementations.get(getattr(subject, "instance_class", None), default)  # type: ignore[arg-type]

    def of(cls: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
            mark = f" of {cls.__module__}"
            if is_users(cls.__module__) and not cls.__name__.endswith(mark):
                cls.__name__ += mark
            if _prints_arrays(cls):
                cls.__repr__ = one_line  # type: ignore[assignment]
            implementations[cls] = implementation
            note_implementation(cls, implementation.__module__)
            return implementation

        return register

    flags: Any = {"nogil": True, "error_model": "numpy", "_nrt": True}  # operations may allocate, even inside a lean kernel
    overload(call, strict=False, jit_options=flags)(chosen)
    call.__name__, call.__qualname__, call.__doc__, call.__module__ = name, name, default.__doc__, default.__module__
    call.of = of  # type: ignore[attr-defined]
    call.known = lambda subject: type(subject) in implementations or hasattr(subject, name)  # type: ignore[attr-defined]
    return call


def one_line(record: Any) -> str:
    """Return the record of a compiled model, evaluator or the like in a line: its numbers, and of what else it has the kind."""
    parts = [f"{name}={_kind(value)}" for name, value in zip(record._fields, record, strict=True)]
    return f"{type(record).__name__.partition(' ')[0]}({', '.join(parts)})"


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {'x'.join(map(str, value.shape)) or 'number'}"
    if isinstance(value, tuple | list | dict | set | frozenset):
        return type(value).__name__
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 40 and "\n" not in text else type(value).__name__


def _prints_arrays(cls: type) -> bool:
    """Return whether a record class prints all that is in it: it has the `__repr__` of named tuples, and none of its own."""
    return getattr(cls.__repr__, "__globals__", {}).get("__name__") == "collections"


def plain(kernel: Any) -> Callable[..., Any]:
    """Return `kernel`, and every kernel it calls, as plain Python: for models and parts that numba cannot compile."""
    function = _plain(kernel, {})

    @wraps(function)
    def quiet(*args: Any) -> Any:
        with np.errstate(over="ignore"):  # hashes and random words wrap around on purpose
            return function(*args)

    return quiet


def suited(kernel: Any, *subjects: Any) -> Any:
    """Return `kernel` as it is if all `subjects` (models, evaluators ...) are records, else as plain Python."""
    return kernel if all(isinstance(subject, tuple) for subject in subjects) else plain(kernel)


def _plain(kernel: Any, done: dict[Any, Any]) -> Any:
    function = getattr(kernel, "py_func", kernel)
    if function not in done:
        scope = dict(function.__globals__)
        copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
        done[function] = copy
        for name in function.__code__.co_names:
            if isinstance(scope.get(name), Dispatcher):
                scope[name] = _plain(scope[name], done)
    return done[function]
