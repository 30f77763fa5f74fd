"""The .efg format: a tree as a list of nodes in depth-first order.

Infosets go by (player, number), outcomes by number, actions by position. Labels, repeated lists and repeated payoffs may be left
out after the first time; what is repeated must not contradict.

Source: the Gambit project, "The extensive game (.efg) file format".
"""

from collections.abc import Iterator
from fractions import Fraction

from games.gambit.header import read_header
from games.gambit.nodes import Infoset, Node
from games.gambit.numbers import bounded
from games.gambit.tokens import CLOSE, END, OPEN, TEXT, WORD, Tokens, shortened, spelled

TOLERANCE = Fraction(1, 10**9)  # probabilities written as decimals sum to 1 up to this
_ROUNDED = Fraction(1, 1 << 900)  # fractions too long to be added exactly: what rounding may do


class EfgFile:
    """The game in the content of an .efg file, see `games.gambit.nodes.Source`.

    Raises
    ------
    GameplanError
        While the nodes are read, naming file, line, column, what was read and what is legal.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._data, self._name = data, name
        self.title, self.players = read_header(Tokens(data, name), b"EFG", b"2")

    least_memory = 0

    def where(self, at: int) -> str:
        """Return file, line and column of the byte `at`."""
        return self._tokens.where(at)

    def line(self, at: int) -> str:
        """Return the line of the byte `at`."""
        return self._tokens.line(at)

    def nodes(self) -> Iterator[Node]:
        """Yield every node in depth-first order."""
        self._tokens = tokens = Tokens(self._data, self._name)
        read_header(tokens, b"EFG", b"2")
        if tokens.kind == TEXT:  # a comment
            tokens.advance()
        self._infosets: dict[tuple[int, int], Infoset] = {}
        self._outcomes: dict[int, tuple[tuple[Fraction, ...], int]] = {}
        missing = 1
        while missing:
            node = self._node(missing)
            missing += (len(node.infoset.actions) if node.infoset else 0) - 1
            yield node
        if tokens.kind != END:
            raise tokens.refusal("the end of the file: the tree is complete")

    def _node(self, missing: int) -> Node:
        tokens, at = self._tokens, self._tokens.at
        kind = tokens.word if tokens.kind == WORD else b""
        if kind not in (b"p", b"c", b"t"):
            raise tokens.refusal(f"a node: p, c or t ({missing:,} still missing)")
        tokens.advance()
        if tokens.kind == TEXT:  # the node's label
            tokens.advance()
        infoset = None
        if kind == b"p":
            here, player = tokens.at, tokens.whole(f"the number of a player, {self._legal_players()}")
            if not 1 <= player <= len(self.players):
                raise tokens.error(here, f"read player {player}; expected is the number of a player, {self._legal_players()}")
            infoset = self._infoset(player)
        elif kind == b"c":
            infoset = self._infoset(0)
        return Node(infoset, self._outcome(), at)

    def _legal_players(self) -> str:
        return "1" if len(self.players) == 1 else f"1 to {len(self.players)}"

    def _infoset(self, player: int) -> Infoset:
        """Read number, label and actions of an infoset; return the one that is known by player and number."""
        tokens, at = self._tokens, self._tokens.at
        number = tokens.whole("the number of an infoset, a whole number of at most 18 digits")
        known = self._infosets.get((player, number))
        label = ""
        if tokens.kind == TEXT:
            if known is None:
                label = tokens.text("the label of an infoset")
            else:
                tokens.advance()
        who = f"infoset {number} of " + (f"player {player}" if player else "chance")
        if tokens.kind != OPEN:
            if known is None:
                example = '{ "a" "b" }' if player else '{ "a" 1/2 "b" 1/2 }'
                raise tokens.refusal(f"the list of actions of {who}, such as {example}, because it is met here for the first time")
            return known
        list_at = tokens.at
        tokens.advance()
        actions, probabilities = self._actions() if player else self._events()
        read = Infoset(player, number, label, actions, probabilities, at)
        if not read.actions:
            raise tokens.error(list_at, f"read an empty list; expected is at least one action of {who}")
        if known is None:
            self._infosets[player, number] = read
            return read
        if len(read.actions) != len(known.actions):
            raise tokens.error(
                list_at,
                f"read {len(read.actions)} actions of {who}; expected are {len(known.actions)}, as on {tokens.line(known.at)}",
            )
        if read.probabilities != known.probabilities:
            raise tokens.error(
                list_at, f"read other probabilities of {who}; expected are those of {tokens.line(known.at)}, or another number"
            )
        return known

    def _actions(self) -> tuple[list[str], list[Fraction] | None]:
        tokens, labels = self._tokens, []
        while tokens.kind == TEXT:
            labels.append(tokens.text("the label of an action"))
        tokens.skip(CLOSE, 'the label of an action in quotes, or "}"')
        return labels, None

    def _events(self) -> tuple[list[str], list[Fraction] | None]:
        tokens, at = self._tokens, self._tokens.at
        labels: list[str] = []
        probabilities: list[Fraction] = []
        total, exact, rounded = Fraction(0), True, False
        while tokens.kind != CLOSE:
            labels.append(tokens.text("the label of an event") if tokens.kind == TEXT else "")
            here, word = tokens.at, tokens.word
            number = tokens.number('the probability of an event, or "}"')
            if not 0 <= number.value <= 1 + TOLERANCE:
                raise tokens.error(here, f"read the probability {shortened(word)}; expected is a number from 0 to 1")
            probabilities.append(number.value)
            exact &= number.exact
            added = total + number.value
            total = bounded(added)
            rounded |= total is not added
        tokens.advance()
        if not probabilities:
            return labels, probabilities
        allowed = (_ROUNDED if rounded else Fraction(0)) if exact else TOLERANCE
        if abs(total - 1) > allowed:
            raise tokens.error(
                at,
                f"read probabilities that sum to {spelled(total)}; expected is a sum of 1 (exactly for fractions, within 1e-9 "
                "for decimals)",
            )
        return labels, probabilities if total == 1 else [bounded(p / total) for p in probabilities]

    def _outcome(self) -> tuple[Fraction, ...] | None:
        """Read an outcome, of which the first use gives the payoffs; return them."""
        tokens, at = self._tokens, self._tokens.at
        number = tokens.whole("the number of an outcome, 0 for none")
        if tokens.kind == TEXT:
            tokens.advance()
        known = self._outcomes.get(number)
        if tokens.kind != OPEN:
            if number == 0:
                return None
            if known is None:
                raise tokens.refusal(f"the payoffs of outcome {number} in braces, because it is met here for the first time")
            return known[0]
        if number == 0:
            raise tokens.refusal("a node: outcome 0 means none and has no payoffs; give the outcome another number")
        here = tokens.at
        tokens.advance()
        payoffs = read_payoffs(tokens, len(self.players))
        if known is None:
            self._outcomes[number] = payoffs, at
        elif payoffs != known[0]:
            raise tokens.error(
                here, f"read other payoffs of outcome {number}; expected are those of {tokens.line(known[1])}, or another number"
            )
        return payoffs


def read_payoffs(tokens: Tokens, players: int) -> tuple[Fraction, ...]:
    """Read payoffs, one a player, and the brace that ends them, and go on."""
    payoffs = [read_payoff(tokens, f"the payoff of player {player} of {players}") for player in range(1, players + 1)]
    tokens.skip(CLOSE, f'"}}" after the payoffs of {players} player{"s" * (players > 1)}')
    return tuple(payoffs)


def read_payoff(tokens: Tokens, legal: str) -> Fraction:
    """Read a payoff that float64 can hold, and go on."""
    at, word = tokens.at, tokens.word
    number = tokens.number(legal)
    if not number.finite:
        raise tokens.error(at, f"read {shortened(word)}; expected is {legal}, which float64 can hold (up to 1.79e308)")
    return number.value
