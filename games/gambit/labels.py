"""Names for display, made from labels that may be empty, equal or unprintable."""

from collections import Counter
from collections.abc import Iterable, Sequence

from games.gambit.nodes import Infoset
from games.gambit.tokens import printable


def infoset_names(infosets: Sequence[Sequence[Infoset]]) -> list[list[str]]:
    """Return a name for every infoset, by player: its label where that is the only one of its kind in the game.

    Otherwise "label (player 1, infoset 2)", or "player 1, infoset 2" where there is none. All names differ, over all players, so
    that they are keys of policy files, flat ones included.
    """
    labels = [[printable(i.label) for i in player] for player in infosets]
    seen = Counter(label for player in labels for label in player)
    taken = {label for label, count in seen.items() if count == 1 and label}
    names = []
    for of_player, given in zip(infosets, labels, strict=True):
        own = []
        for infoset, label in zip(of_player, given, strict=True):
            if label not in taken or seen[label] > 1:
                place = f"player {infoset.player}, infoset {infoset.number}"
                label = _new(f"{label} ({place})" if label else place, taken)
            own.append(label)
        names.append(own)
    return names


def distinct(labels: Iterable[str]) -> list[str]:
    """Return the labels with empty and repeated ones made distinct: by their position, counted from 1."""
    labels = [printable(label) for label in labels]
    seen = Counter(labels)
    taken = {label for label, count in seen.items() if count == 1 and label}
    return [
        label if label in taken and seen[label] == 1 else _new(f"{label} {k}".lstrip(), taken) for k, label in enumerate(labels, 1)
    ]


def _new(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "'"
    taken.add(name)
    return name
