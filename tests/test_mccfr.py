"""Monte-Carlo CFR against a slow twin, against full width in the mean, and against OpenSpiel."""

import json
import os
import statistics
import subprocess
import sys

import numpy as np
import pyspiel
import pytest
from click.testing import CliRunner
from naive_mccfr import FullWidth, Twin, flat, infosets, tree_of_source, tree_of_state
from random_games import random_game

import cli
from games.catalogue import GAMES
from games.errors import GameplanError, UsageError
from games.gambit.files import open_file
from games.loader import load_game
from games.sentences import unsaid
from solvers.exploitability import Evaluator, uniform_policy
from solvers.mccfr.solver import MCCFRSolver
from workbench.catalogue.algorithms import find_algorithm
from workbench.catalogue.entries import SAMPLING

EXTERNAL, OUTCOME = ("es-mccfr", "vr-es-mccfr"), ("os-mccfr", "vr-os-mccfr")
WEIGHTS = ("uniform", "linear", "discounted")
# Exploitability on kuhn_2p and leduc_2p after so many nodes: about three times the median over seeds.
LEVELS = {
    "es-mccfr": ((150_000, 0.03), (1_000_000, 0.5)),
    "vr-es-mccfr": ((150_000, 0.03), (1_000_000, 0.5)),
    "os-mccfr": ((500_000, 0.03), (3_000_000, 0.8)),
    "vr-os-mccfr": ((500_000, 0.03), (3_000_000, 0.8)),
}


def fresh(game, algo, *, seed=0, **params):
    return find_algorithm(algo, params).make(game, alternating=True, seed=seed)


def general_sum(tmp_path, seed=5):
    """Return a random game of three players and its tree."""
    path = tmp_path / "game.efg"
    path.write_text(random_game(seed, players=3, zero_sum=False, depth=7))
    return load_game(str(path)), tree_of_source(open_file(path)[0])


def of_openspiel(name):
    return load_game(name), tree_of_state(pyspiel.load_game(GAMES[name].game).new_initial_state())


def test_every_method_has_its_levels_and_says_what_it_is():
    assert set(LEVELS) == set(SAMPLING), "a method needs a line in LEVELS"
    for name in SAMPLING:
        method = find_algorithm(name, {}).program
        assert not unsaid(method.module.__doc__, method.params, method.choices)
        assert SAMPLING[name].reference.split()[0] in method.module.__doc__


def caught_up(game, tables):
    """Return a solver's tables with the discounts that are due at every infoset; it waits for the next change of one."""
    tables = {name: array.copy() for name, array in tables.items()}
    if len(tables["aged"]) > 1:
        count = game.tree.count.astype(int)
        first = np.repeat(np.cumsum([0, *count[:-1]]), count)
        positive, negative = np.exp(tables["age"] - tables["aged"][first]).T
        tables["R"] *= np.where(tables["R"] > 0.0, positive, negative)
    return tables


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("algo", SAMPLING)
def test_regrets_and_averages_are_the_twins(algo, weights, tmp_path):
    cases = [of_openspiel("kuhn_2p"), of_openspiel("kuhn_3p"), general_sum(tmp_path)]
    for game, root in cases:
        own = {name: value for name, value in (("epsilon", 0.4), ("baseline", 0.3)) if name in find_algorithm(algo, {}).params}
        params = {**own, "weights": weights, "alpha": 1.2, "beta": 0.6, "gamma": 1.7}
        solver, twin = fresh(game, algo, seed=11, **params), Twin(root, game.players, seed=11, **params)
        solver.advance(60)
        for t in range(1, 61):
            twin.iterate(t)
        tables = caught_up(game, solver.state())
        assert tables["touched"][0] == twin.nodes and (tables["rng"] == twin.rng).all()
        for ours, theirs in ((tables["R"], twin.R), (tables["S"], twin.S)):
            theirs = flat(theirs, root, game.players)
            assert np.abs(theirs).max() > 1.0
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12 * np.abs(theirs).max())
        if "baseline" in own:
            for player in range(game.players):
                found = {key: [twin.baseline[player][(*key, k)] for k in range(n)] for key, n in infosets(root).items()}
                np.testing.assert_allclose(tables["baseline"][player], flat(found, root, game.players), rtol=1e-12, atol=1e-12)


def sampled_updates(game, solver, regrets, count):
    """Return what `count` single updates at the same policy add to R and S: means, standard errors, and how many are not zero.

    Regrets are a million times as large as what is added, so that the second player's walk meets the policy that the first one's did.
    """
    tables = solver.state()
    sums = np.zeros((2, 2, len(regrets)))
    seen = np.zeros((2, len(regrets)))
    solver.advance(0)
    for _ in range(count):
        tables["R"][:], tables["S"][:] = 1e6 * regrets, 0.0
        solver.advance(solver.iteration + 1)
        for i, added in enumerate((tables["R"] - 1e6 * regrets, tables["S"])):
            sums[i, 0] += added
            sums[i, 1] += added * added
            seen[i] += np.abs(added) > 1e-9
    mean = sums[:, 0] / count
    return mean, np.sqrt(np.maximum(sums[:, 1] / count - mean**2, 0.0) / count), seen


def expected_updates(game, root, algo, regrets):
    """Return what one update adds in the mean to R and S."""
    order = [key for player in range(game.players) for key in infosets(root) if key[0] == player]
    counts, policy, start = infosets(root), {}, 0
    for key in order:
        row = regrets[start : start + counts[key]]
        policy[key], start = row / row.sum(), start + counts[key]
    full = FullWidth(root, game.players, policy)
    return [flat(table, root, game.players) for table in (full.regrets, full.by_chance if algo in EXTERNAL else full.once)]


def check_mean(game, root, algo, count):
    regrets = np.random.default_rng(4).uniform(0.2, 1.0, sum(game.actions))
    mean, error, seen = sampled_updates(game, fresh(game, algo, seed=2), regrets, count)
    for i, expected in enumerate(expected_updates(game, root, algo, regrets)):
        often = seen[i] >= 200  # below, the standard error is not known
        assert often.sum() >= min(20, len(often) / 2)
        z = np.abs(mean[i] - expected)[often] / np.maximum(error[i][often], 1e-9)
        assert (z <= 3.0).mean() >= 0.97 and z.max() <= 5.0 and (z**2).mean() < 1.6, (i, z.max(), (z**2).mean())


@pytest.mark.parametrize("algo", SAMPLING)
def test_the_mean_of_sampled_updates_is_the_update_of_full_width(algo, tmp_path):
    check_mean(*of_openspiel("kuhn_2p"), algo, 20_000)
    check_mean(*general_sum(tmp_path), algo, 20_000)


@pytest.mark.slow
@pytest.mark.parametrize("algo", SAMPLING)
def test_the_mean_of_sampled_updates_on_leduc(algo):
    check_mean(*of_openspiel("leduc_2p"), algo, 60_000)


@pytest.mark.parametrize(("plain", "with_baselines"), [("es-mccfr", "vr-es-mccfr"), ("os-mccfr", "vr-os-mccfr")])
@pytest.mark.slow  # many updates
def test_baselines_lower_the_variance_of_regrets(plain, with_baselines, tmp_path):
    for game, _ in (of_openspiel("kuhn_2p"), general_sum(tmp_path)):
        regrets = np.random.default_rng(4).uniform(0.2, 1.0, sum(game.actions))
        spread = []
        for algo in (plain, with_baselines):
            solver = fresh(game, algo, seed=3, **({"baseline": 0.05} if algo == with_baselines else {}))
            solver.advance(2000)  # baselines learn
            _, error, _ = sampled_updates(game, solver, regrets, 4000)
            spread.append(float((error[0] ** 2).sum()))
        assert spread[1] < 0.9 * spread[0], (game.name, spread)


def reaches(game, algo, nodes, seed):
    solver, evaluate = fresh(game, algo, seed=seed), Evaluator(game)
    while solver.remarks()["nodes"] < nodes:
        solver.advance(solver.iteration + 1000)
    return evaluate(solver.average_policy()).exploitability


@pytest.mark.parametrize("algo", SAMPLING)
@pytest.mark.slow  # many iterations
def test_exploitability_falls_below_its_level(algo, game):
    for name, (nodes, level) in zip(("kuhn_2p", "leduc_2p"), LEVELS[algo], strict=True):
        found = statistics.median(reaches(game(name), algo, nodes, seed) for seed in range(3))
        assert level / 50 < found < level, name


@pytest.mark.slow
@pytest.mark.parametrize(("algo", "peer"), [("es-mccfr", "External"), ("os-mccfr", "Outcome")])
def test_openspiel_is_as_far_after_as_many_iterations(algo, peer, game):
    for name, iterations in (("kuhn_2p", 2000), ("leduc_2p", 2000)):
        opened, evaluate = pyspiel.load_game(GAMES[name].game), Evaluator(game(name))
        ours, theirs = [], []
        for seed in range(5):
            solver = fresh(game(name), algo, seed=seed)
            solver.advance(iterations)
            ours.append(evaluate(solver.average_policy()).exploitability)
            other = getattr(pyspiel, f"{peer}SamplingMCCFRSolver")(opened, seed=seed)
            for _ in range(iterations):
                other.run_iteration()
            theirs.append(pyspiel.nash_conv(opened, other.average_policy(), True) / opened.num_players())
        assert 0.5 < statistics.median(ours) / statistics.median(theirs) < 2.0, name


@pytest.mark.parametrize("algo", SAMPLING)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_checkpoints_go_on_with_the_same_bits_however_a_run_is_cut(algo, weights, game):
    def solver():
        return fresh(game("kuhn_3p"), algo, seed=7, weights=weights)

    whole, pieces, second = solver(), solver(), solver()
    whole.advance(500)
    for stop in (0, 1, 2, 2, 137):
        pieces.advance(stop)
    second.restore(137, {name: array.copy() for name, array in pieces.state().items()})
    second.advance(500)
    assert second.iteration == 500
    assert all(second.state()[name].tobytes() == array.tobytes() for name, array in whole.state().items())
    assert second.average_policy().tobytes() == whole.average_policy().tobytes()
    other = fresh(game("kuhn_3p"), algo, seed=8, weights=weights)
    other.advance(500)
    assert not np.array_equal(other.average_policy(), whole.average_policy()), "the seed does nothing"
    assert not np.allclose(whole.current_policy(), uniform_policy(game("kuhn_3p")))
    assert np.allclose(np.add.reduceat(whole.current_policy(), np.cumsum([0, *game("kuhn_3p").tree.count[:-1]])), 1.0)


def test_a_call_ends_after_so_many_nodes_and_goes_on(game, monkeypatch):
    whole = fresh(game("kuhn_2p"), "es-mccfr")
    whole.advance(1000)
    monkeypatch.setattr("solvers.mccfr.solver.NODES_A_CALL", 100)
    pieces = fresh(game("kuhn_2p"), "es-mccfr")
    calls = []
    monkeypatch.setattr(pieces, "method", pieces.method._replace(run=lambda *given: calls.append(1) or whole.method.run(*given)))
    pieces.advance(1000)
    assert len(calls) > 100 and pieces.iteration == 1000
    assert pieces.average_policy().tobytes() == whole.average_policy().tobytes()


def test_checkpoints_of_others_are_refused(game):
    solver = fresh(game("kuhn_2p"), "es-mccfr")
    for arrays in ({}, fresh(game("kuhn_3p"), "es-mccfr").state(), fresh(game("kuhn_2p"), "vr-es-mccfr").state()):
        with pytest.raises(GameplanError, match="checkpoint does not belong to es-mccfr on kuhn_poker"):
            solver.restore(3, arrays)


INTERPRETED = """
import hashlib, json, sys
from games.loader import load_game
from workbench.catalogue.algorithms import find_algorithm
found = {}
for algo in json.loads(sys.argv[1]):
    solver = find_algorithm(algo, {"weights": "linear"}).make(load_game("kuhn_3p"), alternating=True, seed=5)
    solver.advance(20)
    found[algo] = hashlib.sha256(b"".join(a.tobytes() for a in solver.state().values())).hexdigest()
print(json.dumps(found))
"""


@pytest.mark.slow
def test_compiled_and_interpreted_runs_give_the_same_bits():
    runs = [
        subprocess.run(
            [sys.executable, "-c", INTERPRETED, json.dumps(list(SAMPLING))],
            env={**os.environ, "NUMBA_DISABLE_JIT": off}, capture_output=True, text=True, check=True,
        ).stdout
        for off in ("0", "1")
    ]  # fmt: skip
    assert json.loads(runs[0]) == json.loads(runs[1])


def ask(*words):
    run = CliRunner().invoke(cli.cli, ["solve", *map(str, words)])
    assert run.exit_code == 0, run.output
    return run.stdout


@pytest.mark.parametrize("algo", ["es-mccfr", "vr-os-mccfr"])
def test_a_run_that_is_resumed_has_the_bytes_of_one_that_was_not(algo, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    ask("leduc_2p", "--algo", algo, "--seed", 4, "-n", 3000, "--set", "weights=discounted", "--out", one)
    ask("leduc_2p", "--algo", algo, "--seed", 4, "-n", 700, "--set", "weights=discounted", "--out", other)
    record = json.loads(ask("--resume", other, "-n", 3000, "--json"))
    for name in ("policy.npz", "policy.json", "metrics.jsonl", "checkpoint.safetensors"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    lines = [json.loads(line) for line in (one / "metrics.jsonl").read_text().splitlines()]
    nodes = [line["nodes"] for line in lines]
    assert nodes == sorted(nodes) and nodes[0] > 2 and record["nodes"] == nodes[-1] and record["seed"] == 4


def test_a_run_on_a_game_file_goes_on_without_it(tmp_path):
    file = tmp_path / "game.efg"
    file.write_text(random_game(5, players=3, zero_sum=False))
    ask(file, "--algo", "es-mccfr", "-n", 100, "--out", tmp_path / "run")
    file.unlink()
    for tree in (tmp_path / "run").parent.rglob("*.histories.safetensors"):
        tree.unlink()
    assert json.loads(ask("--resume", tmp_path / "run", "-n", 200, "--json"))["iterations"] == 200


def test_simultaneous_updates_are_refused_in_a_line(tmp_path):
    words = ["solve", "kuhn_2p", "--algo", "os-mccfr", "--updates", "simultaneous", "--out", str(tmp_path / "r")]
    run = CliRunner().invoke(cli.cli, words)
    assert isinstance(run.exception, UsageError) and "leave out --updates simultaneous" in str(run.exception)
    assert not (tmp_path / "r").exists()


def test_a_lone_player_and_a_game_without_chance_are_solved(tmp_path):
    path = tmp_path / "alone.efg"
    path.write_text(random_game(3, players=1, zero_sum=False, depth=5))
    game = load_game(str(path))
    for algo in SAMPLING:
        solver = fresh(game, algo)
        solver.advance(20_000)
        assert Evaluator(game)(solver.average_policy()).exploitability < 0.05, algo
        assert isinstance(solver, MCCFRSolver)
    for algo in SAMPLING:
        solver = fresh(load_game("goofspiel_3"), algo)
        solver.advance(5_000)
        assert Evaluator(load_game("goofspiel_3"))(solver.average_policy()).exploitability < 0.1, algo
