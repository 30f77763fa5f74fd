"""N-tuple networks: a board is worth the sum of table look-ups, each named by the tiles of a few cells.

All tables lie in one, `weights`; a set of them for each stage of the game, if there are stages. Which cells are read:
`planners.policies.tuples`. Source: Szubert & Jaskowski 2014, "Temporal difference learning of n-tuple networks for the game 2048";
stages: Wu et al. 2014.
"""

from typing import NamedTuple

import numpy as np

from games.game2048.board import flip, reflect, transpose
from games.jit import inlined
from games.prefetch import prefetch
from planners.policies.tuples import FIRST, IMAGES, LEAST

_ZERO = np.float32(0.0)
_ALL = np.uint64(8)  # images of a square board


class NTuple(NamedTuple):
    """An n-tuple network.

    Attributes
    ----------
    weights : array (stages x entries, channels, float32)
        The weights are in the first channel; learners keep what they need of each in others.
    look : array (tuples, columns of `planners.policies.tuples`, uint64)
    least : array (uint16)
    stages : array (int64)
        A board with a tile of at least the k-th of these exponents, which ascend, belongs to stage k + 1.
    entries : int
        Weights of a stage.
    reads : int
        Look-ups of a board in all.
    afterstates : float
        1 if boards are worth what can still be gained after them, before the spawn; 0 if the network is any other function.
    temperature : float
    """

    weights: np.ndarray
    look: np.ndarray
    least: np.ndarray
    stages: np.ndarray
    entries: int
    reads: int
    afterstates: float
    temperature: float


@inlined
def images(board, shape):
    """Return the images of `board` under its symmetries, in the order of `planners.policies.tuples.images`; 4 or 8 hold."""
    mirror, upside = reflect(board, shape), flip(board, shape)
    around = flip(mirror, shape)
    if shape.pad_right << np.uint64(2) != shape.pad_down:
        return board, around, mirror, upside, board, board, board, board
    turned = transpose(board)
    left, right = reflect(turned, shape), flip(turned, shape)
    return board, left, around, right, mirror, upside, turned, flip(left, shape)


@inlined
def held(look, t, image):
    """Return what tuple `t` holds in an image of a board, as a number: four bits a cell."""
    found = ((image >> look[t, 0]) & look[t, 1]) | ((image >> look[t, 2]) & look[t, 3])
    return found | ((image >> look[t, 4]) & look[t, 5])


@inlined
def place(network, t, first, image):
    """Return the row of `weights` that tuple `t`, whose weights begin at `first`, reads in an image of a board."""
    reading = held(network.look, t, image)
    if network.look[t, LEAST] != np.uint64(0):
        reading = np.uint64(network.least[network.look[t, LEAST] - np.uint64(1) + reading])
    return first + reading


@inlined
def offset(network, board):
    """Return the first row of the weights of the stage that `board` belongs to."""
    stage = 0
    for k in range(len(network.stages)):
        rest, found = board, False
        while rest != np.uint64(0):
            found |= np.int64(rest & np.uint64(15)) >= network.stages[k]
            rest = rest >> np.uint64(4)
        stage += found
    return np.uint64(stage * network.entries)


@inlined
def worth_of(network, board, shape):
    """Return the sum of the look-ups of `board` (float32): of each image over the tuples, then over the images."""
    a, b, c, d, e, f, g, h = images(board, shape)
    weights, look, begin = network.weights, network.look, offset(network, board)
    w0, w1, w2, w3, w4, w5, w6, w7 = _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
    for t in range(len(look)):
        first, count = begin + look[t, FIRST], look[t, IMAGES]
        if count == _ALL:
            w0 += weights[first + held(look, t, a), 0]
            w1 += weights[first + held(look, t, b), 0]
            w2 += weights[first + held(look, t, c), 0]
            w3 += weights[first + held(look, t, d), 0]
            w4 += weights[first + held(look, t, e), 0]
            w5 += weights[first + held(look, t, f), 0]
            w6 += weights[first + held(look, t, g), 0]
            w7 += weights[first + held(look, t, h), 0]
            continue
        w0 += weights[place(network, t, first, a), 0]
        if count > np.uint64(1):
            w1 += weights[place(network, t, first, b), 0]
        if count > np.uint64(2):
            w2 += weights[place(network, t, first, c), 0]
            w3 += weights[place(network, t, first, d), 0]
    return ((w0 + w1) + (w2 + w3)) + ((w4 + w5) + (w6 + w7))


@inlined
def write_places(network, board, shape, places, at):
    """Write the rows that the look-ups of `board` read to `places` (uint32) from `at` on, and have them fetched."""
    a, b, c, d, e, f, g, h = images(board, shape)
    look, begin, k = network.look, offset(network, board), at
    for t in range(len(look)):
        first, count = begin + look[t, FIRST], look[t, IMAGES]
        if count == _ALL:  # none of these is its own mirror image: no readings to compare
            places[k] = first + held(look, t, a)
            places[k + 1] = first + held(look, t, b)
            places[k + 2] = first + held(look, t, c)
            places[k + 3] = first + held(look, t, d)
            places[k + 4] = first + held(look, t, e)
            places[k + 5] = first + held(look, t, f)
            places[k + 6] = first + held(look, t, g)
            places[k + 7] = first + held(look, t, h)
            k += 8
            continue
        places[k] = place(network, t, first, a)
        if count > np.uint64(1):
            places[k + 1] = place(network, t, first, b)
        if count > np.uint64(2):
            places[k + 2] = place(network, t, first, c)
            places[k + 3] = place(network, t, first, d)
        k += np.int64(count)
    for j in range(at, k):
        prefetch(network.weights, places[j])


@inlined
def worth_at(network, places, at):
    """Return the same as `worth_of` for the board whose look-ups' rows are in `places` from `at` on."""
    weights, look, k = network.weights, network.look, at
    w0, w1, w2, w3, w4, w5, w6, w7 = _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
    for t in range(len(look)):
        count = look[t, IMAGES]
        w0 += weights[places[k], 0]
        if count > np.uint64(1):
            w1 += weights[places[k + 1], 0]
        if count > np.uint64(2):
            w2 += weights[places[k + 2], 0]
            w3 += weights[places[k + 3], 0]
        if count == _ALL:
            w4 += weights[places[k + 4], 0]
            w5 += weights[places[k + 5], 0]
            w6 += weights[places[k + 6], 0]
            w7 += weights[places[k + 7], 0]
        k += np.int64(count)
    return ((w0 + w1) + (w2 + w3)) + ((w4 + w5) + (w6 + w7))
