"""The one way to a terminal: what comes from elsewhere (names, reasons, replies, programs) must not steer it.

Control characters, overrides of the direction of writing, invisible characters and halves of surrogate pairs are shown as Python
writes them in a literal. Every console and every line printed comes from here; `ruff` refuses ``click.echo`` elsewhere.
"""

import html
import os
import re
from collections.abc import Iterable
from typing import Any

import click

LONGEST = 2000  # characters of a message
WORD = 300  # of a word in it: beyond that a path or a value hides what is legal
_WORDS = re.compile(rf"\S{{{WORD + 1},}}")
_STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str, *, one_line: bool = False) -> str:
    """Return `text` with what would steer a terminal made visible; with `one_line` ends of lines and tabs, too."""
    shown = _STEERS.sub(lambda found: found.group().encode("unicode_escape").decode(), text)
    return shown.replace("\n", "\\n").replace("\t", "\\t") if one_line else shown


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun, in the plural (with an s, unless it is given) unless it is one: "1,000 iterations"."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def message(text: str) -> str:
    """Return `text` as one visible line that is not endless, whatever value it quotes."""
    line = _WORDS.sub(lambda word: f"{word[0][: WORD // 2]}...{word[0][-WORD // 4 :]}", visible(text, one_line=True))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ... ({len(line):,} characters)"


def escape_html(text: str, quote: bool = True) -> str:
    """Return `text` as HTML shows it, with what steers made visible."""
    return html.escape(visible(text), quote)


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print `text`, data on stdout, or with `err` talk on stderr."""
    click.echo(visible(text), err=err, nl=nl)  # noqa: TID251 (here it is)


def console(**options: Any) -> Any:
    """Return a `rich.console.Console` on which nothing that is printed is taken for markup or steers the terminal."""
    from rich.console import Console, ConsoleOptions, RenderableType  # noqa: TID251 (here it is)
    from rich.segment import Segment

    class Plain(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(visible(segment.text), segment.style)

    sizes = {name for name in ("COLUMNS", "LINES") if not re.fullmatch("[1-9][0-9]{0,5}", os.environ.get(name, ""))}
    known = {name: value for name, value in os.environ.items() if name not in sizes}  # others are none to the library either
    return Plain(markup=False, emoji=False, highlight=False, **{"_environ": known, **options})
