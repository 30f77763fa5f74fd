"""Meta-strategy solvers on games given by tensors: twins, symmetry, dominance, invariance."""

import numpy as np
import pytest
from matrix_games import meta_game, naive_hybrid, naive_vector, random_tensors, solve_tensors

from solvers.psro.catalogue import SOLVERS
from solvers.psro.dynamics import split
from solvers.psro.meta_game import vector
from solvers.psro.solvers import shor

EXACT = 1e-12  # sums of at most a thousand terms of size one


@pytest.mark.parametrize("shape", [(3, 4), (2, 2, 2)])
@pytest.mark.parametrize("averaging", [True, False])
def test_hybrid_equals_its_twin(shape, averaging):
    for seed in range(5):
        tensors = random_tensors(shape, seed)
        meta = meta_game(tensors)
        found = split(shor.hybrid(meta, 40, 0.2, 0.3, 0.5, 0.03, averaging), meta)
        for ours, naive in zip(found, naive_hybrid(tensors, 40, 0.2, 0.3, 0.5, 0.03, averaging), strict=True):
            np.testing.assert_allclose(ours, naive, rtol=0, atol=EXACT)


MATCHING_PENNIES = np.array([[1.0, -1.0], [-1.0, 1.0]])
SIMULTANEOUS = [name for name in SOLVERS if name != "shor"]


@pytest.mark.parametrize("name", SIMULTANEOUS)
def test_symmetric_games_give_symmetric_strategies(name):
    if name == "nash":
        pytest.skip("a linear program may return any of several equilibria")
    A = np.random.default_rng(2).normal(size=(4, 4))
    first, second = solve_tensors(name, [A, A.T])
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-9)
    T = np.random.default_rng(3).normal(size=(3, 3, 3))
    T = T + T.transpose(0, 2, 1)  # own policy first, the others' interchangeable
    first, *rest = solve_tensors(name, [T, T.transpose(1, 0, 2), T.transpose(1, 2, 0)])
    for strategy in rest:
        np.testing.assert_allclose(strategy, first, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("name", "mass"), [("nash", 1e-9), ("rm", 1e-2), ("prd", 1e-2)])
def test_dominated_policies_fade(name, mass):
    A = np.random.default_rng(3).uniform(-1, 1, size=(3, 3))
    A = np.vstack([A, A.min(axis=0) - 1.0])  # dominated by all others by a margin of at least one
    strategy = solve_tensors(name, [A, -A])[0]
    assert strategy[3] < mass


@pytest.mark.parametrize("name", SOLVERS)
def test_strategies_are_distributions_and_zero_sum_values_cancel(name):
    A = np.random.default_rng(4).normal(size=(5, 3))
    x, y = solve_tensors(name, [A, -A])
    assert x.shape == (5,) and y.shape == (3,) and x.min() >= 0 and y.min() >= 0
    assert x @ A @ y + x @ -A @ y == pytest.approx(0.0, abs=EXACT)


@pytest.mark.parametrize("players", [2, 3])
@pytest.mark.parametrize("name", ["uniform", "rm", "rm+", "orm", "fp", "hedge", "nash"])
def test_scale_invariance(name, players):
    """Payoffs times a power of two, which leaves all mantissas alone; the others' steps, temperatures or intensities have a scale."""
    if name == "nash" and players > 2:
        pytest.skip("nash solves two-player games")
    A = np.random.default_rng(5).normal(size=(3, 4))
    tensors = [A, -A] if players == 2 else random_tensors((2, 3, 2), seed=5)
    for ours, scaled in zip(solve_tensors(name, tensors), solve_tensors(name, [8 * t for t in tensors]), strict=True):
        np.testing.assert_allclose(ours, scaled, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", SOLVERS)
def test_permuting_policies_permutes_the_answer(name):
    A = np.random.default_rng(6).normal(size=(4, 4)) + np.diag([3.0, 3.0, 3.0, 3.0])  # interior, unique equilibrium
    order = np.array([2, 0, 3, 1])
    plain, mixed = solve_tensors(name, [A, -A]), solve_tensors(name, [A[order], -A[order]])
    tolerance = 5e-3 if name == "orm" else 1e-6  # optimistic regret matching turns on signs of regrets that rounding decides
    np.testing.assert_allclose(plain[0][order], mixed[0], rtol=0, atol=tolerance)
    np.testing.assert_allclose(plain[1], mixed[1], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", [name for name in SOLVERS if name != "nash"])
def test_permuting_all_players_policies_permutes_all_answers(name):
    """Three players, general-sum; every player has a policy that is best by far, so that there is one equilibrium."""
    tensors = random_tensors((3, 2, 3), seed=7)
    for p, tensor in enumerate(tensors):
        np.moveaxis(tensor, p, 0)[1] += 6.0
    orders = [np.array([2, 0, 1]), np.array([1, 0]), np.array([1, 2, 0])]
    plain, mixed = solve_tensors(name, tensors), solve_tensors(name, [t[np.ix_(*orders)] for t in tensors])
    for strategy, order, permuted in zip(plain, orders, mixed, strict=True):
        np.testing.assert_allclose(strategy[order], permuted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["rm", "rm+", "orm", "fp", "hedge", "prd", "nash", "shor"])
def test_matching_pennies(name):
    for strategy in solve_tensors(name, [MATCHING_PENNIES + 0.1, -MATCHING_PENNIES - 0.1]):
        np.testing.assert_allclose(strategy, 0.5, atol=0.05)


def test_payoff_vectors_take_no_memory_of_the_strategies_order():
    tensors = random_tensors((2, 3, 2), seed=9)
    meta = meta_game(tensors)
    strategies = [np.array([0.3, 0.7]), np.array([0.2, 0.5, 0.3]), np.array([0.9, 0.1])]
    for p, tensor in enumerate(tensors):
        out = np.zeros(tensor.shape[p])
        vector(p, np.concatenate(strategies), meta, out)
        np.testing.assert_allclose(out, naive_vector(p, strategies, tensor), rtol=0, atol=EXACT)
