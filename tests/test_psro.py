"""PSRO: payoffs, oracle, loop and reference curves, against slow twins, closed forms and OpenSpiel."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from matrix_games import random_tensors
from open_spiel.python.algorithms import best_response as openspiel_best_response
from open_spiel.python.policy import TabularPolicy

from games.errors import GameplanError, UsageError
from games.loader import load_game, resolve
from solvers.exploitability import Evaluator, buffer_size, uniform_policy
from solvers.lp import solve_zero_sum
from solvers.plans import plan_of, policy_of
from solvers.psro.catalogue import PRESETS
from solvers.psro.oracle import best_response
from solvers.psro.solver import PSROSolver
from solvers.psro.solvers import alpharank
from workbench.catalogue.algorithms import find_algorithm
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig, resumed_config
from workbench.solving.isolated import Trust
from workbench.solving.policies import SUFFIXES, load_policy, policy_table
from workbench.solving.population import Population, draw_population
from workbench.solving.run import solve

TOP = Path(__file__).resolve().parent.parent
EXACT = 1e-12  # sums of at most a thousand terms of size one


@pytest.mark.parametrize("name", ["kuhn_2p", "kuhn_3p", "leduc_2p"])
def test_best_responses_equal_openspiels(name):
    import pyspiel

    game = load_game(name)
    spiel = pyspiel.load_game(resolve(name)[0])
    rng, policy = np.random.default_rng(0), uniform_policy(game)
    weights = rng.random(len(policy)) * (rng.random(len(policy)) < 0.8)  # some actions are never played
    for p in range(game.players):
        a = game.player_actions(p)
        policy[a] = policy_of(game, p, np.concatenate([[1.0], weights[a]]))
    plan = np.concatenate([plan_of(game, p, policy[game.player_actions(p)]) for p in range(game.players)])
    values = Evaluator(game)(policy).best_responses
    for p in range(game.players):
        answer = policy.copy()
        answer[game.player_actions(p)] = best_response(game, p, plan, np.zeros((3, buffer_size(game))))
        assert Evaluator(game)(answer).values[p] == pytest.approx(values[p], abs=EXACT)
        tabular = TabularPolicy(spiel)
        for table in policy_table(game, policy):
            for infoset, actions in table.items():
                for action, probability in actions.items():
                    tabular.policy_for_key(infoset)[int(action)] = probability
        theirs = openspiel_best_response.BestResponsePolicy(spiel, p, tabular)
        assert theirs.value(spiel.new_initial_state()) == pytest.approx(values[p], abs=1e-10)


def test_ties_are_mixed_uniformly_also_where_nobody_comes():
    game = load_game("kuhn_2p")
    sigma = best_response(game, 0, np.zeros(sum(game.actions) + 2), np.zeros((3, buffer_size(game))))
    np.testing.assert_array_equal(sigma, uniform_policy(game)[game.player_actions(0)])


def psro(game: str, train: str, evaluate: str | None = None, **given) -> PSROSolver:
    algorithm = find_algorithm("psro", given, 100, train=train, evaluate=evaluate)
    return algorithm.make(load_game(game), alternating=True)


def test_double_oracle_ends_at_the_equilibrium():
    solver = psro("kuhn_2p", "nash")
    solver.advance(10)
    result = Evaluator(solver.game)(solver.average_policy())
    assert result.exploitability < 1e-12 and result.values[0] == pytest.approx(-1 / 18, abs=1e-9)
    assert result.values[0] == pytest.approx(solve_zero_sum(solver.game)[0], abs=1e-9)


REFERENCE = {  # n = 10, 25, 50; the factor is that of the reference table
    ("leduc_2p", "uniform"): (1.27, 0.66, 0.41),
    ("leduc_2p", "nash"): (1.5, 0.63, 0.33),
    ("leduc_2p", "rm"): (1.7, 0.69, 0.18),
    ("leduc_2p", "shor"): (1.4, 0.44, 0.12),
    ("goofspiel_5", "shor"): (0.59, 0.20, 0.05),
    ("liars_dice_5", "shor"): (0.55, 0.28, 0.17),
    ("kuhn_2p", "shor"): (0.005, 0.002, 0.003),
}


@pytest.mark.parametrize(("game", "name"), REFERENCE)
def test_reference_curves(game, name):
    solver, evaluator = psro(game, name), Evaluator(load_game(game))
    for n, expected in zip((10, 25, 50), REFERENCE[game, name], strict=True):
        solver.advance(n)
        found = evaluator(solver.average_policy()).exploitability
        assert expected / 1.5 <= found <= expected * 1.5, (n, found)


def test_any_two_solvers_combine_and_parameters_reach_them():
    solver = psro("kuhn_3p", "shor", "uniform", **{"train.initial_blend": "0.5", "train.base_iterations": "10"})
    solver.advance(3)
    np.testing.assert_allclose(solver.eval_strategies()[0], 1 / 3)
    assert solver._train.params["initial_blend"] == 0.5 and solver._train.params["base_iterations"] == 10
    with pytest.raises(UsageError, match=r"has no parameter 'inital_blend' .did you mean 'initial_blend'"):
        psro("kuhn_2p", "shor", **{"train.inital_blend": 1})
    with pytest.raises(UsageError, match=r"unknown meta-strategy solver 'nahs' .did you mean 'nash'"):
        psro("kuhn_2p", "nahs")
    with pytest.raises(UsageError, match="--train and --eval do not apply"):
        find_algorithm("cfr", {}, 10, train="nash")


def test_a_file_stands_for_the_solvers_that_are_not_chosen(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import numpy as np\n\n\ndef evaluate(payoffs, iteration):\n    return [np.ones(n) for n in payoffs.sizes]\n")
    found = find_algorithm(str(path), {}, 10, train="rm").program
    assert (found.train.name, found.eval.name) == ("rm", "mine.py")
    with pytest.raises(GameplanError, match=r"mine\.py cannot be the train solver"):
        find_algorithm(str(path), {}, 10)


def test_nash_names_the_alternatives_where_it_cannot_solve():
    for game in ("kuhn_3p", "matrix_bos"):
        with pytest.raises(GameplanError, match="use shor, rm, prd"):
            psro(game, "nash").advance(1)


def alpharank_marginals(tensors: list[np.ndarray], copies: list[list[int]], intensity: float) -> list[np.ndarray]:
    """Return the stationary marginals of the chain over distinct policies that stand for so many copies."""
    shape = tensors[0].shape
    pi = np.full(tensors[0].size, 1 / tensors[0].size)
    weights = np.concatenate(copies).astype(float)
    alpharank.stationary(np.stack([t.ravel() for t in tensors]), np.array(shape), weights, intensity, 50, pi, 2000, 1e-12)
    return [pi.reshape(shape).sum(axis=tuple(q for q in range(len(shape)) if q != p)) for p in range(len(shape))]


def test_alpharank_equals_openspiels_and_knows_its_size():
    from open_spiel.python.egt import alpharank as reference

    tensors = random_tensors((4, 3), seed=0)
    joint = reference.compute(tensors, m=50, alpha=1.0)[2].reshape(4, 3)
    theirs = [joint.sum(axis=1), joint.sum(axis=0)]
    for ours, expected in zip(alpharank_marginals(tensors, [[1] * 4, [1] * 3], 1.0), theirs, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-9)
    solver = psro("kuhn_2p", "alpharank", **{"train.max_joint_policies": 8, "eval.max_joint_policies": 8})
    solver.advance(2)
    with pytest.raises(GameplanError, match="9 distinct joint policies at iteration 3"):
        solver.advance(3)


def test_alpharank_of_equal_policies_is_that_of_their_copies():
    tensors, copies = random_tensors((2, 3, 2), seed=1), [[1, 3], [2, 1, 1], [1, 2]]
    rows = [np.repeat(np.arange(len(c)), c) for c in copies]
    full = alpharank_marginals([t[np.ix_(*rows)] for t in tensors], [[1] * len(r) for r in rows], 1.0)
    for lumped, mass, row in zip(alpharank_marginals(tensors, copies, 1.0), full, rows, strict=True):
        np.testing.assert_allclose(lumped, np.bincount(row, mass), rtol=0, atol=1e-9)


FUNCTIONS, CLASSES = re.findall(r"```python\n(.*?)```", (TOP / "docs/psro.md").read_text(), re.DOTALL)  # the documented examples


@pytest.mark.parametrize("text", [FUNCTIONS, CLASSES], ids=["functions", "classes"])
def test_a_users_solver_in_both_interfaces_runs_and_resumes(text, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(text)
    solve(SolveConfig("kuhn_3p", "psro", 9, train=str(path)), RunDirectory.create(tmp_path / "whole"))
    solve(SolveConfig("kuhn_3p", str(path), 5), RunDirectory.create(tmp_path / "run"))  # the same, said shorter
    path.unlink()  # the run has a copy
    said: list[str] = []
    run = RunDirectory.open(tmp_path / "run")
    solve(resumed_config(run, {"iterations": 9}), run, resume=True, say=said.append, trust=Trust(trusted=True))
    assert any("computed again" in line for line in said) == (text is CLASSES)
    for name in ("metrics.jsonl", "policy.json", "population.npz"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("[np.ones(n + 1) for n in payoffs.sizes]", r"weights of shape \(3,\); the population has 2 policies"),
        ("[-np.ones(n) for n in payoffs.sizes]", "non-negative"),
        ("[np.full(n, np.nan) for n in payoffs.sizes]", "non-negative, finite"),
        ("[np.zeros(n) for n in payoffs.sizes]", "not all zero"),
        ("[np.ones(2)]", "1 strategies were returned; the game has 2 players"),
        ("None", "no arrays of weights"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_bad_answers_stop_the_run_and_keep_the_metrics(answer, message, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(f"import numpy as np\nSTATE = {{}}\ndef train(payoffs, iteration):\n    if iteration < 2:\n        return [np.ones(1)] * 2\n    return {answer}\nevaluate = train\n")  # fmt: skip
    with pytest.raises(GameplanError, match=rf"train solver mine\.py, iteration 2.*{message}"):
        solve(SolveConfig("kuhn_2p", "psro", 5, train=str(path)), RunDirectory.create(tmp_path / "run"))
    assert len(RunDirectory.open(tmp_path / "run").read_lines("metrics.jsonl")) == 1


def test_class_programs_are_refused_policy_sets_beyond_the_limit(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(CLASSES)
    solver = psro("kuhn_3p", str(path))
    solver.payoffs.memory_limit = 1000
    with pytest.raises(GameplanError, match=r"policy sets need .* write the solver as train"):
        solver.advance(5)


def test_the_exported_mixture_is_worth_the_runs_last_figure(tmp_path):
    record = solve(SolveConfig("kuhn_3p", "psro", 7, train="shor", eval="rm"), RunDirectory.create(tmp_path / "run"))
    assert RunDirectory.open(tmp_path / "run").read_lines("metrics.jsonl")[-1]["exploitability"] == record["exploitability"]
    game = load_game("kuhn_3p")
    for suffix in SUFFIXES:
        policy, missing = load_policy(game, tmp_path / f"run/policy{suffix}")
        assert missing == 0
        assert Evaluator(game)(policy).exploitability == pytest.approx(record["exploitability"], abs=EXACT)


def test_psro_show_looks_into_a_run(tmp_path):
    record = solve(SolveConfig("kuhn_3p", "shor-psro", 6), RunDirectory.create(tmp_path / "run"))
    population = Population.open(tmp_path / "run")
    rows = population.mixtures()
    assert rows[-1]["eval"] == pytest.approx(record["exploitability"]) and len(rows[-1]["support"]) == 3
    assert population._exploitability(Evaluator(population.game), population.eval) == pytest.approx(
        record["exploitability"], abs=EXACT
    )
    table = population.meta_game()
    assert table.shape == (6, 6) and np.isfinite(table).all()
    graph = population.response_graph()
    assert len(graph) == 4**3 and all(graph.edges[edge]["weight"] > 0 for edge in graph.edges)
    for suffix in ("png", "svg"):
        draw_population(population, tmp_path / f"figure.{suffix}", rows)
        assert (tmp_path / f"figure.{suffix}").stat().st_size > 10_000
    assert sum(data["mass"] for _, data in graph.nodes(data=True)) <= 1.0 + 1e-9
    with pytest.raises(UsageError, match="no finished PSRO run"):
        solve(SolveConfig("kuhn_2p", "cfr", 2), RunDirectory.create(tmp_path / "cfr"))
        Population.open(tmp_path / "cfr")


def test_the_meta_game_is_sorted_by_nash_average(tmp_path):
    solve(SolveConfig("kuhn_2p", "psro-uniform", 6), RunDirectory.create(tmp_path / "run"))
    population = Population.open(tmp_path / "run")
    table, (rows, columns) = population.meta_game(), population.nash_average()
    assert np.max(rows) == pytest.approx(-np.max(columns))  # the value of the meta-game
    figure = draw_population(population, None, population.mixtures())
    panel = figure.axes[0]
    drawn = panel.images[0].get_array()
    numbers = [[int(text.get_text()) for text in labels] for labels in (panel.get_yticklabels(), panel.get_xticklabels())]
    assert np.allclose(drawn, table[np.ix_(*numbers)]) and (np.diff(rows[numbers[0]]) <= 1e-12).all()
    joint = next(c for panel in figure.axes for c in panel.collections if c.get_label() == "_joint policies")
    graph = population.response_graph()
    assert np.argmax(joint.get_sizes()) == np.argmax([data["mass"] for _, data in graph.nodes(data=True)])


@pytest.mark.slow
def test_killed_runs_resume_to_the_same_bytes(tmp_path):
    arguments = ["-m", "cli", "solve", "leduc_2p", "--algo", "shor-psro", "-n", "110"]
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    subprocess.run([sys.executable, *arguments, "--out", "whole"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    moments, command = random.Random(2), [*arguments, "--out", "broken"]
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, *command], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        time.sleep(moments.uniform(1.5, 3.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (tmp_path / "broken/config.json").exists():
            command = ["-m", "cli", "solve", "--resume", "broken"]
    subprocess.run([sys.executable, *command], cwd=tmp_path, env=environment, check=True, capture_output=True)
    for name in ("config.json", "metrics.jsonl", "policy.npz", "policy.json", "policy.csv", "population.npz"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_every_preset_runs_or_says_why_not(tmp_path):
    for preset in PRESETS:
        path = tmp_path / preset
        record = solve(SolveConfig("goofspiel_3", preset, 3), RunDirectory.create(path))
        assert 0 <= record["exploitability"] < 1 and record["train"] == PRESETS[preset][0]
        assert json.loads((path / "metrics.jsonl").read_text().splitlines()[-1])["support"]
