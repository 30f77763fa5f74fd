"""Meta-strategy solvers on games given by tensors: bounds, twins, symmetry, dominance, invariance."""

from types import SimpleNamespace

import numpy as np
import pytest
from matrix_games import naive_vector, random_tensors
from naive_meta_solvers import TWINS

from games.errors import GameplanError
from solvers.psro.catalogue import CONSTANT_SUM, SOLVERS
from solvers.psro.meta_game import vector
from solvers.psro.meta_solver import checked_strategies
from workbench.catalogue.families import find_meta_solver
from workbench.testing.meta_solvers import MetaSolverSuite, payoffs_of

EXACT = 1e-12  # sums of at most a thousand terms of size one

# What a solver may leave of the uniform strategies' NashConv on the suite's random games, with the parameters of QUICK: what was
# measured, and a tenth more. "uniform" is left out: it is what the others are compared with.
SHARES = {
    "nash": 1e-12, "anytime": 1e-12, "rectified": 1e-12, "prd": 0.105, "rrd": 0.5, "rm": 0.046, "rm+": 0.017, "orm": 0.022, "fp": 0.05, "hedge": 0.081, "alpharank": 0.45, "shor": 0.22,
}  # fmt: skip
STEPS = {"steps": 1000}
QUICK = {
    **{name: {"train": STEPS, "eval": STEPS} for name in ("rm", "rm+", "orm", "fp", "hedge")},
    "prd": {role: {"dt": 1e-2, "steps": 4000} for role in ("train", "eval")},
    "rrd": {role: {"dt": 1e-2, "first": 1000, "steps": 3000, "regret": 0.01} for role in ("train", "eval")},
    "shor": {"eval": {"base_iterations": 2000}},
}


def answer(name, tensors, role="train", iteration=75, params=None):
    """Return a solver's strategies on the game given by `tensors`, with quick parameters unless others are given."""
    given = params if params is not None else QUICK.get(name, {}).get(role, {})
    return checked_strategies(find_meta_solver(name, role, given), payoffs_of(tensors), iteration)


def test_every_solver_has_a_bound_and_a_twin():
    """A new solver needs one line in SHARES above and its twin in tests/naive_meta_solvers.py."""
    assert not (missing := set(SOLVERS) - {"uniform"} - set(SHARES)), f"add to SHARES in tests/test_meta_solvers.py: {missing}"
    assert not (missing := set(SOLVERS) - set(TWINS)), (
        f"add a function and a line to TWINS in tests/naive_meta_solvers.py: {missing}"
    )
    assert set(SHARES) | {"uniform"} == set(TWINS) == set(SOLVERS), "a line belongs to no solver of the catalogue"


class TestCatalogue(MetaSolverSuite):
    @pytest.fixture(autouse=True, params=SHARES)
    def chosen(self, request):
        self.solver, self.share = request.param, SHARES[request.param]
        self.params, self.general_sum = QUICK.get(self.solver, {}), self.solver not in CONSTANT_SUM


def test_uniform_fails_the_suite():
    """The least of all bounds tells a solver from one that does nothing."""
    suite = MetaSolverSuite()
    suite.solver, suite.share = "uniform", max(SHARES.values())
    with pytest.raises(AssertionError, match=r"uniform \(train\) leaves 1 of the uniform strategies' NashConv"):
        suite.test_comes_closer_to_equilibrium_than_uniform()


# Few steps, and constants with which every limit is reached within them.
SHORT = {
    "prd": {"dt": 0.4, "steps": 31, "gamma": 0.1},
    "rrd": {"dt": 0.3, "first": 5, "steps": 40, "regret": 0.4},
    "alpharank": {"population": 7, "initial_intensity": 0.5, "doublings": 4, "settled": 0.05, "tolerance": 1e-12},
    "shor": {
        "horizon": 10, "base_iterations": 20, "iterations_per_policy": 3, "max_iterations": 28, "initial_blend": 0.4,
        "initial_temperature": 0.7, "initial_diversity": 0.3, "momentum": 0.6,
    },
    "shor eval": {
        "blend": 0.2, "temperature": 0.3, "momentum": 0.4, "diversity": 0.1, "base_iterations": 25, "iterations_per_policy": 4,
        "max_iterations": 38,
    },
}  # fmt: skip


@pytest.mark.parametrize("shape", [(3, 4), (4, 4), (2, 2, 2), (4, 2, 3)], ids=str)
@pytest.mark.parametrize("name", [*SOLVERS, "shor eval"])
def test_equals_its_twin(name, shape):
    """Tensors for equal populations, payoffs from terminal rows for unequal ones."""
    solver, role = (*name.split(), "train")[:2]
    steps = {"steps": 30} if "steps" in find_meta_solver(solver, role, {}).params else {}
    short = SHORT.get(name, steps)
    if solver in CONSTANT_SUM and len(shape) > 2:
        pytest.skip(f"{solver} solves two-player games")
    for seed in range(3):
        tensors = random_tensors(shape, seed)
        if solver in CONSTANT_SUM:
            tensors[1] = -tensors[0]
        if seed == 2:
            tensors = [t.round() for t in tensors] if solver in ("fp", "alpharank") else [1e-3 * t for t in tensors]
        for iteration in (3, 40) if solver == "shor" else (1,):
            found = answer(solver, tensors, role, iteration, short)
            expected = TWINS[solver](tensors, iteration, SimpleNamespace(**find_meta_solver(solver, role, short).params))
            for ours, naive in zip(found, expected, strict=True):
                np.testing.assert_allclose(ours, naive, rtol=0, atol=1e-8 if solver in (*CONSTANT_SUM, "alpharank") else EXACT)


@pytest.mark.parametrize("name", [name for name in SOLVERS if name != "shor"])  # whose players move in turn
def test_symmetric_games_give_symmetric_strategies(name):
    if name in CONSTANT_SUM:
        pytest.skip("a linear program may return any of several equilibria")
    A = np.random.default_rng(2).normal(size=(4, 4))
    first, second = answer(name, [A, A.T])
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-9)
    T = np.random.default_rng(3).normal(size=(3, 3, 3))
    T = T + T.transpose(0, 2, 1)  # own policy first, the others' interchangeable
    first, *rest = answer(name, [T, T.transpose(1, 0, 2), T.transpose(1, 2, 0)])
    for strategy in rest:
        np.testing.assert_allclose(strategy, first, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("name", "mass"), [("nash", 1e-9), ("anytime", 1e-9), ("rm", 1e-2), ("prd", 2e-2)])
def test_dominated_policies_fade(name, mass):
    A = np.random.default_rng(3).uniform(-1, 1, size=(3, 3))
    A = np.vstack([A, A.min(axis=0) - 1.0])  # dominated by all others by a margin of at least one
    assert answer(name, [A, -A])[0][3] < mass


@pytest.mark.parametrize("name", CONSTANT_SUM)
def test_linear_programs_refuse_what_they_cannot_solve(name):
    for tensors, why in ((random_tensors((2, 2), 0), "is general-sum"), (random_tensors((2, 2, 2), 0), "has 3 players")):
        with pytest.raises(
            GameplanError,
            match=f"{name} solves two-player zero-sum and constant-sum meta-games; a normal-form game {why}: use shor",
        ):
            answer(name, tensors)


@pytest.mark.parametrize("players", [2, 3])
@pytest.mark.parametrize("name", ["uniform", "rm", "rm+", "orm", "fp", "hedge", *CONSTANT_SUM])
def test_scale_invariance(name, players):
    """Payoffs times a power of two, which leaves all mantissas alone; the others' steps, temperatures or intensities have a scale."""
    if name in CONSTANT_SUM and players > 2:
        pytest.skip(f"{name} solves two-player games")
    A = np.random.default_rng(5).normal(size=(3, 4))
    tensors = [A, -A] if players == 2 else random_tensors((2, 3, 2), seed=5)
    for ours, scaled in zip(answer(name, tensors), answer(name, [8 * t for t in tensors]), strict=True):
        np.testing.assert_allclose(ours, scaled, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", SOLVERS)
def test_permuting_policies_permutes_the_answer(name):
    A = np.random.default_rng(6).normal(size=(4, 4)) + np.diag([3.0, 3.0, 3.0, 3.0])  # interior, unique equilibrium
    order = np.array([2, 0, 3, 1])
    plain, mixed = answer(name, [A, -A]), answer(name, [A[order], -A[order]])
    tolerance = 5e-3 if name == "orm" else 1e-6  # optimistic regret matching turns on signs of regrets that rounding decides
    np.testing.assert_allclose(plain[0][order], mixed[0], rtol=0, atol=tolerance)
    np.testing.assert_allclose(plain[1], mixed[1], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", [name for name in SOLVERS if name not in CONSTANT_SUM])
def test_permuting_all_players_policies_permutes_all_answers(name):
    """Three players, general-sum; every player has a policy that is best by far, so that there is one equilibrium."""
    tensors = random_tensors((3, 2, 3), seed=7)
    for p, tensor in enumerate(tensors):
        np.moveaxis(tensor, p, 0)[1] += 6.0
    orders = [np.array([2, 0, 1]), np.array([1, 0]), np.array([1, 2, 0])]
    plain, mixed = answer(name, tensors), answer(name, [t[np.ix_(*orders)] for t in tensors])
    for strategy, order, permuted in zip(plain, orders, mixed, strict=True):
        np.testing.assert_allclose(strategy[order], permuted, rtol=0, atol=1e-9)


def test_payoff_vectors_take_no_memory_of_the_strategies_order():
    tensors = random_tensors((2, 3, 2), seed=9)
    meta = payoffs_of(tensors).meta
    strategies = [np.array([0.3, 0.7]), np.array([0.2, 0.5, 0.3]), np.array([0.9, 0.1])]
    for p, tensor in enumerate(tensors):
        out = np.zeros(tensor.shape[p])
        vector(p, np.concatenate(strategies), meta, out)
        np.testing.assert_allclose(out, naive_vector(p, strategies, tensor), rtol=0, atol=EXACT)
