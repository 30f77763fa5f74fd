"""Names of infosets for people: one line, without what is empty or the same at every infoset of the player; found by a pattern."""

import re
from collections.abc import Iterator, Sequence

from games.sequence_form import SequenceGame

_TURN = "Current player: "
_FIELDS = re.compile(r"\[([^\[\]]*)\]")


def readable(names: Sequence[str]) -> list[str]:
    """Return a line for every one of a player's infosets' `names`; distinct where the names are.

    OpenSpiel writes an information state as fields, in brackets or on lines of their own; those that say nothing (``[Round2: ]``)
    or the same everywhere (``[Observer: 0]``) are left out. Names of another form stay as they are.
    """
    if not names:
        return []
    parts = [_parts(name) for name in names]
    shared = set(parts[0]).intersection(*parts[1:]) if len(parts) > 1 else set()
    lines = ["; ".join(part for part in own if part not in shared) or "(nothing seen)" for own in parts]
    return lines if len(set(lines)) == len(set(names)) else [" ".join(name.split()) for name in names]


def matching(pattern: str, names: Sequence[str], labels: Sequence[str]) -> Iterator[int]:
    """Yield the numbers of a player's infosets of which the name or the label contains `pattern`.

    Upper and lower case are the same, and ``*`` stands for anything; what is empty is in all of them.
    """
    wanted = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.IGNORECASE | re.DOTALL)
    for number, (name, label) in enumerate(zip(names, labels, strict=True)):
        if wanted.search(label) or wanted.search(name):
            yield number


def _parts(name: str) -> list[str]:
    """Return the fields of a name, those without a value left out; the one part that a name of no such form is."""
    if name.startswith(_TURN) and "\n" in name:
        name = name.split("\n", 1)[1]
    fields = _FIELDS.findall(name) if name.startswith("[") and not _FIELDS.sub("", name).strip() else name.split("\n")
    fields = [" ".join(field.split()) for field in fields]
    return [field for field in fields if field and not field.endswith(":")]


def action_names(game: SequenceGame) -> list[str]:
    """Return the name of every (infoset, action) pair of all players."""
    labels = game.action_labels
    return [labels[k] for k in game.label.tolist()]
