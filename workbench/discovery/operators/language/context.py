"""What a prompt says about a run: the task, the parent with its scores and its children's failures, and other programs."""

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.catalogue.shipped import TASKS
from workbench.discovery.population.view import Member, View
from workbench.discovery.task import Task

_LONGEST = 400  # characters of one failure


def about_task(task: Task) -> dict[str, str]:
    """Return what templates say about `task`; its attribute ``description``, if it has one, tells its data structure."""
    return {
        "task": TASKS.get(task.name, task.name),
        "description": str(getattr(task, "description", "")).strip(),
        "measure": task.measure,
        "horizon": str(task.horizon),
        "instances": ", ".join(task.train),
    }


def about_member(member: Member) -> dict[str, str]:
    """Return what templates say about an earlier program."""
    scores = ", ".join(f"{name} {value:.4g}" for name, value in member.values.items())
    return {"id": member.id[:8], "score": f"{member.score:.4g}", "scores": scores, "program": member.source.strip("\n")}


def about_parent(parent: Member, members: Sequence[Member], failures: int) -> dict[str, str]:
    """Return what templates say about the program to be changed: each score beside the best of all, and its children's failures."""
    best = best_values(members)
    scores = "\n".join(
        f"- {name}: {value:.4g} (best so far: {min(value, best.get(name, value)):.4g})" for name, value in parent.values.items()
    )
    latest: list[str] = []
    for message in reversed(parent.failures):
        text = " ".join(message.split())
        text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        if text and text not in latest and len(latest) < failures:
            latest.append(text)
    return {**about_member(parent), "scores": scores, "failures": "\n".join(f"- {text}" for text in reversed(latest))}


def best_values(members: Sequence[Member]) -> Mapping[str, float]:
    """Return the lowest cost that any of `members` has, instance by instance."""
    best: dict[str, float] = {}
    for member in members:
        for name, value in member.values.items():
            best[name] = min(value, best.get(name, value))
    return best


def examples(view: View, parent: Member, best: int, diverse: int, rng: np.random.Generator) -> list[Member]:
    """Return programs to show beside `parent`, worst first: the `best`, and `diverse` ones drawn from the better half.

    No two have the same structure, nor that of `parent`, because programs that differ in constants only teach little.
    """
    ranked = sorted(view.members, key=lambda m: (-m.score, m.size, m.n))
    structures, distinct = {parent.structure}, []
    for member in ranked:
        if member.structure not in structures:
            structures.add(member.structure)
            distinct.append(member)
    shown, rest = distinct[:best], distinct[best:]
    rest = rest[: max(diverse, len(rest) // 2)]
    for k in sorted(rng.permutation(len(rest))[:diverse].tolist()):
        shown.append(rest[k])
    return shown[::-1]
