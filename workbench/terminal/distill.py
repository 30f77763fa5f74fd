"""What a person sees of the making of data sets."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from workbench.distill.export import NOT_SHOWN
from workbench.terminal.durations import format_duration
from workbench.terminal.printing import counted
from workbench.terminal.tables import out_console, talk_console


@contextmanager
def count_progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Yield a function (how many are done) that moves a bar, or prints a line every few seconds where there is no terminal."""
    console = talk_console()
    if not console.is_terminal:
        last = -math.inf

        def tell(count: int) -> None:
            nonlocal last
            if count == total or time.monotonic() - last >= 5.0:
                last = time.monotonic()
                console.print(f"{count:,} of {total:,} {what}", soft_wrap=True)

        yield tell
        return
    columns = TextColumn(what, markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda count: progress.update(task, completed=count)


def print_distill(record: dict[str, Any]) -> None:
    """Print what a data set holds, what was not taken, and what making it shows and does not show."""
    console = out_console()

    def line(name: str, text: str) -> None:
        console.print(f"{name:12} {text}", soft_wrap=True, markup=False, highlight=False)

    def counts(table: dict[str, int]) -> str:
        return ", ".join(f"{count:,} {name}" for name, count in table.items()) or "none"

    console.print(
        f"{record['world']}  {record['accepted']:,} of {record['samples']:,} chains from {counted(record['games'], 'game')}  "
        f"{record['status']}",
        soft_wrap=True,
    )
    line("splits", counts(record["splits"]))
    line("phases", counts(record["phases"]))
    line("rejected", counts(record["rejected"]))
    tokens = record["tokens"]
    if tokens["mean"] is not None:
        line("tokens", f"{tokens['mean']:.0f} an answer, median {tokens['median']}, at most {tokens['max']}")
    line("time", f"{format_duration(record['seconds'])}, {format_duration(record['cpu_seconds'])} of processors")
    line("run", record["run"])
    if record["status"] == "done":
        console.print(f"every claim of these chains was checked; {NOT_SHOWN}", soft_wrap=True)


def print_audit(record: dict[str, Any]) -> None:
    """Print what a check of a data set has found."""
    console = out_console()
    console.print(
        f"{counted(record['examples'], 'example')}, {counted(record['claims'], 'claim')}: "
        f"{counted(record['wrong'], 'example')} with anything false or unreadable, "
        f"{counted(record['leaks'], 'position')} in two splits",
        soft_wrap=True,
    )
    for text in record["first"]:
        console.print(text, soft_wrap=True, markup=False)
