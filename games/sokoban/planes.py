"""Levels of Sokoban as four planes: floor, goals, boxes, the player. Walls are where there is no floor."""

from games.planes import bearing, bearings, planes_shape, standing, write_planes
from games.sokoban.bits import has
from games.sokoban.moves import SokobanMoves


@planes_shape.of(SokobanMoves)
def _shape(model):
    yard = model.yard
    return 4, yard.cells // yard.columns, yard.columns


@write_planes.of(SokobanMoves)
def _write(model, state, planes):
    yard = model.yard
    cells = yard.cells
    planes[:] = 0.0
    for cell in range(cells):
        planes[cell] = 1.0 if has(yard.table, yard.floor, cell) else 0.0
        planes[cells + cell] = 1.0 if has(yard.table, yard.goals, cell) else 0.0
        planes[2 * cells + cell] = 1.0 if has(state, 0, cell) else 0.0
    planes[3 * cells + state[yard.words]] = 1.0


@bearings.of(SokobanMoves)
def _bearings(model):
    return model.actions // 4


@bearing.of(SokobanMoves)
def _bearing(model, action):
    return action >> 2, action & 3


@standing.of(SokobanMoves)
def _standing(model, state):
    return state[model.yard.words]
