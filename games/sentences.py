"""What parameters mean: one sentence each, in the documentation of the module that declares them.

    Parameters
    ----------
    gamma : exponent of the weight of iteration t in the average; at least 0
    alpha, beta : ...
    and those of planners.parts.proposals

An entry may go on in indented lines. The last line of the example takes in what another module says. Of a number the sentence ends
with its range, after a semicolon.
"""

import importlib
import inspect
import re
from collections.abc import Collection, Mapping

from games.params import Value

_SECTION = re.compile(r"^Parameters\n-{3,}\n(.*?)(?=\n\n|\Z)\n*", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"^([\w, ]+?) : (.*(?:\n[ ]+.*)*)$", re.MULTILINE)
_OTHERS = re.compile(r"^and those of ([\w.]+)$", re.MULTILINE)


def sentences(doc: str | None) -> dict[str, str]:
    """Return what a module's documentation says of parameters, and what those say that it refers to: name -> sentence."""
    found: dict[str, str] = {}
    for others in _OTHERS.findall(_section(doc)):
        found |= sentences(importlib.import_module(others).__doc__)
    return found | _own(doc)


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
