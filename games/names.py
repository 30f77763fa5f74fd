"""Names of infosets and of actions, packed: they are long, much alike, and seldom looked at."""

import zlib
from array import array
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np


class Names:
    """Collects the names of every player's infosets, in the order of their numbers, compressed as they come."""

    def __init__(self, players: int) -> None:
        self._streams = [zlib.compressobj(1) for _ in range(players)]
        self._parts: list[list[bytes]] = [[] for _ in range(players)]
        self._lengths = [array("q") for _ in range(players)]

    @classmethod
    def of(cls, names: Sequence[Sequence[str]]) -> "Names":
        """Return the collection of the names given per player."""
        packed = cls(len(names))
        for player, own in enumerate(names):
            for name in own:
                packed.add(player, name.encode())
        return packed

    def add(self, player: int, name: bytes) -> None:
        """Add the name, in UTF-8, of the player's next infoset."""
        self._lengths[player].append(len(name))
        part = self._streams[player].compress(name)
        if part:
            self._parts[player].append(part)

    def pack(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the players' compressed names one after the other (bytes), and where every name starts in the whole text."""
        parts = [part for own, stream in zip(self._parts, self._streams, strict=True) for part in (*own, stream.flush())]
        lengths = np.concatenate([np.frombuffer(own, np.int64) for own in self._lengths])
        return np.frombuffer(b"".join(parts), np.uint8), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def unpack(packed: np.ndarray, start: np.ndarray) -> list[str]:
    """Return the names of all players' infosets from what `Names.pack` has returned."""
    texts, rest = [], packed.tobytes()
    while rest:
        stream = zlib.decompressobj()
        texts.append(stream.decompress(rest))
        rest = stream.unused_data
    text = b"".join(texts)
    return [text[a:b].decode() for a, b in pairwise(start.tolist())]


class Labels:
    """Collects the names of actions, each once, and which of them every (infoset, action) pair of every player has."""

    def __init__(self, players: int) -> None:
        self._known: dict[str, int] = {}
        self._of = [array("i") for _ in range(players)]

    def add(self, player: int, names: Iterable[str]) -> None:
        """Add the names of the actions of the player's next infoset."""
        known = self._known
        self._of[player].extend(known.setdefault(name, len(known)) for name in names)

    def pack(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the distinct names, packed as `Names.pack` does, and the number of its name for every pair of all players."""
        packed, start = Names.of([list(self._known)]).pack()
        return packed, start, np.concatenate([np.frombuffer(own, np.int32) for own in self._of])
