"""Boards of the 2048 family as planes: one for each exponent, 0 (an empty cell) to 15, with a 1 where it stands."""

import numpy as np

from games.game2048.model import Full2048, ProAct2048, Small2048, direction_of, shape_of
from games.planes import bearing, bearings, planes_shape, write_planes


def _shape(model):
    shape = shape_of(model)
    return 16, 4 - np.int64(shape.pad_down) // 16, 4 - np.int64(shape.pad_right) // 4


def _write(model, state, planes):
    _, rows, columns = planes_shape(model)
    board = state.view(np.uint64)[0]
    planes[:] = 0.0
    for r in range(rows):
        for c in range(columns):
            exponent = np.int64((board >> np.uint64(16 * r + 4 * c)) & np.uint64(15))
            planes[(exponent * rows + r) * columns + c] = 1.0


def _bearings(model):
    return 1


def _bearing(model, action):
    return 0, (0, 3, 1, 2)[direction_of(model, action)]  # boards count clockwise


for _class in (Full2048, Small2048, ProAct2048):
    planes_shape.of(_class)(_shape)
    write_planes.of(_class)(_write)
    bearings.of(_class)(_bearings)
    bearing.of(_class)(_bearing)
