"""Sequence-form games: flat arrays that say everything a solver needs to know about a game.

A *sequence* of player i is the empty sequence or a pair (infoset, action). Every player's tables lie one after the other:
player p's pairs occupy ``action_start[p]:action_start[p + 1]`` of an action table, its infosets
``infoset_start[p]:infoset_start[p + 1]`` of an infoset table, and its realisation plan, which starts with the empty sequence,
``action_start[p] + p:action_start[p + 1] + p + 1`` of a plan table. Inside a player, numbers are local: infosets and pairs are
counted from 0 in order of first visit of a depth-first walk (the *canonical order*), sequence 0 is the empty one and sequence
k + 1 is pair k. Parents therefore precede children.

Source: Koller, Megiddo, von Stengel 1994; von Stengel 1996.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from games.names import unpack


class Tree(NamedTuple):
    """The players' decision trees.

    `parent` (infosets): local sequence that leads to the infoset; `first` (infosets): local index of its first pair;
    `count` (infosets): number of actions; `infoset_start`, `action_start` (players + 1): where each player's tables begin.
    The first three are unsigned, which spares kernels the check for negative indices (a third of a Leduc iteration).
    """

    parent: np.ndarray
    first: np.ndarray
    count: np.ndarray  # type: ignore[assignment]
    infoset_start: np.ndarray
    action_start: np.ndarray


class Rows(NamedTuple):
    """The terminal histories, merged where all players' sequences agree.

    `sequences` (rows, players): local sequences; `chance` (rows): summed chance probability; `utility` (players, rows): summed
    chance probability times utility.
    """

    sequences: np.ndarray
    chance: np.ndarray
    utility: np.ndarray


class Blocks(NamedTuple):
    """The rows, rearranged for the gradient kernel (see `games.blocks`).

    Chunk c holds `lanes[c]` blocks of `shape[c]` (players); its weights start at `weight_start[c]` in every table of `weight`
    (tables, ...) and are laid out (own member, others' members in turn, lane); its sequences start at `member_start[c]` in
    `member` and are laid out (player, member, lane). `sparse` (rows, players) and `sparse_weight` (tables, rows) hold the rest.
    With one table the weights are player 0's and player 1's are their negatives. Weights count multiples of `unit` (1): where
    all are whole numbers they are stored as int16, so that sums of few terms are exact and ties between actions stay ties.
    """

    shape: np.ndarray
    lanes: np.ndarray
    weight_start: np.ndarray
    member_start: np.ndarray
    member: np.ndarray
    weight: np.ndarray
    sparse: np.ndarray
    sparse_weight: np.ndarray
    unit: np.ndarray


@dataclass(frozen=True)
class SequenceGame:
    """A game as data; solvers never call OpenSpiel again.

    Attributes
    ----------
    name : str
        The OpenSpiel string (of the turn-based form, if `converted`) or the path of the game file.
    key : str
        What identifies the game's content, for caches and for checking that a policy belongs to it.
    histories, terminals : int
        Size of the tree that was walked: all histories with the root, and the terminal ones.
    converted : bool
        Whether a simultaneous-move game was turned into a turn-based one.
    action_ids : (pairs,) int64 array
        OpenSpiel's action of every (infoset, action) pair; its position in the infoset, from 0, for game files.
    name_bytes, name_start : uint8, (infosets + 1,) int64 arrays
        The infosets' names, packed (`games.names`).
    label_bytes, label_start : uint8, int64 arrays
        The distinct names of actions, packed alike.
    label : (pairs,) int32 array
        Which of them every (infoset, action) pair has: what OpenSpiel calls the action in the first history of the infoset that a
        depth-first walk meets, or the label in a game file.
    source : str
        What it was read from, if that is not its name: the copy of a game file that a run keeps.
    """

    name: str
    key: str
    histories: int
    terminals: int
    converted: bool
    tree: Tree
    rows: Rows
    blocks: Blocks
    action_ids: np.ndarray
    name_bytes: np.ndarray
    name_start: np.ndarray
    label_bytes: np.ndarray
    label_start: np.ndarray
    label: np.ndarray
    source: str = ""

    def __repr__(self) -> str:
        return f"SequenceGame({self.name}: {self.players} players, {self.histories:,} histories, {sum(self.infosets):,} infosets)"

    @property
    def players(self) -> int:
        """The number of players."""
        return len(self.tree.action_start) - 1

    @property
    def infosets(self) -> list[int]:
        """The number of infosets of each player."""
        return [int(n) for n in np.diff(self.tree.infoset_start)]

    @property
    def actions(self) -> list[int]:
        """The number of (infoset, action) pairs of each player."""
        return [int(n) for n in np.diff(self.tree.action_start)]

    @property
    def zero_sum(self) -> bool:
        """Whether the players' utilities sum to zero at every terminal row."""
        return self.constant_sum == 0.0

    @cached_property
    def constant_sum(self) -> float | None:
        """What the players' utilities sum to at every terminal history, within rounding of the largest; None where they differ."""
        utility, chance = self.rows.utility, self.rows.chance
        total = utility.sum(axis=0)
        allowed = 1e-12 * np.abs(utility).max(initial=0.0)
        if (np.abs(total) <= allowed).all():
            return 0.0
        likeliest = int(np.argmax(chance))  # the row that a quotient takes the least rounding from
        constant = float(total[likeliest] / chance[likeliest])
        return constant if (np.abs(total - constant * chance) <= allowed).all() else None

    @cached_property
    def infoset_names(self) -> list[list[str]]:
        """OpenSpiel's information-state string of every infoset, per player, or a name made of a game file's labels."""
        names = unpack(self.name_bytes, self.name_start)
        cuts = self.tree.infoset_start.tolist()
        return [names[a:b] for a, b in pairwise(cuts)]

    @cached_property
    def action_labels(self) -> list[str]:
        """The distinct names of actions; that of the pair k of all players is ``action_labels[label[k]]``."""
        return unpack(self.label_bytes, self.label_start)

    def player_actions(self, player: int) -> slice:
        """Return the slice of `player` in an action table."""
        start = self.tree.action_start
        return slice(int(start[player]), int(start[player + 1]))

    def player_infosets(self, player: int) -> slice:
        """Return the slice of `player` in an infoset table."""
        start = self.tree.infoset_start
        return slice(int(start[player]), int(start[player + 1]))

    def nbytes(self) -> int:
        """Return the memory of all arrays, in bytes."""
        return sum(a.nbytes for part in (self.tree, self.rows, self.blocks) for a in part) + self.action_ids.nbytes
