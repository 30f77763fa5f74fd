"""Every catalogue variant against the naive twin, infoset by infoset.

The twin sums in another order, so the two differ by rounding, and a regret that is zero on paper may be 1e-17 in one of them: a
tie that rounding decides. The runs are short enough, and the random games' payoffs irregular enough, that this does not
happen, except for simultaneous updates of three-player Kuhn poker, where it happens in the first iteration (infoset "0pp").
"""

import pyspiel
import pytest
from naive import NaiveCFR, evaluate
from random_games import samples

from games.catalogue import GAMES
from games.compiler import compile_game
from solvers.exploitability import Evaluator
from workbench.catalogue import CFR
from workbench.policies import policy_table

CLOSE = 1e-10  # rounding of 1e-16 an operation, amplified over a dozen iterations
ITERATIONS = 12
VARIANTS = [(name, {}) for name in CFR if name != "vad-cfr"]
VARIANTS += [("vad-cfr", {"warmup_iterations": w, "scope": scope}) for w in (0, 4) for scope in ("global", "infoset")]
IDS = [name if not params else f"{name}-{params['scope']}-{params['warmup_iterations']}" for name, params in VARIANTS]
CASES = [("kuhn_2p", True), ("kuhn_2p", False), ("kuhn_3p", True), ("goofspiel_3", True), ("goofspiel_3", False)]
CASE_IDS = [f"{name}-{'alternating' if alternating else 'simultaneous'}" for name, alternating in CASES]


def naive_params(name, params, iterations):
    return {"planned": iterations} if name.startswith("hs-") else params


def assert_same(found, expected):
    assert [list(table) for table in found] == [list(table) for table in expected], "infosets or their order differ"
    worst = 0.0
    for ours, theirs in zip(found, expected, strict=True):
        for key, policy in theirs.items():
            worst = max(worst, *(abs(ours[key][str(a)] - p) for a, p in policy.items()))
    assert worst <= CLOSE


@pytest.mark.parametrize(("name", "params"), VARIANTS, ids=IDS)
@pytest.mark.parametrize(("on", "alternating"), CASES, ids=CASE_IDS)
def test_catalogued_games(on, name, params, alternating, game, solve):
    twin = NaiveCFR(pyspiel.load_game(GAMES[on].game), name, alternating, **naive_params(name, params, ITERATIONS)).run(ITERATIONS)
    solver = solve(on, name, ITERATIONS, alternating=alternating, **params)
    assert_same(policy_table(game(on), solver.average_policy()), twin.average())
    current = [{key: i.sigma for key, i in table.items()} for table in twin.tree.infosets]
    assert_same(policy_table(game(on), solver.current_policy()), current)


@pytest.fixture(scope="module", params=samples(4, depth=4), ids=lambda p: f"{p[0].__name__}-{p[1]['seed']}")
def random_pair(request):
    """A random game, from OpenSpiel and compiled."""
    make, options = request.param
    theirs = pyspiel.load_efg_game(make(**options))
    return theirs, compile_game(theirs, "random", "random")


@pytest.mark.parametrize("alternating", [True, False], ids=["alternating", "simultaneous"])
@pytest.mark.parametrize(("name", "params"), VARIANTS, ids=IDS)
def test_random_games(random_pair, name, params, alternating, solve):
    theirs, compiled = random_pair
    twin = NaiveCFR(theirs, name, alternating, **naive_params(name, params, ITERATIONS)).run(ITERATIONS)
    solver = solve(compiled, name, ITERATIONS, alternating=alternating, **params)
    table = policy_table(compiled, solver.average_policy())
    assert_same(table, twin.average())
    values, best = evaluate(theirs, twin.average())
    found = Evaluator(compiled)(solver.average_policy())
    assert found.values == pytest.approx(values, abs=CLOSE)
    assert found.best_responses == pytest.approx(best, abs=CLOSE)
