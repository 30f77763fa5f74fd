"""What sections are made of: pieces of HTML, and data that cannot leave its element. Whatever is shown was written elsewhere.

Texts go through `escape` into HTML, and through `embed` into data; scripts put them on the page as text, never as HTML.
"""

import json
import math
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from workbench.figures.style import LINES, MARKERS, style_of
from workbench.terminal.printing import escape_html as escape
from workbench.terminal.printing import visible

DASHES = ("solid", "dash", "dashdot", "dot", "longdashdot")  # what `LINES` are called in a browser
SYMBOLS = dict(zip(MARKERS, ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "triangle-left",
                             "triangle-right", "hexagon"), strict=True))  # fmt: skip


class Section(NamedTuple):
    """A part of the page.

    Attributes
    ----------
    name : str
        A word: its anchor, and the name of its script (NAME.js in this room), which is called when it comes into sight.
    title, html : str, str
    data : any
        What the script reads, JSON; None for a section without a script.
    figures : bool
        Whether the script draws figures, so that the page needs plotly.
    """

    name: str
    title: str
    html: str
    data: Any = None
    figures: bool = False


def embed(name: str, value: Any) -> str:
    """Return the element that holds `value` as JSON: nothing in it can end the element, or is anything but data."""
    text = json.dumps(_plain(value), allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" id="data-{escape(name)}">{text}</script>'


def _plain(value: Any) -> Any:
    """Return `value` as JSON has it: texts visible, numbers finite and no longer than they are seen."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {visible(str(key)): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return _plain(value.tolist()) if hasattr(value, "tolist") else value


def look(name: str, variant: int = 0) -> dict[str, str]:
    """Return how the lines of the algorithm called `name` look, as in every other figure."""
    style = style_of(name, variant)
    return {"colour": style.colour, "dash": DASHES[LINES.index(style.line)], "symbol": SYMBOLS[style.marker]}


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """Return a table of names and values."""
    if not rows:
        return ""
    return '<table class="facts">' + "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in rows) + "</table>"


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, wrap: bool = False, best: Collection[tuple[int, int]] = ()
) -> str:
    """Return a table of texts; `wrap` lets long ones have several lines, and `best` are places that stand out."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(
        "<tr>"
        + "".join(f"<td{' class=best' if (i, j) in best else ''}>{escape(str(cell))}</td>" for j, cell in enumerate(row))
        + "</tr>"
        for i, row in enumerate(rows)
    )
    return f'<div class="{"narrow" if wrap else "wide"}"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def details(title: str, body: str, *, open_: bool = False) -> str:
    """Return `body`, HTML, folded below `title`, a text."""
    return f"<details{' open' if open_ else ''}><summary>{escape(title)}</summary>{body}</details>"


def listed(texts: Sequence[str]) -> str:
    """Return a list of texts."""
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>" if texts else ""


def paper(*command: str | Path) -> str:
    """Return the line that says which command makes the picture above for paper."""
    return f'<p class="paper">for paper: <code>{escape(words(*command))}</code></p>'


def words(*command: str | Path) -> str:
    """Return a command as it is typed."""
    return shlex.join(["gameplan", *map(str, command)])
