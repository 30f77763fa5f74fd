"""Shared fixtures: compiled games, and solvers run for some iterations."""

from functools import cache

import pytest

from games.loader import load_game
from games.sequence_form import SequenceGame
from workbench.catalogue import find_algorithm

pytest.register_assert_rewrite("workbench.testing")  # so that a suite's bare assertions say what they compared


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
