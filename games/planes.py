"""States as planes of numbers, for networks: (channels, rows, columns), such as zeros and ones for each kind of piece."""

from games.dispatch import operation


@operation
def planes_shape(model):
    """Return (channels, rows, columns); channels are 0 in worlds that do not describe their states in numbers."""
    return 0, 0, 0


@operation
def write_planes(model, state, planes):
    """Write the planes of `state` to `planes`, which is flat: channels x rows x columns numbers."""
    raise NotImplementedError
