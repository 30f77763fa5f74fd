"""The architecture: imports go games <- solvers, planners <- workbench <- cli, never back."""

import ast
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
