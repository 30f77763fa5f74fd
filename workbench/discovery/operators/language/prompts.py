"""Prompts from text files that a user can edit: ``$name`` is filled in, and slots are drawn from the lines of a file.

A paragraph whose placeholders are all empty is left out with the words around them, so that a prompt has no heading over nothing.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

import numpy as np

from games.errors import UsageError, did_you_mean
from games.files import read_file, write_atomically

SHIPPED = Path(__file__).parent / "templates"
SLOTS = ("focus", "difficulty", "nudge", "reasoning")
_ABOUT_TASK = ("task", "description", "measure", "horizon", "instances")
_ABOUT_PROGRAM = ("id", "score", "scores", "program")
PLACEHOLDERS = {
    "system": _ABOUT_TASK,
    "user": (*_ABOUT_TASK, *_ABOUT_PROGRAM, "previous", "failures", *SLOTS),
    "previous": _ABOUT_PROGRAM,
    "retry": ("reason",),
}
_NEEDED = {"user": "program", "previous": "program", "retry": "reason"}
NOTHING = "-"  # a slot's line that says nothing


class Prompts:
    """The templates and slots of a folder."""

    def __init__(self, templates: Mapping[str, list[Template]], slots: Mapping[str, list[str]]) -> None:
        self._templates, self._slots = templates, slots

    def draw(self, rng: np.random.Generator) -> dict[str, str]:
        """Return one line of every slot, drawn from `rng`."""
        chosen = {name: lines[int(rng.integers(len(lines)))] for name, lines in self._slots.items()}
        return {name: "" if line == NOTHING else line for name, line in chosen.items()}

    def fill(self, name: str, values: Mapping[str, str]) -> str:
        """Return the template `name` with its placeholders replaced by `values`."""
        shown = []
        for paragraph in self._templates[name]:
            used = paragraph.get_identifiers()
            if not used or any(values[key] for key in used):
                shown.append(paragraph.substitute(values))
        return "\n\n".join(shown)


def copy_templates(folder: Path) -> None:
    """Copy the shipped templates to `folder`, created if missing; files that are there stay as they are."""
    for source in sorted(SHIPPED.glob("*.txt")):
        if not (folder / source.name).exists():
            write_atomically(folder / source.name, source.read_bytes())


def load_prompts(folder: Path) -> Prompts:
    """Return the templates and slots in `folder`.

    Raises
    ------
    UsageError
        If a file is missing or empty, or has a placeholder that nothing is known about.
    """
    templates = {name: _template(folder / f"{name}.txt", name) for name in PLACEHOLDERS}
    slots = {}
    for name in SLOTS:
        lines = [line.strip() for line in _read(folder / f"{name}.txt").splitlines()]
        slots[name] = [line for line in lines if line and not line.startswith("#")]
        if not slots[name]:
            raise UsageError(f"{folder / name}.txt has no line to draw; write one sentence a line, or a '-' for nothing")
    return Prompts(templates, slots)


def _template(path: Path, name: str) -> list[Template]:
    legal = PLACEHOLDERS[name]
    paragraphs = [Template(text) for text in re.split(r"\n\s*\n", _read(path).strip("\n"))]
    for paragraph in paragraphs:
        if not paragraph.is_valid():
            raise UsageError(f"{path} has a $ without a name behind it, in {paragraph.template[:60]!r}; write $$ for a dollar sign")
        for key in paragraph.get_identifiers():
            if key not in legal:
                known = ", ".join(f"${k}" for k in legal)
                raise UsageError(f"{path} has the unknown placeholder ${key}{did_you_mean(key, list(legal))}; legal are {known}")
    needed = _NEEDED.get(name)
    if needed and not any(needed in paragraph.get_identifiers() for paragraph in paragraphs):
        raise UsageError(f"{path} does not show ${needed}, without which a model cannot answer; add it")
    return paragraphs


def _read(path: Path) -> str:
    try:
        text = read_file(path, "prompt template").decode()
    except (UsageError, UnicodeDecodeError) as error:
        why = error if isinstance(error, UsageError) else f"the prompt template {path} is no text in UTF-8"
        raise UsageError(f"{why}; copy it from {SHIPPED}") from error
    if not text.strip():
        raise UsageError(f"the prompt template {path} is empty; copy it from {SHIPPED}")
    return text.replace("\r\n", "\n")
