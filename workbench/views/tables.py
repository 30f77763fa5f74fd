"""The final tables of comparisons, and of runs that can be compared: rows of texts, the best of each marked."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from games.errors import GameplanError
from games.reading import anything
from workbench.comparison import methods, planners, solvers
from workbench.comparison.place import labels
from workbench.runs.directory import RunDirectory
from workbench.views.runs import DAMAGED, SOLVE, TABLE, RunView

MATCHES = "matches or beats"


class FinalTable(NamedTuple):
    """A table for people; `best` are the places (row, column) of what is best, `source` is the comparison's directory, if any."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    best: Collection[tuple[int, int]]
    notes: Sequence[str]
    source: Path | None = None


def comparison_table(path: Path) -> FinalTable:
    """Return the table of the comparison in the directory `path`.

    Raises
    ------
    GameplanError
        If it is damaged.
    """
    summary = RunDirectory(path).read_json(TABLE, anything)
    try:
        if "cells" in summary:
            return _solvers(summary, path.name, path)
        if "envs" in summary:
            header, rows, notes = planners.table(summary)
        else:
            header, rows, notes = methods.table(summary)
        return FinalTable(path.name, list(map(str, header)), [list(map(str, row)) for row in rows], (), list(map(str, notes)), path)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise GameplanError(f"{path / TABLE} is no table of a comparison; run the comparison again") from error


def runs_table(views: Sequence[RunView]) -> FinalTable | None:
    """Return the table of single solver runs: of every algorithm on a game its best; None unless two can be compared."""
    best: dict[tuple[str, str], RunView] = {}
    for view in views:
        if view.kind == SOLVE and view.status != DAMAGED and view.figure is not None:
            before = best.get((view.game, view.algo))
            if before is None or view.figure < (before.figure or 0.0):
                best[view.game, view.algo] = view
    games, algos = (list(dict.fromkeys(key[k] for key in best)) for k in (0, 1))
    if all(sum(game == other for other, _ in best) < 2 for game in games):
        return None
    cells = {key: solvers.Cell(view.figure, view.seconds, "", str(view.path)) for key, view in best.items()}
    found = _solvers(solvers.summarise(games, algos, cells), "single runs", None)
    return found._replace(notes=[*found.notes, "of several runs of one algorithm on one game the best"])


def _solvers(summary: Mapping[str, Any], title: str, source: Path | None) -> FinalTable:
    algos = labels(summary["algos"])
    rows, best, notes = [], set(), []
    for number, (game, row) in enumerate(summary["cells"].items()):
        entries = [str(game)]
        for column, algo in enumerate(algos, 1):
            cell = row.get(algo)
            if cell is None or cell["exploitability"] is None:
                entries.append("-")
                if cell is not None and cell["reason"]:
                    notes.append(f"{game}, {algos[algo]}: {cell['reason']}")
                continue
            entries.append(solvers.cell_text(cell))
            if summary["best"].get(game) == algo:
                best.add((number, column))
        rows.append(entries)
    rows.append([MATCHES, *(solvers.share(summary["counts"][algo]) for algo in algos)])
    said = filter(None, [solvers.said_of_repeats(summary)])
    return FinalTable(title, ["game", *algos.values()], rows, best, ["exploitability of the last iteration", *said, *notes], source)
