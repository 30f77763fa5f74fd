"""How fast Monte-Carlo CFR samples here, beside OpenSpiel's C++, in the processor time of one process."""

import importlib
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from games.loader import load_game, resolve
from workbench.bench import peers as others
from workbench.catalogue.algorithms import find_algorithm
from workbench.runs.environment import describe_environment

PEERS = {"es-mccfr": "ExternalSamplingMCCFRSolver", "os-mccfr": "OutcomeSamplingMCCFRSolver"}  # of pyspiel
PEER = "OpenSpiel C++"
LEAST = 3  # measurements of a figure


def count(games: Sequence[str], algos: Sequence[str], *, with_peers: bool) -> int:
    """Return how many things `run` will tell of."""
    return len(games) * sum(1 + (with_peers and algo in PEERS) for algo in algos)


def run(
    games: Sequence[str], algos: Sequence[str], *, with_peers: bool, budget: float, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Return the figures of every game as a record: medians of seconds of processor time, which other programs do not stretch.

    Parameters
    ----------
    games, algos : sequences of str
        Games, and catalogue names of methods that sample.
    with_peers : bool
        Also measure OpenSpiel's solvers; a ratio is how many times as long as ours an iteration of theirs takes.
    budget : float
        Seconds for one figure, about.
    tell : callable
        Told what is being measured.
    """
    return {
        "environment": describe_environment(1),
        "games": [_measure_game(name, algos, with_peers, budget, tell) for name in games],
    }


def _measure_game(name: str, algos: Sequence[str], with_peers: bool, budget: float, tell: Callable[[str], None]) -> dict[str, Any]:
    game, algorithms = load_game(name), {algo: find_algorithm(algo, {}) for algo in algos}
    record: dict[str, Any] = {"game": name, "histories": game.histories, "algos": {}}
    for algo, algorithm in algorithms.items():
        tell(f"{name}: {algo}")
        solver: Any = algorithm.make(game, alternating=True)

        def iterate(iterations: int, solver: Any = solver) -> None:
            solver.advance(solver.iteration + iterations)

        iterate(1)
        before, start = solver.remarks()["nodes"], solver.iteration
        seconds = _median(iterate, budget)
        nodes = (solver.remarks()["nodes"] - before) / (solver.iteration - start)
        found = {"per_iteration": seconds, "nodes_per_iteration": nodes, "nodes_per_second": nodes / seconds}
        if with_peers and algo in PEERS:
            tell(f"{name}: {PEER}, {algo}")
            theirs = _median(_peer(name, PEERS[algo]), budget)
            found |= {"peer": theirs, "ratio": theirs / seconds}
        record["algos"][algo] = found
    return record


def _peer(name: str, kind: str) -> Callable[[int], None]:
    """Return a function that runs so many iterations of OpenSpiel's solver."""
    solver = getattr(importlib.import_module("pyspiel"), kind)(others.open_game(resolve(name)[0]))

    def iterate(iterations: int) -> None:
        for _ in range(iterations):
            solver.run_iteration()

    return iterate


def _median(iterate: Callable[[int], None], budget: float) -> float:
    """Return the median of the seconds of an iteration over measurements of equal length, after one that warms up."""
    count = 1
    while True:  # until a measurement is long against the clock
        begin = time.process_time()
        iterate(count)
        spent = time.process_time() - begin
        if spent > budget / (4 * LEAST):
            break
        count *= 4
    samples: list[float] = []
    until = time.process_time() + budget
    while len(samples) < LEAST or time.process_time() < until:
        begin = time.process_time()
        iterate(count)
        samples.append((time.process_time() - begin) / count)
    return statistics.median(samples)
