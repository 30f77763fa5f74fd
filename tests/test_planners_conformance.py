"""The suite that every planner of the catalogue passes, in worlds of Python and in compiled ones."""

import pytest

from games.worlds import load_world
from planners.catalogue import PLANNERS
from workbench.testing.planners import PlannerSuite

EXCLUDED = {
    "llm": "asks an endpoint: tests/test_language.py plays it against a stub",
    "policy": "plays what a run has learned: tests/test_training.py",
}
# What a unit of the budget is; "" for planners that plan in one piece.
UNITS = {
    "random": "", "greedy": "", "greedy-value": "", "lookahead": "", "lookahead-value": "", "beam": "", "beam-value": "",
    "receding-horizon": "", "oracle": "", "best-of-n": "simulations", "flare": "simulations", "flare-paper": "simulations",
    "flare-wb": "simulations", "flat": "simulations", "flat-critic": "simulations", "mcts": "simulations",
    "proact": "simulations", "expectimax": "transitions", "astar": "expansions", "wastar": "expansions",
    "greedy-best-first": "expansions", "idastar": "expansions", "sokoban-solver": "expansions",
}  # fmt: skip
WITHOUT_CHANCE = {"receding-horizon", "oracle", "astar", "wastar", "greedy-best-first", "idastar", "sokoban-solver"}
# Cheap settings, so that uncompiled play takes milliseconds; and FLARE's other branches.
PARAMS = {
    "flat": {"rollouts": 4, "horizon": 5}, "flat-critic": {"rollouts": 4, "horizon": 5}, "mcts": {"simulations": 20, "horizon": 5},
    "proact": {"simulations": 20, "horizon": 5, "rollouts": 2}, "expectimax": {"table": 6}, "idastar": {"table": 256, "depth": 20},
    "sokoban-solver": {"turn": 4}, "flare": {"batch": 4, "relative": True, "commit": 2}, "beam-value": {"width": 4},
    "lookahead": {"j": 2},
}  # fmt: skip
# Compiled too, where other tests compile the same kernels.
COMPILED = {
    **dict.fromkeys(("random", "greedy", "lookahead", "beam", "best-of-n", "flare", "flare-wb", "receding-horizon"), "kg-walk"),
    **dict.fromkeys(("flat", "mcts", "expectimax"), "2048-2x3"),
}


def test_every_planner_is_in_the_list():
    """A new planner needs one line in UNITS above."""
    assert set(UNITS) | set(EXCLUDED) == set(PLANNERS) and not set(UNITS) & set(EXCLUDED)


class TestCatalogue(PlannerSuite):
    @pytest.fixture(autouse=True, params=UNITS)
    def chosen(self, request):
        self.planner = request.param
        self.unit, self.params = UNITS[self.planner], PARAMS.get(self.planner, {})
        self.chance = self.planner not in WITHOUT_CHANCE

    def instances(self):
        compiled = [load_world(COMPILED[self.planner]).instance(2)] if self.planner in COMPILED else []
        return (*super().instances(), *compiled)
