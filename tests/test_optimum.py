"""The best score that can be had, against play and against a slow computation of it."""

from functools import cache

import numpy as np
import pytest

from games.dispatch import plain
from games.process import apply, chance, legal
from games.worlds import load_world
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.episode import play
from workbench.training.config import TrainConfig
from workbench.training.optimum import optimum
from workbench.training.run import held_out


def test_levels_of_proact_can_all_be_solved():
    """Ceilings of proact.md, section 4.3: 16 boxes on six levels, 2 on each of the other two."""
    world = load_world("sokoban-proact")
    assert optimum(map(world.instance, range(6))) == pytest.approx(16 / 6)
    other = load_world("sokoban-proact", {"variant": "extra"})
    assert optimum(map(other.instance, range(2))) == 2.0
    assert optimum(map(load_world("sokoban-proact", {"range": "1", "horizon": 12}).instance, range(1))) == 2.0
    assert optimum(map(load_world("sokoban-proact", {"range": "1", "horizon": 11}).instance, range(1))) is None


@pytest.mark.parametrize("name", ["p1", "p4", "p5", "kg-walk"])
def test_nobody_has_more_on_graphs_than_exact_play(name):
    world = load_world(name)
    scores = []
    for seed in range(3):
        episode = play(world.instance(seed), find_planner("oracle"), Budget(), seed=seed)
        scores.append(world.outcome(episode.instance, episode.states, episode.actions, episode.rewards)["score"])
    assert optimum(map(world.instance, range(3))) == pytest.approx(np.mean(scores))


def test_the_smallest_board_has_an_expectation():
    world = load_world("2048-2x2")
    model = world.model

    @cache
    def worth(board):
        state, actions, best = np.array([board]), np.zeros(4, np.int64), 0.0
        for action in actions[: plain(legal)(model, state, actions)].tolist():
            after, states, chances = state.copy(), np.zeros((model.outcomes, 1), np.int64), np.zeros(model.outcomes)
            reward = plain(apply)(model, after, action)
            count = plain(chance)(model, after, states, chances)
            best = max(best, reward + sum(chances[k] * worth(int(states[k, 0])) for k in range(count)))
        return best

    instances = [world.instance(k) for k in range(4)]
    assert optimum(instances) == pytest.approx(np.mean([worth(int(i.start[0])) for i in instances]))


def test_where_nobody_knows_there_is_none():
    assert optimum(map(load_world("2048").instance, range(2))) is None
    assert optimum([]) is None
    config = TrainConfig(env="sokoban-proact", method="mc-ppo", episodes=100)
    held = [instance.name for instance in held_out(config, load_world("sokoban-proact"))]
    assert len(held) == 1
