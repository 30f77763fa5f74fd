"""Speed and strength on 2048: random play, moves evaluated by expectimax, and scores of whole games at a cost a move."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from games.game2048.board import random_games
from games.random import stream
from games.worlds import load_world
from planners.budget import UNLIMITED
from planners.search.expectimax_2048 import MOVES, new_memory, play_game, reach_of, search

NO_LIMITS = np.full(3, UNLIMITED, np.uint64)
TILES = (2048, 4096, 8192, 16384, 32768)
MIDDLE_GAME = "1024 512 64 8/4 16 32 4/2 8 4 ./. 2 . ."


def random_play(runs: int = 5, games: int = 40_000) -> dict[str, Any]:
    """Return the moves and games a second of CPU time in games played uniformly at random: the best of `runs`."""
    start = load_world("2048").instance(0).start.view(np.uint64)[0]
    random_games(start, 1, stream("warm"))
    best = (0.0, 0.0)
    for run in range(runs):
        begin = time.process_time()
        _, moves = random_games(start, games, stream("bench", run))
        seconds = time.process_time() - begin
        best = max(best, (moves.sum() / seconds, games / seconds))
    return {"what": "2048: uniform random play", "moves_per_second": best[0], "games_per_second": best[1], "runs": runs}


def moves_evaluated(runs: int = 5, chance: float = 0.001) -> dict[str, Any]:
    """Return the moves that expectimax evaluates a second of CPU time on a board of the middle game: the best of `runs`."""
    board, memory, values = load_world("2048").read(MIDDLE_GAME).view(np.uint64)[0], new_memory(16), np.empty(4, np.float32)  # type: ignore[attr-defined]
    search(board, 0, reach_of(0.5), NO_LIMITS, memory, values)
    best = 0.0
    for _ in range(runs):
        begin = time.process_time()
        search(board, 0, reach_of(chance), NO_LIMITS, memory, values)
        best = max(best, int(memory[MOVES]) / (time.process_time() - begin))
    return {"what": "2048: expectimax", "moves_evaluated_per_second": best, "runs": runs}


def strength(games: int, depth: int = 0, chance: float = 0.04, table: int = 16) -> dict[str, Any]:
    """Return what expectimax scores in the games of seeds 0, 1, ..., with standard error, tile rates and CPU time a move.

    The games are those of ``gameplan plan 2048 --planner expectimax`` with the same parameters and no budget: same starts, same
    spawns, same moves.
    """
    world, memory = load_world("2048"), new_memory(table)
    scores, tops, moves, seconds = np.empty(games), np.empty(games, np.int64), 0, 0.0
    values = np.empty(4, np.float32)
    search(world.instance(0).start.view(np.uint64)[0], depth, reach_of(1.0), NO_LIMITS, memory, values)
    for seed in range(games):
        instance = world.instance(seed)
        begin = time.process_time()
        score, count, board, _ = play_game(
            instance.start.view(np.uint64)[0], depth, reach_of(chance), NO_LIMITS, memory, stream("chance", instance.name, seed)
        )
        seconds += time.process_time() - begin
        scores[seed], moves = score, moves + count
        tops[seed] = world.tiles(np.array([board], np.uint64).view(np.int64)).max()  # type: ignore[attr-defined]
    return {
        "what": f"2048: expectimax depth={depth} chance={chance}",
        "games": games,
        "mean": float(scores.mean()),
        "standard_error": scores.std(ddof=1) / games**0.5 if games > 1 else float("nan"),
        "milliseconds_per_move": 1e3 * seconds / moves,
        "moves_per_game": moves / games,
        "rates": {tile: float((tops >= tile).mean()) for tile in TILES},
    }


def count() -> int:
    """Return how many things `run` will tell of."""
    return 3


def run(*, repeats: int = 5, tell: Callable[[str], None]) -> dict[str, Any]:
    """Return the speed of random play and of expectimax, and its strength in a few games."""
    tell("2048: random play")
    record = {"random play": random_play(repeats)}
    tell("2048: expectimax")
    record["expectimax"] = moves_evaluated(repeats)
    tell("2048: ten games of expectimax")
    record["ten games"] = strength(10)
    return record
