"""Where a program came from: its ancestors with what each step changed."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.discovery.loop import ENGINE
from workbench.discovery.ranking import rank
from workbench.discovery.records import OK
from workbench.discovery.store import Step, Store, StoredProgram
from workbench.discovery.task import Task


@dataclass(frozen=True)
class Scored:
    """A program of a run with its costs on the training instances, and the step that brought it."""

    program: StoredProgram
    step: Step
    values: Mapping[str, float]
    log: float
    average: float


def scored_programs(store: Store, task: Task) -> list[Scored]:
    """Return the programs of a run that have a full score, in order of their steps; equal programs once."""
    config = store.get("config")
    values: dict[str, dict[str, float]] = {}
    for e in store.evaluations():
        if e.value is not None and (e.horizon, e.seed, e.engine) == (config["horizon"], config["seed"], ENGINE):
            values.setdefault(e.program, {})[e.instance] = e.value
    programs = {program.id: program for program in store.programs()}
    found: dict[str, Scored] = {}
    for step in store.steps():
        if step.program is None or step.program in found:
            continue
        twin = found.get(step.same_as or "")  # of a program that behaves alike the costs count, if this one is smaller
        if step.status != OK and not (twin and programs[step.program].size < twin.program.size):
            continue
        own = values.get(step.same_as or step.program, {})
        if all(name in own for name in task.train):
            own = {name: own[name] for name in task.train}
            found[step.program] = Scored(programs[step.program], step, own, rank("log", own), rank("average", own))
    return list(found.values())


def best_first(programs: Sequence[Scored], ranking: str = "log") -> list[Scored]:
    """Return programs by score, of equal ones the smaller, then the earlier first (capped-log orders like log here)."""
    return sorted(programs, key=lambda p: (-(p.average if ranking == "average" else p.log), p.program.size, p.step.n))


def lineage(store: Store, program: str) -> list[dict[str, Any]]:
    """Return the ancestry of a program, itself first, each ancestor once and before its own parents.

    An entry has program, n, operator, detail, parents, status, generation (how many steps back, along the shortest way) and diff
    (against the first parent, unified; of a seed empty).
    """
    first: dict[str, Step] = {}
    for step in store.steps():
        if step.program is not None:
            first.setdefault(step.program, step)
    sources = {p.id: p.source for p in store.programs()}
    made: list[dict[str, Any]] = []
    seen = {program}
    row = [program]
    generation = 0
    while row:
        older: list[str] = []
        for name in row:
            by = first.get(name)
            parents = [p for p in by.parents if p in sources] if by else []
            diff = source_diff(sources[parents[0]], sources[name]) if parents else ""
            made.append(
                {
                    "program": name, "n": by.n if by else None, "operator": by.operator if by else "",
                    "detail": by.detail if by else {}, "parents": parents, "status": by.status if by else "",
                    "generation": generation, "diff": diff,
                }
            )  # fmt: skip
            older += [p for p in parents if p not in seen]
            seen.update(parents)
        row = list(dict.fromkeys(older))
        generation += 1
    return made


def source_diff(before: str, after: str, names: tuple[str, str] = ("parent", "program"), context: int = 2) -> str:
    """Return the unified diff of two sources."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="", n=context)
    return "\n".join(lines)
