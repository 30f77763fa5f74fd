"""What all results have in common: a short text, a table for notebooks, and a way to pandas."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from games.errors import GameplanError
from workbench.door.progress import shell
from workbench.terminal.printing import escape_html, visible

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
MOST_ROWS = 20  # of a table that a notebook shows


class Result:
    """A result: `facts` for people, `rows` for tables."""

    title = "result"

    def facts(self) -> dict[str, str]:
        """Return what a person should know, name -> text."""
        raise NotImplementedError

    def rows(self) -> Sequence[Row]:
        """Return what `to_pandas` makes a table of: one mapping a row."""
        raise NotImplementedError

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value}" if name else value for name, value in self.facts().items())
        return visible(f"{type(self).__name__}({inside})", one_line=True)

    def _repr_html_(self) -> str:
        facts = dict(self.facts())
        caption = " ".join(filter(None, (self.title, facts.pop("", ""))))
        left = "style='text-align:left'"
        lines = "".join(
            f"<tr><th {left}>{escape_html(name)}</th><td {left}>{escape_html(value)}</td></tr>" for name, value in facts.items()
        )
        return f"<table><caption>{escape_html(caption)}</caption>{lines}</table>"

    def to_pandas(self) -> "pandas.DataFrame":
        """Return the rows as a data frame.

        Raises
        ------
        GameplanError
            If pandas is not installed.
        """
        return frame(self.rows())


class Table(Result, Sequence[Row]):
    """Rows that are shown as a table and can be looped over."""

    def __init__(self, title: str, rows: Sequence[Row]) -> None:
        self.title = title
        self._rows = [dict(row) for row in rows]

    def facts(self) -> dict[str, str]:
        """Return how many rows there are."""
        return {"": self.title, "rows": f"{len(self._rows):,}"}

    def rows(self) -> Sequence[Row]:
        """Return the rows."""
        return self._rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self._rows[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def _repr_html_(self) -> str:
        return html_table(self.title, self._rows)


def frame(rows: Sequence[Row]) -> "pandas.DataFrame":
    """Return rows as a data frame; errors are those of `Result.to_pandas`."""
    try:
        import pandas
    except ImportError as error:
        raise GameplanError("a data frame needs pandas, which is not installed: pip install pandas") from error
    return pandas.DataFrame([dict(row) for row in rows])


def html_table(title: str, rows: Sequence[Row], count: int | None = None) -> str:
    """Return rows as an HTML table, long ones cut, with a line that says so; `count` is how many there are in all."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape_html(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape_html(text_of(row.get(name)))}</td>" for name in names) + "</tr>" for row in rows[:MOST_ROWS]
    )
    left = (len(rows) if count is None else count) - MOST_ROWS
    more = f"<p>{left:,} more rows: .to_pandas()</p>" if left > 0 else ""
    return f"<table><caption>{escape_html(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def text_of(value: Any) -> str:
    """Return a value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return " ".join(map(text_of, value))
    return str(value)


def shown(figure: "Figure") -> "Figure":
    """Return `figure`; a notebook then knows how to show figures of matplotlib, also without ``%matplotlib inline``."""
    here = shell()
    if here is not None:
        from io import BytesIO

        from matplotlib.figure import Figure

        def png(drawn: Figure) -> bytes:
            stream = BytesIO()
            drawn.savefig(stream, format="png", dpi=150)
            return stream.getvalue()

        formatter = here.display_formatter.formatters["image/png"]
        if Figure not in formatter.type_printers:
            formatter.for_type(Figure, png)
    return figure
