"""The suite that every world of the catalogue passes, the toys of the suites for planners too; and worlds that must fail it."""

from pathlib import Path

import pytest

from games.python_model import PythonModel
from games.world import Instance
from games.worlds import WORLDS
from workbench.testing.toys import Pig, Rooms, pig, rooms
from workbench.testing.worlds import WorldSuite

LEVEL = str(Path(__file__).parent / "cases" / "levels" / "soko-off-the-goal.xsb")
# (options, seeds) where they are not ({}, (0, 1)): a level that can be explored to its end, in which bounds are judged.
CASES = {
    "sokoban": ({"levels": LEVEL}, (0,)), "sokoban-proact": ({}, (0,)), "sokoban-traps": ({}, (0,)),
    "sokoban-rooms": ({"rows": 3, "columns": 4, "boxes": 1}, (0, 1)),
}  # fmt: skip


# The suite's kernels are compiled for every class of models: these take long, and other tests of
# their worlds do not need them.
LONG = (
    "sokoban", "sokoban-proact", "sokoban-rooms", "sokoban-traps", "2048", "2048-proact", "2048-3x3", "2048-3x3-proact", "3072",
    "3072-proact", "kg-walk", "kg-needle",
)  # fmt: skip


class TestCatalogue(WorldSuite):
    @pytest.fixture(autouse=True, params=[pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in WORLDS])
    def chosen(self, request):
        self.world = request.param
        self.options, self.seeds = CASES.get(self.world, ({}, (0, 1)))


class Toys:
    """A world around one instance in Python."""

    def __init__(self, instance):
        self.name, self._instance = instance.name, instance

    def __len__(self):
        return 0

    def instance(self, seed):
        return self._instance

    def action_name(self, instance, state, action):
        return str(instance.model.action(action))

    def text(self, instance, state):
        return repr(instance.model.value(state))

    def outcome(self, instance, states, actions, rewards):
        return {"score": sum(rewards), "solved": None}


class TestToys(WorldSuite):
    @pytest.fixture(autouse=True, params=[rooms, pig])
    def chosen(self, request):
        self.instance = request.param()
        self.world = self.instance.name

    def make(self):
        return Toys(self.instance)

    def unsaid(self):
        return []


FAULTS = {
    "test_lower_bounds_are_admissible_and_dead_states_lost": (Rooms, "distance", lambda self, room: 4.0 * (room != 9)),
    "test_legal_actions_apply": (Rooms, "legal", lambda self, room: [*self.doors[room], *self.doors[room]][:3]),
    "test_chance_sums_to_one_and_draws_what_it_lists": (Pig, "chance", lambda self, s: [(0.5, s), (0.25, (s[0], 0))]),
    "test_starts_are_not_over_and_the_same_for_a_seed": (Rooms, "goal", lambda self, room: room == 0),
}


@pytest.mark.parametrize("test", FAULTS)
def test_a_wrong_world_fails(test):
    base, method, wrong = FAULTS[test]
    model = PythonModel(type("Wrong", (base,), {method: wrong})(), actions=3, outcomes=3 * (base is Pig))
    instance = Instance("wrong", 0, model, model.state(0 if base is Rooms else (0, 4)), 12)
    suite = TestToys()
    suite.instance, suite.world = instance, test
    with pytest.raises(AssertionError):
        getattr(suite, test)()
