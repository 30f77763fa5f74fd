"""What the shell offers when a key is pressed: quick, and without numba, OpenSpiel or anything of a run but its name."""

from collections.abc import Collection
from typing import Any

from click.shell_completion import CompletionItem

from workbench.terminal.printing import visible


def complete_runs(incomplete: str, kinds: Collection[str] = ()) -> list[Any]:
    """Return the runs of these kinds whose names begin with `incomplete`, the newest first; paths complete as files do."""
    from workbench.views.names import LAST, RUNS, begins, by_start, kind_at
    from workbench.views.runs import run_directories

    if "/" in incomplete or incomplete.startswith("."):
        return [CompletionItem(incomplete, type="file")]
    found = [path for path in run_directories(RUNS) if not kinds or kind_at(path) in kinds]
    items = [CompletionItem(LAST, help="the run that started last")] if found and LAST.startswith(incomplete) else []
    for path in reversed(by_start(found)):
        if visible(path.name, one_line=True) != path.name or not begins(path.name, incomplete):
            continue
        name = path.name if path.name.startswith(incomplete) else path.name[path.name.index(incomplete) :]
        items.append(CompletionItem(name, help=kind_at(path)))
    return items
