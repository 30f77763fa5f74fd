"""Beginning a program of one's own: a commented file that runs as it stands."""

from importlib.resources import files
from pathlib import Path

from games.errors import GameplanError, UsageError
from games.files import reason
from workbench.runs.programs import write_template

RULE, META_SOLVER, METHOD = "rule", "meta-solver", "method"
PLANNER, WORLD, EVALUATOR, POLICY, TASK = "planner", "world", "evaluator", "policy", "task"
PYTHON = "python-"  # before a kind: its template in plain Python


def template(kind: str) -> str:
    """Return the text that a program of this kind begins with."""
    return (files("workbench.own") / "templates" / f"{kind}.txt").read_text(encoding="utf-8")


def write_new(path: Path, kind: str, *, force: bool = False) -> Path:
    """Write the template of a `kind` to `path`, that of a task to ``task.py`` in the folder `path`; return the file.

    Raises
    ------
    UsageError
        If the file exists and `force` is not set, or its name cannot be that of a program.
    GameplanError
        If it cannot be written.
    """
    if kind == TASK:
        if path.suffix:
            raise UsageError(f"{path} cannot be a task: a task is a folder, so write its name without a suffix")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GameplanError(f"cannot write {path}: {reason(error)}; choose another place with FOLDER or make room") from error
        path = path / "task.py"
    write_template(path, template(kind), kind.removeprefix(PYTHON), force=force)
    return path
