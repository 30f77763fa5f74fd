"""A game tree as its nodes in depth-first order: what the reader of a file hands on, and what a writer writes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

MAX_PLAYERS = 64


@dataclass(eq=False)
class Infoset:
    """Where a player, or chance (player 0), moves: the number and label in the file, and what can be done there.

    `actions` are labels; chance has `probabilities` that sum to 1. `at` is the byte of the file where it was met first.
    """

    player: int
    number: int
    label: str
    actions: Sequence[str]
    probabilities: Sequence[Fraction] | None = None
    at: int = 0


class Node(NamedTuple):
    """A node: its infoset, None where the game ends; the payoffs met there, None for none; its byte in the file."""

    infoset: Infoset | None
    payoffs: tuple[Fraction, ...] | None
    at: int


class Source(Protocol):
    """A game that can tell its nodes, in depth-first order, as often as asked.

    `where` and `line` say for a message where a node is; `least_memory` is what compiling takes at least, in bytes, as far as that
    is known before there are nodes.
    """

    @property
    def least_memory(self) -> int:
        """Bytes; 0 where nothing is known."""
        ...

    @property
    def title(self) -> str:
        """The title of the game."""
        ...

    @property
    def players(self) -> Sequence[str]:
        """The names of the players."""
        ...

    def nodes(self) -> Iterator[Node]:
        """Yield every node, parents before children, children in the order of their actions."""
        ...

    def where(self, at: int) -> str:
        """Return the place of a node in words."""
        ...

    def line(self, at: int) -> str:
        """Return the line of a node in words."""
        ...
