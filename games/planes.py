"""States as planes of numbers, for networks: (channels, rows, columns), such as zeros and ones for each kind of piece."""

from games.dispatch import operation


@operation
def planes_shape(model):
    """Return (channels, rows, columns); channels are 0 in worlds that do not describe their states in numbers."""
    return 0, 0, 0


@operation
def write_planes(model, state, planes):
    """Write the planes of `state` to `planes`, which is flat: channels x rows x columns numbers.

    A cell that has 0 in all of them, such as a wall, is no part of the board.
    """
    raise NotImplementedError


@operation
def bearings(model):
    """Return the number of kinds of actions, such as walks and pushes, of which each has four directions; 0 where none has."""
    return 0


@operation
def bearing(model, action):
    """Return (kind, direction) of an action: 0 up, 1 down, 2 left, 3 right on the planes."""
    raise NotImplementedError


@operation
def standing(model, state):
    """Return the cell, row by row, at which something is done, -1 where it is done to the whole board."""
    return -1
