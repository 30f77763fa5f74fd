"""The bound where frozen boxes are walls: against a plain twin, never above the truth, and not a matter of what was asked before."""

import numpy as np
import walls_twin
from sokoban_twin import Twin
from test_sokoban_corrals import cells, scattered

from games.jit import njit
from games.process import bound, successors
from games.process import notes as new_notes
from games.random import below, stream
from games.sokoban.board import compile_level, packed
from games.sokoban.levels import parse_levels
from games.sokoban.pushes import CORRALS, FREEZE, WALLS, pushes_model


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


def test_bounds_are_those_of_the_twin_and_never_above_the_truth():
    higher = lost = 0
    for seed in range(240):
        rows, columns, boxes = ((4, 5, 3), (5, 5, 4), (7, 10, 4), (6, 6, 7))[seed % 4]
        level = scattered(seed, rows, columns, boxes, 0.2, pulls=6 if seed % 3 else 0)
        if level is None:
            continue
        twin, compiled = Twin(level), compile_level(level)
        live = cells(compiled, compiled.board.table[compiled.board.live :][: compiled.board.words])
        model, start = pushes_model(compiled, WALLS)
        plain, _ = pushes_model(compiled, CORRALS)
        for (state, found), (_, without) in zip(asked(model, start), asked(plain, start), strict=True):
            placed = cells(compiled, state[: compiled.board.words])
            walls = walls_twin.held(twin, placed, live)
            wanted = walls_twin.least(twin, placed, walls)
            assert found == (np.inf if wanted is None else wanted), level.text
            assert found >= without
            higher, lost = higher + (without < found < np.inf), lost + (without < found == np.inf)
            if boxes == 3:
                fewest = twin.fewest_pushes((compiled.place(int(state[-1])), placed))
                assert fewest is None or found <= fewest
    assert higher > 3 and lost > 3, (higher, lost)


def test_a_goal_that_frozen_boxes_shut_off_shows_at_once():
    (level,) = parse_levels("#########\n#.#     #\n#..$@ $ #\n#.#   $ #\n#########")
    compiled = compile_level(level)
    shut = frozenset({(2, 2), (1, 1), (2, 6)})
    at = [compiled.cell(*cell) for cell in sorted(shut | {(3, 6)} - {(2, 6)})]
    state = np.append(packed(at, compiled.board.words), compiled.cell(1, 3))
    for deadlocks in (FREEZE, WALLS):
        model, _ = pushes_model(compiled, deadlocks)
        assert all(found < np.inf for _, found in asked(model, state))


def test_bounds_do_not_depend_on_what_was_asked_before():
    level = next(level for level in (scattered(seed, 9, 9, 12, 0.1) for seed in range(50)) if level is not None)
    compiled = compile_level(level)
    model, _ = pushes_model(compiled, WALLS)
    goals = [compiled.cell(*cell) for cell in level.cells(".+*") if cell in level.area]
    floor = [compiled.cell(*cell) for cell in sorted(level.area)]
    rng, notes, several = stream("walls"), scratch(model), 0
    for _ in range(1500):
        some = [cell for cell in goals if below(rng, 3)]
        while len(some) < len(goals):
            cell = floor[below(rng, len(floor))]
            if cell not in some:
                some.append(cell)
        player = next(cell for cell in floor if cell not in some)
        state = np.append(packed(some, compiled.board.words), player)
        fresh = asked(model, state)
        assert [found for _, found in asked(model, state, notes)] == [found for _, found in fresh]
        several += len({found for _, found in fresh}) > 1
    assert several > 100
