"""What modules declare, read from their text: for when there is no time to import them, and for files that must not run."""

import ast
from pathlib import Path

_TOP = Path(__file__).resolve().parents[2]
_DEEPEST = 4  # declarations of declarations


def module_file(name: str) -> Path:
    """Return where the text of one of our modules is."""
    return _TOP.joinpath(*name.split(".")).with_suffix(".py")


def declared(path: Path, constant: str, depth: int = 0) -> dict[str, str]:
    """Return the table that a module assigns to `constant` at its top level: key -> value as it is written; {} if it has none.

    Tables that are taken over (``**other.PARAMS``) from our own modules are followed.
    """
    tree = _parsed(path)
    value = _value(tree, constant)
    return _table(value, tree, path, depth)


def text_of(path: Path, constant: str) -> str:
    """Return the text that a module assigns to `constant` at its top level; "" if it has none."""
    value = _value(_parsed(path), constant)
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def documentation(path: Path) -> str:
    """Return what a module says of itself; "" if nothing."""
    return ast.get_docstring(_parsed(path)) or ""


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text())
    except (OSError, ValueError, SyntaxError, RecursionError):
        return ast.Module([], [])


def _value(tree: ast.Module, constant: str) -> ast.expr | None:
    """Return what is assigned to `constant`."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == constant for target in targets):
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            return node.value
    return None


def _table(value: ast.expr | None, tree: ast.Module, path: Path, depth: int) -> dict[str, str]:
    found: dict[str, str] = {}
    if isinstance(value, ast.Dict):
        for key, entry in zip(value.keys, value.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                found[key.value] = str(entry.value) if isinstance(entry, ast.Constant) else ast.unparse(entry)
            elif key is None and depth < _DEEPEST:
                found |= _elsewhere(entry, tree, path, depth + 1)
    return found


def _elsewhere(value: ast.expr, tree: ast.Module, path: Path, depth: int) -> dict[str, str]:
    """Return the table that `value`, a name or an attribute of a module, stands for."""
    if isinstance(value, ast.Dict):
        return _table(value, tree, path, depth)
    name = value.value if isinstance(value, ast.Attribute) else value
    if not isinstance(name, ast.Name):
        return {}
    for node in tree.body:
        for alias in node.names if isinstance(node, ast.ImportFrom) and node.module else ():
            if (alias.asname or alias.name) == name.id and isinstance(node, ast.ImportFrom):
                if isinstance(value, ast.Attribute):
                    return declared(module_file(f"{node.module}.{alias.name}"), value.attr, depth)
                return declared(module_file(str(node.module)), alias.name, depth)
    return declared(path, name.id, depth)
