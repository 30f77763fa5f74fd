"""How fast learning runs here: moves learned by TD learning, turns learned from by policy optimisation; CPU seconds."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from games.worlds import load_world
from planners.learning import play
from planners.policies.catalogue import POLICY, make_learned
from workbench.bench.planning import calibration
from workbench.environment import describe_environment
from workbench.training.config import TrainConfig, load_train, resolve_train

WORLD = "2048"
AFTERSTATES = {"td": "4x6", "tc": "4x6"}
OPTIMISERS = ("mc-grpo", "mc-ppo", "step-ppo")


def advance(method: str, seconds: float, **given: Any) -> dict[str, Any]:
    """Return what a method learns from a CPU second of its first `seconds` of learning: compiled before, the memory not touched."""
    config = resolve_train(TrainConfig(WORLD, method, updates=1, **given))
    load_train(config, {})[1].advance()
    learner = load_train(config, {})[1]
    begin = time.process_time()
    while time.process_time() - begin < seconds:
        learner.advance()
    spent = time.process_time() - begin
    score = learner.figures().get("score", float("nan"))
    return {
        "steps_per_second": learner.environment_steps / spent,
        "expansions_per_second": learner.expansions / spent,
        "updates_per_second": learner.updates / spent,
        "score_while_learning": score,
        "seconds": spent,
    }


def evaluations(repeats: int) -> dict[str, float]:
    """Return the states a CPU second for which a network of shared four-tuples says what it prefers: the best of `repeats`."""
    world = load_world(WORLD)
    policy = make_learned(POLICY, "ntuple", world.instance(0), {"tuples": "17x4"}).record
    states = np.repeat(world.read("2 4 8 16/4 . 64 2/8 16 32 4/2 . 4 2")[None], 20_000, axis=0)  # type: ignore[attr-defined]
    offered, counts, out = np.tile(np.arange(4), (len(states), 1)), np.full(len(states), 4), np.empty((len(states), 4))
    play.log_chances(policy, world.instance(0).model, states[:1], offered[:1], counts[:1], out[:1])
    best = 0.0
    for _ in range(repeats):
        begin = time.process_time()
        play.log_chances(policy, world.instance(0).model, states, offered, counts, out)
        best = max(best, len(states) / (time.process_time() - begin))
    return {"states_per_second": best}


def run(*, seconds: float = 10.0, repeats: int = 3, tell: Callable[[str], None]) -> dict[str, Any]:
    """Return the figures as one record, beside the rate of the calibration kernel; each method learns for `seconds`."""
    figures: dict[str, Any] = {}
    rate = calibration()
    for method, tuples in AFTERSTATES.items():
        tell(f"{WORLD}: {method}, {tuples}")
        figures[f"{method}, {tuples} tuples"] = advance(method, seconds, value_params={"tuples": tuples})
    for method in OPTIMISERS:
        tell(f"{WORLD}: {method}")
        figures[method] = advance(method, min(seconds, 5.0))
    tell(f"{WORLD}: a policy")
    figures["policy, 17x4 tuples"] = evaluations(repeats)
    parts = {"learning": {"calibration": rate, "figures": figures}}
    return {"environment": describe_environment(1), "repeats": repeats, "parts": parts}
