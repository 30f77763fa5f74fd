"""Where a program came from: all its ancestors, with what each step changed."""

import difflib
from collections.abc import Sequence
from typing import Any

from games.errors import GameplanError
from workbench.discovery.books.store import Step, Store


def ancestry(store: Store, program: str) -> list[dict[str, Any]]:
    """Return a program and its ancestors, each once, nearest first.

    An entry has program, n, operator, detail, parents, status, generation (how many steps back, along the shortest way) and diff
    (against the first parent, unified; of a seed empty).
    """
    first: dict[str, Step] = {}
    for step in store.steps():
        if step.program is not None:
            first.setdefault(step.program, step)
    sources = {p.id: p.source for p in store.programs()}
    made: list[dict[str, Any]] = []
    seen, row, generation = {program}, [program], 0
    while row:
        older: list[str] = []
        for name in row:
            by = first.get(name)
            parents = [p for p in by.parents if p in sources] if by else []
            made.append(
                {
                    "program": name, "n": by.n if by else None, "operator": by.operator if by else "",
                    "detail": by.detail if by else {}, "parents": parents, "status": by.status if by else "",
                    "generation": generation, "diff": source_diff(sources[parents[0]], sources[name]) if parents else "",
                }
            )  # fmt: skip
            older += [p for p in parents if p not in seen]
            seen.update(parents)
        row = list(dict.fromkeys(older))
        generation += 1
    return made


def descent(steps: Sequence[Step], program: str) -> list[Step]:
    """Return the steps that led to a program, from a seed to it: always the first parent.

    Raises
    ------
    GameplanError
        If the program did not come in a step.
    """
    first: dict[str, Step] = {}
    for step in steps:
        if step.program is not None:
            first.setdefault(step.program, step)
    line: list[Step] = []
    at: str | None = program
    while at is not None and at in first and first[at] not in line:
        line.append(first[at])
        at = first[at].parents[0] if first[at].parents else None
    if not line:
        raise GameplanError(f"{program} did not come in a step of this run: it is a published program")
    return line[::-1]


def source_diff(before: str, after: str, names: tuple[str, str] = ("parent", "program"), context: int = 2) -> str:
    """Return the unified diff of two sources."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="", n=context)
    return "\n".join(lines)
