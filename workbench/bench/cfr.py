"""How fast CFR runs here: set-up, iterations, exploitability and memory of every game, beside other programs."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from games import cache
from games.compiler import MAX_HISTORIES, compile_game
from games.gambit.compile import compile_source
from games.gambit.files import is_game_file
from games.loader import load_game, resolve
from games.sequence_form import SequenceGame
from solvers.exploitability import Evaluator, uniform_policy
from workbench.bench import peers as others
from workbench.bench.timing import Timing, measure, summarise
from workbench.catalogue.algorithms import Solver, find_algorithm
from workbench.runs.environment import describe_environment

SAMPLE_SECONDS = 0.02  # of one measurement: long against the clock, short against the machine's drift
NASH_CONV_MAX_HISTORIES = 500_000
EARLY_ITERATIONS = 20  # peers are timed on their first iterations; some of them grow slower later


def run(
    games: Sequence[str], algos: Sequence[str], *, with_peers: bool, budget: float, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Return the figures of every game as a record; all times are seconds.

    Parameters
    ----------
    games, algos : sequences of str
        Games and catalogue names; the first algorithm is what the others are compared with.
    with_peers : bool
        Also measure the other programs that are installed.
    budget : float
        Seconds for one figure, about.
    tell : callable
        Told what is being measured.
    """
    return {
        "environment": describe_environment(1),
        "clock": _clock_noise(budget)._asdict(),
        "games": [_measure_game(game, algos, with_peers, budget, tell) for game in games],
    }


def count(games: Sequence[str], algos: Sequence[str], *, with_peers: bool) -> int:
    """Return how many things `run` will tell of; games that were never compiled are, for their sizes."""
    return sum(2 + len(algos) + (_peers_of(load_game(name), algos) if with_peers else 0) for name in games)


def _peers_of(game: SequenceGame, algos: Sequence[str]) -> int:
    """Return how many figures of other programs there are for a game."""
    if "cfr+" not in algos:
        return 0
    return sum(game.histories <= peer.max_histories for peer in others.peers()) + (game.histories <= NASH_CONV_MAX_HISTORIES)


def _measure_game(name: str, algos: Sequence[str], with_peers: bool, budget: float, tell: Callable[[str], None]) -> dict[str, Any]:
    tell(f"{name}: set-up")
    game, setup, cached = _setup(name, budget)
    record: dict[str, Any] = {
        "game": name,
        "histories": game.histories,
        "terminal_rows": len(game.rows.chance),
        "setup": setup._asdict(),
        "setup_per_history": setup.median / game.histories,
        "cached_load": cached._asdict(),
        "cached_load_share": cached.median / setup.median,
        "bytes_per_row_and_player": game.nbytes() / len(game.rows.chance) / game.players,
        "iteration": {},
        "peers": {},
    }
    yardstick = _solver(game, algos[0])
    for algo in algos:
        tell(f"{name}: {algo}")
        timing, ratio = _time_iterations(_solver(game, algo), yardstick, budget)
        record["iteration"][algo] = {**timing._asdict(), "ratio_to_first": ratio}
    first = record["iteration"][algos[0]]["median"]
    tell(f"{name}: exploitability")
    evaluator, policy = Evaluator(game), uniform_policy(game)
    evaluator(policy)
    calls = max(1, int(SAMPLE_SECONDS / first))
    record["exploitability"] = measure(lambda: [evaluator(policy) for _ in range(calls)], budget, calls=calls)._asdict()
    record["exploitability_in_iterations"] = record["exploitability"]["median"] / first
    if with_peers:
        _measure_peers(record, name, game, budget, tell)
    return record


def _setup(name: str, budget: float) -> tuple[SequenceGame, Timing, Timing]:
    shown, open_game, _ = resolve(name)
    game = load_game(name)
    if is_game_file(name):
        setup = measure(lambda: compile_source(open_game(), shown, game.key, MAX_HISTORIES), budget, least=1)
    else:
        opened = others.open_game(shown)
        setup = measure(lambda: compile_game(opened, shown, game.key), budget, least=1)
    cache.store(game)
    cached = measure(lambda: cache.load(game.key), budget)
    return game, setup, cached


def _solver(game: SequenceGame, algo: str) -> Solver:
    # A warm-up that never ends would flatter rules that average nothing while it lasts.
    given = {"warmup_iterations": 0} if "warmup_iterations" in find_algorithm(algo, {}, 1).params else {}
    return find_algorithm(algo, given, 1000).make(game, alternating=True)


def _time_iterations(solver: Solver, yardstick: Solver, budget: float) -> tuple[Timing, float]:
    """Return the time of an iteration and the median ratio to the yardstick's, measured in turn so that drift cancels."""
    for warm in (solver, yardstick):
        warm.advance(warm.iteration + 2)
    chunk = max(1, int(SAMPLE_SECONDS / measure(lambda: solver.advance(solver.iteration + 3), 0.0, calls=3).median))
    samples: list[float] = []
    ratios: list[float] = []
    begin = time.perf_counter()
    while len(samples) < 5 or (len(samples) < 50 and time.perf_counter() - begin < 2 * budget):
        pair = []
        for timed in (solver, yardstick):
            start = time.perf_counter()
            timed.advance(timed.iteration + chunk)
            pair.append((time.perf_counter() - start) / chunk)
        samples.append(pair[0])
        ratios.append(pair[0] / pair[1])
    return summarise(samples), statistics.median(ratios)


def _measure_peers(record: dict[str, Any], name: str, game: SequenceGame, budget: float, tell: Callable[[str], None]) -> None:
    opened = others.open_game(resolve(name)[0])
    if "cfr+" not in record["iteration"]:
        return
    ours = record["iteration"]["cfr+"]["median"]
    for peer in others.peers():
        if game.histories > peer.max_histories:
            continue
        tell(f"{name}: {peer.name}")
        try:
            iterate = peer.make(opened)
            timing = measure(iterate, 4 * budget, least=3, most=EARLY_ITERATIONS)
        except Exception as error:  # a peer's own trouble, such as three players, is not ours
            record["peers"][peer.name] = {"reason": (str(error).strip().splitlines() or [type(error).__name__])[0]}
            continue
        record["peers"][peer.name] = {**timing._asdict(), "ratio": timing.median / ours}
    if game.histories <= NASH_CONV_MAX_HISTORIES:
        tell(f"{name}: OpenSpiel C++ NashConv")
        timing = measure(others.nash_conv(opened), 2 * budget, least=3, most=EARLY_ITERATIONS)
        record["peers"]["OpenSpiel C++ NashConv"] = {
            **timing._asdict(),
            "ratio": timing.median / record["exploitability"]["median"],
        }


def _clock_noise(budget: float) -> Timing:
    """Return the time of a fixed piece of pure Python: its spread is the noise of this machine."""
    return measure(lambda: sum(range(200_000)), budget)
