"""How far a position has come: the order of the goals against a plain twin, the parts of the floor, and that searches read both."""

import numpy as np
import pytest
import walls_twin
from sokoban_twin import Twin
from test_sokoban_corrals import cells, scattered

from games.jit import njit
from games.process import ready, stage
from games.random import below, stream
from games.sokoban.board import compile_level, packed
from games.sokoban.generator import generate
from games.sokoban.levels import parse_levels
from games.sokoban.packing import PARTS
from games.sokoban.pushes import pushes_model
from planners.budget import Budget, new_cost
from planners.search.best_first_search import SOLVED, Search, Way


@njit
def number(model, state):
    return stage(model, state)


def order(compiled):
    """Return the goals of a level in the order in which they are to be filled."""
    model, start = pushes_model(compiled)
    ready(model, start.reshape(1, -1))
    board = compiled.board
    return [compiled.place(int(cell)) for cell in board.table[board.zobrist + 2 * board.cells :]]


def test_what_lies_deepest_is_filled_first():
    (level,) = parse_levels("###########\n#...      #\n##### $$$@#\n    #     #\n    #######")
    assert order(compile_level(level)) == [(1, 1), (1, 2), (1, 3)]


def test_the_order_is_that_of_taking_the_nearest_away():
    ways = stuck = 0
    levels = [scattered(seed, *((5, 6, 4), (8, 9, 6))[seed % 2], 0.2, pulls=30 * (seed % 3 > 0)) for seed in range(60)]
    for level in [*filter(None, levels), *(generate(seed, 7, 7, 5, 1.0) for seed in range(10))]:
        twin, left = Twin(level), set(Twin(level).goals)
        for goal in reversed(order(compile_level(level))):
            far = walls_twin.away(twin, left)
            known = [steps for steps in far.values() if steps is not None]
            assert far[goal] == (min(known) if known else None)
            ways, stuck = ways + bool(known), stuck + (not known)
            left.remove(goal)
        assert not left
    assert ways > 100 and stuck > 3, (ways, stuck)


def test_the_number_says_how_many_goals_are_filled_in_order_and_how_many_parts_there_are():
    counts, filled, rng = set(), set(), stream("packing")
    for seed in range(60):
        level = scattered(seed, *((5, 6, 5), (8, 9, 12))[seed % 2], 0.2)
        if level is None:
            continue
        twin, compiled = Twin(level), compile_level(level)
        wanted, floor = order(compiled), sorted(level.area)
        for _ in range(20):
            some = set(wanted[: below(rng, len(wanted) + 1)])
            while len(some) < len(wanted):
                some.add(floor[below(rng, len(floor))])
            state = np.append(packed([compiled.cell(*cell) for cell in some], compiled.board.words), 0)
            found = number(pushes_model(compiled)[0], state)
            first = next((k for k, goal in enumerate(wanted) if goal not in some), len(wanted))
            count = len(walls_twin.parts(twin.area - some))
            assert found == PARTS * first + min(max(count, 1), PARTS) - 1
            assert cells(compiled, state[: compiled.board.words]) == some
            counts.add(min(count, PARTS))
            filled.add(first)
    assert len(counts) == PARTS and len(filled) > 5


GOAL_ROOM = """
#################
#      ##########
# $ $  ###   ..##
#  $ $       ..##
# $ $@ ###   ..##
#      ##########
#################
"""


@pytest.mark.slow  # to compile
def test_a_search_by_stages_has_the_order_and_fills_the_room():
    (level,) = parse_levels(GOAL_ROOM.strip("\n"))
    compiled = compile_level(level)
    board, (model, start) = compiled.board, pushes_model(compiled)
    assert not board.table[board.zobrist + 2 * board.cells :].any()
    search = Search(model, start, Way(1.0, 1.0, True, True, by_stage=True), 1 << 28)
    found = [compiled.place(int(cell)) for cell in board.table[board.zobrist + 2 * board.cells :]]
    assert sorted(found) == sorted(level.cells(".")) and found[:2] == [(4, 14), (2, 14)]  # the corners furthest from the door
    search.advance(10_000, new_cost(), Budget().limits())
    assert search.status == SOLVED
    lists = {number(model, state) for state in search.nodes.states[: search.nodes.filled[0]]}
    assert {0, board.boxes} < {each // PARTS for each in lists} and len({each % PARTS for each in lists}) > 2
