"""Fills pages of the reference from the catalogues: a comment ``catalogue: KIND`` becomes a section for everything of that kind."""

import re
from collections.abc import Callable, Mapping
from typing import Any

MARK = re.compile(r"^<!-- catalogue: (\w+) -->$", re.MULTILINE)


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx call `fill` on every page that it reads."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True}


def fill(_app: Any, _page: str, source: list[str]) -> None:
    """Replace the marks in ``source[0]``, in place."""
    source[0] = MARK.sub(lambda found: "\n".join(KINDS[found[1]]()), source[0])


def _algorithms() -> list[str]:
    from workbench.catalogue.descriptions import describe
    from workbench.catalogue.families import ALGORITHMS

    return [line for name in ALGORITHMS for line in _section(describe(name))]


def _planners() -> list[str]:
    from planners.catalogue import PLANNERS
    from workbench.catalogue.descriptions import describe_planner

    return [line for name in PLANNERS for line in _section(describe_planner(name))]


def _methods() -> list[str]:
    from planners.learning.names import METHODS
    from workbench.catalogue.descriptions import describe_method

    return [line for name in METHODS for line in _section(describe_method(name))]


def _worlds() -> list[str]:
    from games.sentences import sentences
    from games.worlds import WORLDS, world_choices, world_doc, world_options

    return [
        line
        for name, entry in WORLDS.items()
        for line in _section(
            {
                "name": name,
                "title": entry.about,
                "reference": "",
                "params": world_options(name),
                "choices": world_choices(name),
                "sentences": sentences(world_doc(name)),
            }
        )
    ]


def _section(record: Mapping[str, Any]) -> list[str]:
    """Return a heading, a sentence and a table of parameters, as Markdown."""
    said = ". ".join(part for part in (record["title"], record["reference"]) if part)
    lines = [f"### `{record['name']}`", "", f"{said}.", ""]
    if record["params"]:
        lines += ["| parameter | default | |", "|---|---|---|"]
        about, choices = record["sentences"], record.get("choices", {})
        for name, default in record["params"].items():
            legal = f"one of {', '.join(map(str, choices[name]))}" if name in choices else ""
            told = "; ".join(part for part in (about.get(name, ""), legal) if part)
            lines.append(f"| `{name}` | `{default!r}` | {told.replace('|', chr(92) + '|')} |")
    return [*lines, ""]


def _words() -> list[str]:
    """Return a row for everything that a rule or meta-strategy solver may import: how it is called, and what it does."""
    import inspect

    from solvers import rule

    lines = ["| | |", "|---|---|"]
    for name in sorted(rule.__all__):
        word = getattr(rule, name)
        function = getattr(word, "py_func", word)
        called = name if inspect.isclass(word) or name in ("njit", "kernel") else f"{name}{inspect.signature(function)}"
        told = (inspect.getdoc(function) or "").split("\n\n")[0]
        lines.append(f"| `{called}` | {' '.join(told.split()).replace('|', chr(92) + '|')} |")
    return lines


def _gallery() -> list[str]:
    import gallery

    return gallery.page()


KINDS: dict[str, Callable[[], list[str]]] = {
    "algorithms": _algorithms, "planners": _planners, "methods": _methods, "worlds": _worlds,
    "gallery": _gallery, "words": _words,
}  # fmt: skip
