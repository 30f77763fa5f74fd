"""A discovery: its programs, where the best one comes from, what was proposed, and what was found out about it later."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from workbench.discovery.analysis.lineage import ancestry, source_diff
from workbench.discovery.books.store import Step, Store, program_row
from workbench.discovery.books.text import fault
from workbench.discovery.config import DiscoveryConfig
from workbench.discovery.population.ranking import average_score, log_score
from workbench.discovery.population.view import Member
from workbench.discovery.session import load_run, ranked, run_record
from workbench.discovery.task import Task

SHOWN = 120  # programs whose sources are shown: the best, and the winner's ancestors


@dataclass(frozen=True)
class DiscoveryView:
    """A discovery as it stands.

    Attributes
    ----------
    path, config, task : Path, DiscoveryConfig, Task
    members, best : sequences of Member
        Programs with a full score, in order of their steps, and by rank.
    steps : sequence of Step
    known : mapping
        Costs of the published programs, name -> instance -> cost; empty if they were not measured.
    isolation : str
    lineage : sequence of mappings
        The best program and its ancestors, see `workbench.discovery.analysis.lineage.ancestry`.
    changed : str
        The unified diff of the best program against the seed it comes from, empty if it is one; `seed` is that one's name.
    sources : mapping
        Of at most about `SHOWN` programs ``source``, ``diff`` (against the first parent), ``parent`` and ``about`` (a line).
    verified, ablated : mapping or None
        What these commands have found.
    record, times : mapping
        What ``gameplan evolve status --json`` prints; seconds by kind of work.
    """

    path: Path
    config: DiscoveryConfig
    task: Task
    members: Sequence[Member]
    best: Sequence[Member]
    steps: Sequence[Step]
    known: Mapping[str, Mapping[str, float]]
    isolation: str
    lineage: Sequence[Mapping[str, Any]]
    seed: str
    changed: str
    sources: Mapping[str, Mapping[str, str]]
    verified: Mapping[str, Any] | None
    ablated: Mapping[str, Any] | None
    record: Mapping[str, Any]
    times: Mapping[str, float]


def view_discovery(store: Store) -> DiscoveryView:
    """Return what can be seen of the discovery in `store`.

    Raises
    ------
    GameplanError
        If the store is damaged, or is of a task that nobody has named.
    """
    with blamed(store):
        run = load_run(store)
        members = run.members()
        best = ranked(members)
        lineage = ancestry(store, best[0].id) if best else []
        seed, changed = _root(store, lineage) if best else ("", "")
        return DiscoveryView(
            store.path, run.config, run.task, members, best, run.steps, store.get("references") or {}, store.get("isolation") or "",
            lineage, seed, changed, _sources(store, members, best, lineage), store.get("verify"), store.get("ablate"),
            run_record(store), store.times(),
        )  # fmt: skip


@contextmanager
def blamed(store: Store) -> Iterator[None]:
    """Say of records in `store` that are not what they should be that it is damaged.

    Raises
    ------
    GameplanError
        In place of what comes of them.
    """
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise store.damaged(f"what it has on record cannot be shown ({fault(error)})") from error


def average(values: Mapping[str, float]) -> float:
    """Return the average cost, lower is better."""
    return -average_score(values)


class Measure(NamedTuple):
    """How programs of a discovery stand above each other: a text, the number of a program's costs, whether less is better."""

    text: str
    of: Callable[[Mapping[str, float]], float]
    less: bool


def measure(view: DiscoveryView) -> Measure:
    """Return by what a discovery's programs are drawn: the average cost where the run ranks by it, else minus mean log10."""
    if view.config.ranking == "average":
        return Measure(f"average {view.task.measure}", average, True)
    return Measure(f"minus mean log10 {view.task.measure}", log_score, False)


def front(view: DiscoveryView) -> list[Member]:
    """Return the programs, by size, that are better than all that are as small: nobody would take another of their sizes."""
    _, of, less = measure(view)
    sign = -1.0 if less else 1.0
    line: list[Member] = []
    for member in sorted(view.members, key=lambda m: (m.size, -sign * of(m.values), m.n)):
        if not line or sign * of(member.values) > sign * of(line[-1].values):
            line.append(member)
    return line


def published(view: DiscoveryView) -> dict[str, tuple[int, float]]:
    """Return size and value, by `measure`, of the published programs that the run has measured."""
    known, of = view.task.known(), measure(view).of
    return {
        name: (program_row(view.task, view.task.canonical(known[name])).size, of(values))
        for name, values in view.known.items() if name in known
    }  # fmt: skip


def across(view: DiscoveryView, step: int) -> int:
    """Return how many evaluations were made when a step ended, at least 1: an axis of them is logarithmic."""
    return max(1, view.steps[step].counted)


def about(member: Member) -> str:
    """Return a program in a line."""
    return (
        f"{member.id}, step {member.n}, {member.operator}: {log_score(member.values):.3f}, average {average(member.values):.3g}, "
        f"{member.size} nodes"
    )


def _root(store: Store, lineage: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return the name of the seed that the best program comes from, along first parents, and the diff against it."""
    by_id, root = {entry["program"]: entry for entry in lineage}, lineage[0]
    while root["parents"]:
        root = by_id[root["parents"][0]]
    if root is lineage[0]:
        return "", ""
    first, last = (store.program(entry["program"]).source for entry in (root, lineage[0]))
    return root["detail"].get("name", root["program"]), source_diff(first, last)


def _sources(
    store: Store, members: Sequence[Member], best: Sequence[Member], lineage: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, str]]:
    by_id = {member.id: member for member in members}
    parents = {step.program: step.parents[0] for step in reversed(store.steps()) if step.program and step.parents}
    wanted = dict.fromkeys([*(member.id for member in best[:SHOWN]), *(entry["program"] for entry in lineage[:SHOWN])])
    sources = {program.id: program.source for program in store.programs()}
    return {
        name: {
            "source": sources[name], "parent": parents.get(name, ""), "about": about(by_id[name]) if name in by_id else name,
            "diff": source_diff(sources[parents[name]], sources[name]) if parents.get(name) in sources else "",
        }
        for name in wanted if name in sources
    }  # fmt: skip
