"""The .nfg format: strategies of every player, then the payoffs of all profiles, or outcomes and a list of their numbers.

The first player's strategy changes fastest. As a tree the players choose in turn, each in its one infoset.

Source: the Gambit project, "The strategic game (.nfg) file format".
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from math import prod

from games.gambit.efg import read_payoff, read_payoffs
from games.gambit.header import read_header
from games.gambit.nodes import Infoset, Node
from games.gambit.tokens import CLOSE, END, OPEN, TEXT, Tokens


class NfgFile:
    """The game in the content of an .nfg file, see `games.gambit.nodes.Source`.

    Raises
    ------
    GameplanError
        Naming file, line, column, what was read and what is legal; where payoffs are wrong, when the nodes are read.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._tokens = tokens = Tokens(data, name)
        self.title, self.players = read_header(tokens, b"NFG", b"1")
        self._at = tokens.at
        self.strategies = self._strategies()
        if tokens.kind == TEXT:  # a comment
            tokens.advance()

    @property
    def least_memory(self) -> int:
        """What the rows of all profiles take: twice sequence and payoff of every player, while they are copied once."""
        return prod(map(len, self.strategies)) * len(self.players) * 2 * 12

    def where(self, at: int) -> str:
        """Return file, line and column of the byte `at`."""
        return self._tokens.where(at)

    def line(self, at: int) -> str:
        """Return the line of the byte `at`."""
        return self._tokens.line(at)

    def nodes(self) -> Iterator[Node]:
        """Yield every node of the tree in which the players choose one after the other."""
        payoffs, which = self._payoffs
        infosets = [Infoset(p, 1, "", labels, None, self._at) for p, labels in enumerate(self.strategies, 1)]
        counts = [len(labels) for labels in self.strategies]
        strides = [prod(counts[:p]) for p in range(len(counts))]
        moves = [Node(infoset, None, self._at) for infoset in infosets]
        last = len(counts) - 1
        for number in range(prod(counts)):  # in the order of the tree, where the last player's strategy changes fastest
            at, changed = 0, last + 1
            for player in range(last, -1, -1):
                number, choice = divmod(number, counts[player])
                at += choice * strides[player]
                if choice == 0 and changed == player + 1:
                    changed = player
            yield from moves[changed:]
            yield Node(None, payoffs[which[at]], self._at)

    def _strategies(self) -> list[list[str]]:
        """Read the players' strategies: their numbers, or lists of their labels."""
        tokens, strategies = self._tokens, []
        tokens.skip(OPEN, "the strategies in braces")
        for player in range(1, len(self.players) + 1):
            here, who = tokens.at, f"player {player} of {len(self.players)}"
            if tokens.kind == OPEN:
                tokens.advance()
                labels = []
                while tokens.kind == TEXT:
                    labels.append(tokens.text("the label of a strategy"))
                tokens.skip(CLOSE, 'the label of a strategy in quotes, or "}"')
            else:
                count = tokens.whole(f"the number of strategies of {who}, or their labels in braces")
                if count > len(tokens.data):
                    raise tokens.error(here, f"read {count} strategies; the file is too short for their payoffs")
                labels = [""] * count
            if not labels:
                raise tokens.error(here, f"read no strategy; expected is at least one of {who}")
            strategies.append(labels)
        tokens.skip(CLOSE, f'"}}" after the strategies of {len(self.players)} players')
        return strategies

    @cached_property
    def _payoffs(self) -> tuple[list[tuple[Fraction, ...] | None], list[int] | range]:
        """Read the rest of the file; return the different payoffs, and which of them every profile has."""
        tokens, profiles, players = self._tokens, prod(map(len, self.strategies)), len(self.players)
        least = profiles if tokens.kind == OPEN else profiles * players
        if least > len(tokens.data):  # a number takes a byte at least
            raise tokens.refusal(f"the payoffs of {profiles:,} profiles, for which the file is too short")
        payoffs: list[tuple[Fraction, ...] | None] = []
        which: list[int] | range = range(profiles)
        if tokens.kind == OPEN:
            payoffs, which = [None], []
            tokens.advance()
            while tokens.kind == OPEN:
                payoffs.append(self._outcome())
            tokens.skip(CLOSE, 'an outcome, such as { "name" 1 2 }, or "}"')
            for profile in range(1, profiles + 1):
                here, number = tokens.at, tokens.whole(f"the outcome of profile {profile:,} of {profiles:,}")
                if not 0 <= number < len(payoffs):
                    raise tokens.error(here, f"read outcome {number}; expected is one from 1 to {len(payoffs) - 1}, or 0 for none")
                which.append(number)
        else:
            for profile in range(1, profiles + 1):
                legal = f"of profile {profile:,} of {profiles:,}"
                payoffs.append(tuple(read_payoff(tokens, f"the payoff of player {p} {legal}") for p in range(1, players + 1)))
        if tokens.kind != END:
            raise tokens.refusal(f"the end of the file: all {profiles:,} profiles are there")
        return payoffs, which

    def _outcome(self) -> tuple[Fraction, ...]:
        tokens = self._tokens
        tokens.advance()
        if tokens.kind == TEXT:
            tokens.advance()
        return read_payoffs(tokens, len(self.players))
