"""What a person sees: tables on stdout, progress and remarks on stderr."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rich.box
from rich.console import Console  # noqa: TID251 (its type)
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from workbench.terminal.durations import format_duration
from workbench.terminal.printing import console, counted, visible

WIDE = 240  # columns when the output is a file or a pipe, so that nothing is cut


def out_console() -> Console:
    """Return the console for data (stdout)."""
    made: Console = console()
    return made if made.is_terminal else console(width=WIDE)


def talk_console() -> Console:
    """Return the console for remarks (stderr)."""
    made: Console = console(stderr=True)
    return made


def say(text: str) -> None:
    """Print one remark on stderr."""
    talk_console().print(text, soft_wrap=True)


_GAP = 3  # between two columns
_TEXT = 20  # the width at which texts may be folded


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]], *, left: int = 1, title: str | None = None) -> None:
    """Print a table of plain texts on stdout; the first `left` columns are texts, the others numbers aligned to the right.

    Where the terminal is too narrow, headers are broken between words; where that is not enough, the table goes on below itself.
    """
    console = out_console()
    names = [visible(name, one_line=True) for name in header]
    cells = [[visible(str(cell), one_line=True) for cell in row] for row in rows]
    longest = [max((len(row[k]) for row in cells), default=0) for k in range(len(names))]
    room = console.width - 2 + _GAP
    for k in range(left):
        room -= min(max(len(names[k]), longest[k]), _TEXT) + _GAP
    narrow = sum(max(len(names[k]), longest[k]) + _GAP for k in range(left, len(names))) > room
    need = [max([most, *map(len, name.split())]) for name, most in zip(names, longest, strict=True)]
    parts, free = [list(range(left))], room
    for k in range(left, len(names)):
        if narrow and need[k] + _GAP > free and len(parts[-1]) > left:
            parts.append(list(range(left)))
            free = room
        parts[-1].append(k)
        free -= need[k] + _GAP
    for part in parts:
        table = Table(box=rich.box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
        for k in part:
            number = k >= left
            table.add_column(
                names[k], justify="right" if number else "left", overflow="fold", no_wrap=number and not narrow,
                width=need[k] if number and narrow else None,
            )  # fmt: skip
        for row in cells:
            table.add_row(*(row[k] for k in part))
        console.print(table)
        title = None


def print_comparison(summary: dict[str, Any], label: Callable[[str], str], number: Callable[[float], str]) -> None:
    """Print a comparison on stdout: games down and algorithms across, or turned round where that fits the terminal better."""
    console = out_console()
    algos, games = summary["algos"], summary["games"]

    def text(game: str, algo: str) -> Text:
        cell = summary["cells"].get(game, {}).get(algo)
        if cell is None or cell["exploitability"] is None:
            return Text("-")
        shown = number(cell["exploitability"])
        return Text(f"{shown}*", "bold green") if summary["best"].get(game) == algo else Text(f"{shown} ")

    def counted(algo: str) -> str:
        count = summary["counts"][algo]
        return f"{count['matches']}/{count['ran']} " if count["ran"] else "- "

    table = Table(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    across = [label(a) for a in algos]
    if 14 + sum(max(len(name), 8) + 2 for name in across) <= console.width:
        table.add_column("game", no_wrap=True)
        for name in across:
            table.add_column(name, justify="right", no_wrap=True)
        for game in games:
            table.add_row(game, *(text(game, algo) for algo in algos))
        table.add_section()
        table.add_row("matches or beats", *(counted(algo) for algo in algos))
    else:
        table.add_column("algorithm", no_wrap=True)
        for game in games:
            table.add_column(game, justify="right", overflow="fold")
        table.add_column("matches", justify="right")
        for algo, name in zip(algos, across, strict=True):
            table.add_row(name, *(text(game, algo) for game in games), counted(algo))
    console.print(table)
    if summary["best"]:
        console.print("* best of its game; matches: within a factor 2 of the best, or both below 1e-12")
    reasons: dict[str, list[str]] = {}
    for game, row in summary["cells"].items():
        for algo, cell in row.items():
            if cell["exploitability"] is None:
                reasons.setdefault(cell["reason"], []).append(f"{game} {label(algo)}")
    for reason, where in reasons.items():
        console.print(f"- {', '.join(where)}: {reason}", soft_wrap=True)


class RunDisplay:
    """Progress of one run: histories while the game is compiled, then iterations. Silent where there is no terminal."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total = progress, total
        self._task: Any = None
        self._walking = False

    def walked(self, histories: int) -> None:
        """Show how many histories have been compiled."""
        if self._progress is None:
            return
        if not self._walking:
            self._restart("compiling the game", None)
            self._walking = True
        self._progress.update(self._task, completed=histories, shown=f"{histories:,} histories")

    def moved(self, iteration: int, exploitability: float | None) -> None:
        """Show the iteration and the last exploitability."""
        if self._progress is None:
            return
        if self._walking or self._task is None:
            self._restart("solving", self._total)
            self._walking = False
        shown = {} if exploitability is None else {"shown": f"{iteration:,}/{self._total:,}  exploitability {exploitability:.3g}"}
        self._progress.update(self._task, completed=iteration, **shown)  # type: ignore[arg-type]

    def _restart(self, name: str, total: int | None) -> None:
        assert self._progress is not None
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(name, total=total, shown="")


@contextmanager
def run_display(total: int) -> Iterator[RunDisplay]:
    """Yield the display of a run of `total` iterations."""
    if not talk_console().is_terminal:
        yield RunDisplay(None, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[shown]}"), TimeElapsedColumn())
    # A descriptor of its own: while a game is walked, OpenSpiel's standard error is silenced.
    with os.fdopen(os.dup(sys.stderr.fileno()), "w") as stream:
        shown = console(file=stream)
        with Progress(*columns, console=shown, transient=True) as progress:
            yield RunDisplay(progress, total)


@contextmanager
def job_progress(total: int, what: str) -> Iterator[Callable[[str], None]]:
    """Yield a function (name of a finished job) that moves one bar for all jobs, or prints lines where there is no terminal."""
    console = talk_console()
    if not console.is_terminal:
        count, last = 0, -math.inf

        def tell(name: str) -> None:
            nonlocal count, last
            count += 1
            if count == total or time.monotonic() - last >= 1.0:  # thousands of short jobs are not worth a line each
                last = time.monotonic()
                console.print(f"{what} {count}/{total}: {name}", soft_wrap=True)

        yield tell
        return
    columns = (
        TextColumn(what, markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[name]}", markup=False),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total, name="")
        yield lambda name: progress.update(task, advance=1, name=name)


def print_run(record: dict[str, Any], metrics: Sequence[dict[str, Any]], timing: Sequence[dict[str, Any]]) -> None:
    """Print what a solver run has found: the curve in a few lines, the answer, and where it is kept."""
    seconds = {line["iteration"]: line["seconds"] for line in timing}
    wanted = {int(f"{digit}{'0' * zeros}") for digit in (1, 2, 5) for zeros in range(12)} | {record["iterations"]}
    rows = [
        (f"{line['iteration']:,}", f"{line['exploitability']:.6g}", format_duration(seconds.get(line["iteration"], 0.0)))
        for line in metrics
        if line["iteration"] in wanted or len(metrics) < 12
    ]
    if len(rows) > 1:
        print_table(("iteration", "exploitability", "time"), rows, left=0)
    console = out_console()
    algo = Path(record["algo"]).name if record["algo"].endswith(".py") else record["algo"]
    console.print(f"{record['game']}  {algo}  {counted(record['iterations'], 'iteration')}  {record['status']}", soft_wrap=True)
    print_values(record)
    if "proof" in record:
        known = f"proven by {record['proof']}" if record["proof"] else "not proven exact: see the exploitability"
        console.print(f"value           {record['value']!r}  {known}", soft_wrap=True)
    console.print(f"run             {record['run']}", soft_wrap=True)


def print_values(record: dict[str, Any]) -> None:
    """Print exploitability, NashConv and the players' values of a record."""
    console = out_console()
    console.print(f"exploitability  {record['exploitability']:.10g}")
    console.print(f"NashConv        {record['nash_conv']:.10g}")
    console.print(f"values          {'  '.join(f'{value:.10g}' for value in record['values'])}", soft_wrap=True)


def print_record(record: dict[str, Any]) -> None:
    """Print names and values, one a line."""
    for key, value in record.items():
        shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(value, list):
            shown = " ".join(f"{item:,}" if isinstance(item, int) else str(item) for item in value)
        out_console().print(f"{key:<13}{shown}", soft_wrap=True)


def print_games(games: Mapping[str, Any], suites: Mapping[str, Sequence[str]]) -> None:
    """Print the catalogue of games."""
    rows = [(name, e.game, f"{e.histories:,}", f"{e.terminals:,}", f"{e.infosets:,}") for name, e in games.items()]
    print_table(("name", "OpenSpiel game", "histories", "terminals", "infosets/player"), rows, left=2)
    for name, members in suites.items():
        out_console().print(f"suite {name:<8} {' '.join(members)}", soft_wrap=True)
    out_console().print(
        "Any OpenSpiel game string, such as 'kuhn_poker(players=3)', and any .efg or .nfg file is accepted too.", soft_wrap=True
    )


def print_algorithm(record: dict[str, Any]) -> None:
    """Print one algorithm with its parameters."""
    console = out_console()
    console.print(f"{record['name']}: {record['title']} ({record['reference']})", soft_wrap=True)
    console.print(record["doc"], soft_wrap=True)
    if "iterations" in record:
        console.print(f"{counted(record['iterations'], 'iteration')} unless -n says otherwise")
    if record["params"]:
        print_parameters(record["params"], record.get("choices", {}), "parameter")


def print_parameters(params: Mapping[str, Any], choices: Mapping[str, Sequence[str]], what: str) -> None:
    """Print parameters or options with their defaults and types."""
    rows = [(k, str(v), " | ".join(choices[k]) if k in choices else type(v).__name__) for k, v in params.items()]
    print_table((what, "default", "type"), rows, left=3)


def print_worlds(worlds: Mapping[str, str]) -> None:
    """Print the catalogue of worlds."""
    print_table(("world", "what is planned"), list(worlds.items()), left=2)


def print_runs(records: Sequence[dict[str, Any]]) -> None:
    """Print a list of runs."""
    rows = []
    for r in records:
        value, score = r.get("exploitability"), r.get("mean")
        algo = str(r.get("algo") or "-")
        rows.append(
            (
                r["run"], str(r.get("game") or "-"), Path(algo).name if algo.endswith(".py") else algo,
                r["status"], f"{r.get('iterations') or 0:,}", "-" if value is None else f"{value:.4g}",
                "-" if score is None else f"{score:,.4g}",
            )
        )  # fmt: skip
    print_table(("run", "game", "algo", "status", "iterations", "exploitability", "score"), rows, left=4)


def print_cache(record: dict[str, Any]) -> None:
    """Print what the cache holds."""
    out_console().print(f"cache    {record['path']}", soft_wrap=True)
    out_console().print(f"kernels  {record['kernel_bytes'] / 1e6:.1f} MB")
    out_console().print(f"games    {record['game_bytes'] / 1e6:.1f} MB in {len(record['games'])} files")
    for game in record["games"]:
        out_console().print(f"  {game['bytes'] / 1e6:8.2f} MB  {game['name']}", soft_wrap=True)


def print_bench(record: dict[str, Any]) -> None:
    """Print the figures of ``gameplan bench cfr``: medians, with the quartiles' distance in percent as spread."""
    console = out_console()

    def spread(timing: dict[str, Any]) -> str:
        return f"±{50 * (timing['high'] - timing['low']) / timing['median']:.0f} %"

    console.print(f"noise: a fixed loop of pure Python varies by {spread(record['clock'])} between quartiles")
    for game in record["games"]:
        console.print(f"\n{game['game']}  {game['histories']:,} histories, {game['terminal_rows']:,} terminal rows")
        setup, cached = game["setup"], game["cached_load"]
        share = f"{100 * game['cached_load_share']:.2g} % of set-up"
        rows = [
            ("set-up", format_duration(setup["median"]), spread(setup), f"{game['setup_per_history'] * 1e6:.2f} us a history"),
            ("cached load", format_duration(cached["median"]), spread(cached), share),
        ]
        for algo, timing in game["iteration"].items():
            note = f"x{timing['ratio_to_first']:.2f}"
            rows.append((f"{algo} iteration", format_duration(timing["median"]), spread(timing), note))
        timing = game["exploitability"]
        rows.append(
            (
                "exploitability",
                format_duration(timing["median"]),
                spread(timing),
                f"{game['exploitability_in_iterations']:.2f} iterations",
            )
        )
        for name, timing in game["peers"].items():
            if "reason" in timing:
                rows.append((name, "-", "", timing["reason"]))
                continue
            what = name if "NashConv" in name else f"{name} CFR+ iteration"
            rows.append((what, format_duration(timing["median"]), spread(timing), f"{timing['ratio']:,.0f} times ours"))
        print_table(("", "median", "spread", "note"), [tuple(str(cell) for cell in row) for row in rows])
        console.print(f"memory: {game['bytes_per_row_and_player']:.0f} bytes a terminal row and player")


def print_bench_psro(record: dict[str, Any]) -> None:
    """Print the figures of ``gameplan bench psro``."""
    rows = []
    for game in record["games"]:
        for algo, timing in game["algos"].items():
            ratio = f"{timing['ratio']:,.0f} times ours" if "ratio" in timing else game.get("peer", {}).get("reason", "")
            rows.append((game["game"], algo, format_duration(timing["total"]), format_duration(timing["per_iteration"]), ratio))
    print_table(("game", "algorithm", f"{record['iterations']} iterations", "per iteration", "psro_v2, early"), rows, left=2)


def print_bench_planning(record: dict[str, Any], rows: Callable[[Any], Sequence[tuple[str, Any]]]) -> None:
    """Print the figures of ``gameplan bench planning``, a table a part."""
    for part, found in record["parts"].items():
        shown = []
        for name, n in rows(found["figures"]):
            text = f"{n:,.0f}" if isinstance(n, float) and abs(n) >= 1000 else f"{n:,.4g}" if isinstance(n, int | float) else str(n)
            shown.append((name, text))
        print_table((part, "figure"), shown, title=f"calibration kernel: {found['calibration'] / 1e6:,.0f} M steps/s")
