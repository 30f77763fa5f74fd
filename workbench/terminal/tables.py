"""What a person sees on stdout: tables and lines of facts, which fit the terminal; and the catalogues and lists made of them."""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rich.text import Text

from workbench.terminal.layout import MARGIN, Table, fold, lay_out
from workbench.terminal.printing import console, counted, echo, visible

FACT = 13  # columns that the name of a fact takes
LONGEST = 40  # characters of a default in a table; --json has all of them


def out_console() -> Any:
    """Return the console for data (stdout)."""
    return console()


def out_width() -> int | None:
    """Return the columns of the terminal, or those that COLUMNS says; None in a file or a pipe, where nothing need fit."""
    shown = out_console()
    columns = os.environ.get("COLUMNS", "")
    return shown.width if shown.is_terminal else int(columns) if re.fullmatch("[1-9][0-9]{0,5}", columns) else None


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[Any]], *, left: int = 1, title: str | None = None, prose: Collection[str] = (),
    spare: Sequence[str] = (), strong: Collection[tuple[int, int]] = (), see: str = "a wider terminal or --json",
    copied: bool = False,
) -> None:  # fmt: skip
    """Print a table of plain texts on stdout, laid out for the width there is; see `workbench.terminal.layout.Table`."""
    table = Table(
        [visible(name, one_line=True) for name in header],
        [[visible(str(cell), one_line=True) for cell in row] for row in rows],
        left, prose, spare, strong, see, copied,
    )  # fmt: skip
    show_table(table, title)


def show_table(table: Table, title: str | None = None) -> None:
    """Print `table` on stdout, with the legend of its labels and a line about what was left out, and an empty line after it."""
    width, shown = out_width(), out_console()
    layout = lay_out(table, width)
    if title:
        print_line(visible(title, one_line=True))
    for line in layout.lines:
        shown.print(Text.assemble(*line), soft_wrap=True)
    for label, name in layout.legend:
        echo(f"{label}  {name}")  # in one piece, to be copied
    if layout.left_out:
        print_line(f"left out: {', '.join(layout.left_out)}; {table.see} shows everything")
    echo()


def print_line(text: str, indent: int = 2) -> None:
    """Print a line of words, broken between words where it is too long; what follows is indented."""
    width = out_width()
    if width is None:
        echo(text)
        return
    first, *rest = fold(text, max(1, width - MARGIN), indent)
    echo("\n".join([first, *(" " * indent + part for part in rest)]))


def print_fact(name: str, text: str, width: int = FACT) -> None:
    """Print what `name` is; long texts go on below their beginning."""
    print_line(f"{name:<{width}}{text}", width)


def print_path(name: str, path: str, width: int = FACT) -> None:
    """Print where something is, in one piece, so that it can be copied."""
    echo(f"{name:<{width}}{path}")


def print_record(record: dict[str, Any]) -> None:
    """Print names and values, one a line."""
    for key, value in record.items():
        shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(value, list):
            shown = " ".join(f"{item:,}" if isinstance(item, int) else str(item) for item in value)
        print_fact(key, str(shown))


def print_games(games: Mapping[str, Any], suites: Mapping[str, Sequence[str]]) -> None:
    """Print the catalogue of games."""
    rows = [(name, e.game, f"{e.histories:,}", f"{e.terminals:,}", f"{e.infosets:,}") for name, e in games.items()]
    header = ("name", "OpenSpiel game", "histories", "terminals", "infosets/player")
    print_table(header, rows, left=2, spare=("infosets/player", "terminals", "OpenSpiel game"))
    for name, members in suites.items():
        print_fact(f"suite {name}", " ".join(members), 15)
    print_line("Any OpenSpiel game string, such as 'kuhn_poker(players=3)', and any .efg or .nfg file is accepted too.")
    echo()


def print_algorithm(record: dict[str, Any]) -> None:
    """Print one algorithm with its parameters."""
    reference = f" ({record['reference']})" if record["reference"] not in ("", f"file {record['name']}") else ""
    print_line(f"{record['name']}: {record['title']}{reference}")
    for paragraph in record["doc"].split("\n\n"):
        if paragraph.split() == record["title"].split():  # the title of a file of one's own is its first sentence
            continue
        print_line(" ".join(paragraph.split()) if out_width() else paragraph, 0)
    if record.get("definition"):
        print_line(f"definition: {record['definition']}")
    if "iterations" in record:
        print_line(f"{counted(record['iterations'], 'iteration')} unless -n says otherwise")
    if record["params"]:
        print_parameters(record["params"], record.get("choices", {}), record["sentences"], "parameter")


def print_parameters(
    params: Mapping[str, Any], choices: Mapping[str, Sequence[str]], told: Mapping[str, str], what: str
) -> None:  # fmt: skip
    """Print parameters or options with their defaults, what is `told` of them, and the few legal values that some have."""
    rows = []
    for name, value in params.items():
        legal = " | ".join(choices[name]) if name in choices else type(value).__name__
        meaning = f"{told.get(name, '')} [{legal}]" if name in choices or name not in told else told[name]
        rows.append((name, "" if value in ("", None) else _short(value), meaning.strip()))
    print_table((what, "default", "meaning"), rows, left=3, prose=("default", "meaning"))


def _short(value: Any) -> str:
    """Return a default as a table shows it: one of a thousand characters must not decide how wide the table is."""
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def print_worlds(worlds: Mapping[str, str]) -> None:
    """Print the catalogue of worlds."""
    print_table(("world", "what is planned"), list(worlds.items()), left=2, prose=("what is planned",))


def print_cache(record: dict[str, Any]) -> None:
    """Print what the cache holds."""
    print_path("cache", record["path"], 9)
    print_fact("kernels", f"{record['kernel_bytes'] / 1e6:.1f} MB", 9)
    print_fact("games", f"{record['game_bytes'] / 1e6:.1f} MB in {counted(len(record['games']), 'file')}", 9)
    if record["games"]:
        echo()
        print_table(("game", "MB"), [(game["name"], f"{game['bytes'] / 1e6:.2f}") for game in record["games"]])
