"""The tasks psro, h2048 and sokoban-h as plain functions: programs, answers and their checks, fingerprints, known results."""

import numpy as np
import pytest

from games.game2048.heuristic import LINES
from games.loader import load_game
from games.sokoban.weighed import weighed
from planners.budget import Budget, new_cost
from planners.search.best_first_search import SOLVED, Search, Way
from planners.search.expectimax_2048 import NO_LIMIT, new_memory, play_game, reach_of
from solvers.exploitability import Evaluator
from workbench.catalogue.algorithms import find_algorithm
from workbench.discovery.books.records import OK, Job, Trial
from workbench.discovery.genome.canonical import with_constants
from workbench.discovery.isolation import examine, measure
from workbench.discovery.isolation.source import is_inert
from workbench.discovery.task import BadAnswer, find_task
from workbench.discovery.tasks.psro.behaviour import shortened
from workbench.discovery.tasks.sokoban_h import levels

PSRO, GAME, SOKOBAN = find_task("psro"), find_task("h2048"), find_task("sokoban-h")
TASKS = pytest.mark.parametrize("task", [PSRO, GAME, SOKOBAN], ids=lambda task: task.name)
SMALL = {"psro": ("kuhn_2p", 3), "h2048": ("1-ply", 5), "sokoban-h": ("small", 100)}


def answer(task, source, instance, horizon):
    structure, constants = task.split(source)
    return task.run(task.prepare(structure), constants, instance, horizon, 0)


def cost(task, source, instance, horizon):
    return task.score(instance, horizon, 0, answer(task, source, instance, horizon))


@TASKS
def test_seeds_are_programs_in_normal_form_that_differ(task):
    programs = {**task.seeds(), **task.known()}
    assert next(iter(task.seeds())) == {"psro": "uniform", "h2048": "empty", "sokoban-h": "nearest"}[task.name]
    prints = {}
    for name, source in programs.items():
        assert task.problems(source) == [], name
        normal = task.canonical(source)
        assert task.canonical(normal) == normal and task.problems(normal) == []
        structure, constants = task.split(source)
        assert is_inert(structure) and with_constants(structure, constants) == with_constants(source, constants)
        behaviour = task.fingerprint(source)
        assert behaviour.dtype == np.float64 and np.isfinite(behaviour).all()
        np.testing.assert_array_equal(task.fingerprint(normal), behaviour)
        prints[name] = behaviour
    for a in prints:
        for b in prints:
            assert a == b or not np.allclose(prints[a], prints[b], rtol=1e-6), (a, b)
    assert task.description and all(f"def {name}(" in source for name in task.grammar.functions for source in programs.values())


@pytest.mark.slow
@pytest.mark.parametrize("task", [GAME, SOKOBAN], ids=lambda task: task.name)
def test_seeds_run_and_score(task):
    task.warm([SMALL[task.name][0]])
    found = {name: cost(task, source, *SMALL[task.name]) for name, source in task.seeds().items()}
    assert all(0.0 < value < np.inf for value in found.values())
    again = {name: cost(task, source, *SMALL[task.name]) for name, source in task.seeds().items()}
    assert found == again
    best = {"h2048": "pairs", "sokoban-h": "matching"}[task.name]
    assert found[best] < 0.5 * next(iter(found.values()))


VOCABULARY = [
    (GAME, "empty", "abs(here - beside)", "safe_sqrt(here - beside)"),
    (SOKOBAN, "nearest", "params.weight * nearest", "safe_power(nearest, params.weight)"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("task", "name", "old", "new"), VOCABULARY)
def test_locked_programs_have_the_vocabulary(task, name, old, new):
    word = new[new.index("safe") : new.index("(", new.index("safe"))]
    source = (
        task.seeds()[name]
        .replace(old, new)
        .replace("import ", f"import {word}, ", 2)
        .replace(f"import {word}, numpy", "import numpy")
    )
    assert old not in source and task.problems(source) == []
    job = Job(task.name, source, (Trial(*SMALL[task.name]),))
    assert examine(job).status == OK
    outcome = measure(job)
    assert outcome.status == OK, outcome.reason
    assert outcome.values == (cost(task, source, *SMALL[task.name]),)


@pytest.mark.slow
def test_a_meta_solver_runs_and_scores():  # compiling each takes seconds; all have a fingerprint above
    assert 0.0 < cost(PSRO, PSRO.seeds()["uniform"], "kuhn_2p", 3) < 0.5


@pytest.mark.slow
def test_shor_is_worth_what_the_shipped_solver_is_and_constants_need_no_compiling():
    structure, constants = PSRO.split(PSRO.known()["shor"])
    program = PSRO.prepare(structure)
    compiled = [len(getattr(program.module, name).overloads) for name in ("train", "evaluate")]
    for instance, n in (("kuhn_2p", 6), ("kuhn_3p", 4)):
        found = PSRO.run(program, constants, instance, n, 0)
        solver = find_algorithm("shor-psro", {}, n).make(load_game(instance), alternating=True)
        solver.advance(n)
        np.testing.assert_array_equal(found["policy"], solver.average_policy())
        assert PSRO.score(instance, n, 0, found) == Evaluator(load_game(instance))(solver.average_policy()).exploitability
    other = PSRO.run(program, {**constants, "eval.temperature": 0.5, "eval.blend": 0.5}, "kuhn_2p", 6, 0)
    assert np.abs(other["policy"] - PSRO.run(program, constants, "kuhn_2p", 6, 0)["policy"]).max() > 1e-3
    assert compiled == [1, 1] == [len(getattr(program.module, name).overloads) for name in ("train", "evaluate")]


PUBLISHED = """
import numpy as np

def hybrid(tensors, steps, blend, temperature, momentum, diversity, averaging):
    players = len(tensors)
    s = [np.full(n, 1.0 / n) for n in tensors[0].shape]
    C, G, total = [[np.zeros(len(x)) for x in s] for _ in range(3)]
    for _ in range(steps):
        for p in range(players):
            v = np.moveaxis(tensors[p], p, 0)
            for other in reversed([q for q in range(players) if q != p]):
                v = v @ s[other]
            c = v - v.mean()
            u = (1 + momentum) * c - momentum * G[p] + diversity * (1 - s[p])
            size = np.abs(u).max()
            C[p] = np.maximum(0, C[p] + (u / size if size > 1e-8 else u))
            o = C[p] / C[p].sum() if C[p].sum() > 1e-12 else np.full(len(u), 1 / len(u))
            e = np.exp((v - v.max()) / temperature)
            s[p] = (1 - blend) * o + blend * e / e.sum()
            G[p] = c
            total[p] = total[p] + s[p]
    return total if averaging else s

class TrainMetaStrategySolver:
    def __init__(self):
        self.calls = 0

    def get_meta_strategy(self, game, policy_sets, meta_games):
        self.calls += 1
        q = min(1.0, self.calls / 75)
        steps = min(1000 + 20 * (len(policy_sets[0]) - 1), 5000)
        return hybrid(meta_games, steps, 0.3 - 0.25 * q, 0.5 - 0.49 * q, 0.5, 0.05 - 0.049 * q, True)

class EvalMetaStrategySolver:
    def get_meta_strategy(self, game, policy_sets, meta_games):
        return hybrid(meta_games, min(8000 + 50 * (len(policy_sets[0]) - 1), 15000), 0.01, 0.001, 0.2, 0.0, False)
"""


@pytest.mark.slow
def test_shor_in_the_published_class_form_is_worth_what_the_shipped_rule_is():
    assert PSRO.problems(PUBLISHED) == [] and not is_inert(PUBLISHED)
    program = PSRO.prepare(PUBLISHED)
    solver = find_algorithm("shor-psro", {}, 3).make(load_game("kuhn_2p"), alternating=True)
    solver.advance(3)
    expected = Evaluator(solver.game)(solver.average_policy()).exploitability
    for _ in range(2):  # the second run starts with fresh instances
        found = PSRO.score("kuhn_2p", 3, 0, PSRO.run(program, {}, "kuhn_2p", 3, 0))
        assert found == pytest.approx(expected, rel=1e-6)
    assert np.isfinite(PSRO.fingerprint(PUBLISHED)).all()


def test_trials_of_meta_solvers_load_no_games(monkeypatch):
    """A locked process reads no cache: what it does not have already it would have to walk anew."""
    source = PSRO.known()["uniform"]
    first = PSRO.run(PSRO.prepare(source), {}, "kuhn_2p", 2, 0)
    monkeypatch.setattr("games.cache.load", lambda key: pytest.fail("a game is loaded"))
    again = PSRO.run(PSRO.prepare(source), {}, "kuhn_2p", 2, 0)
    assert (again["policy"] == first["policy"]).all()


def psro_program(train, state="{}"):
    return f"""
import numpy as np
TRAIN = {{}}
EVAL = {{}}
STATE = {state}
def train(payoffs, iteration, params):
    return {train}
def evaluate(payoffs, iteration, params):
    return [np.ones(n) for n in payoffs.sizes]
"""


@pytest.mark.parametrize(
    ("train", "error", "message"),
    [
        ("[np.ones(n + 1) for n in payoffs.sizes]", BadAnswer, "weights of shape"),
        ("[-np.ones(n) for n in payoffs.sizes]", BadAnswer, "non-negative"),
        ("[np.full(n, np.nan) for n in payoffs.sizes]", BadAnswer, "non-negative, finite"),
        ("[1.0 / 0 for n in payoffs.sizes]", ZeroDivisionError, "division by zero"),
        ("payoffs.nothing", AttributeError, "nothing"),
    ],
)
def test_what_a_meta_solver_does_wrong_is_told_as_its_own_error(train, error, message):
    source = psro_program(train)
    assert PSRO.problems(source) == []
    with pytest.raises(error, match=message):
        cost(PSRO, source, "kuhn_2p", 2)


def test_meta_solvers_must_declare_that_they_remember_nothing():
    good = psro_program("[np.ones(n) for n in payoffs.sizes]")
    assert cost(PSRO, good, "kuhn_2p", 2) > 0.0
    assert "STATE = {}" in PSRO.problems(psro_program("[]", state="{'x': 'game'}"))[0]
    assert "STATE = {}" in PSRO.problems(good.replace("STATE = {}\n", ""))[0]
    assert any("must take (meta, iteration, params)" in p for p in PSRO.problems(good.replace("train(payoffs", "train(other")))
    assert any("may import" in p for p in PSRO.problems("from solvers.psro.dynamics import split\n" + good))


def policy_answers():
    game = load_game("kuhn_2p")
    good = np.full(sum(game.actions), 0.5)
    yield {}, "policy"
    yield {"policy": good[:-1]}, "24"
    yield {"policy": good.astype(np.float32)}, "24"
    yield {"policy": np.where(np.arange(len(good)) == 3, np.nan, good)}, "no probability distribution"
    yield {"policy": np.where(np.arange(len(good)) == 3, 0.6, good)}, "no probability distribution"
    yield {"policy": good + np.tile([1.0, -1.0], len(good) // 2)}, "no probability distribution"


def table_answers():
    good = LINES.astype(np.float64)
    yield {}, "no table"
    yield {"table": good[:-1]}, "no table"
    yield {"table": LINES}, "no table"
    yield {"table": np.where(np.arange(1 << 16) == 0x0021, np.nan, good)}, r"\[1, 2, 0, 0\] is worth nan"
    yield {"table": np.where(np.arange(1 << 16) == 0x0021, 1e30, good)}, "is worth 1e"


def weight_answers():
    shape = (levels.SETS["small"].levels, levels.width("small"))
    yield {"table": np.zeros(shape)}, "no 'bound'"
    yield {"table": np.zeros(shape).ravel(), "bound": np.zeros(shape[0])}, "no 'table' of shape"
    yield {"table": np.full(shape, np.inf), "bound": np.zeros(shape[0])}, "'table' has the value inf"
    yield {"table": np.zeros(shape), "bound": np.full(shape[0], np.nan)}, "'bound' has the value nan"


@pytest.mark.parametrize(("task", "answers"), [(PSRO, policy_answers), (GAME, table_answers), (SOKOBAN, weight_answers)])
def test_bad_answers_are_refused(task, answers):
    for bad, message in answers():
        with pytest.raises(BadAnswer, match=message):
            task.score(*SMALL[task.name], 0, bad)


SAME = [
    (PSRO, "uniform", "regrets[k] + gain", "gain + regrets[k]"),
    (GAME, "pairs", "abs(here - beside)", "abs(beside - here)"),
    (SOKOBAN, "nearest", "params.weight * nearest", "nearest * params.weight + 0.0 * walls"),
]
DIFFERENT = [
    (PSRO, "uniform", "'pull': 0.0", "'pull': 0.01"),
    (PSRO, "rm", "'steps': 20000", "'steps': 10000"),
    (PSRO, "prd", "2 * step >= params.steps", "4 * step >= 3 * params.steps"),  # which only late rounds show
    (GAME, "pairs", '"step": 1.0', '"step": 1.1'),
    (SOKOBAN, "nearest", "params.weight * nearest", "params.weight * nearest + corridor"),
    (SOKOBAN, "nearest", "return 0.0", "return 0.1"),
]


@pytest.mark.parametrize(("task", "name", "old", "new"), SAME)
def test_equal_behaviour_has_equal_fingerprints(task, name, old, new):
    source = task.seeds()[name]
    assert old in source
    np.testing.assert_allclose(task.fingerprint(source.replace(old, new)), task.fingerprint(source), rtol=1e-12)


@pytest.mark.parametrize(("task", "name", "old", "new"), DIFFERENT)
def test_different_behaviour_has_different_fingerprints(task, name, old, new):
    source = task.seeds()[name]
    assert old in source
    assert not np.allclose(task.fingerprint(source.replace(old, new)), task.fingerprint(source), rtol=1e-5)


def test_long_loops_are_cut_and_short_ones_are_not():
    lengths: list[int] = []
    short = shortened(lengths)
    assert list(short(2, 9)) == list(range(2, 9)) and lengths == []
    rounds = list(short(1, 20_001))
    assert lengths == [20_000] and rounds[:5] == [1, 2, 3, 4, 5] and rounds[-3:] == [19_998, 19_999, 20_000]
    assert rounds == sorted(set(rounds)) and 5 < len(rounds) < 24


@pytest.mark.slow
def test_the_built_in_evaluation_of_2048_is_a_program():
    table = answer(GAME, GAME.known()["built-in"], "1-ply", 1)["table"]
    np.testing.assert_array_equal(table.astype(np.float32), LINES)
    limits, start = np.full(3, NO_LIMIT, np.uint64), np.uint64(0x21)
    played = [
        play_game(start, 2, reach_of(1.0), limits, new_memory(10), np.arange(1, 5, dtype=np.uint64), *lines)
        for lines in ((), (table.astype(np.float32),))
    ]
    assert played[0] == played[1]


@pytest.mark.slow
def test_deeper_search_and_better_evaluations_cost_less():
    tables = {name: answer(GAME, GAME.known()[name], "2-ply", 1) for name in ("built-in", "weights-2014")}
    costs = {name: [GAME.score(instance, 40, 0, table) for instance in ("1-ply", "2-ply")] for name, table in tables.items()}
    assert costs["built-in"][1] < costs["built-in"][0] and costs["built-in"][1] < costs["weights-2014"][1]
    assert GAME.score("1-ply", 40, 0, tables["built-in"]) != GAME.score("1-ply", 40, 1, tables["built-in"])
    assert GAME.score("1-ply", 40, 0, tables["built-in"]) != GAME.score("1-ply-new", 40, 0, tables["built-in"])


@pytest.mark.slow
def test_the_matching_bound_searches_as_astar_does():
    for problem in levels.problems("medium")[:10]:
        model = problem.model
        zeros = np.zeros(model.board.cells)
        pair = []
        for each in (model, weighed(model, zeros, 1.0)):
            search, spent = Search(each, problem.start, Way(1.0, 1.0), 1 << 28), new_cost()
            search.advance(20_000, spent, Budget().limits())
            assert search.status == SOLVED
            pair.append((spent.tolist(), search.line()))
        assert pair[0] == pair[1]


def test_features_of_squares():
    problem = levels.problems("small")[0]
    board, features = problem.model.board, dict(zip(levels.FEATURES, problem.features.T, strict=True))
    assert (features["nearest"] <= features["mean"]).all() and (features["mean"] <= features["furthest"]).all()
    assert features["goal"].sum() == board.boxes == features["boxes"][0]
    assert ((features["nearest"] == 0) == (features["goal"] == 1)).all()
    assert (features["steps"] >= 0).all() and (features["walls"] <= 4).all() and (features["corridor"] <= features["walls"]).all()


@pytest.mark.slow
def test_unsolved_levels_count_as_ten_times_the_limit():
    shape = (levels.SETS["large"].levels, levels.width("large"))
    nothing = {"table": np.zeros(shape), "bound": np.zeros(shape[0])}
    assert SOKOBAN.score("large", 1, 0, nothing) == pytest.approx(10.0)
    assert SOKOBAN.score("large", 20, 0, nothing) == pytest.approx(200.0)


def test_training_and_held_out_levels_differ():
    seen = {problem.model.board.table.tobytes() for name in SOKOBAN.train for problem in levels.problems(name)}
    new = {problem.model.board.table.tobytes() for name in SOKOBAN.held_out[:2] for problem in levels.problems(name)}
    assert not seen & new and not set(GAME.train) & set(GAME.held_out) and not set(PSRO.train) & set(PSRO.held_out)
