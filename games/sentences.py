"""What parameters mean: one sentence each, in the documentation of the module that declares them.

    Parameters
    ----------
    gamma : exponent of the weight of iteration t in the average; at least 0
    alpha, beta : ...
    and those of planners.parts.proposals

An entry may go on in indented lines. The last line of the example takes in what another module says. Of a number the sentence ends
with its range, after a semicolon, and what is said is what is legal (`check_ranges`): "at least 1, or 0 for none", "above 0, at
most 1", "from 0 to k - 1" where k is another parameter, "at most 0", "any number".
"""

import contextlib
import importlib
import inspect
import math
import re
from collections.abc import Collection, Mapping
from functools import lru_cache

from games.errors import UsageError
from games.params import Value

LONGEST = 500  # characters of a range
_SECTION = re.compile(r"^Parameters\n-{3,}\n(.*?)(?=\n\n|\Z)\n*", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"^([\w, ]+?) : (.*(?:\n[ ]+.*)*)$", re.MULTILINE)
_BOUND = r"(-?(?:\d{1,3}(?:,\d{3})+|\d[\d.]*(?:e-?\d+)?(?:\^\d+)?|[a-z]\w*)(?: - 1)?)"
_RANGE = re.compile(
    rf"(?:(?P<begin>at least|above|from) {_BOUND}(?:(?:, at most| to) {_BOUND})?|at most {_BOUND})"
    rf"(?:, or (?!less){_BOUND}(?::| |$).*)?(?:(?:,(?! or )| \().*)?"
)
_OTHERS = re.compile(r"^and those of ([\w.]+)$", re.MULTILINE)


def sentences(doc: str | None) -> dict[str, str]:
    """Return what a module's documentation says of parameters, and what those say that it refers to: name -> sentence."""
    found: dict[str, str] = {}
    for others in _OTHERS.findall(_section(doc)):
        with contextlib.suppress(ImportError):  # then what it would say is missed by `unsaid`
            found |= sentences(importlib.import_module(others).__doc__)
    return found | _own(doc)


_cached = lru_cache(maxsize=256)(sentences)


def check_ranges(name: str, params: Mapping[str, Value], doc: str | None, *, alone: bool = False) -> None:
    """Check that numbers lie in the ranges that a documentation says; `name` is what they are parameters of.

    With `alone` nothing counts that it says of other modules, which would be imported: that of a program that is not trusted.

    Raises
    ------
    UsageError
        For the first that does not.
    """
    told: Mapping[str, str] = {}
    if params and isinstance(doc, str):
        told = _own(doc) if alone else _cached(doc)
    for key, value in params.items():
        if key in told and type(value) in (int, float):
            _, end, said = told[key].rpartition("; ")
            if end and not _within(float(value), said, params):
                raise UsageError(f"{name}: {key}={value} is not possible; legal: {said}")


def _within(value: float, said: str, params: Mapping[str, Value]) -> bool:
    """Return whether a number is in the range that is said; True if none is, or not by numbers and parameters."""
    found = _RANGE.fullmatch(said) if len(said) <= LONGEST else None
    if found is None:
        return True
    least, most, only, special = (None if text is None else _bound(text, params) for text in found.groups()[1:])
    most = only if most is None else most
    if special == value:
        return True
    low = least is not None and (value <= least if found["begin"] == "above" else value < least)
    return not low and not (most is not None and value > most)


def _bound(text: str, params: Mapping[str, Value]) -> float:
    """Return what a bound is worth: NaN, which bounds nothing, where it is no number and no parameter."""
    text, less, _ = text.partition(" - 1")
    sign, text = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    base, _, power = text.replace(",", "").partition("^")
    try:
        number = float(base) ** int(power or 1)
    except OverflowError:
        number = math.inf
    except ValueError:
        number = float(params[text]) if isinstance(params.get(text), int | float) else math.nan
    return sign * number - (1.0 if less else 0.0)


def without_sentences(doc: str | None) -> str:
    """Return a documentation without what `sentences` reads from it."""
    return _SECTION.sub("", inspect.cleandoc(doc or "")).strip()


def unsaid(doc: str | None, defaults: Mapping[str, Value], choices: Mapping[str, Collection[str]]) -> list[str]:
    """Return what is missing from a documentation of parameters with these `defaults`, a line each; nothing if all is said.

    Numbers that are no ones of few `choices` need a range.
    """
    told, problems = sentences(doc), []
    for name, default in defaults.items():
        if name not in told:
            problems.append(f"no sentence about {name}: write '{name} : what it is; range' under Parameters in the docstring")
        elif name not in choices and type(default) in (int, float) and "; " not in told[name]:
            problems.append(f"no range of {name}: end its sentence with one, such as '; at least 0' or '; any number'")
    return problems + [f"a sentence about {name}, which is no parameter" for name in _own(doc) if name not in defaults]


def _section(doc: str | None) -> str:
    found = _SECTION.search(inspect.cleandoc(doc or ""))
    return found[1] if found else ""


def _own(doc: str | None) -> dict[str, str]:
    entries = _ENTRY.findall(_section(doc))
    return {name.strip(): " ".join(text.split()) for names, text in entries for name in names.split(",")}
