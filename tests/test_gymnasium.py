"""The Gymnasium environments: the checker of Gymnasium itself, and the same rules as the worlds they are made of."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import games.gymnasium_envs  # noqa: F401 (registers)
from games.gymnasium_envs import WorldEnv

ENVS = (
    "gameplan/Game2048-v0",
    "gameplan/Game2048Small-v0",
    "gameplan/Game2048ProAct-v0",
    "gameplan/Sokoban-v0",
    "gameplan/SokobanProAct-v0",
)


@pytest.mark.parametrize("name", ENVS)
@pytest.mark.filterwarnings("ignore:.*render.*", "ignore:.*Overriding environment.*")
def test_the_checker_of_gymnasium_passes(name):
    check_env(gymnasium.make(name).unwrapped, skip_render_check=False)


def test_a_seed_gives_the_same_episode_and_masks_say_what_is_legal():
    def episode(seed):
        env = gymnasium.make("gameplan/Game2048-v0").unwrapped
        observation, info = env.reset(seed=seed)
        rng, seen, total = np.random.default_rng(1), [observation], 0.0
        for _ in range(200):
            action = int(rng.choice(np.flatnonzero(info["action_mask"])))
            before = observation
            observation, reward, ended, truncated, info = env.step(action)
            assert (observation != before).any() and not truncated
            seen.append(observation)
            total += reward
            if ended:
                assert not info["action_mask"].any()
                break
        return np.array(seen), total

    first, again, other = episode(3), episode(3), episode(4)
    assert np.array_equal(first[0], again[0]) and first[1] == again[1]
    assert not np.array_equal(first[0][0], other[0][0]) or first[1] != other[1]


def test_illegal_actions_change_nothing():
    env = WorldEnv("2048-2x2")
    observation, info = env.reset(seed=0)
    for _ in range(30):
        for action in np.flatnonzero(info["action_mask"] == 0):
            same, reward, _, _, info = env.step(int(action))
            assert np.array_equal(same, observation) and reward == 0.0
        if not info["action_mask"].any():
            return
        observation, _, _, _, info = env.step(int(np.flatnonzero(info["action_mask"])[0]))
    raise AssertionError("a 2x2 game lasts less than 30 moves of one kind")


def test_sokoban_shows_its_board_and_is_cut_after_120_steps():
    env = WorldEnv("sokoban", actions="moves", render_mode="ansi")
    observation, info = env.reset(seed=0, options={"instance": 0})
    symbols = dict(zip("# .*$@+", range(7), strict=True))
    rng = np.random.default_rng(0)
    for step in range(1, 121):
        drawn = env.render().splitlines()
        shown = np.zeros_like(observation)
        for r, row in enumerate(drawn):
            for c, symbol in enumerate(row):
                shown[r, c] = symbols[symbol]
        # Cells beyond the walls are drawn as floor and observed as wall.
        assert ((shown == observation) | ((shown == 1) & (observation == 0))).all()
        observation, reward, ended, truncated, info = env.step(int(rng.choice(np.flatnonzero(info["action_mask"]))))
        assert reward in (pytest.approx(-0.1), pytest.approx(0.9), pytest.approx(-1.1)) and not ended
        assert truncated == (step == 120)
