"""Every catalogue variant against the naive twin, infoset by infoset.

The twin sums in another order, so the two differ by rounding, and a regret that is zero on paper may be 1e-17 in one of them: a
tie that rounding decides. The runs are short enough, and the random games' payoffs irregular enough, that this does not happen.
"""

import pyspiel
import pytest
from naive import NaiveCFR, evaluate
from naive_rules import TWINS
from random_games import samples

from games.catalogue import GAMES
from games.compiler import compile_game
from games.params import PLANNED
from solvers.exploitability import Evaluator
from workbench.catalogue.entries import CFR
from workbench.catalogue.families import find_rule
from workbench.solving.policies import policy_table

CLOSE = 1e-10  # rounding of 1e-16 an operation, amplified over a dozen iterations
ITERATIONS = 12


def changed(value, legal):
    """Return another value of a parameter than `value`, its default."""
    if legal is not None:
        return next(other for other in legal if other != value)
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else 0.8 * value + 0.1 * (value == 0)


# vad-cfr averages nothing before iteration 500 unless it is told to.
VARIANTS = [(name, {}) for name in CFR if name != "vad-cfr"]
VARIANTS += [("vad-cfr", {"warmup_iterations": w, "scope": scope}) for w in (0, 4) for scope in ("global", "infoset")]
# Other parameters than the defaults, every one of them, and where limits are, so that they are reached within a dozen iterations.
VARIANTS += [
    (
        name,
        {key: changed(value, find_rule(name).choices.get(key)) for key, value in find_rule(name).params.items() if key != PLANNED},
    )
    for name in CFR
    if name not in ("vad-cfr", "aod-cfr", "rtcfr+") and find_rule(name).params
]
VARIANTS += [
    ("vad-cfr", {
        "base_alpha": 1.1, "base_beta": 1.2, "volatility_sensitivity": 1.4, "max_expected_regret": 0.3, "boost": 1.4,
        "ewma_decay": 0.6, "regret_floor": -0.1, "optimism": 0.7, "optimism_horizon": 5.0, "policy_exponent": 1.2, "gamma": 1.0,
        "gamma_max": 2.0, "gamma_sensitivity": 2.5, "stability_exponent": 0.8, "magnitude_exponent": -12.0, "warmup_iterations": 1,
    }),
    ("aod-cfr", {
        "horizon": 6.0, "alpha": 1.4, "alpha_gain": 0.8, "beta": 0.9, "beta_gain": -0.3, "gamma": 0.5, "gamma_gain": 2.0,
        "agree_positive": 1.3, "oppose_positive": 0.8, "oppose_negative": 0.6, "agree_negative": 1.5, "trend_weight": 0.9,
        "trend_decay": 0.4, "sign_threshold": 1e-2, "sum_threshold": 1e-3,
    }),
    ("rtcfr+", {"floor": 0.03, "pull": 0.4, "period": 4, "predictive": True, "gamma": 1.3}),
]  # fmt: skip
IDS = [f"{name}-{k}" for k, (name, _) in enumerate(VARIANTS)]
CASES = [
    ("kuhn_2p", True),
    ("kuhn_2p", False),
    ("kuhn_3p", True),
    ("kuhn_3p", False),
    ("goofspiel_3", True),
    ("goofspiel_3", False),
]
CASE_IDS = [f"{name}-{'alternating' if alternating else 'simultaneous'}" for name, alternating in CASES]


def test_every_rule_has_a_twin():
    """A new rule needs its twin."""
    assert not (missing := set(CFR) - set(TWINS)), f"add a function and a line to TWINS in tests/naive_rules.py: {missing}"
    assert set(TWINS) == set(CFR), "a twin belongs to no rule of the catalogue"


def twin_of(theirs, name, params, alternating):
    return NaiveCFR(theirs, name, alternating, **{"planned_iterations": ITERATIONS, **params}).run(ITERATIONS)


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
    twin = twin_of(pyspiel.load_game(GAMES[on].game), name, params, alternating)
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
    twin = twin_of(theirs, name, params, alternating)
    solver = solve(compiled, name, ITERATIONS, alternating=alternating, **params)
    table = policy_table(compiled, solver.average_policy())
    assert_same(table, twin.average())
    values, best = evaluate(theirs, twin.average())
    found = Evaluator(compiled)(solver.average_policy())
    assert found.values == pytest.approx(values, abs=CLOSE)
    assert found.best_responses == pytest.approx(best, abs=CLOSE)
