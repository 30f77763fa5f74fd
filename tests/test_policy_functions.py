"""A function in a file of the user's own is a policy."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from games.errors import GameplanError
from games.worlds import load_world
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.episode import play
from workbench.commands.plan import plan

LEFT = "def logits(instance, state, actions):\n    return [-abs(action - 1.0) for action in actions]\n"


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "mine.py"
        path.write_text(text)
        return str(path)

    return write


def ran(*arguments):
    found = CliRunner().invoke(plan, [*arguments, "--json"], standalone_mode=False)
    if found.exception is not None:
        raise found.exception
    return json.loads(found.stdout)


def test_it_plays_by_its_numbers(file):
    instance = load_world("p1", {}).instance(0)
    planner = find_planner(file("import numpy as np\ndef logits(instance, state, actions):\n    return -np.asarray(actions)\n"))
    episode = play(instance, planner, Budget(), seed=0)
    assert episode.actions and all(
        action == min(value.action for value in decision.values)
        for action, decision in zip(episode.actions, episode.decisions, strict=True)
    )
    chances = [value.value for value in episode.decisions[0].values]
    slow = np.exp(-np.array([value.action for value in episode.decisions[0].values], float))
    np.testing.assert_allclose(chances, slow / slow.sum())


def test_the_command_line_takes_it_keeps_it_and_goes_on_only_if_it_is_named(file, tmp_path):
    run, name = str(tmp_path / "run"), file(LEFT)
    record = ran("p1", "--policy", name, "--temperature", "0.5", "--episodes", "2", "--jobs", "1", "--out", run)
    assert record["played"] == 2 and record["planner"].endswith("mine.py")
    assert (tmp_path / "run" / "planner.py").read_text() == LEFT
    with pytest.raises(GameplanError, match="name it again"):
        ran("--resume", run, "--episodes", "3", "--jobs", "1")
    assert ran("--resume", run, "--policy", name, "--episodes", "3", "--jobs", "1")["played"] == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def logits(state):\n    return 0\n", r"logits must be a function of \(instance, state, actions\)"),
        ("def logits(instance, state, actions):\n    return [0.0]\n", r"returns the shape \(1,\); it must be"),
        ("def logits(instance, state, actions):\n    return [float('nan')] * len(actions)\n", "logits must be finite"),
        ("def logits(instance, state, actions):\n    return 1 / 0\n", "mine.py, line 2: logits.. failed: ZeroDivisionError"),
    ],
)
def test_what_is_wrong_is_one_line(file, text, says):
    with pytest.raises(GameplanError, match=says):
        play(load_world("p1", {}).instance(0), find_planner(file(text)), Budget(), seed=0)


def test_a_search_takes_none(file):
    with pytest.raises(Exception, match="mcts cannot use one"):
        ran("p1", "--planner", "mcts", "--policy", file(LEFT))
