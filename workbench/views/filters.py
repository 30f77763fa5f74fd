"""Choosing among runs, ordering them, and saying in what they differ."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from games.errors import UsageError
from workbench.views.runs import RunView

SORTS: dict[str, Callable[[RunView], Any]] = {  # how a list may be ordered; what a run does not have comes last
    "started": lambda view: view.started.timestamp() if view.started else None,
    "name": lambda view: view.name,
    "kind": lambda view: view.kind,
    "game": lambda view: view.game,
    "algo": lambda view: view.algo,
    "status": lambda view: view.status,
    "figure": lambda view: view.figure,
    "size": lambda view: view.size,
    "seconds": lambda view: view.seconds,
}
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def choose(
    views: Iterable[RunView], *, kinds: Collection[str] = (), game: str = "", algo: str = "", status: str = "",
    since: datetime | None = None,
) -> list[RunView]:  # fmt: skip
    """Return the views that are of one of the `kinds`, contain `game`, `algo` and `status` in any case, and started `since`.

    In a text ``*`` stands for anything.
    """
    wanted = {"game": game, "algo": algo, "status": status}
    patterns = {key: _pattern(text) for key, text in wanted.items() if text}
    return [
        view
        for view in views
        if (not kinds or view.kind in kinds)
        and all(pattern.search(getattr(view, key)) for key, pattern in patterns.items())
        and (since is None or (view.started is not None and view.started >= since))
    ]


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.IGNORECASE)


def ordered(views: Sequence[RunView], by: str, *, reverse: bool = False) -> list[RunView]:
    """Return the views by one of `SORTS`, the largest first if `reverse`; those without it come last, in either order."""
    key = SORTS[by]
    have = sorted((view for view in views if key(view) is not None), key=key, reverse=reverse)
    return have + [view for view in views if key(view) is None]


def parse_since(text: str, now: datetime | None = None) -> datetime:
    """Return the moment that `text` means: so long ago (``30m``, ``3h``, ``2d``, ``1w``), or a date (``2026-01-31``, with a time).

    Raises
    ------
    UsageError
        If it is neither.
    """
    now = now or datetime.now().astimezone()
    ago = re.fullmatch(r"(\d{1,6})([mhdw])", text.strip())
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text!r} is no time to begin at; write 30m, 3h, 2d or 1w, or a date such as 2026-01-31") from error


def differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys of which not all the settings have the same value, in their order."""
    keys = dict.fromkeys(key for table in settings for key in table)
    return [key for key in keys if len({repr(table.get(key)) for table in settings}) > 1]


def differences(views: Sequence[RunView]) -> list[dict[str, Any]]:
    """Return for every view the settings in which it differs from others of the same kind, game and algorithm among them."""
    groups: dict[tuple[str, str, str], list[RunView]] = {}
    for view in views:
        groups.setdefault((view.kind, view.game, view.algo), []).append(view)
    keys = {group: differing([{"seed": view.seed, **view.settings} for view in own]) for group, own in groups.items()}
    return [{key: {"seed": view.seed, **view.settings}.get(key) for key in keys[view.kind, view.game, view.algo]} for view in views]
