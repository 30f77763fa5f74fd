"""OpenSpiel's games as nodes: for writing them as files of Gambit's.

OpenSpiel's probabilities and payoffs are float64. A probability becomes the simplest fraction that rounds to it, a payoff the
shortest decimal that does; where the fractions of a chance move do not sum to 1 exactly, as Gambit asks for, they are scaled.
"""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from games.compiler import openspiel_reason
from games.errors import GameplanError
from games.gambit.nodes import Infoset, Node

_TERMINAL, _CHANCE = -4, -1
_SIMPLE = 10**6  # denominators up to this are tried for probabilities


class OpenSpielGame:
    """A turn-based OpenSpiel game, see `games.gambit.nodes.Source`."""

    least_memory = 0

    def __init__(self, game: Any, name: str) -> None:
        self._game = game
        self.title = name
        self.players = [f"Player {player}" for player in range(1, game.num_players() + 1)]

    def where(self, at: int) -> str:
        """Return the game's name: its nodes are in no file."""
        return self.title

    def line(self, at: int) -> str:
        """Return the game's name."""
        return self.title

    def nodes(self) -> Iterator[Node]:
        """Yield every node in depth-first order.

        Raises
        ------
        GameplanError
            If OpenSpiel fails on the way.
        """
        try:
            yield from self._walk()
        except GameplanError:
            raise
        except Exception as error:  # pyspiel.SpielError and whatever its bindings throw
            raise GameplanError(f"OpenSpiel failed while walking {self.title}: {openspiel_reason(error)}") from error

    def _walk(self) -> Iterator[Node]:
        known: dict[tuple[int, str], Infoset] = {}
        stack: list[tuple[Any, int | None]] = [(self._game.new_initial_state(), None)]
        count = 0
        while stack:
            state, move = stack.pop()
            if move is not None:  # a state is copied only when it is reached
                state = state.child(move)
            player = state.current_player()
            if player == _TERMINAL:
                yield Node(None, tuple(map(_payoff, state.returns())), 0)
                continue
            if player == _CHANCE:
                count += 1
                outcomes = state.chance_outcomes()
                actions = [action for action, _ in outcomes]
                labels = [state.action_to_string(player, action) for action in actions]
                infoset = Infoset(0, count, "", labels, probabilities([p for _, p in outcomes]))
            else:
                actions, text = state.legal_actions(), state.information_state_string()
                found = known.get((player, text))
                if found is None:
                    labels = [state.action_to_string(player, action) for action in actions]
                    found = known[player, text] = Infoset(player + 1, len(known) + 1, text, labels)
                infoset = found
            yield Node(infoset, None, 0)
            stack.extend((state, action) for action in reversed(actions))


def probabilities(given: list[float]) -> list[Fraction]:
    """Return fractions that sum to 1 exactly, each within rounding of the probability given.

    Raises
    ------
    GameplanError
        If those are no distribution.
    """
    if not given or min(given) < 0.0 or not abs(sum(given) - 1.0) <= 1e-9:
        raise GameplanError(f"read chance probabilities that are no distribution: {given[:4]}")
    fractions = [_simplest(p) for p in given]
    total = sum(fractions)
    return fractions if total == 1 else [p / total for p in fractions]


@lru_cache(1 << 12)
def _simplest(p: float) -> Fraction:
    simple = Fraction(p).limit_denominator(_SIMPLE)
    return simple if abs(float(simple) - p) <= 1e-15 * p else Fraction(p)


@lru_cache(1 << 12)
def _payoff(x: float) -> Fraction:
    try:
        return Fraction(Decimal(repr(float(x))))
    except (OverflowError, ValueError) as error:
        raise GameplanError(f"read the payoff {x}; payoffs must be finite numbers") from error
