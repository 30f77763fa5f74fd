"""The seam between worlds and planners: operations, random streams, budgets, and kernels run without numba."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from games import process
from games.dispatch import plain
from games.jit import njit
from games.process import apply, draw, key, legal, terminal
from games.python_model import PythonModel
from games.random import below, normal, stream, unit
from games.world import Instance
from planners.budget import Budget, new_cost
from planners.episode import play
from planners.parts.table import find, insert, new_table
from planners.planner import Decision


class Bits(NamedTuple):
    width: int
    actions: int
    outcomes: int
    length: int


@legal.of(Bits)
def _legal(model, state, actions):
    if state[0] >= model.length:
        return 0
    actions[0], actions[1] = 0, 1
    return 2


@apply.of(Bits)
def _apply(model, state, action):
    state[0] += 1
    state[1] = 2 * state[1] + action
    return float(action)


class Words:
    """The same process in Python: states are texts."""

    def legal(self, state):
        return [] if len(state) >= 20 else ["a", "b"]

    def step(self, state, action):
        return state + action, float(action == "b")


@njit
def wander(model, start, rng, episodes):
    total, mixed = 0.0, np.uint64(0)
    actions, state = np.empty(model.actions, np.int64), start.copy()
    for _ in range(episodes):
        state[:] = start
        while not terminal(model, state):
            count = legal(model, state, actions)
            total += apply(model, state, actions[below(rng, count)])
            draw(model, state, rng)
        mixed ^= key(model, state)
    return total, mixed


def test_one_kernel_runs_compiled_plain_and_on_python_models():
    model, start = Bits(2, 2, 0, 20), np.zeros(2, np.int64)
    compiled = wander(model, start, stream("test", 1), 30)
    assert plain(wander)(model, start, stream("test", 1), 30) == compiled
    words = PythonModel(Words())
    assert plain(wander)(words, words.state(""), stream("test", 1), 30)[0] == compiled[0]
    assert 200 < compiled[0] < 400


@njit
def sample(rng, n, count):
    counts, units, normals = np.zeros(n, np.int64), np.empty(count), np.empty(count)
    for k in range(count):
        counts[below(rng, n)] += 1
        units[k] = unit(rng)
        normals[k] = normal(rng)
    return counts, units, normals


def test_streams_are_uniform_and_named():
    counts, units, normals = sample(stream("s", 3), 7, 70_000)
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 22.5  # chi-squared, 6 degrees of freedom: 0.1 % beyond
    assert units.min() >= 0.0 and units.max() < 1.0
    assert abs(units.mean() - 0.5) < 5 * 0.2887 / 70_000**0.5
    assert abs(normals.mean()) < 5 / 70_000**0.5 and abs(normals.std() - 1.0) < 5 / (2 * 70_000) ** 0.5
    assert (stream("s", 3) == stream("s", 3)).all()
    assert (stream("s", 3) != stream("s", "3")).any() and (stream("s", 3) != stream("s3")).any()


def test_xoshiro_has_the_published_first_words():
    # The reference generator of its authors, started from the state 1, 2, 3, 4.
    from games.random import next_word

    rng = np.array([1, 2, 3, 4], np.uint64)
    assert [int(next_word(rng)) for _ in range(4)] == [11520, 0, 1509978240, 1215971899390074240]


def test_table_finds_what_was_put_in():
    keys, slots = new_table(1000)
    rng = np.random.default_rng(0)
    entries = rng.integers(0, 2**63, 1000).astype(np.uint64) & ~np.uint64(0xFF0)  # many collisions
    for number, entry in enumerate(dict.fromkeys(entries.tolist())):
        place = find(keys, slots, np.uint64(entry))
        assert slots[place] == -1
        insert(keys, slots, place, np.uint64(entry), number)
    for number, entry in enumerate(dict.fromkeys(entries.tolist())):
        assert slots[find(keys, slots, np.uint64(entry))] == number


class Coin:
    """A planner that decides by its own stream."""

    name = "coin"

    def begin(self, instance, rng):
        self.rng = rng

    def decide(self, state, steps_left, budget):
        return Decision(below(self.rng, 2), new_cost())


def test_episodes_of_compiled_and_python_models_are_the_same():
    words = PythonModel(Words())
    compiled = play(Instance("bits", 0, Bits(2, 2, 0, 20), np.zeros(2, np.int64)), Coin(), Budget(), seed=5)
    python = play(Instance("bits", 0, words, words.state("")), Coin(), Budget(), seed=5)
    assert compiled.rewards == python.rewards and len(compiled.actions) == 20 and compiled.status == "ended"
    assert words.value(python.states[-1]) == "".join("ab"[a] for a in compiled.actions)
    cut = play(Instance("bits", 0, Bits(2, 2, 0, 20), np.zeros(2, np.int64)), Coin(), Budget(), seed=5, steps=7)
    assert cut.actions == compiled.actions[:7] and cut.status == "cut"


TOP = Path(__file__).parent.parent


def test_the_table_of_operations_is_what_the_code_says():
    tree = ast.parse(Path(process.__file__).read_text())
    defaults = {
        node.name: node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any(getattr(mark, "id", "") == "operation" for mark in node.decorator_list)
    }
    table = [re.split(r" {2,}", row.strip()) for row in re.split(r"\n=[= ]*\n", process.__doc__)[2].splitlines()]
    assert [name for name, _, _ in table] == list(defaults)
    callers = {  # a module or an operation: the operations that it calls
        ".".join(path.relative_to(TOP / "planners").with_suffix("").parts): called(tree) & imported(tree)
        for path in (TOP / "planners").rglob("*.py")
        for tree in [ast.parse(path.read_text())]
    } | {name: called(default) for name, default in defaults.items()}
    for name, default, users in table:
        assert default == (said(defaults[name]) or default), name
        found = {caller for caller, names in callers.items() if name in names}
        for user in [] if users == "everybody" else users.split(", "):
            covered = {caller for caller in found if caller == user or caller.startswith(f"{user}.")}
            assert covered, f"{user} does not call {name}"
            found -= covered
        assert users == "everybody" or not found, f"the row of {name} does not name {found}"


def imported(tree):
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "games.process"]
    return {name.name for node in found for name in node.names}


def called(tree):
    return {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


def said(default):
    """Return what the table must say of a default that is a word, a number or another operation; None where it may choose."""
    end = default.body[-1]
    if isinstance(end, ast.Raise):
        return "none"
    if not isinstance(end, ast.Return):
        return "nothing"
    value = end.value
    if len(default.body) > 2 or isinstance(value, ast.IfExp | ast.Compare | ast.Name):
        return None
    if isinstance(value, ast.Call):
        return value.func.id if isinstance(value.func, ast.Name) else None
    numbers = ast.literal_eval(value)
    if numbers is None:
        return "nothing"
    return "no" if numbers is False else ", ".join(f"{n:g}" for n in np.atleast_1d(numbers))
