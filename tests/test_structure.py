"""The architecture: imports go games <- solvers, planners <- workbench <- cli, never back."""

import ast
import re
from pathlib import Path

from solvers.cfr.rule_file import foreign_imports

TOP = Path(__file__).resolve().parent.parent
ALLOWED = {
    "games": {"games"},
    "solvers": {"games", "solvers"},
    "planners": {"games", "planners"},
    "workbench": {"games", "solvers", "planners", "workbench"},
}


def imported_packages(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add((node.module or "").split(".")[0])
    return found & {*ALLOWED, "cli", "tests"}


def test_imports_never_go_back():
    for package, allowed in ALLOWED.items():
        for path in (TOP / package).rglob("*.py"):
            assert imported_packages(path) <= allowed, path


def test_data_is_never_unpickled_or_evaluated():
    for package in ALLOWED:
        for path in (TOP / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    assert node.func.id != "eval", path
                    assert node.func.id != "exec" or path.name == "binding.py", path
            assert "pickle" not in imported_packages(path) and "import pickle" not in path.read_text(), path


def test_shipped_rules_import_their_vocabulary_only():
    for path in [*(TOP / "solvers/cfr/rules").glob("*.py"), *(TOP / "solvers/psro/solvers").glob("*.py")]:
        assert not foreign_imports(path.read_text()), path


def test_every_assertion_of_the_suites_says_what_is_wrong():
    for path in (TOP / "workbench" / "testing").rglob("*.py"):  # outside the project nothing rewrites a bare assert
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.Assert) or node.msg, f"{path}, line {node.lineno}"


WORLDS = re.compile(r"2048|3072|sokoban(?!-solver)|kg.?walk|kg.?needle|graphmodel|games\.graphs|max_tile|pushes", re.IGNORECASE)
KNOW_WORLDS = ("catalogue", "bench", "discovery/tasks", "distill/sources")  # rooms that are about certain worlds


def test_runners_know_no_world_by_name():
    for path in (TOP / "workbench").rglob("*.py"):
        if not str(path.relative_to(TOP / "workbench")).startswith(KNOW_WORLDS):
            for line, said in _said(ast.parse(path.read_text())):
                assert not WORLDS.search(said), f"{path}, line {line}: {said!r} is for the world to say (games/world.py)"


def _said(tree):
    """Yield the names, modules and texts of code: not its documentation, such as help texts."""
    documentation = {id(keyword.value) for keyword in ast.walk(tree) if isinstance(keyword, ast.keyword) and keyword.arg == "help"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documentation.add(id(node.value))
    for node in ast.walk(tree):
        if id(node) in documentation:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, f"{node.module} {' '.join(alias.name for alias in node.names)}"
        elif isinstance(node, ast.Name | ast.Attribute):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr


KERNELS = {"njit", "lean_njit", "embedded", "inlined", "operation", "of", "lean", "kernel", "part", "bound"}  # decorators


def test_only_kernels_and_rules_have_no_types():
    for package in ALLOWED:
        for path in (TOP / package).rglob("*.py"):
            if path.parent in (TOP / "solvers/cfr/rules", TOP / "solvers/psro/solvers") or "seeds" in path.parts:
                continue  # rules read like their papers
            tree = ast.parse(path.read_text())
            registered = {
                name.id for call in ast.walk(tree) if _registers(call) for name in call.args if isinstance(name, ast.Name)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef) and not _typed(node) and node.name not in registered:
                    assert {_called(decorator) for decorator in node.decorator_list} & KERNELS, f"{path}, line {node.lineno}"


MOST_PARAMETERS = 10  # beyond self; more are records, things with a name (docs/design.md)


def test_no_function_takes_more_than_ten_parameters():
    for path in [TOP / "cli.py", *(path for package in ALLOWED for path in (TOP / package).rglob("*.py"))]:
        assert not crowded(path.read_text()), path


def test_parameters_of_every_kind_are_counted():
    names = [f"p{k}" for k in range(11)]
    assert crowded(f"def f({', '.join(names)}): pass") == [1] and not crowded(f"def f({', '.join(names[1:])}): pass")
    assert crowded(f"@njit\ndef f({', '.join(names[:4])}, /, {', '.join(names[4:9])}, *args, **options): pass") == [2]
    assert crowded(f"g = lambda {', '.join(names[:5])}, *, {', '.join(names[5:])}: 0") == [1]
    assert not crowded(f"class C:\n    def __init__(self, {', '.join(names[1:])}): pass")


def crowded(text):
    """Return the lines of the functions with more parameters than there may be; self and cls are none."""
    lines = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            given = node.args
            named = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            starred = [argument for argument in (given.vararg, given.kwarg) if argument is not None]
            if len(named) + len(starred) - (named[:1] in (["self"], ["cls"])) > MOST_PARAMETERS:
                lines.append(node.lineno)
    return lines


def _typed(function):
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    complete = all(argument.annotation for argument in given if argument.arg not in ("self", "cls"))
    return complete and (function.returns is not None or function.name == "__init__")


def _registers(node):  # some_operation.of(Model)(function)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Call) and _called(node.func) == "of"


def _called(node):
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
