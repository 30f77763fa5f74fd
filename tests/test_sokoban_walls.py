"""The bound where frozen boxes are walls: against a plain twin, never above the truth, and not a matter of what was asked before."""

import numpy as np
import pytest
import walls_twin
from sokoban_twin import Twin
from test_sokoban_corrals import cells, scattered

from games.jit import njit
from games.process import bound, successors
from games.process import notes as new_notes
from games.random import below, stream
from games.sokoban.board import compile_level, packed
from games.sokoban.pushes import CORRALS, WALLS, pushes_model


@njit
def bounds(model, state, notes, actions, states):
    """Return the bounds of what follows `state`."""
    costs, keys, found = np.empty(model.actions), np.empty(model.actions, np.uint64), np.empty(model.actions)
    count = successors(model, state, notes, actions, costs, states, keys)
    for k in range(count):
        found[k] = bound(model, state, actions[k], states[k], notes)
    return found[:count]


@njit
def scratch(model):
    return new_notes(model)


def asked(model, state, notes=None):
    """Return the states that follow, with their bounds."""
    actions, states = np.empty(model.actions, np.int64), np.empty((model.actions + 1, model.width), np.int64)
    found = bounds(model, state, scratch(model) if notes is None else notes, actions, states)
    return list(zip(states[: len(found)].copy(), found.tolist(), strict=True))


def mostly_packed(level, compiled, rng):
    """Return a random position of a level in which most boxes are on goals."""
    goals, floor = [cell for cell in sorted(level.cells(".+*")) if cell in level.area], sorted(level.area)
    some = set(goals) - {goals[below(rng, len(goals))], goals[below(rng, len(goals))]}
    while len(some) < len(goals):
        some.add(floor[below(rng, len(floor))])
    free = [cell for cell in floor if cell not in some]
    player = free[below(rng, len(free))]
    return np.append(packed([compiled.cell(*cell) for cell in some], compiled.board.words), compiled.cell(*player))


@pytest.mark.slow  # the twin's searches
def test_bounds_are_those_of_the_twin_and_never_above_the_truth():
    lost = 0
    for seed in range(50):
        rows, columns, boxes = ((4, 5, 3), (4, 5, 4), (4, 5, 3), (4, 5, 4), (7, 10, 4))[seed % 5]
        level = scattered(seed, rows, columns, boxes, 0.2)
        if level is None:
            continue
        twin, compiled, rng = Twin(level), compile_level(level), stream("walls", seed)
        live = cells(compiled, compiled.board.table[compiled.board.live :][: compiled.board.words])
        (model, _), (plain, _) = pushes_model(compiled, WALLS), pushes_model(compiled, CORRALS)
        for _ in range(6):
            start = mostly_packed(level, compiled, rng)
            for (state, found), (_, without) in zip(asked(model, start), asked(plain, start), strict=True):
                placed = cells(compiled, state[: compiled.board.words])
                wanted = walls_twin.least(twin, placed, walls_twin.held(twin, placed, live))
                assert found == (np.inf if wanted is None else wanted), level.text
                assert found >= without
                lost += without < found == np.inf
                if boxes == 3:
                    fewest = twin.fewest_pushes((compiled.place(int(state[-1])), placed))
                    assert fewest is None or found <= fewest
    assert lost > 3, lost


@pytest.mark.slow  # many levels
def test_bounds_do_not_depend_on_what_was_asked_before():
    level = next(level for level in (scattered(seed, 9, 9, 12, 0.1) for seed in range(50)) if level is not None)
    compiled = compile_level(level)
    model, _ = pushes_model(compiled, WALLS)
    rng, notes, several = stream("walls"), scratch(model), 0
    for _ in range(1500):
        state = mostly_packed(level, compiled, rng)
        fresh = asked(model, state)
        assert [found for _, found in asked(model, state, notes)] == [found for _, found in fresh]
        several += len({found for _, found in fresh}) > 1
    assert several > 100
