"""PSRO_rN: what responses are sought to, against OpenSpiel's selectors, and populations that grow by several policies."""

from types import SimpleNamespace

import numpy as np
import pytest
from open_spiel.python.algorithms.psro_v2 import strategy_selectors

from games.loader import load_game
from solvers.exploitability import Evaluator
from solvers.psro.solvers import rectified
from workbench.catalogue.algorithms import find_algorithm
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig, resumed_config
from workbench.solving.population import Population
from workbench.solving.run import solve

ROCK_PAPER_SCISSORS = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])


def asked(table, strategies, constant=0.0):
    """Return for each player the other's mixtures that responses are asked for, in order."""
    targets = [[], []]

    def respond(player, mixtures):
        np.testing.assert_array_equal(mixtures[player], strategies[player])
        targets[player].append(mixtures[1 - player])
        return np.array([float(len(targets[0]) + len(targets[1]))])  # another plan each time

    payoffs = SimpleNamespace(
        tensor=lambda player: table if player == 0 else constant - table,
        game=SimpleNamespace(constant_sum=constant),
        populations=[np.zeros((n, 1)) for n in table.shape],
    )
    found = rectified.answers(payoffs, strategies, respond)
    assert [len(plans) for plans in found] == [len(mixtures) for mixtures in targets]
    return targets


def openspiels(table, strategies, constant):
    """Return the same by OpenSpiel's selection of policies, its mask, and the renormalisation that its loop makes."""
    games = [table, constant - table]
    solver = SimpleNamespace(
        meta_games=games,
        get_policies=lambda: [list(range(n)) for n in table.shape],
        get_meta_strategies=lambda: strategies,
    )
    _, indices = strategy_selectors.rectified(solver, 1)
    targets = [[], []]
    for player in range(2):
        for k in indices[player]:
            joint = np.outer(*strategies) * strategy_selectors.rectified_selector(solver, player, k)
            joint = joint / joint.sum() if joint.sum() > 1e-12 else np.outer(*strategies)
            targets[player].append(joint.sum(axis=player))
    return targets


@pytest.mark.parametrize("constant", [0.0, 3.0])
@pytest.mark.parametrize("seed", range(6))
def test_responses_are_sought_to_what_openspiel_says(seed, constant):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(4, 5)) + constant / 2
    strategies = [rng.dirichlet(np.ones(n)) * (rng.random(n) < 0.7) for n in table.shape]
    strategies = [x / x.sum() if x.sum() > 0 else np.eye(len(x))[0] for x in strategies]
    for ours, theirs in zip(asked(table, strategies, constant), openspiels(table, strategies, constant), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_rock_looks_for_what_beats_rock_and_scissors():
    third = np.full(3, 1 / 3)
    for mixtures in asked(ROCK_PAPER_SCISSORS, [third, third]):
        np.testing.assert_allclose(mixtures, [[0.5, 0.0, 0.5], [0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])


def test_who_loses_to_all_responds_to_the_whole():
    mixtures = asked(np.array([[-1.0, -2.0]]), [np.ones(1), np.array([0.25, 0.75])])
    np.testing.assert_allclose(mixtures[0], [[0.25, 0.75]])
    np.testing.assert_allclose(mixtures[1], [[1.0], [1.0]])


def test_ties_are_ties_in_spite_of_rounding():
    table = ROCK_PAPER_SCISSORS - 1e-15 * np.eye(3)
    assert [len(np.flatnonzero(x)) for x in asked(table, [np.full(3, 1 / 3)] * 2)[0]] == [2, 2, 2]


def test_populations_hold_every_response_once_and_are_enough_for_goofspiel():
    solver = find_algorithm("psro-rectified", {}).make(load_game("goofspiel_4"), alternating=True)
    solver.advance(12)
    assert solver.payoffs.sizes[0] > 12 and solver.payoffs.sizes[1] > 12
    assert all(len(np.unique(plans, axis=0)) == len(plans) for plans in solver.payoffs.populations)
    assert Evaluator(solver.game)(solver.average_policy()).exploitability < 1e-12


def test_runs_resume_with_the_same_bits(tmp_path):
    config = SolveConfig("leduc_2p", "psro-rectified", 9)
    solve(config, RunDirectory.create(tmp_path / "whole"))
    solve(SolveConfig("leduc_2p", "psro-rectified", 6), RunDirectory.create(tmp_path / "run"))
    run = RunDirectory.open(tmp_path / "run")
    solve(resumed_config(run, {"iterations": 9}), run, resume=True)
    for name in ("metrics.jsonl", "policy.json", "population.npz"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    population = Population.open(tmp_path / "run")
    assert min(len(plans) for plans in population.plans) > 9 and population.mixtures()[-1]["population"] is not None
