"""What people give to functions from Python is what annotations say; what is not is refused in one line, as at a terminal."""

import math
import os
import types
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from functools import cache, wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from games.errors import GameplanError, UsageError, did_you_mean

F = TypeVar("F", bound=Callable[..., Any])
_REFUSED = object()  # what no alternative of an annotation takes
_SHOWN = 60  # characters of a value in a message


class AtLeast(NamedTuple):
    """The least that a number may be, said beside its annotation."""

    least: int

    def __str__(self) -> str:
        return f" from {self.least} on"

    def takes(self, value: Any) -> bool:
        """Return whether a number is large enough."""
        return bool(value >= self.least)


class Nameable(NamedTuple):
    """Says beside an annotation that a text or path is one that the system can look for."""

    part: int = 255  # bytes of a name
    whole: int = 4095

    def __str__(self) -> str:
        return f", its parts of {self.part} bytes at most"

    def takes(self, value: Any) -> bool:
        """Return whether it is short enough."""
        name = os.fsencode(str(value))
        return len(name) <= self.whole and all(len(part) <= self.part for part in name.split(b"/"))


Natural = Annotated[int, AtLeast(0)]
Positive = Annotated[int, AtLeast(1)]
Place = Annotated[str | Path, Nameable()]  # of a file or directory


def asked(function: F) -> F:
    """Return `function` such that its arguments are made exact first, or refused (`exact`).

    What comes out of a program of the user's own while it runs is raised as a GameplanError that says where.
    """
    form = signature(function)

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        bound = form.bind(*args, **kwargs)
        kinds = _annotations(function)
        for name, value in bound.arguments.items():
            parameter = form.parameters[name]
            if name in kinds and parameter.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
                needed = parameter.default is Parameter.empty or bool(parameter.default)
                bound.arguments[name] = exact(name, value, kinds[name], needed=needed)
        try:
            return function(*bound.args, **bound.kwargs)
        except BaseException as error:
            told = _of_users(error)
            if told is None:
                raise
            raise told from error

    return checked  # type: ignore[return-value]


def _of_users(error: BaseException) -> GameplanError | None:
    """Return `games.blame.of_users`, which is imported when it is asked."""
    from games.blame import of_users

    return of_users(error)


def make_exact(record: Any) -> None:
    """Make the fields of a frozen dataclass what its annotations say, or refuse them (`exact`); for its ``__post_init__``.

    `record` is changed.
    """
    for name, kind in _annotations(cast("Hashable", type(record))).items():
        object.__setattr__(record, name, exact(name, getattr(record, name), kind, needed=False))


def exact(name: str, value: object, kind: Any, *, needed: bool = True) -> Any:
    """Return the argument called `name` as its annotation has it: numbers and texts of NumPy as Python's, paths as texts.

    A whole float, such as ``1e6``, is taken for an int. What an annotation leaves open (`object`, a function) is left alone. No
    text or path may hold a NUL, with which no file can be named.

    Parameters
    ----------
    needed : bool
        Whether a list may not be empty.

    Raises
    ------
    UsageError
        For anything else, a number that is none (nan), or an empty list that is needed.
    """
    found = _taken(value, kind)
    if found is _REFUSED:
        raise UsageError(f"{name} = {_shown(value)} cannot be meant; it must be {described(kind)}{_hint(value, kind)}")
    if needed and _is_list(kind) and not isinstance(found, str) and not found:
        raise UsageError(f"{name} is empty; name at least one, as {name}=[...]")
    return found


def described(kind: Any) -> str:
    """Return an annotation in words, such as "a whole number or None"."""
    words: dict[Any, str] = {
        int: "a whole number", float: "a number", str: "a text", bool: "True or False", None: "None", type(None): "None",
        Path: "a path",
    }  # fmt: skip
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return f"{described(inner[0])}{inner[1]}"
    if kind in words:
        return words[kind]
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(described(one) for one in inner))
    if origin is Literal:
        return " or ".join(repr(one) for one in inner)
    if _is_mapping(kind):
        return "a dict with texts as keys" if inner and inner[1] is Any else f"a dict from texts to {described(inner[1])}"
    if _is_list(kind):
        return f"a list, each {described(inner[0])}" if inner else "a list"
    if getattr(kind, "_is_protocol", False):
        return "something that has learned"
    if kind is Callable or origin is Callable:
        return "a function"
    return f"a {getattr(kind, '__name__', 'thing of its own kind')}"


@cache
def _annotations(what: Hashable) -> dict[str, Any]:
    assert callable(what)
    return {name: kind for name, kind in get_type_hints(what, include_extras=True).items() if name != "return"}


def _is_mapping(kind: Any) -> bool:
    return isinstance(get_origin(kind), type) and issubclass(get_origin(kind), Mapping)


def _is_list(kind: Any) -> bool:
    if get_origin(kind) in (Union, types.UnionType):
        return any(_is_list(one) for one in get_args(kind))
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Collection) and not issubclass(origin, Mapping)


def _taken(value: object, kind: Any) -> Any:
    """Return the value as `kind` has it, or `_REFUSED`."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any or kind is object or isinstance(kind, TypeVar):
        return value
    if origin is Annotated:
        found = _taken(value, inner[0])
        return found if found is not _REFUSED and inner[1].takes(found) else _REFUSED
    if kind is Callable or origin is Callable:
        return value if callable(value) else _REFUSED
    if kind is None or kind is type(None):
        return None if value is None else _REFUSED
    if origin in (Union, types.UnionType):
        alternatives = sorted(inner, key=lambda one: not (isinstance(one, type) and isinstance(value, one)))
        return next((found for one in alternatives if (found := _taken(value, one)) is not _REFUSED), _REFUSED)
    if origin is Literal:
        return next((one for one in inner if isinstance(value, type(one)) and value == one), _REFUSED)
    if _is_mapping(kind):
        return _mapping(value, inner)
    if _is_list(kind):
        return _list(value, inner)
    if kind in (int, float, bool, str):
        return _scalar(value, kind)
    if isinstance(kind, type):
        return value if isinstance(value, kind) and not (kind is Path and "\0" in str(value)) else _REFUSED
    return _REFUSED


def _scalar(value: object, kind: type) -> Any:
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if kind is str:
        return _text(value)
    if kind is bool or isinstance(value, bool):
        return value if kind is bool and isinstance(value, bool) else _REFUSED
    if isinstance(value, int) and abs(value) >= 2**63:  # kernels count in 64 bits
        return _REFUSED
    if not isinstance(value, int | float) or math.isnan(value):
        return _REFUSED
    if kind is int:
        return int(value) if isinstance(value, int) or value.is_integer() else _REFUSED
    return value


def _text(value: object) -> Any:
    if not isinstance(value, str | Path):
        return _REFUSED
    text = str(value) if isinstance(value, str) else os.fspath(value)
    return _REFUSED if "\0" in text else text


def _mapping(value: object, inner: tuple[Any, ...]) -> Any:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        return _REFUSED
    found = {key: _taken(one, inner[1]) if inner else one for key, one in value.items()}
    return _REFUSED if any(one is _REFUSED for one in found.values()) else found


def _list(value: object, inner: tuple[Any, ...]) -> Any:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return _REFUSED
    found = [_taken(one, inner[0]) if inner else one for one in value]
    return _REFUSED if any(one is _REFUSED for one in found) else tuple(found)


def _hint(value: object, kind: Any) -> str:
    if isinstance(value, str):
        if _is_list(kind):
            return f", as [{_shown(value)}]"
        texts = [one for one in get_args(kind) if isinstance(one, str)]
        return did_you_mean(value, texts)
    return ""


def _shown(value: object) -> str:
    try:
        text = " ".join(repr(value).split())
    except Exception:  # of a class of the user's own
        text = f"<{type(value).__name__}>"
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
