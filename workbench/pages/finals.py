"""The final tables: of comparisons, and of single runs that can be compared."""

from collections.abc import Sequence

from workbench.pages.parts import Section, escape, listed, table
from workbench.views.tables import FinalTable


def section(tables: Sequence[FinalTable]) -> Section | None:
    """Return the section with all `tables`."""
    if not tables:
        return None
    parts = []
    for each in tables:
        parts.append(f"<h3>{escape(each.title)}</h3>" + table(each.header, each.rows, best=each.best) + listed(each.notes))
        if each.source:
            parts.append(f'<p class="paper">for paper: <code>{escape(str(each.source / "table.md"))}</code></p>')
    return Section("finals", "Results", "".join(parts))
