"""The text of a program of the user's own: read once, and what it is told from the names that it defines."""

from collections.abc import Set
from pathlib import Path
from typing import NamedTuple

from games.errors import UnknownName, with_article
from games.modules import defined_names, digest_of, read_text
from games.plugins import ALGORITHM, META_SOLVER, METHOD, PLANNER, WORLD
from solvers.cfr.class_form import METHODS
from solvers.cfr.rule_file import FUNCTIONS
from solvers.psro.meta_solver import CLASSES
from solvers.psro.meta_solver import FUNCTIONS as META_FUNCTIONS


class Source(NamedTuple):
    """A program's file: where it is, its text, and what the text defines at its top level (nothing if it is not valid Python)."""

    path: Path
    text: str
    names: frozenset[str]

    @property
    def digest(self) -> str:
        """The hash by which the text is known."""
        return digest_of(self.text)


def read_source(name: str, what: str) -> Source:
    """Return the program in the file called `name`, which is `what` the user takes it for; nothing of it is executed.

    What the text does not tell is left to its reader. A file with meta-strategy solvers is an algorithm, of PSRO.

    Raises
    ------
    UsageError
        If it cannot be read, or is of another kind.
    """
    path = Path(name)
    if path.is_dir():
        raise UnknownName(name, what, f"{name} is a directory, not a file with {with_article(what)}")
    source = source_of(path, read_text(path, f"{what} file"))
    kinds = kinds_of(source.names)
    if kinds and not {what, META_SOLVER} & {*kinds}:
        raise UnknownName(name, what, f"{name} is {with_article(kinds[0])}, not {with_article(what)}")
    return source


def source_of(path: Path, text: str) -> Source:
    """Return the program with this `text`, which is or was in the file at `path`."""
    return Source(path, text, names_in(text))


def names_in(text: str) -> frozenset[str]:
    """Return what a text defines at its top level; nothing if it is not valid Python."""
    try:
        return frozenset(defined_names(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()


def kinds_of(names: Set[str]) -> list[str]:
    """Return what a file is that defines these names at its top level."""
    found = [ALGORITHM] if names & {*FUNCTIONS, *METHODS} else []
    found += [META_SOLVER] if names & {*CLASSES.values(), *META_FUNCTIONS.values()} else []
    found += [METHOD] if {"PARAMS", "SAMPLING", "advantage"} <= names else []
    found += [kind for kind, table in ((WORLD, "OPTIONS"), (PLANNER, "PARAMS")) if table in names and "make" in names]
    return found
