"""From what a walk over a game tree has found to a compiled game: the seam between the readers of games and the arrays.

A walk numbers every player's infosets by first visit (`Infosets`) and lists the terminal histories (`Rows`, not merged yet);
`assemble` merges the rows and arranges them in blocks.
"""

from array import array
from collections.abc import Iterable, Sequence

import numpy as np

from games.blocks import build_blocks
from games.errors import GameplanError
from games.names import Labels, Names
from games.sequence_form import Blocks, Rows, SequenceGame, Tree


class Infosets:
    """Every player's infosets and (infoset, action) pairs, numbered by first visit.

    Lists by player, then by infoset: `parent` (local sequence that leads there), `first` (local index of the first pair),
    `actions` (action ids); `pairs` (players) counts the pairs.
    """

    def __init__(self, players: int) -> None:
        self.players = players
        self.parent = [array("q") for _ in range(players)]
        self.first = [array("q") for _ in range(players)]
        self.actions: list[list[Sequence[int]]] = [[] for _ in range(players)]
        self.pairs = [0] * players
        self.labels = Labels(players)

    def add(self, player: int, parent: int, actions: Sequence[int], labels: Iterable[str] | None = None) -> int:
        """Number a new infoset of `player`, reached by the local sequence `parent`; return its number.

        `labels` are what its actions are called; their numbers unless given.
        """
        self.labels.add(player, map(str, actions) if labels is None else labels)
        self.parent[player].append(parent)
        self.first[player].append(self.pairs[player])
        self.actions[player].append(actions)
        self.pairs[player] += len(actions)
        return len(self.parent[player]) - 1

    def tree(self) -> Tree:
        """Return the decision trees as arrays."""
        parent = np.concatenate([np.frombuffer(player, np.int64) for player in self.parent]).astype(np.uint32)
        first = np.concatenate([np.frombuffer(player, np.int64) for player in self.first]).astype(np.uint32)
        count = np.array([len(a) for player in self.actions for a in player], np.uint32)
        infoset_start = np.cumsum([0, *map(len, self.parent)], dtype=np.int64)
        action_start = np.cumsum([0, *self.pairs], dtype=np.int64)
        return Tree(parent, first, count, infoset_start, action_start)


def assemble(
    infosets: Infosets, terminals: Rows, names: Names, *, name: str, key: str, histories: int, converted: bool = False
) -> SequenceGame:
    """Return the compiled game with these infosets, terminal histories (one row each, in order of visit) and infosets' names.

    Raises
    ------
    GameplanError
        If a payoff, or the sum of those that are merged, is not finite.
    """
    plan_sizes = [n + 1 for n in infosets.pairs]
    rows = merged(terminals, plan_sizes)
    if not np.isfinite(rows.utility).all():
        player, row = (int(i) for i in np.argwhere(~np.isfinite(rows.utility))[0])
        raise GameplanError(
            f"{name} has payoffs that add up to {rows.utility[player, row]} for player {player}; payoffs must be finite numbers, "
            "also when summed: scale them down"
        )
    name_bytes, name_start = names.pack()
    label_bytes, label_start, label = infosets.labels.pack()
    return SequenceGame(
        name=name,
        key=key,
        histories=histories,
        terminals=len(terminals.chance),
        converted=converted,
        tree=infosets.tree(),
        rows=rows,
        blocks=blocks_of(rows, plan_sizes),
        action_ids=np.array([a for player in infosets.actions for legal in player for a in legal], np.int64),
        name_bytes=name_bytes,
        name_start=name_start,
        label_bytes=label_bytes,
        label_start=label_start,
        label=label,
    )


def blocks_of(rows: Rows, plan_sizes: list[int]) -> Blocks:
    """Return the merged rows in blocks; those of a two-player zero-sum game with one table for both players."""
    scale = np.abs(rows.utility).max(initial=0.0)
    shared = len(plan_sizes) == 2 and bool(np.abs(rows.utility.sum(axis=0)).max(initial=0.0) <= 1e-12 * scale)
    return build_blocks(rows, plan_sizes, shared)


def merged(terminals: Rows, plan_sizes: list[int]) -> Rows:
    """Return the rows with equal sequence tuples summed, ordered by player 0's sequence, then player 1's ..."""
    sequences, chance, utility = terminals
    if float(np.prod([float(n) for n in plan_sizes])) < 2**62:
        key = np.zeros(len(sequences), np.int64)
        for player, size in enumerate(plan_sizes):
            key = key * size + sequences[:, player]
        order = np.argsort(key, kind="stable")
        key = key[order]
        new = np.concatenate([[True], key[1:] != key[:-1]])
    else:
        order = np.lexsort(sequences.T[::-1])
        ordered = sequences[order]
        new = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
    start = np.flatnonzero(new)
    with np.errstate(over="ignore", invalid="ignore"):  # the caller looks at what is not finite
        utility = np.add.reduceat(utility[:, order], start, axis=1)
    return Rows(
        np.ascontiguousarray(sequences[order][start]),
        np.add.reduceat(chance[order], start),
        np.ascontiguousarray(utility),
    )
