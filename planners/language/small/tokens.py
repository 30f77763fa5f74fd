"""Tokens of a small language model: pieces and phrases of its data, and single characters for all else. Nothing is lost."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from games.errors import GameplanError

_PIECE = re.compile(r" *[A-Za-z]+| *\d+| *[^\w\s]|\n| +|.", re.DOTALL)
PAD, END, ASK, SAY, UNKNOWN = range(5)  # filling; the end of an answer; before a question; before an answer; an unknown character
SPECIAL = 5
CHARACTERS = [chr(code) for code in range(32, 127)] + ["\n"]
MOST = 4096  # tokens of a vocabulary
SAMPLE = 1000  # texts in which phrases are looked for
_APART = re.compile(r"\d|  ")  # numbers and cells of a board, which are set apart by spaces, belong to no phrase


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
        longest = sorted((piece for piece in pieces if len(piece) > 1), key=len, reverse=True)
        self._pattern = re.compile("|".join([*map(_whole, longest), "."]), re.DOTALL)

    def __len__(self) -> int:
        return SPECIAL + len(self.pieces)

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text, at every place that of the longest piece; a character that is no piece is `UNKNOWN`."""
        return [self._numbers.get(piece, UNKNOWN) for piece in self._pattern.findall(text)]

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


def _whole(piece: str) -> str:
    """Return the pattern of a piece, which ends where its last word or number does."""
    return re.escape(piece) + (r"(?![A-Za-z])" if piece[-1].isalpha() else r"(?!\d)" if piece[-1].isdigit() else "")


def make_vocabulary(texts: Iterable[str], most: int = MOST) -> Vocabulary:
    """Return the vocabulary of the most frequent pieces in `texts`, at most so many, of phrases, and of all printable characters.

    A phrase joins neighbours that stand side by side at least a quarter as often as there are texts (byte-pair encoding of pieces;
    Sennrich et al. 2016, arXiv 1508.07909), in the first `SAMPLE` of them. In data made of questions and answers that is in every
    second example; what every question begins with is one token.
    """
    rows = [_PIECE.findall(text) for text in texts]
    counts = Counter(piece for row in rows for piece in row)
    room = most - SPECIAL - len(CHARACTERS)
    frequent = sorted((p for p in counts if p not in CHARACTERS), key=lambda p: (-counts[p], p))[:room]
    return Vocabulary([*CHARACTERS, *frequent, *_phrases(rows[:SAMPLE], {*CHARACTERS, *frequent}, room - len(frequent))])


def _phrases(rows: list[list[str]], pieces: set[str], room: int) -> list[str]:
    found: list[str] = []
    while len(found) < room:
        counts = Counter(pair for row in rows for pair in pairwise(row) if pair[0] in pieces and pair[1] in pieces)
        often = [(n, pair) for pair, n in counts.items() if n >= max(len(rows) / 4, 2) and not _APART.search("".join(pair))]
        if not often:
            break
        pair = max(often)[1]
        found.append("".join(pair))
        pieces.add(found[-1])
        rows = [_joined(row, pair) for row in rows]
    return list(dict.fromkeys(found))


def _joined(row: list[str], pair: tuple[str, str]) -> list[str]:
    found: list[str] = []
    for piece in row:
        if found and (found[-1], piece) == pair:
            found[-1] += piece
        else:
            found.append(piece)
    return found
