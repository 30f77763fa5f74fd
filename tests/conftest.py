"""Shared fixtures: compiled games, and solvers run for some iterations."""

import os
from collections import Counter
from functools import cache

import pytest

from games import plugins
from games.loader import load_game
from games.sequence_form import SequenceGame
from workbench.catalogue.algorithms import find_algorithm
from workbench.catalogue.entries import NEWER

pytest.register_assert_rewrite("workbench.testing")  # so that a suite's bare assertions say what they compared


LONG = ("recipes", "run_kills", "kernel_cache", "isolated")  # files of few tests, which take many seconds each


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Let tests of the newer rules be slow, each of which compiles for seconds, and put long files first where two processes share them.

    What begins last leaves one of the two idle.
    """
    for item in items:
        given = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if any(isinstance(value, str) and value in NEWER for value in given):
            item.add_marker(pytest.mark.slow)
    if "PYTEST_XDIST_WORKER" in os.environ:
        tests = Counter(item.path for item in items)
        items.sort(key=lambda item: (item.path.stem.removeprefix("test_") not in LONG, -tests[item.path]))


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch):
    """Let tests print as into a pipe, whatever terminal they are started from; those about widths say one."""
    for name in ("COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _own_plugins(monkeypatch):
    """Let what a test registers be gone after it."""
    monkeypatch.setattr(plugins.REGISTRY, "_plugins", dict(plugins.REGISTRY._plugins))


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
