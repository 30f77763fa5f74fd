"""How the weights of a convolution over the eight symmetries of the square are tied (see `planners.policies.conv`)."""

from typing import NamedTuple

import numpy as np


class Wide(NamedTuple):
    """The weights of the ordinary network, or their gradient; float32, maps = 8 fields, outputs = 4 kinds of actions + 1 value.

    Attributes
    ----------
    first : (9, channels, maps)
    others : (layers - 1, 9, maps, maps)
    biases : (layers, maps)
    head : (outputs, 2, maps)
        Of the cell where something is done, and of the mean.
    offsets : (outputs,)
    """

    first: np.ndarray
    others: np.ndarray
    biases: np.ndarray
    head: np.ndarray
    offsets: np.ndarray


def _images() -> np.ndarray:
    """Return the turns and reflections of the plane (8, 2, 2), as matrices on (row, column)."""
    turn, mirror = np.array([[0, -1], [1, 0]]), np.array([[1, 0], [0, -1]])
    turns = [np.linalg.matrix_power(turn, k) for k in range(4)]
    return np.array([image @ side for side in (np.eye(2, dtype=int), mirror) for image in turns])


IMAGES = _images()
DIRECTIONS = np.array([[-1, 0], [1, 0], [0, -1], [0, 1]])  # up, down, left, right
TAPS = np.array([[y, x] for y in (-1, 0, 1) for x in (-1, 0, 1)])


def seen_from(what: np.ndarray) -> np.ndarray:
    """Return (8, len(what)): the place in `what` of g^-1 applied to each, for each image g; vectors, or images themselves."""
    moved = [[np.linalg.inv(image).round().astype(int) @ one for one in what] for image in IMAGES]
    return np.array([[int(np.flatnonzero([np.array_equal(one, other) for other in what])[0]) for one in row] for row in moved])


def tied(channels: int, fields: int, layers: int, kinds: int) -> tuple[Wide, list[int]]:
    """Return which tied weight each entry of `Wide` is, and how many are for each array, in order; logits before the value."""
    taps, images, directions = seen_from(TAPS), seen_from(IMAGES), seen_from(DIRECTIONS)
    maps, sizes = 8 * fields, []

    def numbered(*shape: int) -> np.ndarray:
        sizes.append(int(np.prod(shape)))
        return (sum(sizes[:-1]) + np.arange(sizes[-1])).reshape(shape)

    first = numbered(fields, channels, 9)[:, :, taps]  # k, p, g, t
    others = numbered(layers - 1, fields, fields, 8, 9)[..., images[:, :, None], taps[:, None, :]]  # layer, k, j, g, h, t
    biases = numbered(layers, fields)
    logits = numbered(kinds, fields, 2, 4)[..., directions]  # kind, k, part, g, d
    value = np.repeat(numbered(fields, 2)[:, :, None], 8, axis=2)  # k, part, g
    head = [logits.transpose(0, 4, 2, 1, 3).reshape(4 * kinds, 2, maps), value.transpose(1, 0, 2).reshape(1, 2, maps)]
    wide = Wide(
        first.transpose(3, 1, 0, 2).reshape(9, channels, maps),
        others.transpose(0, 5, 2, 4, 1, 3).reshape(layers - 1, 9, maps, maps),
        np.repeat(biases, 8, axis=1),
        np.concatenate(head),
        np.append(np.repeat(numbered(kinds), 4), numbered(1)),
    )
    return wide, sizes
