"""Environments of Gymnasium as worlds: states are saved and restored, chance is drawn, and what cannot be so is refused."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import cli
from games.errors import GameplanError, UsageError
from games.random import stream
from games.simulator import Simulator
from games.worlds import load_world
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.episode import play
from workbench.testing.worlds import WorldSuite

gymnasium = pytest.importorskip("gymnasium")


class Counter(gymnasium.Env):
    """Counts up to 5 by 1 or 2; `kind` says what is wrong with it."""

    seen = 0
    observation_space = gymnasium.spaces.Discrete(100)

    def __init__(self, kind="right"):
        self.kind = kind
        self.action_space = gymnasium.spaces.Box(0, 1) if kind == "continuous" else gymnasium.spaces.Discrete(2, start=1)
        self.lock = (n for n in range(9)) if kind == "generator" else [2]  # a generator cannot be copied

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.count = [0]
        return 0, {}

    def step(self, action):
        Counter.seen += 1
        self.count[0] += int(action)
        if self.kind == "chance":
            self.count[0] += int(self.np_random.integers(2))
        seen = Counter.seen if self.kind == "hidden" else self.count[0]
        return seen, float(action), self.count[0] >= 5, False, {}


class Chance(Counter):
    def __init__(self, kind="chance"):
        super().__init__("right")
        self.kind = kind


class Remembering(gymnasium.Wrapper):
    @classmethod
    def wrapper_spec(cls, **kwargs):
        return gymnasium.envs.registration.WrapperSpec(cls.class_name(), f"{__name__}:Remembering", kwargs)


for name, entry, more in (
    ("Counter-v0", Counter, {}),
    ("Chance-v0", Chance, {}),
    ("Wrapped-v0", Counter, {"additional_wrappers": (Remembering.wrapper_spec(),)}),
):
    gymnasium.register(f"gameplan-test/{name}", entry, **more)


class TestFrozenLake(WorldSuite):
    world = "gymnasium:FrozenLake-v1"
    options = {"is_slippery": False}


def test_chance_is_drawn_and_rewards_are_those_of_the_environment():
    world = load_world("gymnasium:gameplan-test/Chance-v0")
    instance = world.instance(0)
    assert instance.model.outcomes
    returns = set()
    for seed in range(20):
        episode = play(instance, find_planner("random"), Budget(), seed=seed)
        returns.add(sum(episode.rewards))
        paid, actions = episode.rewards[1:], episode.actions[:-1]
        assert paid == [world._simulator.first + action for action in actions], "a reward is paid one action later"
        assert episode.rewards[0] == 0.0 and world.action_name(instance, episode.states[-2], 0) == "end"
        again = play(world.instance(0), find_planner("random"), Budget(), seed=seed)
        assert again.rewards == episode.rewards and again.actions == episode.actions
    assert len(returns) > 2
    with pytest.raises(UsageError, match="does not list it"):
        play(instance, find_planner("expectimax"), Budget())


def test_the_real_environment_goes_the_way_that_was_planned():
    world = load_world("gymnasium:FrozenLake-v1", {"is_slippery": False})
    episode = play(world.instance(3), find_planner("mcts"), Budget(simulations=150), seed=1)
    env = gymnasium.make("FrozenLake-v1", is_slippery=False)
    env.reset(seed=3)
    steps = [env.step(action) for action in episode.actions]
    assert [step[1] for step in steps] == episode.rewards and steps[-1][2]
    shown = world.text(episode.instance, episode.states[-1])
    assert shown.count("[") == 1 and "\x1b" not in shown


def test_states_keep_apart_and_are_found_again():
    model = load_world("gymnasium:gameplan-test/Counter-v0").instance(0).model
    rng, start = stream("test"), np.array([model.start])
    first, second = start.copy(), start.copy()
    assert [model.apply(first, a) for a in (0, 1)] == [1.0, 2.0] and [model.apply(second, a) for a in (1, 0)] == [2.0, 1.0]
    model.draw(first, rng)
    assert first[0] == second[0] and model.moment(start).observation == 0 and not model.outcomes


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gameplan-test/Counter-v0", {"kind": "hidden"}, "two outcomes"),
        ("gameplan-test/Counter-v0", {"kind": "generator"}, "cannot be copied"),
        ("gameplan-test/Counter-v0", {"kind": "continuous"}, "discrete"),
        ("gameplan-test/Counter-v0", {"kindd": "x"}, "did you mean 'kind'"),
        ("gameplan-test/Counter-v0", {"chance": "mabye"}, "auto, yes, no"),
        ("gameplan-test/Wrapped-v0", {}, "wrappers"),
        ("FrozenLak-v1", {}, "FrozenLake"),
        ("tests.test_gymnasium_worlds:Counter-v0", {}, "is no environment"),
    ],
)
def test_what_cannot_be_planned_in_is_refused_in_one_line(name, options, message):
    with pytest.raises(GameplanError, match=message) as caught:
        load_world(f"gymnasium:{name}", options)
    assert "\n" not in str(caught.value)


def test_commands_take_it_and_runs_come_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    invoke = lambda *words: CliRunner().invoke(cli.cli, list(words), standalone_mode=False)  # noqa: E731
    name = "gymnasium:gameplan-test/Chance-v0"
    first = invoke("plan", name, "--planner", "mcts", "--simulations", "20", "--episodes", "2", "--out", "run", "--json")
    assert first.exception is None and json.loads(first.stdout)["played"] == 2, first
    assert invoke("plan", "--repeat", "run", "--out", "again").exception is None
    assert (tmp_path / "run/episodes.jsonl").read_bytes() == (tmp_path / "again/episodes.jsonl").read_bytes()
    shown = invoke("replay", "run")
    assert shown.exception is None and "-> end" in shown.stdout
    learned = invoke("train", name, "--method", "reinforce", "--updates", "2", "--episodes", "2", "--out", "learned")
    assert learned.exception is None, learned
    assert invoke("games", name).exception is None and invoke("games", "gymnasium:Nothing-v0").exit_code


ODD_STEPS = {
    "nan": (float("nan"), "pays nan; rewards must be finite"),
    "inf": (float("inf"), "pays inf; rewards must be finite"),
    "huge": (1e308, "pays 1e\\+308; rewards must be finite"),
    "text": ("much", "fails in a step: ValueError"),
    "exit": (SystemExit(0), "fails in a step: SystemExit: 0"),
}


class Odd(Counter):
    def __init__(self, reward=0.0):
        super().__init__()
        self.reward = reward

    def step(self, action):
        found = super().step(action)
        if isinstance(self.reward, BaseException):
            raise self.reward
        return found[0], self.reward, *found[2:]


@pytest.mark.parametrize("odd", ODD_STEPS)
def test_rewards_that_are_no_numbers_and_steps_that_end_the_process_are_told_of(odd):
    reward, told = ODD_STEPS[odd]
    with pytest.raises(GameplanError, match=told):
        Simulator("odd", Odd(reward)).try_out()
