"""Tables of columns as files: CSV, and Parquet where pyarrow is installed."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from games.errors import GameplanError, UsageError
from games.files import write_output

PARQUET, CSV = ".parquet", ".csv"
SUFFIXES = (PARQUET, CSV)

Columns = Mapping[str, Sequence[Any]]


def write_columns(columns: Columns, path: Path) -> None:
    """Write columns of equal length to `path`; its suffix says how.

    Raises
    ------
    UsageError
        For another suffix.
    GameplanError
        If pyarrow is not installed, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == PARQUET:
        write_output(path, _parquet(columns), "FILE")
    elif suffix == CSV:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        write_output(path, text.getvalue(), "FILE")
    else:
        raise UsageError(f"{path} cannot hold a table; its name must end in {' or '.join(SUFFIXES)}")


def _parquet(columns: Columns) -> bytes:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise GameplanError("Parquet files need the extra data: pip install 'gameplan[data]'; or name a .csv file") from error
    sink = io.BytesIO()
    try:
        table = pyarrow.table({name: pyarrow.array(values) for name, values in columns.items()})
        pyarrow.parquet.write_table(table, sink)
    except (pyarrow.ArrowException, OverflowError, TypeError, ValueError) as error:  # a column of two kinds, half a surrogate pair
        raise GameplanError(f"the table cannot be written as Parquet: {' '.join(str(error).split())}; name a .csv file") from error
    return sink.getvalue()


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return rows as columns, in order of their first value; None where a row has none."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}
