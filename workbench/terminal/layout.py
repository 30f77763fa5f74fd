"""How a table fits a terminal of any width: no name is dropped, no number is cut, and what is left out is said.

In this order a table that is too wide is tried: headers broken between words; prose folded; long names replaced by labels, with a
legend below; turned round; without its spare columns, which a note names; going on below itself; one value a line.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

GAP = 2  # between two columns
MANY = 12  # labels that one can look up in a legend
LONG = 24  # names beyond this get a label where there is no room
PROSE = 14  # prose is not folded narrower, if its words are not
LENGTHY = 2_000_000  # characters times columns to give away, beyond which nobody waits for the best widths
MARGIN = 1  # a terminal's last column is left free: some break the line there

Style = Callable[[int], str]  # of the cell in a column
Line = list[tuple[str, str]]  # (text, style) from left to right


@dataclass(frozen=True)
class Table:
    """A table of plain texts.

    Attributes
    ----------
    header, rows : sequences of str
        The names of the columns, and the cells of every row.
    left : int
        So many of the first columns say what a row is about; the others are figures, aligned to the right.
    prose : collection of str
        Columns of sentences, which may be folded between words.
    spare : sequence of str
        Columns that may be left out, the first one first.
    strong : collection of (row, column)
        Cells that are shown in bold.
    see : str
        Where everything is shown, for the note about what is left out.
    copied : bool
        Whether its names are there to be copied, such as paths: rather than giving them labels it does without spare columns.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1
    prose: Collection[str] = ()
    spare: Sequence[str] = ()
    strong: Collection[tuple[int, int]] = ()
    see: str = "a wider terminal or --json"
    copied: bool = False

    def without(self, names: Collection[str]) -> "Table":
        """Return the table without the columns of these names."""
        return self.columns([k for k, name in enumerate(self.header) if name not in names])

    def columns(self, chosen: Sequence[int]) -> "Table":
        """Return the table with these columns only."""
        places = {k: new for new, k in enumerate(chosen)}
        return replace(
            self,
            header=[self.header[k] for k in chosen],
            rows=[[row[k] for k in chosen] for row in self.rows],
            strong={(i, places[k]) for i, k in self.strong if k in places},
        )

    def turned(self) -> "Table":
        """Return the table with rows as columns."""
        return replace(
            self,
            header=[self.header[0], *(row[0] for row in self.rows)],
            rows=[[name, *(row[k] for row in self.rows)] for k, name in enumerate(self.header) if k],
            strong={(k - 1, i + 1) for i, k in self.strong if k},
            left=1,
        )


@dataclass(frozen=True)
class Layout:
    """Lines that fit, and what is to be said below them: `legend` (label, name), and `left_out`, the names of columns."""

    lines: list[Line]
    legend: list[tuple[str, str]]
    left_out: list[str]


def lay_out(table: Table, width: int | None) -> Layout:
    """Return the first way to show `table` that fits `width` columns; without one everything stands side by side."""
    if width is None:
        return Layout(_draw(table, _natural(table)), [], [])
    room = max(1, width - MARGIN)
    for attempt, legend, left_out in _attempts(table):
        widths = _fitted(attempt, room)
        if widths is not None:
            return Layout(_draw(attempt, widths), legend, left_out)
    labelled, legend = _labelled(table)
    slim = labelled.without(table.spare)
    found = [blocks for one in _either_way(slim) if (blocks := _blocks(one, room)) is not None]
    if not found:
        return Layout(_one_a_line(table, room), [], [])
    lines = [line for block in min(found, key=len) for line in [*block, []]][:-1]
    return Layout(lines, _used(legend, slim), [name for name in table.spare if name in table.header])


def _attempts(table: Table) -> Iterator[tuple[Table, list[tuple[str, str]], list[str]]]:
    """Yield tables that may fit, with their legends and the columns left out, the best first."""
    yield table, [], []
    if _turns(table):
        yield table.turned(), [], []
    labelled, legend = _labelled(table)
    spare = [name for name in table.spare if name in table.header]
    if len(legend) > MANY or table.copied:  # nobody wants to look up so many
        for count in range(1, len(spare) + 1):
            yield table.without(spare[:count]), [], spare[:count]
    for count in range(len(spare) + 1):
        for one in _either_way(slim := labelled.without(spare[:count])):
            yield one, _used(legend, slim), spare[:count]


def _either_way(table: Table) -> list[Table]:
    return [table, table.turned()] if _turns(table) else [table]


def _turns(table: Table) -> bool:
    """Whether a table may be turned round: not one of sentences, and not a long list, of which nobody would see the end."""
    return not set(table.prose) & set(table.header) and 0 < len(table.rows) <= 2 * len(table.header) and len(table.header) > 2


def _labelled(table: Table) -> tuple[Table, list[tuple[str, str]]]:
    """Return the table with labels for names that are long, and the legend."""
    labels: dict[str, str] = {}

    def short(text: str) -> str:
        if cell_len(text) <= LONG:
            return text
        if text not in labels:
            head = text.rstrip("/").rpartition("/")[2].partition("(")[0] or text
            labels[text] = f"{head[:12].rstrip()}[{len(labels) + 1}]"
        return labels[text]

    folds = [name in table.prose for name in table.header]
    rows = [
        [short(text) if k < table.left and not folds[k] else text for k, text in enumerate(row)]
        for row in table.rows
    ]  # fmt: skip
    header = [name if " " in name else short(name) for name in table.header]
    return replace(table, header=header, rows=rows), [(label, name) for name, label in labels.items()]


def _used(legend: Sequence[tuple[str, str]], table: Table) -> list[tuple[str, str]]:
    there = {text for row in [table.header, *table.rows] for text in row}
    return [(label, name) for label, name in legend if label in there]


def _fitted(table: Table, room: int) -> list[int] | None:
    """Return the widths of the columns with which `table` fits `room`, or None."""
    natural = _natural(table)
    room -= GAP * (len(natural) - 1)
    if sum(natural) <= room:
        return natural
    least = [max(_longest_word(name), *_lengths(table, k), 0) for k, name in enumerate(table.header)]
    folds = [k for k, name in enumerate(table.header) if name in table.prose]
    for k in folds:
        texts = [table.header[k], *(row[k] for row in table.rows)]
        least[k] = min(natural[k], max(PROSE, *map(_longest_word, texts)))
    spare = room - sum(least)
    if spare < 0:
        return None
    found = _balanced(table, least, folds, natural, spare) if folds else least
    spare -= sum(found) - sum(least)
    for k in range(len(found)):  # what is left goes to broken headers
        wanted = min(natural[k] - found[k], spare) if k not in folds else 0
        found[k], spare = found[k] + wanted, spare - wanted
    return found


def _balanced(table: Table, widths: Sequence[int], folds: Sequence[int], natural: Sequence[int], spare: int) -> list[int]:
    """Return `widths` with what is `spare` given to the columns that fold, each time where it saves most lines a character."""

    def height(widths: Sequence[int]) -> int:
        return sum(max(len(fold(row[k], widths[k])) for k in folds) for row in table.rows)

    if spare * sum(len(row[k]) for row in table.rows for k in folds) > LENGTHY:
        most = {k: natural[k] - widths[k] for k in folds}
        return [
            width + (min(most[k], spare * most[k] // sum(most.values())) if most.get(k) else 0) for k, width in enumerate(widths)
        ]
    found, now = list(widths), height(widths)
    while spare:
        best: tuple[float, list[int], int] | None = None
        for k in folds:
            for more in range(1, min(spare, natural[k] - found[k]) + 1):
                wider = [width + more * (j == k) for j, width in enumerate(found)]
                lines = height(wider)
                if lines < now and (best is None or (now - lines) / more > best[0]):
                    best = (now - lines) / more, wider, lines
        if best is None:
            break
        spare -= sum(best[1]) - sum(found)
        found, now = best[1], best[2]
    return found


def _blocks(table: Table, room: int) -> list[list[Line]] | None:
    """Return the table going on below itself, its first columns again and again; None if not even one other fits beside them."""
    first, parts = list(range(table.left)), list[list[int]]()
    for k in range(table.left, len(table.header)):
        longer = [*parts[-1], k] if parts else [*first, k]
        if parts and _fitted(table.columns(longer), room) is not None:
            parts[-1] = longer
        elif _fitted(table.columns([*first, k]), room) is not None:
            parts.append([*first, k])
        else:
            return None
    if not parts:
        return None
    chosen = [table.columns(part) for part in parts]
    return [_draw(one, _fitted(one, room) or []) for one in chosen]


def _one_a_line(table: Table, room: int) -> list[Line]:
    """Return every value on a line of its own, after the name of its column; nothing is cut, the terminal may break the line."""
    lines: list[Line] = []
    for i, row in enumerate(table.rows):
        lines += [[]] if i else []
        for k, (name, text) in enumerate(zip(table.header, row, strict=True)):
            style = "bold" if k == 0 or (i, k) in table.strong else ""
            beside = cell_len(name) + 2 + cell_len(text) <= room
            lines += [[(f"{name}  ", ""), (text, style)]] if beside else [[(name, "")], [(text, style)]]
    return lines


def _draw(table: Table, widths: Sequence[int]) -> list[Line]:
    """Return the lines of a table with columns of these widths, in which everything fits."""
    lines = _row(table, table.header, widths, lambda k: "bold", bottom=True)
    lines.append([("─" * (sum(widths) + GAP * (len(widths) - 1)), "dim")])
    for i, row in enumerate(table.rows):
        lines += _row(table, row, widths, lambda k, i=i: "bold green" if (i, k) in table.strong else "")  # type: ignore[misc]
    return lines


def _row(table: Table, cells: Sequence[str], widths: Sequence[int], style: Style, *, bottom: bool = False) -> list[Line]:
    """Return the lines of one row; its cells stand at the top, or at the `bottom`, which headers do."""
    folded = [fold(text, width) for text, width in zip(cells, widths, strict=True)]
    height = max(map(len, folded))
    lines: list[Line] = []
    for n in range(height):
        line: Line = []
        for k, (parts, width) in enumerate(zip(folded, widths, strict=True)):
            at = n - (height - len(parts) if bottom else 0)
            text = parts[at] if 0 <= at < len(parts) else ""
            blank = " " * (width - cell_len(text))
            line.append((text + blank if k < table.left or table.header[k] in table.prose else blank + text, style(k)))
            line.append((" " * GAP, ""))
        while line and not line[-1][0].strip():  # nothing but blanks to the right
            line.pop()
        lines.append([*line[:-1], (line[-1][0].rstrip(), line[-1][1])] if line else [])
    return lines


def fold(text: str, width: int, indent: int = 0) -> list[str]:
    """Return `text` broken between words into lines of at most `width`, those after the first `indent` less; words stay whole."""
    if cell_len(text) <= width:
        return [text]
    lines, line = list[str](), ""
    for word in re.findall(r"\s*\S+", text):
        if line.strip() and cell_len(line + word) > width - (indent if lines else 0):
            lines.append(line)
            line = word.lstrip()
        else:
            line += word
    return [*lines, line]


def _natural(table: Table) -> list[int]:
    return [max(cell_len(name), *_lengths(table, k), 0) for k, name in enumerate(table.header)]


def _lengths(table: Table, k: int) -> list[int]:
    return [cell_len(row[k]) for row in table.rows]


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)
