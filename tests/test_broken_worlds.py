"""Worlds of one's own that give what cannot be used: one line that names the value, from the command and from Python alike."""

from pathlib import Path

import numpy as np
import pytest

import cli
import workbench as gp
from games.errors import GameplanError
from games.python_model import PythonModel
from workbench.own.check import check_world

WORLD = '''"""Take 1 or 2 from a number.

Parameters
----------
start : the number at the beginning; at least 1
"""

from games.model_world import ModelWorld

OPTIONS = {"start": 3}


class Model:
    def legal(self, n):
        return [k for k in (1, 2) if k <= n]

    def step(self, n, k):
        return n - k, 1.0


class Mine(ModelWorld):
    pass


def make(name, start):
    return Mine(name, Model(), start, actions=2, outcomes=OUTCOMES, horizon=5)


OUTCOMES = 0
'''
WRONG = {  # what is put at the end of the file: what the message says
    "Model.step = lambda self, n, k: (n - k, '1')": "step() of the model returns '1' as the reward; it must be a number",
    "Model.step = lambda self, n, k: (n - k, None)": "step() of the model returns None as the reward; it must be a number",
    "Model.step = lambda self, n, k: (n - k, 1j)": "step() of the model returns 1j as the reward; it must be a number",
    "Model.step = lambda self, n, k: n - k": "step() of the model returns 1; it must be a state and a reward",
    "Model.step = lambda self, n, k: ([n - k], 1.0)": "[1] cannot be a state",
    "Model.legal = lambda self, n: None": "legal() of the model returns None; it must be a list of the legal actions",
    "Model.legal = lambda self, n: [[1]]": "[1] cannot be an action",
    "Model.legal = lambda self, n: list(range(n * 9))": "27 actions are legal in 3; the model was made for 2",
    "import itertools\nModel.legal = lambda self, n: itertools.count(1)": "3 actions are legal in 3; the model was made for 2",
    "Model.goal = lambda self, n: 'no'": "goal() of the model returns 'no'; it must be True or False",
    "Model.score = lambda self, n, k, m, r: None": "score() of the model returns None; it must be a number",
    "Model.chance = lambda self, n: 7\nOUTCOMES = 2": "chance() of the model returns 7; it must be a list of the outcomes",
    "Model.chance = lambda self, n: [n]\nOUTCOMES = 2": "it must be pairs of a probability and a state",
    "Model.chance = lambda self, n: [(0.2, n)] * 5\nOUTCOMES = 2": "5 outcomes of chance are listed in 1; the model was made for 1 to 2",
    "def bad(self, n): raise SystemExit(0)\nModel.legal = bad": "SystemExit",
}  # fmt: skip


def written(folder: Path, more: str = "") -> str:
    path = folder / "mine.py"
    path.write_text(f"{WORLD}{more}\n")
    return str(path)


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Return exit code and what a command says on stderr."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr("sys.argv", ["gameplan", *arguments])
        cli.main()
    return int(stop.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize("more", WRONG)
def test_what_a_model_gives_is_checked_where_it_is_taken(more, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GameplanError) as error:
        gp.plan(written(tmp_path, more), "greedy", episodes=1)
    assert WRONG[more] in str(error.value) and "\n" not in str(error.value)


def test_a_potential_may_be_left_out_and_who_asks_for_it_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = written(tmp_path)
    assert check_world(name, {})["ok"]
    assert gp.plan(name, "greedy", episodes=1).scores == (3.0,)
    with pytest.raises(GameplanError, match=r"mine\.py: it does not say how good a state looks.*potential\(root, state\)"):
        gp.plan(name, "greedy-value", episodes=1)


@pytest.mark.parametrize("how", ["raise KeyError('x')", "raise SystemExit(0)"])
@pytest.mark.parametrize(
    "command", [("games",), ("critic", "-m", "5"), ("plan", "--planner", "random", "--episodes", "1", "--render")]
)
def test_what_comes_out_of_a_world_is_told_with_its_line(how, command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, f"def bad(self, instance, state):\n    {how}\nMine.text = bad")
    code, said = asked(capsys, command[0], "./mine.py", *command[1:])
    last = said.splitlines()[-1]
    assert code == 1 and last.startswith("gameplan: ") and "mine.py, line 31: " in last and "unexpected" not in last, said


def test_what_comes_out_of_a_world_is_told_by_python_too(tmp_path):
    name = written(tmp_path, "def bad(self, instance, state):\n    raise KeyError('x')\nMine.text = bad")
    with pytest.raises(GameplanError, match=r"mine\.py, line 31: KeyError: 'x'"):
        gp.critic(name, rollouts=5)


def test_a_world_whose_episodes_are_over_at_once_is_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "Model.goal = lambda self, n: True")
    code, said = asked(
        capsys, "compare", "./mine.py", "--planners", "greedy,random", "--episodes", "2", "--out", "out", "--jobs", "1"
    )
    assert code == 0 and (tmp_path / "out/figure.png").exists(), said


def test_a_model_may_give_numbers_and_truths_of_other_kinds():
    class Model:
        def legal(self, n):
            return (k for k in np.array([1, 2]) if k <= n)

        def step(self, n, k):
            return n - int(k), np.float32(2)

        def goal(self, n):
            return np.bool_(n == 0)

        def distance(self, n):
            return float("inf")

    model = PythonModel(Model(), actions=2)
    state, actions = model.state(3), np.zeros(2, np.int64)
    assert model.legal(state, actions) == 2 and model.apply(state, int(actions[0])) == 2.0
    assert model.goal(state) is False and model.distance(state) == np.inf


@pytest.mark.parametrize("score", ["np.ones(1)", "None", "'1'", "float('nan')", "1j"])
def test_an_outcome_that_no_run_can_keep_is_refused(score, tmp_path):
    more = f"import numpy as np\nMine.outcome = lambda self, i, s, a, r: {{'score': {score}, 'solved': None}}"
    with pytest.raises(GameplanError, match=r"outcome\(\) of the world mine returns what no run can keep: .*a finite score"):
        gp.plan(written(tmp_path, more), "random", episodes=1)


def test_a_world_of_no_whole_number_of_instances_is_refused(tmp_path):
    with pytest.raises(GameplanError, match=r"len\(\) failed: TypeError"):
        gp.plan(written(tmp_path, "Mine.__len__ = lambda self: 1e308"), "random", episodes=1)
