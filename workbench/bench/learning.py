"""How fast learning runs here: moves learned by TD learning, turns learned from by policy optimisation, networks; CPU seconds."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from games.params import Value
from games.worlds import load_world
from planners.learning import play
from planners.policies.catalogue import POLICY, make_learned
from planners.policies.policy import settle
from workbench.bench.planning import calibration
from workbench.runs.environment import describe_environment
from workbench.training.config import TrainConfig, load_train, resolve_train

WORLD = "2048"
AFTERSTATES = {"td": "4x6", "tc": "4x6"}
NETWORKS: dict[str, dict[str, Value]] = {"mlp": {"hidden": "64"}, "conv": {"fields": 4, "layers": 8}}  # on a level
LEVELS = "sokoban-rooms"
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
    play.log_chances(policy, world.instance(0).model, (states[:1], offered[:1], counts[:1]), out[:1])
    best = 0.0
    for _ in range(repeats):
        begin = time.process_time()
        play.log_chances(policy, world.instance(0).model, (states, offered, counts), out)
        best = max(best, len(states) / (time.process_time() - begin))
    return {"states_per_second": best}


def network(kind: str, repeats: int) -> dict[str, float]:
    """Return how often a CPU second a network says what it prefers on a level, and learns from one: the best of `repeats`."""
    instance = load_world(LEVELS).instance(0)
    policy, model = make_learned(POLICY, kind, instance, NETWORKS[kind]).record, instance.model
    states, counts = np.repeat(instance.start[None], 500, axis=0), np.full(500, 4)
    offered, out, slopes = np.tile(np.arange(4), (500, 1)), np.empty((500, 4)), np.tile([0.75, -0.25, -0.25, -0.25], (500, 1))

    def learn(count: int) -> None:
        play.push(policy, model, (states[:count], offered[:count], counts[:count]), slopes[:count], 1.0)
        settle(policy, 1e-3)

    def evaluate(count: int) -> None:
        play.log_chances(policy, model, (states[:count], offered[:count], counts[:count]), out[:count])

    found = {}
    for name, work in (("updates_per_second", learn), ("states_per_second", evaluate)):
        work(1)
        spent = []
        for _ in range(repeats):
            begin = time.process_time()
            work(500)
            spent.append(time.process_time() - begin)
        found[name] = 500 / min(spent)
    return found


def count() -> int:
    """Return how many things `run` will tell of."""
    return len(AFTERSTATES) + len(OPTIMISERS) + 1 + len(NETWORKS)


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
    for kind, params in NETWORKS.items():
        tell(f"{LEVELS}: {kind}")
        sizes = "x".join(str(size) for size in params.values())
        figures[f"policy, {kind} {sizes}, {LEVELS}"] = network(kind, repeats)
    parts = {"learning": {"calibration": rate, "figures": figures}}
    return {"environment": describe_environment(1), "repeats": repeats, "parts": parts}
