"""The writer: any game tree as .efg text that Gambit and others read.

Labels, lists and payoffs are repeated at every node, for readers that ask for it. Gambit allows no control characters, no
white space at the ends of a label and no two blanks in a row.
"""

from collections.abc import Iterator
from fractions import Fraction

from games.errors import GameplanError
from games.gambit.labels import distinct
from games.gambit.nodes import Infoset, Source
from games.gambit.tokens import printable


def write_efg(source: Source, name: str, max_histories: int) -> Iterator[str]:
    """Yield the lines of the game that `source` tells; `name` is for messages.

    Raises
    ------
    GameplanError
        If it has more than `max_histories` nodes.
    """
    players = distinct(_clean(player) or f"Player {k}" for k, player in enumerate(source.players, 1))
    yield f"EFG 2 R {_quoted(source.title)} {{ {' '.join(map(_quoted, players))} }}"
    yield '""'
    places: dict[Infoset, str] = {}
    labels: set[str] = set()
    outcomes: dict[tuple[Fraction, ...], int] = {}
    met = [0] * (len(players) + 1)
    for count, (infoset, payoffs, _) in enumerate(source.nodes(), 1):
        if count > max_histories:
            raise GameplanError(f"{name} has more than {max_histories:,} histories; choose a smaller game or raise --max-histories")
        outcome = "0"
        if payoffs is not None:
            number = outcomes.setdefault(payoffs, len(outcomes) + 1)
            outcome = f'{number} "" {{ {", ".join(map(str, payoffs))} }}'
        if infoset is None:
            yield f't "" {outcome}'
            continue
        if infoset not in places:
            met[infoset.player] += 1
            places[infoset] = _place(infoset, met[infoset.player], labels)
        yield f"{places[infoset]} {outcome}"


def _place(infoset: Infoset, number: int, taken: set[str]) -> str:
    """Return a node's line up to its outcome; add the label to those that are taken."""
    label = _clean(infoset.label)
    if label in taken:
        label = f"{label} (player {infoset.player}, infoset {number})"
    if label:
        taken.add(label)
    actions = distinct(map(_clean, infoset.actions))
    if infoset.probabilities is None:
        return f'p "" {infoset.player} {number} {_quoted(label)} {{ {" ".join(map(_quoted, actions))} }}'
    events = " ".join(f"{_quoted(action)} {p}" for action, p in zip(actions, infoset.probabilities, strict=True))
    return f'c "" {number} {_quoted(label)} {{ {events} }}'


def _clean(label: str) -> str:
    """Return the label as Gambit allows it."""
    return " ".join(printable(" ".join(label.split())).replace("\\", "/").split())


def _quoted(label: str) -> str:
    return '"' + _clean(label).replace('"', '\\"') + '"'
