"""A reversible world of one's own, compiled and in Python: searched from both ends by the portfolio, which knows nothing of it."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest

from games.errors import GameplanError
from games.jit import embedded
from games.process import apply, distance, feature, goal, legal, reversed_of
from games.python_model import PythonModel
from games.random import stream
from games.world import Instance
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.search.portfolio import priced

SIDE = 3


class Tiles(NamedTuple):
    """Sliding tiles: nine words, 0 the gap; the action ``9 * a + b`` slides the tile in cell a into the gap in cell b."""

    width: int
    actions: int
    outcomes: int
    target: np.ndarray


class TilesBack(NamedTuple):
    """The same backwards, to the position `begin`."""

    width: int
    actions: int
    outcomes: int
    begin: np.ndarray


@embedded
def far(target, state):
    total = 0.0
    for cell in range(len(state)):
        if state[cell] != 0:
            place = 0
            while target[place] != state[cell]:
                place += 1
            total += abs(place // SIDE - cell // SIDE) + abs(place % SIDE - cell % SIDE)
    return total


@embedded
def slides(state, actions, back):
    gap, count = 0, 0
    while state[gap] != 0:
        gap += 1
    for step in (-SIDE, SIDE, -1, 1):
        cell = gap + step
        if 0 <= cell < SIDE * SIDE and (abs(step) == SIDE or cell // SIDE == gap // SIDE):
            actions[count] = 9 * gap + cell if back else 9 * cell + gap
            count += 1
    return count


@embedded
def slide(state, one, two):
    state[one], state[two] = state[two], state[one]
    return 0.0


@legal.of(Tiles)
def _legal(model, state, actions):
    return 0 if goal(model, state) else slides(state, actions, False)


@legal.of(TilesBack)
def _legal_back(model, state, actions):
    return 0 if goal(model, state) else slides(state, actions, True)


@apply.of(Tiles)
def _apply(model, state, action):
    return slide(state, action // 9, action % 9)


@apply.of(TilesBack)
def _apply_back(model, state, action):
    return slide(state, action // 9, action % 9)


@goal.of(Tiles)
def _goal(model, state):
    return far(model.target, state) == 0.0


@goal.of(TilesBack)
def _goal_back(model, state):
    return far(model.begin, state) == 0.0


@distance.of(Tiles)
def _distance(model, state):
    return far(model.target, state)


@distance.of(TilesBack)
def _distance_back(model, state):
    return far(model.begin, state)


@feature.of(Tiles)
def _feature(model, state):
    return np.sum(state == model.target)


@reversed_of.of(Tiles)
def _reversed_of(model, state):
    return TilesBack(model.width, model.actions, 0, state.copy()), model.target.reshape(1, -1)


class Loops:
    """Three counters that go up and down in steps; the goal is a sum, so there are many goals."""

    size = 7

    def legal(self, state):
        return [] if self.goal(state) else [(k, d) for k in range(3) for d in (1, -1) if 0 <= state[k] + d < self.size]

    def step(self, state, action):
        k, d = action
        return (*state[:k], state[k] + d, *state[k + 1 :]), 0.0

    def goal(self, state):
        return sum(state) == 15

    def goals(self):
        return [s for s in itertools.product(range(self.size), repeat=3) if self.goal(s)]

    def before(self, state):
        found = [((k, d), (*state[:k], state[k] - d, *state[k + 1 :])) for k in range(3) for d in (1, -1)]
        return [(action, one) for action, one in found if min(one) >= 0 and max(one) < self.size and not self.goal(one)]

    def distance(self, state):
        return abs(15 - sum(state)) / 1.0

    def distance_from(self, start, state):
        return float(sum(abs(a - b) for a, b in zip(start, state, strict=True)))


class Twice(Loops):
    """Two ways back have one name, which is not allowed."""

    def before(self, state):
        return [("up", one) for _, one in super().before(state)]


def shuffled(seed, moves):
    target, rng = np.array([1, 2, 3, 4, 5, 6, 7, 8, 0]), np.random.default_rng(seed)
    state, actions = target.copy(), np.empty(4, np.int64)
    for _ in range(moves):
        action = actions[rng.integers(slides(state, actions, False))]
        slide(state, action // 9, action % 9)
    return Instance("tiles", seed, Tiles(9, 4, 0, target), state)


def planned(instance, turn=8, **limits):
    planner = find_planner("sokoban-solver", {"turn": turn})
    planner.begin(instance, stream("x"))
    return planner, planner.decide(instance.start, None, Budget(**limits))


@pytest.mark.slow  # to compile
def test_tiles_are_solved_by_a_meeting():
    met = 0
    for seed in range(12):
        instance = shuffled(seed, 60 + seed)
        planner, decision = planned(instance)
        if decision.action is None:
            assert decision.status == "solved"
            continue
        assert priced(instance.model, instance.start, np.array(decision.line)) == len(decision.line)
        shortest = len(planned(instance, turn=1_000_000)[1].line)
        assert len(decision.line) >= shortest and (len(decision.line) == shortest or not planner.search.optimal)
        met += " and " in planner.search.found
    assert met > 6


@pytest.mark.slow  # to compile
def test_what_is_unsolvable_is_exhausted_from_either_end():
    instance = shuffled(0, 0)
    instance.start[:] = [2, 1, 3, 4, 5, 6, 7, 8, 0]
    assert planned(instance, expansions=3000)[1].status == "budget"
    assert planned(instance)[1].status == "unsolvable"


def test_a_world_in_python_is_solved_from_both_ends():
    model = PythonModel(Loops(), actions=6)
    instance = Instance("loops", 0, model, model.state((0, 0, 0)))
    planner, decision = planned(instance, turn=4)
    state = (0, 0, 0)
    for number in decision.line:
        assert not model.model.goal(state)
        state, _ = model.model.step(state, model.action(number))
    assert model.model.goal(state)
    assert {member.backwards for member in planner.search.searches} == {True, False}
    with pytest.raises(GameplanError, match="twice"):
        other = PythonModel(Twice(), actions=6)
        planned(Instance("twice", 0, other, other.state((0, 0, 0))), turn=4)
