"""What a method of learning needs of a world, checked before anything is learned."""

from typing import Any

import numpy as np

from games.dispatch import plain
from games.errors import UsageError
from games.process import apply, draw, effective, goal, legal
from games.random import stream
from games.world import Instance
from planners.catalogue import find_planner
from planners.learning.catalogue import Found

EPISODES, STEPS = 5, 40  # of random play in which every action is tried


def check_needs(found: Found, instance: Instance, name: str) -> None:
    """Check that the world called `name`, of which `instance` is one, offers what the method needs.

    Raises
    ------
    UsageError
        If it does not, saying what.
    """
    method = found.method
    if "success" in method.needs and not goal.known(instance.model):
        raise UsageError(
            f"{method.name} needs episodes that succeed or fail; {name} has no goals, so choose another method or world"
        )
    if "positive" in method.needs:
        penalty = penalty_in(instance)
        if penalty is not None:
            raise UsageError(
                f"{method.name} needs rewards that are never negative; in {name} the action {penalty[0]} can earn {penalty[1]:g}, "
                "so choose another method or world"
            )
    if "planner" in method.needs:
        _check_planner(found, instance, name)
    if method.sampling == "episodes" and instance.horizon is None and not instance.model.outcomes:
        raise UsageError(
            f"{method.name} plays whole episodes, and those of {name} need never end; choose a method that learns from single "
            "turns, such as step-ppo, or a world with a horizon"
        )


def penalty_in(instance: Instance) -> tuple[str, float] | None:
    """Return (name of an action, its negative reward), found by trying all actions along some random play; None without one.

    What this does not find, the trainer does when it meets it.
    """
    model, world = instance.model, instance.world
    tried, useful = np.zeros(model.actions, np.int64), np.zeros(model.actions, np.int64)
    try_, move, list_, able, chance = map(plain, (_reward, apply, legal, effective, draw))
    for episode in range(EPISODES):
        rng, state = np.random.default_rng(episode), instance.start.copy()
        words = stream("penalty", episode)
        for _ in range(STEPS):
            for action in tried[: list_(model, state, tried)].tolist():
                reward = float(try_(model, state, action))
                if reward < 0.0:
                    return (str(action) if world is None else world.action_name(instance, state, action)), reward
            count = able(model, state, useful)
            if count == 0 or plain(goal)(model, state):
                break
            move(model, state, int(useful[rng.integers(count)]))
            chance(model, state, words)
    return None


def _reward(model: Any, state: np.ndarray, action: int) -> Any:
    return apply(model, state.copy(), action)


def _check_planner(found: Found, instance: Instance, name: str) -> None:
    planner = str(found.method.params["planner"])
    try:
        find_planner(planner, None, found.method.teacher).begin(instance, stream("needs"))
    except UsageError as error:
        raise UsageError(f"{found.method.name} cannot ask planner={planner} in {name}: {error}") from error
