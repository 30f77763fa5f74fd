"""Sets of cells as int64 words: cell `c` is bit ``c % 64`` of word ``c // 64``, counted from `at` in an array.

Signed words, because a state is an array of int64 and making another view of it costs more than all that is done with it.
"""

import numpy as np

from games.jit import lean

_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)  # every window of six bits occurs once, so the top six bits of a shift name the shift
_PLACES = np.zeros(64, np.int64)
for _place in range(64):
    _PLACES[(0x03F79D71B4CB0A89 << _place & 0xFFFFFFFFFFFFFFFF) >> 58] = _place


@lean
def lowest(word):
    """Return the position of the lowest bit of `word`, which is not 0."""
    return _PLACES[np.int64((np.uint64(word & -word) * _DE_BRUIJN) >> np.uint64(58))]


@lean
def has(words, at, cell):
    """Return whether `cell` is in the set that begins at ``words[at]``."""
    return (words[at + (cell >> 6)] >> (cell & 63)) & 1 != 0


@lean
def flip(words, at, cell):
    """Put `cell` into the set that begins at ``words[at]``, or take it out, in place."""
    words[at + (cell >> 6)] ^= np.int64(1) << np.int64(cell & 63)


@lean
def any_of(words):
    """Return whether there is a cell in the set that all of `words` make up."""
    for word in words:  # noqa: SIM110 (numba compiles no generators)
        if word != 0:
            return True
    return False


@lean
def cells_of(words, count, cells):
    """Write the cells in the first `count` words to `cells`, ascending; return how many."""
    n = 0
    for k in range(count):
        word = words[k]
        while word != 0:
            cells[n] = 64 * k + lowest(word)
            word &= word - 1
            n += 1
    return n


@lean
def ones(word):
    """Return the number of bits of the uint64 `word`."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))
