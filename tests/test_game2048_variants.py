"""2048 in its variants: other tiles, ProAct's rules and observations, boards as text, options."""

import numpy as np
import pytest

from games.errors import UsageError
from games.game2048.model import FORMAT_ERROR, make_model
from games.jit import njit
from games.process import draw, terminal
from games.random import stream
from games.worlds import load_world
from tests.test_game2048 import apply_once, list_chance, play_games


def test_3072_is_2048_in_other_tiles():
    two, three = load_world("2048"), load_world("3072")
    games = [play_games(world.model, np.zeros(1, np.int64), stream("same"), 50) for world in (two, three)]
    assert (games[1][:, 0] == 1.5 * games[0][:, 0]).all() and (games[1][:, 2] == games[0][:, 2]).all()
    for seed in range(20):
        start = two.instance(seed).start
        assert (three.instance(seed).start == start).all()
        assert (2 * three.tiles(start) == 3 * two.tiles(start)).all()
        assert sorted(two.tiles(start).ravel())[-3] == 0 < sorted(two.tiles(start).ravel())[-2]


def test_proact_rewards_and_the_end():
    world = load_world("2048-proact")
    instance, rng = world.instance(0), stream("proact")
    states, actions, rewards = [world.read("2 2 . ./. . . ./. . . ./. . . .")], [], []

    def act(answer):
        state, action = states[-1].copy(), world.action(answer)
        rewards.append(apply_once(world.model, state, action))
        draw_once(world.model, state, rng)
        states.append(state)
        actions.append(action)

    act("up")  # nothing to move up
    act("push left")  # not a word of the game
    assert rewards == [-1.0, -10.0] and states[-1].tolist() == [states[0][0], 2]
    act("left")
    assert rewards[-1] == 4.0 and states[-1][1] == 0 and (world.tiles(states[-1]) > 0).sum() == 2
    act("left" if world.tiles(states[-1])[0, 0] == 0 else "right")
    for answer in ["up?"] * 9:
        act(answer)
    assert not terminal_once(world.model, states[-1])
    act("up?")
    assert terminal_once(world.model, states[-1])
    outcome = world.outcome(instance, states, actions, rewards)
    assert outcome["score"] == sum(reward for reward in rewards if reward > 0.0) >= 4.0
    assert (outcome["illegal"], outcome["format_errors"], outcome["moves"]) == (1, 11, 14)
    assert outcome["solved"] is False and instance.horizon == 10_000
    assert [world.action(name) for name in ("up", "down", "left", "right")] == [0, 1, 2, 3]
    assert world.action_name(instance, states[0], FORMAT_ERROR) == "format error"
    chances, probabilities = np.zeros((32, 2), np.int64), np.zeros(32)
    assert list_chance(world.model, states[-1], chances, probabilities) == 1
    assert (chances[0] == states[-1]).all() and probabilities[0] == 1.0


@njit
def draw_once(model, state, rng):
    draw(model, state, rng)


@njit
def terminal_once(model, state):
    return terminal(model, state)


def test_proact_observation():
    world = load_world("2048-proact")
    state = world.read("2 16 4 16/2 128 64 4/8 16 8 2/4 4 . 1024")
    assert world.observation(state) == (
        r"{'board': '[    2    16     4    16]\n[    2   128    64     4]\n[    8    16     8     2]\n[    4     4     .  1024]'}"
    )
    small = load_world("2048-3x3-proact")
    assert small.observation(small.read("2 . ./. 4 ./. . .")).count(r"\n") == 2


def test_boards_as_text():
    world = load_world("3072")
    text = "   3    6   12   24\n   . 3072    .    .\n   .    .    .    .\n   .    . 49152    ."
    state = world.read(text)
    assert world.tiles(state).max() == 49152
    shown = world.text(world.instance(0), state)
    assert (world.read(shown) == state).all() and "3072" in shown
    assert (world.read("3,6,12,24/0 3072 0 0/0 0 0 0/. . 49152 .") == state).all()
    for wrong, what in (("3 6", "1x2"), ("3 6 12 24/" * 3 + "3 6 12", "4x3x4"), (text.replace("24", "25"), "25"), ("x", "'x'")):
        with pytest.raises(UsageError, match=what):
            world.read(wrong)


def test_options_and_outcome():
    for given in ({"rows": 5}, {"columns": 1}, {"base": 4}, {"target": 2047}, {"horizon": -1}, {"rules": "other"}):
        with pytest.raises(UsageError, match=next(iter(given))):
            load_world("2048", given)
    world = load_world("2048", {"target": 64})
    instance = world.instance(3)
    assert instance.world is world and instance.horizon is None and len(world) == 0
    with pytest.raises(UsageError, match="seeds count from 0"):
        world.instance(-1)
    outcome = world.outcome(instance, [instance.start, world.read("64 2 . ./. . . ./. . . ./. . . .")], [3], [64.0])
    assert outcome == {"score": 64.0, "solved": True, "max_tile": 64, "moves": 1}
    assert load_world("2048-3x3").outcome(instance, [instance.start], [], [])["solved"] is None
    assert make_model(4, 4, 2, False) == load_world("2048").model
    with pytest.raises(UsageError, match="no action 'west'"):
        world.action("west")
