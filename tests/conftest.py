"""Shared fixtures: compiled games, and solvers run for some iterations."""

from functools import cache

import pytest

from games.loader import load_game
from games.sequence_form import SequenceGame
from workbench.catalogue import find_algorithm

# Tests that compile the same kernels run in one process after the other, so that two do not compile the same thing at once.
TOGETHER = {
    "test_flare": "flare", "test_planners_conformance": "flare", "test_graphs": "flare",
    "test_critic": "rollouts", "test_mcts": "rollouts", "test_gymnasium": "rollouts",
    "test_expectimax": "2048", "test_game2048": "2048",
    "test_sokoban_search": "sokoban", "test_sokoban_engine": "sokoban", "test_sokoban_traps": "sokoban",
    "test_meta_solvers": "psro", "test_payoffs": "psro", "test_psro": "psro",
}  # fmt: skip


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items):
    for item in items:
        module = item.module.__name__.rpartition(".")[2]
        params = item.callspec.params if hasattr(item, "callspec") else {}
        group = TOGETHER.get(module)
        if group is None and module in ("test_conformance", "test_class_form"):
            group = next((f"rule {params[name]}" for name in ("algo", "rule") if name in params), None)
        if group is not None:
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def game():
    """Return the function from a game's name to the compiled game; each is loaded once a process."""
    return cache(load_game)


@pytest.fixture(scope="session")
def solve(game):
    """Return the function that runs an algorithm for some iterations and returns its solver.

    `on` is a game or the name of one; other keywords are parameters of the algorithm.
    """

    def run(on, algo, iterations, *, alternating=True, **params):
        compiled = on if isinstance(on, SequenceGame) else game(on)
        solver = find_algorithm(str(algo), params, iterations).make(compiled, alternating=alternating)
        solver.advance(iterations)
        return solver

    return run
