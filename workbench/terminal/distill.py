"""What a person sees of the making of data sets."""

from typing import Any

from workbench.distill.export import NOT_SHOWN
from workbench.terminal.durations import format_duration
from workbench.terminal.printing import counted
from workbench.terminal.tables import print_fact, print_line, print_path


def print_distill(record: dict[str, Any]) -> None:
    """Print what a data set holds, what was not taken, and what making it shows and does not show."""

    def counts(table: dict[str, int]) -> str:
        return ", ".join(f"{count:,} {name}" for name, count in table.items()) or "none"

    print_line(
        f"{record['world']}  {record['accepted']:,} of {record['samples']:,} chains from {counted(record['games'], 'game')}  "
        f"{record['status']}"
    )
    print_fact("splits", counts(record["splits"]))
    print_fact("phases", counts(record["phases"]))
    print_fact("rejected", counts(record["rejected"]))
    tokens = record["tokens"]
    if tokens["mean"] is not None:
        print_fact("tokens", f"{tokens['mean']:.0f} an answer, median {tokens['median']}, at most {tokens['max']}")
    print_fact("time", f"{format_duration(record['seconds'])}, {format_duration(record['cpu_seconds'])} of processors")
    print_path("run", record["run"])
    if record["status"] == "done":
        print_line(f"every claim of these chains was checked; {NOT_SHOWN}")


def print_audit(record: dict[str, Any]) -> None:
    """Print what a check of a data set has found."""
    print_line(
        f"{counted(record['examples'], 'example')}, {counted(record['claims'], 'claim')}: "
        f"{counted(record['wrong'], 'example')} with anything false or unreadable, "
        f"{counted(record['leaks'], 'position')} in two splits"
    )
    for text in record["first"]:
        print_line(text)
