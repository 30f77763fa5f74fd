"""What is compiled or read from the cache of kernels is so before the first episode: the times of episodes are times of play."""

import os
import sys

import pytest
from numba.core.dispatcher import Dispatcher

from games.worlds import WORLDS, load_world
from planners.catalogue import PLANNERS
from workbench.planning.config import PlanConfig, load_plan, resolve_plan
from workbench.planning.run import episode_record, play_episode, warm_up

# One planner in every world, and every planner in one; the kernels of both are compiled elsewhere too. All pairs on demand.
PAIRS = [(world, "random") for world in WORLDS if not world.startswith("p")]
PAIRS += [
    ("kg-walk", name) for name in ("greedy", "lookahead", "beam", "best-of-n", "flare", "flare-wb", "receding-horizon", "oracle")
]
PAIRS += [("2048-2x3", name) for name in ("flat", "mcts", "expectimax")] + [("2048", "expectimax")]
PAIRS += [("sokoban", name) for name in ("astar", "wastar", "greedy-best-first", "idastar", "sokoban-solver")]
if os.environ.get("GAMEPLAN_ALL_PAIRS"):
    deterministic = [name for name in WORLDS if not load_world(name).instance(0).model.outcomes]
    only = {"receding-horizon", "oracle", "astar", "wastar", "greedy-best-first", "idastar", "sokoban-solver"}
    PAIRS = [(w, p) for p in PLANNERS for w in WORLDS if p not in ("llm", "policy") and (p not in only or w in deterministic)]
LONG = (
    ("2048", "expectimax"),
    ("sokoban-traps", "random"),
    ("sokoban", "idastar"),
    ("sokoban", "sokoban-solver"),
)  # tens of seconds of compiling
SLOW = pytest.mark.slow


def kernels():
    """Return how many signatures of every kernel this process has."""
    modules = [module for name, module in list(sys.modules.items()) if name.split(".")[0] in ("games", "planners", "workbench")]
    found = {}
    for module in modules:
        for name, value in vars(module).items():
            if isinstance(value, Dispatcher):
                found[f"{value.py_func.__module__}.{name}"] = len(value.overloads)
    return found


@pytest.mark.parametrize(("world", "planner"), [pytest.param(*pair, marks=SLOW if pair in LONG else ()) for pair in PAIRS])
def test_nothing_is_compiled_during_play(world, planner):
    config = resolve_plan(PlanConfig(env=world, planner=planner, episodes=2, simulations=200, steps=12))
    place, player = load_plan(config, {})
    warm_up(config, place, player)
    before = kernels()
    for number in range(2):
        episode_record(number, place, play_episode(config, place, player, number))
    assert {name for name, count in kernels().items() if count != before.get(name)} == set()
