"""Agreement with OpenSpiel's Python solvers and its NashConv.

OpenSpiel's CFR, CFR+, LCFR and DCFR share our conventions: alternating updates, the average takes the policy that was played
before it is updated, weights count from t = 1. They add own reach times policy once a history instead of once an infoset, which
perfect recall makes the same after normalisation. So the average policies are compared entry by entry.
"""

import numpy as np
import pyspiel
import pytest
from open_spiel.python import policy as os_policy
from open_spiel.python.algorithms import cfr, discounted_cfr, exploitability
from random_games import random_card_game, random_game

from games.catalogue import GAMES
from games.compiler import compile_game
from solvers.exploitability import Evaluator, normalised_average, uniform_policy
from workbench.solving.policies import policy_table

CLOSE = 1e-9  # rounding amplified over 20 iterations
ITERATIONS = 20
SOLVERS = {
    "cfr": cfr.CFRSolver, "cfr+": cfr.CFRPlusSolver, "lcfr": discounted_cfr.LCFRSolver, "dcfr": discounted_cfr.DCFRSolver,
}  # fmt: skip


def open_spiel_game(name):
    """Return the turn-based game that the infoset strings of the compiled one refer to."""
    theirs = pyspiel.load_game(GAMES[name].game)
    simultaneous = theirs.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS
    return pyspiel.convert_to_turn_based(theirs) if simultaneous else theirs


def tabular(theirs, game, policy):
    """Return OpenSpiel's TabularPolicy with the probabilities of ours; every entry must have a place in it."""
    result = os_policy.TabularPolicy(theirs)
    result.action_probability_array[:] = np.nan
    for table in policy_table(game, policy):
        for infoset, actions in table.items():
            row = result.policy_for_key(infoset)
            row[:] = 0.0
            for action, probability in actions.items():
                row[int(action)] = probability
    assert not np.isnan(result.action_probability_array).any(), "an infoset is missing from the exported policy"
    return result


@pytest.mark.parametrize("algo", SOLVERS)
@pytest.mark.parametrize(
    "name", ["kuhn_2p", "kuhn_3p", "goofspiel_4", *(pytest.param(n, marks=pytest.mark.slow) for n in ("leduc_2p", "liars_dice_4"))]
)
def test_average_policies(name, algo, game, solve):
    theirs = open_spiel_game(name)
    reference = SOLVERS[algo](theirs)
    for _ in range(ITERATIONS):
        reference.evaluate_and_update_policy()
    ours = tabular(theirs, game(name), solve(name, algo, ITERATIONS).average_policy())
    expected = reference.average_policy()
    assert ours.state_lookup == expected.state_lookup
    np.testing.assert_allclose(ours.action_probability_array, expected.action_probability_array, rtol=0, atol=CLOSE)


def random_policy(game, seed):
    rng, out = np.random.default_rng(seed), uniform_policy(game)
    normalised_average(rng.random(len(out)) * (rng.random(len(out)) > 0.3), game.tree, out)
    return out


@pytest.mark.parametrize("name", ["kuhn_2p", "kuhn_3p", "kuhn_4p", "goofspiel_3", "goofspiel_4", "leduc_2p", "liars_dice_4"])
def test_nash_conv(name, game, solve):
    theirs, evaluate = open_spiel_game(name), Evaluator(game(name))
    for policy in (random_policy(game(name), 1), solve(name, "vad-cfr", 20, warmup_iterations=0).average_policy()):
        expected = exploitability.nash_conv(theirs, tabular(theirs, game(name), policy))
        assert evaluate(policy).nash_conv == pytest.approx(expected, abs=CLOSE)


@pytest.mark.parametrize("players", [2, 3])
@pytest.mark.parametrize("make", [random_game, random_card_game])
def test_nash_conv_of_general_sum_games(make, players):
    theirs = pyspiel.load_efg_game(make(7, players=players, zero_sum=False))
    compiled = compile_game(theirs, "random", "random")
    policy = random_policy(compiled, players)
    expected = exploitability.nash_conv(theirs, tabular(theirs, compiled, policy))
    assert Evaluator(compiled)(policy).nash_conv == pytest.approx(expected, abs=CLOSE)
