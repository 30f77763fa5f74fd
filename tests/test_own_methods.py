"""Methods of one's own: what is no method, what fails while learning, what users start from, names and values that are not known."""

import re

import pytest

from games.errors import GameplanError, UsageError
from planners.learning.catalogue import find_method
from planners.learning.learner import Diverged
from tests.test_methods import trainer
from workbench.own.begin import METHOD, write_new
from workbench.training.method_tools import check_method_file

WRONG = {
    "no PARAMS": ("OPTIONS = {}\nSAMPLING = 'turns'\ndef advantage(batch, params): return batch.rewards\n", "it has no PARAMS"),
    "sampling": ("PARAMS = OPTIONS = {}\nSAMPLING = 'turn'\ndef advantage(batch, params): return batch.rewards\n", "'turn'"),
    "option": ("PARAMS = {}\nOPTIONS = {'clp': 1.0}\nSAMPLING = 'turns'\ndef advantage(b, p): return b.rewards\n", "'clip'"),
    "need": ("PARAMS = OPTIONS = {}\nNEEDS = ('luck',)\nSAMPLING = 'turns'\ndef advantage(b, p): return b.rewards\n", "'luck'"),
    "need as text": (
        "PARAMS = OPTIONS = {}\nNEEDS = 'value'\nSAMPLING = 'turns'\ndef advantage(b, p): return b.rewards\n",
        "tuple",
    ),
    "option of another type": (
        "PARAMS = {}\nOPTIONS = {'turns': 'x'}\nSAMPLING = 'turns'\ndef advantage(b, p): return b.rewards\n",
        "turns=x",
    ),
    "parameters without names": ("PARAMS = {1: 2}\nOPTIONS = {}\nSAMPLING = 'turns'\nadvantage = print\n", "a dictionary of names"),
    "bounds": (
        "PARAMS = {'a': 1}\nOPTIONS = {}\nBOUNDS = {'b': (0, 1)}\nSAMPLING = 'turns'\ndef advantage(b, p): return b.rewards\n",
        "BOUNDS must be",
    ),
    "learner": ("PARAMS = {}\nlearner = 3\n", "must be a function"),
    "learner without parameters": ("def learner(instance, value, params, seed): ...\n", "it has no PARAMS"),
    "hook": ("PARAMS = OPTIONS = {}\nmask = 3\nSAMPLING = 'turns'\ndef advantage(b, p): return b.rewards\n", "must be a function"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_file_that_is_no_method_is_refused_in_a_line(fault, tmp_path):
    text, word = WRONG[fault]
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(GameplanError, match=word):
        find_method(str(path))


def own(tmp_path, body):
    """Return a trainer with a method of one's own."""
    path = tmp_path / "mine.py"
    path.write_text("import numpy as np\nPARAMS = {}\nOPTIONS = {}\nSAMPLING = 'turns'\n" + body)
    return trainer(str(path))


def test_an_own_method_fails_in_a_line(tmp_path):
    with pytest.raises(GameplanError, match="advantage has the shape"):
        own(tmp_path, "def advantage(batch, params): return np.zeros(3)\n").advance()
    with pytest.raises(Diverged, match="advantage of row 2 is nan in update 1"):
        own(tmp_path, "def advantage(batch, params): return np.where(np.arange(len(batch.at)) < 2, 0.0, np.nan)\n").advance()
    with pytest.raises(Diverged, match="loss of row 0 is inf in update 1"):
        own(tmp_path, "def advantage(batch, params): return batch.rewards\n"
            "def surrogate(ratio, a, batch, params): return np.full(len(a), np.inf), a\n").advance()  # fmt: skip


FAULTY = {
    "np.full(len(batch.at), 1j)": "advantage is of the type complex128",
    "['a'] * len(batch.at)": "advantage is of the type <U1",
    "None": "advantage is of the type object",
    "[[1.0], [2.0, 3.0]]": "advantage is no array",
    "batch.memory.update(text='a') or batch.rewards": r"memory\['text'\] is no array of numbers",
    "batch.ask.learned()[batch.at]": r"add NEEDS = \('value',\)",
    "np.full(len(batch.at), 1e300)": "norm of the gradient is inf in update 1",
    "batch.rewards\ndef surrogate(ratio, a, batch, params): return -a * ratio": "surrogate returned one ndarray",
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("returned", FAULTY)
def test_what_is_no_number_a_row_is_refused_in_a_line(returned, tmp_path):
    with pytest.raises((GameplanError, Diverged), match=FAULTY[returned]):
        own(tmp_path, f"def advantage(batch, params): return {returned}\n").advance()


HARMFUL = {
    "batch.chosen.__setitem__(0, 99) or batch.rewards": "line 6: ValueError: .*read-only",
    "batch.states.fill(0) or batch.rewards": "line 6: ValueError: .*read-only",
    "setattr(batch, 'weight', batch.weight[:1]) or batch.rewards": "weight has the shape",
    "setattr(batch, 'weight', batch.weight * np.nan) or batch.rewards": "weight of row 0 is nan",
    "setattr(batch, 'old', batch.old[:1]) or batch.rewards": None,  # what it calls so is its own
    "batch.rewards.__imul__(2.0)": None,
}


@pytest.mark.parametrize("returned", HARMFUL)
def test_a_method_changes_nothing_that_is_not_its_own(returned, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        f"import numpy as np\nPARAMS = {{}}\nOPTIONS = {{}}\nSAMPLING = 'turns'\ndef advantage(batch, params):\n    return {returned}\n"
    )
    problems = check_method_file(str(path))["problems"]
    assert len(problems) == (HARMFUL[returned] is not None) and re.search(HARMFUL[returned] or "", "".join(problems))


def test_the_method_that_users_start_from_is_one_and_wrong_slopes_are_found(tmp_path):
    path = tmp_path / "mine.py"
    write_new(path, METHOD)
    record = check_method_file(str(path))
    assert record["ok"] and not record["problems"] and record["sampling"] == "groups" and "kl" in record["figures"]
    with pytest.raises(UsageError, match="say --force"):
        write_new(path, METHOD)
    surrogate = "\n\ndef surrogate(ratio, advantage, batch, params):\n    return -advantage * ratio**2, {}\n"
    text = path.read_text()
    path.write_text(text + surrogate.format("-2.0 * advantage * ratio"))
    assert check_method_file(str(path))["ok"]
    path.write_text(text + surrogate.format("-advantage * ratio"))
    (problem,) = check_method_file(str(path))["problems"]
    assert "d loss / d ratio" in problem
    path.write_text(text.replace("np.clip", "np.clipp"))
    (problem,) = check_method_file(str(path))["problems"]
    line = text[: text.index("np.clip")].count("\n") + 1
    assert f"line {line}:" in problem and "clipp" in problem and "\n" not in problem


def test_names_and_values_that_are_not_known_are_refused_with_what_is():
    with pytest.raises(UsageError, match="did you mean 'mc-ppo'"):
        find_method("mc-pp")
    with pytest.raises(UsageError, match=r"has no parameter 'clp'.*did you mean 'clip'"):
        find_method("ppo", {"clp": 1})
    with pytest.raises(UsageError, match="rollouts = 0 is out of range"):
        find_method("mc-ppo", {"rollouts": 0})
    for method, given, told in (
        ("mc-ppo", {"w": 7}, "w = 7.0 is out of range; legal are 0.0 to 1.0"),
        ("ppo", {"discount": 1.5}, "discount = 1.5 is out of range"),
        ("mc-ppo", {"critic_discount": 2}, "critic_discount = 2.0 is out of range"),
        ("mc-ppo", {"environments": 10**11}, "environments = 100000000000 is out of range"),
        ("mc-ppo", {"environments": 10**6, "turns": 10**6}, "1,000,000,000,000 rows|8,000,000,000,000 rows"),
    ):
        with pytest.raises(UsageError, match=told):
            find_method(method, given)
    with pytest.raises(UsageError, match="normaliser=tokens is not possible"):
        find_method("mc-ppo", {"normaliser": "tokens"})


FORM = "PARAMS = {}\nOPTIONS = {}\nSAMPLING = 'turns'\ndef advantage(b, p): return b.rewards\n"
ODD = {
    "def advantage(): return 1\n": "advantage must be a function of 2 arguments",
    "advantage = None\n": "advantage must be a function of 2 arguments",
    "def needs(p): return {}['luck']\n": r"mine\.py, line 5: needs\(\) failed: KeyError: 'luck'",
    "NEEDS = ('planner',)\n": "needs a planner, but its PARAMS do not name one",
    "PARAMS = {'a': float('nan')}\n": "PARAMS has a = nan, which is not finite",
    "PARAMS = {'a': 10**400}\n": "a whole number of more than 30 digits, which does not fit 64 bits",
    "PARAMS = {'a=b': 1}\n": "PARAMS has the name 'a=b'",
    "PARAMS = {'a': 1}; BOUNDS = {'a': ('x', 'y')}\n": "BOUNDS must be",
    "PARAMS = {'a': 1}; BOUNDS = {'a': (2, 0)}\n": "BOUNDS must be",
    "PARAMS = {'a': 'x'}; CHOICES = {'a': ('y',)}\n": "CHOICES must list the default",
    "OPTIONS = {'turns': 10**9}\n": "turns = 1000000000 is out of range",
    "TITLE = 3\n": "TITLE must be a text",
    "x = " + "-" * 100_000 + "1\n": "not valid Python: its parts lie too deep in each other",
    "def learner(i, v, p, s): return 3\n": "it has no updates",
    "def advantage(b, p): b.memory[3] = b.rewards; return b.rewards\n": r"memory\[3\] is no array of numbers",
    "def advantage(b, p): b.memory['a'] = b.rewards.astype('g'); return b.rewards\n": "of at most 64 bits, but of the type",
    "def advantage(b, p): b.memory = 3; return b.rewards\n": "batch.memory is an int",
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("fault", range(len(ODD)))
def test_what_cannot_work_is_told_by_the_check(fault, tmp_path):
    text, told = list(ODD.items())[fault]
    path = tmp_path / "mine.py"
    path.write_text(FORM + text)
    try:
        (said,) = check_method_file(str(path))["problems"]
    except UsageError as error:
        said = str(error)
    assert re.search(told, said) and "\n" not in said


def test_choices_of_a_method_are_kept_and_its_options_are_a_copy(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FORM.replace("return b", "b.options.clear(); return b") + "PARAMS = {'a': 'x'}\nCHOICES = {'a': ('x', 'y')}\n")
    assert check_method_file(str(path))["ok"]
    assert find_method(str(path), {"a": "y"}).method.params == {"a": "y"}
    with pytest.raises(UsageError, match="a=z is not possible"):
        find_method(str(path), {"a": "z"})


def test_what_a_method_remembers_in_a_new_dictionary_is_remembered(tmp_path):
    path = tmp_path / "mine.py"
    body = "    seen = b.memory.get('seen', np.zeros(1))\n    b.memory = {'seen': seen + 1.0}\n    return b.rewards\n"
    path.write_text("import numpy as np\n" + FORM.replace(" return b.rewards\n", "\n" + body))
    learner = trainer(str(path))
    for _ in range(3):
        learner.advance()
    assert learner.state()["memory/seen"] == 3.0


@pytest.mark.filterwarnings("error")
def test_numbers_too_large_to_add_up_are_told_of_without_a_warning(tmp_path):
    with pytest.raises(Diverged, match="norm of the gradient is inf in update 1"):
        own(tmp_path, "def advantage(batch, params): return np.full(len(batch.at), 1e308)\n").advance()
