"""What a person sees of a discovery: a live line while it runs, and how it stands."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from workbench.discovery.books.journal import Journal
from workbench.discovery.books.store import Step
from workbench.discovery.config import LANGUAGE, DiscoveryConfig
from workbench.discovery.population.ranking import score_text
from workbench.discovery.population.selection import quality
from workbench.terminal.durations import format_duration
from workbench.terminal.printing import counted
from workbench.terminal.progress import FOOT, Work, say
from workbench.terminal.tables import print_fact, print_line, print_path, print_table

SECONDS = 2.0  # between two lines where there is no terminal


@contextmanager
def live_line(config: DiscoveryConfig) -> Iterator[Callable[[Step, Journal], None]]:
    """Yield a function that is told of every step and shows how far a discovery is, or prints that now and then in a pipe."""
    rejections: Counter[str] = Counter()
    last = 0.0

    def text(run: Journal) -> str:
        members = run.members()
        best = max(members, key=quality) if members else None
        shown = "  ".join(f"{name} {best.values[name]:.1e}" for name in run.task.train) if best else "no score yet"
        refused = "  ".join(f"{status.removeprefix('rejected:')} {count}" for status, count in rejections.most_common(4))
        score = f"best {score_text(best.score)}  " if best else ""
        calls = f"  {counted(len(run.store.calls()), 'question')}" if LANGUAGE in config.operators else ""
        return f"{score}{shown}  {counted(len(run.steps), 'program')}  {format_duration(run.cpu_seconds())} CPU{calls}  [{refused}]"

    with FOOT.doing(Work("evolving", config.evals, "evaluations", config.wall_seconds)) as work:

        def tell(step: Step, run: Journal) -> None:
            nonlocal last
            rejections.update([step.status] if step.status != "ok" else [])
            if time.monotonic() - last >= (0.2 if say.moves() else SECONDS):
                last = time.monotonic()
                work.moved(run.counted, text(run))
                if not say.moves():
                    say("  ".join([*work.parts()[1:], work.note]))
            else:
                work.moved(run.counted)

        yield tell


def print_discovery(record: dict[str, Any]) -> None:
    """Print how a run stands."""
    cost = record["cost"]
    rows = []
    best = record["best"]
    if best:
        rows.append((best["log"], f"best: {best['id']}", best["average"], best["values"]))
    rows += [(values["log"], name, values["average"], values["values"]) for name, values in record["known"].items()]
    rows.sort(key=lambda row: -row[0] if math.isfinite(row[0]) else math.inf)
    instances = list(dict.fromkeys(name for row in rows for name in row[3]))
    table = [
        (name, f"{log:.3f}", f"{average:.3g}", *(f"{values[i]:.2e}" if i in values else "-" for i in instances))
        for log, name, average, values in rows
    ]
    print_table(("program", "log score", "average", *instances), table, left=1, spare=instances)
    tried = f"{counted(record['evaluations'], 'evaluation')} of {counted(record['steps'], 'program')}"
    print_line(f"{record['task']}  {tried}, {record['programs']} with a score  {record['status']}")
    if record["rejections"]:
        print_fact("turned away", "  ".join(f"{k} {v}" for k, v in record["rejections"].items()))
    running = f"{format_duration(cost['run_seconds'])} CPU running"
    each = f"{format_duration(cost['run_seconds_per_evaluation'])} an evaluation"
    compiling = f"{format_duration(cost['compile_seconds'])} compiling ({100 * cost['new_structures']:.0f} % of new structure)"
    isolating = f"{format_duration(cost['overhead_seconds'])} isolation"
    print_fact("cost", f"{running} ({each}), {compiling}, {isolating}")
    if cost["calls"]:
        print_fact("models", f"{counted(cost['calls'], 'call')}, {counted(cost['tokens'], 'token')}, {cost['money']:.4g} paid")
    print_fact("isolation", record["isolation"] or "nothing has run yet")
    print_path("run", record["run"])
