"""Tables of columns as files: whatever the columns hold, a file or one line."""

import pytest

from games.errors import GameplanError
from workbench.runs.columns import write_columns

ODD = [[1, "a"], [2**70, 1], ["\ud800", "x"], [object(), 1], [1j, 2], [10**400, 1.0], [{1}, 2], [[1], {"a": 2}]]
EVEN = [[None, None], [], [{"a": 1}, {"b": 2}], [float("inf"), 1.0], [True, None]]


@pytest.mark.parametrize("values", [*ODD, *EVEN], ids=range(len(ODD + EVEN)))
def test_any_column_is_written_as_text(values, tmp_path):
    write_columns({"a": values}, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text().startswith("a\n")


@pytest.mark.parametrize("values", [*ODD, *EVEN], ids=range(len(ODD + EVEN)))
def test_columns_that_parquet_cannot_hold_are_refused_in_a_line(values, tmp_path):
    pytest.importorskip("pyarrow.parquet")
    if values in EVEN:
        write_columns({"a": values}, tmp_path / "x.parquet")
        assert (tmp_path / "x.parquet").stat().st_size
        return
    with pytest.raises(GameplanError, match=r"cannot be written as Parquet: .*; name a \.csv file"):
        write_columns({"a": values}, tmp_path / "x.parquet")
    assert not (tmp_path / "x.parquet").exists()
