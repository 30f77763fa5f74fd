"""Programs of the user's own: Python files, and attributes of importable modules, written ``module:attribute``.

They are trusted code, because the user's command line names them. What identifies one is its text: `Program.digest`. A path says
where the text came from and is for display; a run keeps a copy of the text and goes on with that (`workbench.runs.programs`).
"""

import ast
import hashlib
import importlib
import importlib.abc
import importlib.util
import re
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

from games.errors import GameplanError, UnknownName, UsageError, did_you_mean, line_in, one_line, with_article
from games.files import displayed, read_file

_loaded: set[str] = set()  # names of users' modules, or of their packages
GYMNASIUM = "gymnasium:"  # how the names of its environments begin
_ATTRIBUTE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_file(name: str) -> bool:
    """Return whether `name` is written as a path, not as a catalogue entry."""
    return (name.endswith(".py") or "/" in name) and not name.startswith(GYMNASIUM)


def is_attribute(name: str) -> bool:
    """Return whether `name` is written ``module:attribute``."""
    return _ATTRIBUTE.fullmatch(name) is not None and not name.startswith(GYMNASIUM)


def is_program(name: str) -> bool:
    """Return whether `name` means a program of the user's own, a file or ``module:attribute``."""
    return is_file(name) or is_attribute(name)


def short_name(name: str) -> str:
    """Return how a program is called in tables and directories: a file's stem, an attribute, or the catalogue name as it is."""
    if name.startswith(GYMNASIUM):
        return name.removeprefix(GYMNASIUM).replace("/", "-")
    if is_attribute(name):
        module, _, attribute = name.partition(":")
        return module.rpartition(".")[2] if attribute == "make" else attribute
    return Path(name).stem if is_file(name) else name


def is_users(module: str) -> bool:
    """Return whether the module of this name is a program of the user's own, or of its package."""
    return module.partition(".")[0] in _loaded


class Program(NamedTuple):
    """A program of the user's own: its name as given, the module, the attribute that is meant, and the module's text."""

    name: str
    module: ModuleType
    attribute: str
    text: str

    @property
    def digest(self) -> str:
        """The hash of the text."""
        return digest_of(self.text)


def digest_of(text: str) -> str:
    """Return the hash by which a program's text is known."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_text(path: Path, what: str = "file") -> str:
    """Return the text of a Python file.

    Raises
    ------
    UsageError
        If it cannot be read.
    """
    name = displayed(str(path))
    if path.is_dir():
        name = name if is_file(name) else f"./{name}"
        raise UnknownName(name, what.removesuffix(" file"), f"{name} is a directory, not {with_article(what)}")
    data = read_file(path, what)
    try:
        text = data.decode("utf-8-sig")  # as Python reads it, whatever the locale
    except UnicodeDecodeError as error:
        message = f"cannot read the {what} {name}: it is not text; a program is a Python file in UTF-8"
        raise UnknownName(name, what.removesuffix(" file"), message) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def load_program(name: str, what: str, text: str | None = None) -> Program:
    """Return the program `name`, a path or ``module:attribute``; `what` is what the user takes it for, such as "world file".

    A file is executed under a name of its own, from `text` if that is given, whatever the path holds now. Kernels in it are
    compiled in every process: on disk numba could not tell one text from the next. The attribute meant in a file is ``make``.

    Raises
    ------
    UsageError
        If there is no such file, module or attribute.
    GameplanError
        If it cannot be parsed or imported; the line is named.
    """
    if is_attribute(name):
        program = _load_attribute(name)
        if text is not None and text != program.text:
            raise GameplanError(f"{name} is no longer the {what.removesuffix(' file')} with which the run started; start anew")
        return program
    if text is None:
        text = program_text(name, what)
    return Program(displayed(name), _execute(Path(displayed(name)), text), "make", text)


def located(name: str) -> str:
    """Return the path of the program `name` where whole files are programs, as rules are; any other name as it is.

    ``module:attribute`` stands for the file of the module, in which the attribute is defined, or of the attribute if that is a
    module in a package. Nothing is imported.

    Raises
    ------
    UsageError
        If there is no such module or attribute.
    """
    if not is_attribute(name):
        return name
    module, _, attribute = name.partition(":")
    found = _find(module)
    places = found.submodule_search_locations if found else None
    inside = _find(attribute, places) if places else None
    file, package = _file_of(inside), _file_of(found)
    if file is not None:
        return displayed(str(file))
    if found is None:
        raise UsageError(f"there is no module {module!r} for {name!r}; install it, or run where Python finds it")
    if package is None or package.suffix != ".py":
        raise UsageError(f"the module {module} is not written in Python, so {name} cannot be kept with a run")
    try:
        names = defined_names(read_text(package))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return displayed(str(package))  # its reader says what is wrong
    if attribute not in names:
        raise UsageError(f"the module {module} has no {attribute!r}{did_you_mean(attribute, names)}")
    return displayed(str(package))


def _find(module: str, places: Sequence[str] | None = None) -> ModuleSpec | None:
    """Return what is known of a module, None if there is none; nothing is imported."""
    see_here()
    found, done = None, ""
    for part in module.split("."):
        done = f"{done}.{part}" if done else part
        if done != part and places is None:
            return None
        specs = (finder.find_spec(done, places) for finder in sys.meta_path)
        found = next(filter(None, specs), None)
        if found is None:
            return None
        places = found.submodule_search_locations
    return found


def _file_of(spec: ModuleSpec | None) -> Path | None:
    """Return the file of a module; those that are compiled into Python have none."""
    return Path(spec.origin) if spec and spec.has_location and spec.origin else None


def defined_names(text: str) -> set[str]:
    """Return the names that the text of a Python file defines at its top level; nothing is executed.

    Raises
    ------
    SyntaxError, ValueError, RecursionError
        If it is not valid Python.
    """
    body = ast.parse(text).body
    names = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def program_text(name: str, what: str) -> str:
    """Return the text of the program `name` as it is now, without running a file.

    Raises
    ------
    UsageError
        If there is no such file or module.
    """
    if is_attribute(name):
        return _load_attribute(name).text
    return read_text(Path(name), what)


def see_here() -> None:
    """Let modules in the working directory be importable, after all others, so that they hide nothing."""
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)


def _load_attribute(name: str) -> Program:
    module_name, _, attribute = name.partition(":")
    see_here()
    _loaded.add(module_name.partition(".")[0])
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UsageError(f"there is no module {error.name!r} for {name!r}; install it, or run where Python finds it") from error
    except (GameplanError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise GameplanError(f"{name}: {type(error).__name__} on import: {one_line(error)}") from error
    if not hasattr(module, attribute):
        raise UsageError(f"the module {module_name} has no {attribute!r}{did_you_mean(attribute, dir(module))}")
    loader = getattr(module.__spec__, "loader", None)
    if isinstance(loader, _Text):  # a file of the user's, by the name that it has in this process
        return Program(name, module, attribute, loader.text)
    file = getattr(module, "__file__", None)
    if not file or not file.endswith(".py"):
        raise UsageError(f"the module {module_name} is not written in Python, so {name} cannot be kept with a run")
    return Program(name, module, attribute, read_text(Path(file)))


class _Text(importlib.abc.InspectLoader):
    """The loader of a module from its text; its file name is none, so that numba does not look for a cache beside it."""

    def __init__(self, shown: str, text: str) -> None:
        self.shown, self.text = shown, text

    def get_source(self, fullname: str) -> str:
        """Return the text."""
        return self.text

    def get_code(self, fullname: str) -> CodeType:
        """Return the compiled text."""
        return self.source_to_code(self.text, self.shown)


def check_syntax(path: Path, text: str) -> None:
    """Raise GameplanError, naming the line, if the `text` of the file at `path` is not valid Python."""
    try:
        ast.parse(text, filename=str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        deep = "" if isinstance(error, (SyntaxError, ValueError)) else "its parts lie too deep in each other"
        raise GameplanError(f"{path}{where}: not valid Python: {deep or getattr(error, 'msg', one_line(error))}") from error


def _execute(path: Path, text: str) -> ModuleType:
    shown = code_file(str(path))
    check_syntax(path, text)
    name = f"gameplan_file_{digest_of(f'{path.name} {text}')[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_loader(name, _Text(shown, text))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    module.__file__ = shown
    sys.modules[name] = module
    _loaded.add(name)
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise GameplanError(f"{path}{line_in(error, shown)}: {type(error).__name__} on import: {one_line(error)}") from error
    return module


def code_file(name: str) -> str:
    """Return the file name that the code of the program `name` carries in traces."""
    if is_attribute(name):
        return str(getattr(sys.modules.get(name.partition(":")[0]), "__file__", None))
    return f"<{Path(name).name}>"
