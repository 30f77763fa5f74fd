"""Tokens of a small language model: the pieces that occur in its data, and single characters for all others. Nothing is lost."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from games.errors import GameplanError

_PIECE = re.compile(r" *[A-Za-z]+| *\d+| *[^\w\s]|\n| +|.", re.DOTALL)
PAD, END, ASK, SAY, UNKNOWN = range(5)  # filling; the end of an answer; before a question; before an answer; an unknown character
SPECIAL = 5
CHARACTERS = [chr(code) for code in range(32, 127)] + ["\n"]
MOST = 4096  # tokens of a vocabulary


def question_of(system: str, user: str) -> str:
    """Return what of a conversation a small model is shown: the last message of the user; the rules it has learned."""
    return user


class Vocabulary:
    """Texts to numbers and back.

    Parameters
    ----------
    pieces : sequence of str
        What has a number of its own, from `SPECIAL` on.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        if len(set(pieces)) != len(pieces) or not all(isinstance(piece, str) and piece for piece in pieces):
            raise GameplanError("the pieces of a vocabulary are texts, all different")
        self.pieces = list(pieces)
        self._numbers = {piece: SPECIAL + k for k, piece in enumerate(pieces)}

    def __len__(self) -> int:
        return SPECIAL + len(self.pieces)

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text; a character that is no piece either is `UNKNOWN`."""
        found = []
        for piece in _PIECE.findall(text):
            number = self._numbers.get(piece)
            found += [self._numbers.get(c, UNKNOWN) for c in piece] if number is None else [number]
        return found

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the text of numbers up to the end of the answer."""
        parts = []
        for number in numbers:
            if number == END:
                break
            if number >= SPECIAL:
                parts.append(self.pieces[number - SPECIAL])
            elif number == UNKNOWN:
                parts.append("\N{REPLACEMENT CHARACTER}")
        return "".join(parts)


def make_vocabulary(texts: Iterable[str], most: int = MOST) -> Vocabulary:
    """Return the vocabulary of the most frequent pieces in `texts`, at most so many, and of all printable characters."""
    counts = Counter(piece for text in texts for piece in _PIECE.findall(text))
    room = most - SPECIAL - len(CHARACTERS)
    frequent = sorted((p for p in counts if p not in CHARACTERS), key=lambda p: (-counts[p], p))[:room]
    return Vocabulary([*CHARACTERS, *frequent])
