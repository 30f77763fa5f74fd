"""What helps where OpenSpiel's own words lead astray, by game."""

import re

_HINTS: dict[str, list[tuple[str, str]]] = {}


def hint(game: str, reason: str) -> str:
    """Return what to add to OpenSpiel's `reason` for refusing `game`: the first hint whose pattern it matches, or nothing."""
    return next((f"; {help}" for pattern, help in _HINTS.get(game, []) if re.search(pattern, reason)), "")
