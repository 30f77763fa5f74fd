"""ProAct's acceptance figures that take many games, and the order of the players.

Its levels are not shipped; with ``GAMEPLAN_PROACT_LEVELS``, their path, what it says of them is checked too.
"""

import os

import numpy as np
import pytest

from games.jit import njit
from games.random import below, stream
from games.worlds import load_world
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.episode import play, step

pytestmark = pytest.mark.slow
PUBLISHED = os.environ.get("GAMEPLAN_PROACT_LEVELS", "")

# Most boxes on goals at once under random actions, a mean of 20,000 episodes for each of the levels 1 to 8.
EXPLICIT = (0.775, 0.713, 0.220, 0.003, 0.101, 0.223, 0.205, 0.020)
MOVES = (0.814, 0.887, 0.379, 0.009, 0.173, 0.363, 0.290, 0.056)


@njit
def most_boxes(model, start, steps, rng, found):
    """Write the most boxes on goals in each of `found`'s episodes of random actions; rewards say what changes (+1, -1, 10 more)."""
    for k in range(len(found)):
        state, boxes = start.copy(), 0.0
        for _ in range(steps):
            reward = step(model, state, below(rng, model.actions), rng) + 0.1
            boxes += reward - 10.0 if reward > 5.0 else reward
            found[k] = max(found[k], np.round(boxes))
            if reward > 5.0:
                break


@pytest.mark.skipif(not PUBLISHED, reason="GAMEPLAN_PROACT_LEVELS does not say where ProAct's levels are")
@pytest.mark.parametrize(("variant", "expected"), [("origin", EXPLICIT), ("action", MOVES)])
def test_random_play_on_the_published_levels(variant, expected):
    n = 4_000
    for number, published in enumerate(expected):
        level = f"{number + 1}-{number + 1}"
        world = load_world("sokoban-proact", {"levels": PUBLISHED, "variant": variant, "check": False, "range": level})
        instance, found = world.instance(0), np.zeros(n)
        most_boxes(instance.model, instance.start, instance.horizon, stream("random boxes", number), found)
        assert abs(found.mean() - published) <= 3 * found.std() * (1 / n + 1 / 20_000) ** 0.5 + 1e-3, (
            number + 1
        )  # 1e-3: three digits


def mean_score(world, planner, settings, count):
    scores = []
    for number in range(count):
        level, seed = (number % len(world), number // len(world)) if len(world) else (number, number)
        episode = play(world.instance(level), find_planner(planner, settings), Budget(), seed=seed)
        scores.append(world.outcome(episode.instance, episode.states, episode.actions, episode.rewards)["score"])
    return float(np.mean(scores))


def test_players_of_2048_are_in_order():
    world = load_world("2048-proact")

    def flat(rollouts, count):
        return mean_score(world, "flat-critic", {"rollouts": rollouts, "horizon": 60, "discount": 0.9}, count)

    few, many = flat(2, 8), flat(20, 16)
    greedy, chance = (mean_score(world, planner, {}, 64) for planner in ("greedy", "random"))
    assert many > 20_000 and many > few > greedy > chance
    if PUBLISHED:  # three minutes more
        assert flat(100, 16) > many


def test_players_of_sokoban_are_in_order():
    world = load_world("sokoban-proact", {"levels": PUBLISHED})
    long, short = (mean_score(world, "flat-critic", {"rollouts": 20, "horizon": steps}, 12) for steps in (200, 20))
    assert mean_score(world, "astar", {}, 6) > max(long, short) > min(long, short) > mean_score(world, "random", {}, 60)
    if PUBLISHED:  # longer rollouts see more of the reward there: 1.38 against 1.11
        assert long > short
