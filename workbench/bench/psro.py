"""How fast PSRO runs here, beside OpenSpiel's psro_v2 with exact best responses."""

import contextlib
import io
import time
from collections.abc import Callable, Sequence
from typing import Any

from games.loader import load_game, resolve
from solvers.exploitability import Evaluator
from workbench.bench import peers as others
from workbench.bench.timing import measure
from workbench.catalogue.algorithms import find_algorithm
from workbench.runs.environment import describe_environment

PEER_ITERATIONS = 5  # psro_v2 grows slower with its population; its first iterations flatter it
PEER_MAX_HISTORIES = 20_000


def run(
    games: Sequence[str], algos: Sequence[str], *, iterations: int, with_peers: bool, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Return the figures of every game as a record; all times are seconds of processor time, which other programs do not stretch.

    Every algorithm runs `iterations` iterations and is evaluated at each tenth. The peer's ratio is that of the first iterations.
    """
    return {
        "environment": describe_environment(1),
        "clock": measure(lambda: sum(range(200_000)), 0.5)._asdict(),
        "iterations": iterations,
        "games": [_measure_game(game, algos, iterations, with_peers, tell) for game in games],
    }


def count(games: Sequence[str], algos: Sequence[str], *, with_peers: bool) -> int:
    """Return how many things `run` will tell of; games that were never compiled are, for their sizes."""
    return sum(len(algos) + (with_peers and load_game(name).histories <= PEER_MAX_HISTORIES) for name in games)


def _measure_game(
    name: str, algos: Sequence[str], iterations: int, with_peers: bool, tell: Callable[[str], None]
) -> dict[str, Any]:
    game = load_game(name)
    evaluator = Evaluator(game)
    record: dict[str, Any] = {"game": name, "algos": {}}
    for algo in algos:
        tell(f"{name}: {algo}")
        solver = find_algorithm(algo, {}, iterations).make(game, alternating=True)
        solver.advance(0)
        evaluator(solver.average_policy())
        begin, early = time.process_time(), None
        for n in range(1, iterations + 1):
            solver.advance(n)
            if n == 1 + PEER_ITERATIONS:
                early = (time.process_time() - begin) / n
            if n % 10 == 0 or n == iterations:
                evaluator(solver.average_policy())
        total = time.process_time() - begin
        record["algos"][algo] = {"total": total, "per_iteration": total / iterations, "early": early}
    if with_peers and game.histories <= PEER_MAX_HISTORIES:
        tell(f"{name}: OpenSpiel psro_v2")
        record["peer"] = _measure_peer(name)
        for timing in record["algos"].values():
            if "seconds" in record["peer"] and timing["early"]:
                timing["ratio"] = record["peer"]["seconds"] / timing["early"]
    return record


def _measure_peer(name: str) -> dict[str, Any]:
    """Return the processor time of one of psro_v2's first iterations (uniform, 100 simulations an entry)."""
    try:
        from open_spiel.python import policy
        from open_spiel.python.algorithms.psro_v2 import best_response_oracle, psro_v2
    except ImportError as error:
        return {"reason": f"psro_v2 cannot be imported: {error}; the extra 'bench' installs what it needs"}
    game = others.open_game(resolve(name)[0])
    with contextlib.redirect_stdout(io.StringIO()):
        start = policy.TabularPolicy(game)
        solver = psro_v2.PSROSolver(
            game, best_response_oracle.BestResponseOracle(game=game, policy=start),
            initial_policies=[start.__copy__() for _ in range(game.num_players())], training_strategy_selector="probabilistic",
            rectifier="", sims_per_entry=100, number_policies_selected=1, meta_strategy_method="uniform",
            sample_from_marginals=True, symmetric_game=False,
        )  # fmt: skip
        begin = time.process_time()
        for _ in range(PEER_ITERATIONS):
            solver.iteration()
    return {"seconds": (time.process_time() - begin) / PEER_ITERATIONS}
