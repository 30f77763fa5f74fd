"""Payoffs of populations: tensor and implicit form, merging, and the protocol by which compiled solvers ask for them."""

import itertools

import numpy as np
import pytest
from matrix_games import naive_hybrid, naive_vector

from games.errors import GameplanError
from games.loader import load_game
from solvers.cfr.records import record_class
from solvers.exploitability import Evaluator
from solvers.plans import plan_of, policy_of
from solvers.psro.dynamics import split
from solvers.psro.payoffs import Payoffs
from solvers.psro.solvers import rm, shor
from workbench.catalogue.algorithms import find_algorithm

EXACT = 1e-12  # sums of at most a thousand terms of size one


def random_population(name: str, count: int, seed: int) -> Payoffs:
    game, rng = load_game(name), np.random.default_rng(seed)
    payoffs = Payoffs(game)
    for _ in range(count):
        plans = []
        for p in range(game.players):
            weights = rng.random(game.actions[p]) ** 3
            plans.append(plan_of(game, p, policy_of(game, p, np.concatenate([[1.0], weights]))))
        payoffs.extend(plans)
    return payoffs


def random_strategies(payoffs: Payoffs, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.dirichlet(np.ones(n)) for n in payoffs.sizes]


@pytest.mark.parametrize("name", ["kuhn_2p", "kuhn_3p", "goofspiel_4", "kuhn_4p", "matrix_bos", "matching_pennies_3p"])
def test_payoffs_are_expected_utilities_in_every_form(name):
    """Tensor entries are the values of joint policies; implicit vectors equal the tensor's contraction."""
    payoffs = random_population(name, 3, seed=1)
    game, evaluator = payoffs.game, Evaluator(payoffs.game)
    tensors = [payoffs.tensor(p) for p in range(game.players)]
    for joint in itertools.islice(np.ndindex(tensors[0].shape), 30):
        policy = np.concatenate([policy_of(game, p, payoffs.populations[p][k]) for p, k in enumerate(joint)])
        np.testing.assert_allclose([t[joint] for t in tensors], evaluator(policy).values, rtol=0, atol=EXACT)
    strategies, implicit = random_strategies(payoffs, seed=2), Payoffs.of(game, payoffs.populations)
    assert not implicit.is_tensor
    for p, tensor in enumerate(tensors):
        naive = naive_vector(p, strategies, tensor)
        np.testing.assert_allclose(payoffs.vector(p, strategies), naive, rtol=0, atol=EXACT)
        np.testing.assert_allclose(implicit.vector(p, strategies), naive, rtol=0, atol=EXACT)
        np.testing.assert_allclose(implicit.tensor(p), tensor, rtol=0, atol=EXACT)


@pytest.mark.parametrize(("name", "count"), [("kuhn_2p", 8), ("kuhn_3p", 14), ("kuhn_4p", 8)])
def test_what_no_policy_tells_apart_is_one_and_payoffs_stay_exact(name, count):
    """Best responses repeat and agree at most infosets; vectors of the merged game equal values of the whole one."""
    solver = find_algorithm("psro-uniform", {}, count).make(load_game(name), alternating=True)
    solver.advance(count)
    payoffs, game, evaluator = solver.payoffs, solver.game, Evaluator(solver.game)
    again = [np.vstack([plans, plans[:2]]) for plans in payoffs.populations]  # the first two policies once more
    repeated = Payoffs.of(game, again)
    assert payoffs.is_tensor and not repeated.is_tensor
    assert any(len(set(kind)) < count for kind in payoffs.kinds)
    assert all(kind[-2:].tolist() == kind[:2].tolist() for kind in repeated.kinds)
    assert (len(payoffs.core.term) < len(game.rows.chance)) == (game.players > 2)
    for source in (payoffs, repeated):
        strategies = random_strategies(source, seed=3)
        mixed = [policy_of(game, p, source.mixture(p, weights)) for p, weights in enumerate(strategies)]
        for p, plans in enumerate(source.populations):
            pure = [np.concatenate([*mixed[:p], policy_of(game, p, plan), *mixed[p + 1 :]]) for plan in plans]
            values = [evaluator(policy).values[p] for policy in pure]
            np.testing.assert_allclose(source.vector(p, strategies), values, rtol=0, atol=EXACT)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kuhn_2p", "kuhn_3p", "kuhn_4p"])
def test_solvers_see_every_change_of_a_strategy_without_tensors(name):
    """Players in turn and all at once: the loops over the implicit form equal those over the tensor."""
    payoffs = random_population(name, 3, seed=4)
    implicit, tensors = Payoffs.of(payoffs.game, payoffs.populations).meta, [payoffs.tensor(p) for p in range(payoffs.game.players)]
    found = split(shor.hybrid(implicit, 30, 0.2, 0.3, 0.5, 0.03, False), implicit)
    for ours, naive in zip(found, naive_hybrid(tensors, 30, 0.2, 0.3, 0.5, 0.03, False), strict=True):
        np.testing.assert_allclose(ours, naive, rtol=0, atol=EXACT)
    steps = record_class(("steps",))(30)
    explicit, found = rm.train(payoffs.meta, 1, steps), rm.train(implicit, 1, steps)
    np.testing.assert_allclose(found, explicit, rtol=0, atol=EXACT)


def test_the_tensor_gives_way_when_it_costs_more_and_is_refused_beyond_the_limit():
    payoffs = random_population("kuhn_3p", 20, seed=0)
    assert 4 * len(payoffs.core.term) < 20**3 and not payoffs.is_tensor
    payoffs.memory_limit = 1000
    with pytest.raises(GameplanError, match=r"payoff tensors of 3 players with 20 policies .* use payoffs\.vector"):
        payoffs.tensor(0)
    assert random_population("kuhn_2p", 40, seed=0).is_tensor  # two players always keep their matrices
