"""The first section: all runs in a table that can be sorted and filtered."""

from collections.abc import Sequence
from datetime import datetime

from workbench.pages.parts import Section, details, escape, facts
from workbench.terminal.durations import format_duration
from workbench.views.runs import RunView

MOST = 2000  # rows
HEADER = ("run", "kind", "game", "algorithm", "seed", "result", "of", "done", "status", "time", "started")


def section(views: Sequence[RunView]) -> Section:
    """Return the section about all runs."""
    head = "".join(f'<th aria-sort="none"><button type="button">{name}</button></th>' for name in HEADER)
    rows = "".join(_row(view) for view in views[:MOST])
    more = f"<p>and {len(views) - MOST:,} more: gameplan runs list</p>" if len(views) > MOST else ""
    kinds = "".join(f"<option>{escape(kind)}</option>" for kind in dict.fromkeys(view.kind for view in views))
    controls = (
        '<div class="controls"><label>search <input type="search" id="runs-search" placeholder="part of any column"></label>'
        f'<label>kind <select id="runs-kind"><option value="">all</option>{kinds}</select></label>'
        '<output id="runs-count"></output></div>'
    )
    body = f'<div class="wide"><table id="runs-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return Section("runs", "Runs", controls + body + more, {"count": len(views)})


def _row(view: RunView) -> str:
    settings = facts([("directory", str(view.path)), *((key, str(value)[:300]) for key, value in view.settings.items())])
    started = view.started.strftime("%Y-%m-%d %H:%M") if view.started else ""
    cells: list[tuple[str, float | str | None]] = [  # what is shown, and what it is sorted by
        (view.kind, view.kind), (view.game, view.game), (view.algo, view.algo),
        ("" if view.seed is None else str(view.seed), view.seed),
        ("" if view.figure is None else f"{view.figure:.4g}", view.figure), (view.unit, view.unit),
        (f"{view.size:,} {view.sizes}" if view.sizes else "", view.size),
        (f"{view.status}: {view.note}" if view.note else view.status, view.status),
        ("" if view.seconds is None else format_duration(view.seconds), view.seconds), (started, _moment(view.started)),
    ]  # fmt: skip
    shown = "".join(f'<td data-by="{escape("" if by is None else str(by)[:200])}">{escape(text[:300])}</td>' for text, by in cells)
    first = f'<td data-by="{escape(view.name)}">{details(view.name, settings)}</td>'
    return f'<tr class="{escape(view.status)}">{first}{shown}</tr>'


def _moment(started: datetime | None) -> float | None:
    return started.timestamp() if started else None
