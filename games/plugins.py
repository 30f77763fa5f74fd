"""Plug-ins: names for programs that do not ship, registered by Python code or by installed packages.

    from games.plugins import register

    register("planner", "edge", "my_package.planners:make", "the first legal action, or the last")

A package does this in a function that takes the registry, and names it as an entry point:

    [project.entry-points."gameplan.plugins"]
    my-package = "my_package.gameplan:plug_in"          # def plug_in(registry): registry.register("planner", ...)

Entry points are loaded when a name is met that neither ships nor is registered, or when names are listed; not before. A name stands
for its program: a run records and keeps that, like any program of the user's own, and goes on without the plug-in.
"""

import warnings
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from games.asked import asked
from games.errors import UsageError, did_you_mean, one_line
from games.files import displayed
from games.modules import is_file, is_program

GROUP = "gameplan.plugins"
ALGORITHM, META_SOLVER, PLANNER, WORLD = "algorithm", "meta-strategy solver", "planner", "world"
METHOD, POLICY, EVALUATOR, TASK = "method", "policy", "evaluator", "task of evolution"
_SHORT = {"rule": ALGORITHM, "meta-solver": META_SOLVER, "task": TASK}
KINDS = (ALGORITHM, META_SOLVER, PLANNER, WORLD, METHOD, POLICY, EVALUATOR, TASK)


class Plugin(NamedTuple):
    """What a name stands for: a program (a path, or ``module:attribute``; of a task its folder), and one line about it."""

    program: str
    about: str


class Registry:
    """The plug-ins by kind and name. `warn` is told, in one line, of an installed package whose plug-in is broken."""

    def __init__(self, warn: Callable[[str], None] = lambda text: warnings.warn(text, stacklevel=3)) -> None:
        self.warn = warn
        self._plugins: dict[tuple[str, str], Plugin] = {}
        self._loaded = False
        self._loading = ""  # the plug-in of an installed package that registers just now
        self._told: set[tuple[str, str]] = set()

    @asked
    def register(self, kind: str, name: str, program: Any, about: str = "") -> None:
        """Let `name` stand for a program of this `kind`.

        Parameters
        ----------
        kind : str
            Of `KINDS`; ``rule``, ``meta-solver`` and ``task`` are short for three of them.
        program : str, Path, module, function or class
            A path, ``module:attribute``, or the thing itself: then what is kept with a run is the text of its module.
        about : str
            One line about it, for lists.

        Raises
        ------
        UsageError
            For an unknown kind, a name that is none, or a program that is in no file.
        """
        kind = _SHORT.get(kind, kind)
        if kind not in KINDS:
            legal = [*_SHORT, *(kind for kind in KINDS if kind not in _SHORT.values())]
            raise UsageError(f"{kind!r} is no kind of plug-in{did_you_mean(kind, legal)}; legal are {', '.join(legal)}")
        if not name.isprintable() or not name or is_program(name) or set(name) & set(" :,=/") or name[0] in "-@.":
            raise UsageError(f"{name!r} cannot be the name of a plug-in: it is one word without : , = / that begins with no - @ .")
        plugin = Plugin(_program(program, kind), " ".join(about.split()))
        if self._loading and self._plugins.get((kind, name), plugin).program != plugin.program:  # who came first stays
            first = self._plugins[kind, name].program
            self.warn(f"the {kind} {name!r} of the plug-in {self._loading} is left out: that name stands for {first} already")
            return
        self._plugins[kind, name] = plugin

    def find(self, kind: str, name: str) -> Plugin | None:
        """Return the plug-in of this kind and name, None if there is none."""
        if (kind, name) not in self._plugins:
            self._load()
        return self._plugins.get((kind, name))

    def hidden(self, kind: str, name: str) -> None:
        """Tell, once, that a plug-in is not used because its name is that of something that ships; nothing where there is none."""
        if (kind, name) in self._plugins and (kind, name) not in self._told:
            self._told.add((kind, name))
            self.warn(f"the {kind} {name!r} is the one that ships, not the plug-in of that name; register it under another")

    def names(self, kind: str) -> dict[str, Plugin]:
        """Return all plug-ins of this kind by name."""
        self._load()
        return {name: plugin for (its, name), plugin in sorted(self._plugins.items()) if its == kind}

    def _load(self) -> None:
        """Call what installed packages have named in `GROUP`, once; one that fails is told of and left out, with all of it."""
        if self._loaded:
            return
        self._loaded = True
        from importlib.metadata import entry_points

        for point in entry_points(group=GROUP):
            before, self._loading = dict(self._plugins), f"{point.name} ({point.value})"
            try:
                point.load()(self)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._plugins = before
                self.warn(f"the plug-in {point.name} ({point.value}) is left out: {type(error).__name__}: {one_line(error)}")
            finally:
                self._loading = ""


REGISTRY = Registry()
register = REGISTRY.register


def expanded(kind: str, name: str, shipped: Collection[str]) -> str:
    """Return the program that a plug-in has registered as `name`; `name` as it is if it ships, is a program, or is unknown."""
    if name in shipped:
        REGISTRY.hidden(kind, name)
        return name
    if is_program(name):
        return name
    plugin = REGISTRY.find(kind, name)
    return name if plugin is None else plugin.program


def known_names(kind: str, shipped: Iterable[str]) -> list[str]:
    """Return the names of all that ships and is plugged in, to be told to somebody who looks for one."""
    return [*shipped, *REGISTRY.names(kind)]


def _program(program: Any, kind: str) -> str:
    if isinstance(program, Path) or (isinstance(program, str) and (kind == TASK or is_file(program))):
        if not Path(program).exists():
            raise UsageError(f"{str(program)!r} is no {'folder' if kind == TASK else 'file'} that is there; write it first")
        return displayed(str(Path(program).resolve()))
    if isinstance(program, str):
        if not is_program(program):
            raise UsageError(f"{program!r} is no program; write a path such as ./mine.py, or module:attribute")
        return program
    module = program.__name__ if isinstance(program, ModuleType) else getattr(program, "__module__", "__main__")
    attribute = "make" if isinstance(program, ModuleType) else getattr(program, "__qualname__", "")
    if module == "__main__" or not attribute.isidentifier():
        raise UsageError(f"{program!r} is in no file that a run could keep; write it to a file, and register its path")
    return f"{module}:{attribute}"
