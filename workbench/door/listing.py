"""What there is on the disk: runs, comparisons and discoveries."""

from pathlib import Path

from games.asked import Place
from workbench.door.asking import asked
from workbench.door.results import Row, Table
from workbench.views.runs import RunView, find_runs

_COLUMNS = ("name", "kind", "game", "algo", "seed", "status", "figure", "unit", "size", "sizes", "started", "seconds")


class Runs(Table):
    """Runs as rows, which notebooks show and pandas takes; `views` has them with all that is known of each."""

    def __init__(self, root: Path, views: list[RunView]) -> None:
        super().__init__(f"runs below {root}", [_row(view) for view in views])
        self.views = views


@asked
def runs(root: Place = "runs", *, inner: bool = False) -> Runs:
    """Return what there is below a directory: runs, comparisons and discoveries, as ``gameplan runs list`` does.

    Parameters
    ----------
    root : str or Path
        Where to look.
    inner : bool
        Also the single runs of comparisons.

    Raises
    ------
    UsageError
        If it cannot be looked into.

    Examples
    --------
    >>> import workbench as gp
    >>> len(gp.runs("no-such-place"))
    0
    """
    return Runs(Path(root), find_runs(Path(root), inner=inner))


def _row(view: RunView) -> Row:
    return {"run": str(view.path), **{name: getattr(view, name) for name in _COLUMNS}}
