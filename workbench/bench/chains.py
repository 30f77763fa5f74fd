"""How fast checked chains of reasoning come, from play to the checked text, in CPU seconds of one process."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from workbench.distill.config import PHASES, DistillConfig, resolve_distill
from workbench.distill.run import Game, play_game

SETS: dict[str, dict[str, Any]] = {"2048": {"simulations": 200}, "2048-3x3": {"simulations": 200}, "sokoban-proact": {}}


def rate(world: str, params: dict[str, Any], games: int, repeats: int) -> dict[str, Any]:
    """Return the chains accepted a CPU second, the best of `repeats`, each over its own games: all phases alike."""
    config = resolve_distill(DistillConfig(world, 1, seed=1, params=params))
    text, best, accepted, looked = json.dumps(asdict(config)), 0.0, 0, 0
    for number in range(len(PHASES)):
        play_game(Game(text, number, PHASES[number]))
    for repeat in range(repeats):
        begin, found = time.process_time(), []
        for k in range(games * len(PHASES)):
            number = len(PHASES) * (1 + games * repeat) + k
            found += play_game(Game(text, number, PHASES[number % len(PHASES)]))[0]
        chains = sum(not candidate.reason for candidate in found)
        best = max(best, chains / (time.process_time() - begin))
        accepted, looked = accepted + chains, looked + len(found)
    return {"chains_per_second": best, "accepted_share": accepted / looked}


def count() -> int:
    """Return how many things `run` will tell of."""
    return len(SETS)


def run(*, repeats: int = 5, tell: Callable[[str], None]) -> dict[str, Any]:
    """Return the figures of every world."""
    record = {}
    for world, params in SETS.items():
        tell(f"chains: {world}")
        record[world] = rate(world, params, 4, repeats)
    return record
