"""What a person sees of a discovery: a live line while it runs, and how it stands."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.live import Live
from rich.text import Text

from workbench.discovery.books.journal import Journal
from workbench.discovery.books.store import Step
from workbench.discovery.config import DiscoveryConfig
from workbench.discovery.population.ranking import score_text
from workbench.discovery.population.selection import quality
from workbench.terminal.durations import format_duration
from workbench.terminal.printing import counted
from workbench.terminal.tables import out_console, print_table, talk_console

SECONDS = 2.0  # between two lines where there is no terminal


@contextmanager
def live_line(config: DiscoveryConfig) -> Iterator[Callable[[Step, Journal], None]]:
    """Yield a function that is told of every step and keeps a line up to date, or prints one now and then in a pipe."""
    console = talk_console()
    rejections: Counter[str] = Counter()
    last = 0.0

    def text(run: Journal) -> str:
        members = run.members()
        best = max(members, key=quality) if members else None
        shown = "  ".join(f"{name} {best.values[name]:.1e}" for name in run.task.train) if best else "no score yet"
        refused = "  ".join(f"{status.removeprefix('rejected:')} {count}" for status, count in rejections.most_common(4))
        goal = f"/{config.evals}" if config.evals else ""
        score = f"best {score_text(best.score)}" if best else ""
        return (
            f"{run.counted}{goal} evaluations of {counted(len(run.steps), 'program')}  {score}  {shown}  "
            f"{format_duration(run.cpu_seconds())} CPU  [{refused}]"
        )

    if console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as live:

            def show(step: Step, run: Journal) -> None:
                nonlocal last
                rejections.update([step.status] if step.status != "ok" else [])
                if time.monotonic() - last >= 0.2:
                    last = time.monotonic()
                    live.update(Text(text(run)), refresh=True)

            yield show
        return

    def tell(step: Step, run: Journal) -> None:
        nonlocal last
        rejections.update([step.status] if step.status != "ok" else [])
        if time.monotonic() - last >= SECONDS:
            last = time.monotonic()
            console.print(text(run), soft_wrap=True)

    yield tell


def print_discovery(record: dict[str, Any]) -> None:
    """Print how a run stands."""
    console = out_console()
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
    print_table(("program", "log score", "average", *instances), table, left=1)
    tried = f"{counted(record['evaluations'], 'evaluation')} of {counted(record['steps'], 'program')}"
    scored = f"{tried}, {record['programs']} with a score"
    console.print(f"{record['task']}  {scored}  {record['status']}", soft_wrap=True)
    if record["rejections"]:
        console.print("turned away  " + "  ".join(f"{k} {v}" for k, v in record["rejections"].items()), soft_wrap=True)
    running = f"{format_duration(cost['run_seconds'])} CPU running"
    each = f"{format_duration(cost['run_seconds_per_evaluation'])} an evaluation"
    compiling = f"{format_duration(cost['compile_seconds'])} compiling ({100 * cost['new_structures']:.0f} % of new structure)"
    isolating = f"{format_duration(cost['overhead_seconds'])} isolation"
    console.print(f"cost         {running} ({each}), {compiling}, {isolating}", soft_wrap=True)
    if cost["calls"]:
        console.print(
            f"models       {counted(cost['calls'], 'call')}, {counted(cost['tokens'], 'token')}, {cost['money']:.4g} paid",
            soft_wrap=True,
        )
    console.print(f"isolation    {record['isolation'] or 'nothing has run yet'}", soft_wrap=True)
    console.print(f"run          {record['run']}", soft_wrap=True)
