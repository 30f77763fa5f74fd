"""Populations against opponents who may play anything: least exploitable mixtures, their answers, and what populations are worth."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pyspiel
import pytest
from open_spiel.python.algorithms.exploitability import nash_conv
from open_spiel.python.policy import TabularPolicy
from random_games import random_card_game, random_game
from scipy.optimize import linprog

from games.blocks import build_blocks
from games.compiler import compile_game
from games.errors import GameplanError, UsageError
from games.loader import load_game
from solvers.exploitability import Evaluator
from solvers.plans import plan_of, policy_of
from solvers.psro.catalogue import CONSTANT_SUM, SOLVERS
from solvers.psro.maximin import maximin
from solvers.psro.meta_solver import make_meta_solver, shipped_module
from solvers.psro.payoffs import Payoffs
from solvers.psro.solver import MEASURE, PSROSolver, population_exploitability
from workbench.catalogue.algorithms import find_algorithm
from workbench.runs.directory import METRICS, RESULT, RunDirectory
from workbench.runs.formats import POPULATION
from workbench.solving.config import SolveConfig, resumed_config
from workbench.solving.isolated import Trust
from workbench.solving.policies import policy_table
from workbench.solving.population import Population, draw_population
from workbench.solving.rule_tools import check_rule_file
from workbench.solving.run import solve

CLOSE = 1e-9  # HiGHS's tolerances are 1e-10


def random_plan(game, player, rng):
    """Return a plan that plays some actions never and some always."""
    weights = rng.random(game.actions[player]) * (rng.random(game.actions[player]) < 0.6)
    return plan_of(game, player, policy_of(game, player, np.concatenate([[1.0], weights])))


def random_payoffs(game, sizes, seed):
    rng = np.random.default_rng(seed)
    return Payoffs.of(game, [np.array([random_plan(game, p, rng) for _ in range(n)]) for p, n in enumerate(sizes)])


def pure_plans(game, player):
    """Return the realisation plans of all pure strategies."""
    infosets = game.player_infosets(player)
    counts, firsts = game.tree.count[infosets], game.tree.first[infosets]
    plans = []
    for choice in product(*(range(n) for n in counts)):
        sigma = np.zeros(game.actions[player])
        sigma[[int(first) + k for first, k in zip(firsts, choice, strict=True)]] = 1.0
        plans.append(plan_of(game, player, sigma))
    return np.unique(plans, axis=0)


def utilities(game, player, own, others):
    """Return the player's payoffs by own and the other's plans."""
    rows = game.rows
    return np.array([
        [(rows.utility[player] * x[rows.sequences[:, player]] * y[rows.sequences[:, 1 - player]]).sum() for y in others] for x in own
    ])  # fmt: skip


def guaranteed(table):
    """Return the value of a matrix game for its row player, by a dense linear program."""
    rows, columns = table.shape
    found = linprog(
        [*[0.0] * rows, -1.0], A_ub=np.c_[-table.T, np.ones(columns)], b_ub=np.zeros(columns),
        A_eq=[[*[1.0] * rows, 0.0]], b_eq=[1.0], bounds=[(0, None)] * rows + [(None, None)],
    )  # fmt: skip
    return -found.fun


def small_game(make, seed):
    options = {"depth": 3} if make is random_game else {"depth": 2, "cards": 2}
    return compile_game(pyspiel.load_efg_game(make(seed, players=2, zero_sum=True, **options)), "random", "random")


GAMES = {
    "kuhn_2p": lambda: load_game("kuhn_2p"),
    **{f"trees {seed}": lambda seed=seed: small_game(random_game, seed) for seed in range(3)},
    **{f"cards {seed}": lambda seed=seed: small_game(random_card_game, seed) for seed in range(3)},
}


@pytest.mark.parametrize("name", GAMES)
def test_all_pure_strategies_of_the_opponent_say_the_same(name):
    game = GAMES[name]()
    for seed, sizes in enumerate([(1, 3), (4, 2), (6, 6)]):
        payoffs = random_payoffs(game, sizes, seed)
        for player, own in enumerate(payoffs.populations):
            table = utilities(game, player, own, pure_plans(game, 1 - player))
            weights, answer = payoffs.least_exploitable(player)
            assert weights.min() >= 0.0 and weights.sum() == pytest.approx(1.0, abs=CLOSE)
            assert (weights @ table).min() == pytest.approx(guaranteed(table), abs=CLOSE)
            against = utilities(game, player, own, [answer])[:, 0]
            assert weights @ against == pytest.approx((weights @ table).min(), abs=CLOSE), "the answer is no best response"
            assert against.max() <= weights @ against + CLOSE, "another policy does better against the answer"


def test_neither_equilibria_of_the_meta_game_nor_uniform_mixtures_are_as_safe():
    game = load_game("kuhn_2p")
    short = {"nash": 0.0, "uniform": 0.0}
    for seed in range(5):
        payoffs = random_payoffs(game, (5, 5), seed)
        for player, own in enumerate(payoffs.populations):
            table = utilities(game, player, own, pure_plans(game, 1 - player))
            best = (payoffs.least_exploitable(player).weights @ table).min()
            others = {"nash": maximin(utilities(game, player, own, payoffs.populations[1 - player])), "uniform": np.full(5, 0.2)}
            for other, weights in others.items():
                short[other] = max(short[other], best - (weights @ table).min())
    assert min(short.values()) > 0.05, short


@pytest.mark.parametrize("name", ["kuhn_2p", "leduc_2p"])
def test_populations_are_worth_what_openspiel_says(name):
    payoffs = random_payoffs(load_game(name), (4, 3), seed=2)
    game, plans = payoffs.game, [payoffs.mixture(p, payoffs.least_exploitable(p).weights) for p in range(2)]
    tabular = TabularPolicy(pyspiel.load_game(game.name))
    for table in policy_table(game, np.concatenate([policy_of(game, p, plan) for p, plan in enumerate(plans)])):
        for infoset, actions in table.items():
            for action, probability in actions.items():
                tabular.policy_for_key(infoset)[int(action)] = probability
    assert population_exploitability(payoffs) == pytest.approx(nash_conv(tabular.game, tabular) / 2, abs=CLOSE)


@pytest.mark.parametrize(
    ("name", "train"), [("kuhn_2p", "rm"), ("goofspiel_4", "nash"), ("leduc_2p", "uniform"), ("leduc_2p", "nash")]
)
def test_no_mixture_is_less_exploitable_and_growing_does_no_harm(name, train):
    solver = find_algorithm("psro", {}, 12, train=train).make(load_game(name), alternating=True)
    evaluate, rng, before = Evaluator(solver.game), np.random.default_rng(0), np.inf
    for n in range(1, 13):
        solver.advance(n)
        found = population_exploitability(solver.payoffs)
        mixtures = [solver.train_strategies(), *([rng.dirichlet(np.full(n, a)) for _ in range(2)] for a in (0.1, 1.0, 10.0))]
        for mixture in mixtures:
            policy = [policy_of(solver.game, p, solver.payoffs.mixture(p, weights)) for p, weights in enumerate(mixture)]
            assert found <= evaluate(np.concatenate(policy)).exploitability + CLOSE
        assert found <= before + CLOSE
        before = found


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e12])
def test_sums_and_scales_change_no_mixture(scale):
    kuhn = load_game("kuhn_2p")
    utility = scale * (kuhn.rows.utility + np.array([[200.0], [500.0]]) * kuhn.rows.chance)
    rows = kuhn.rows._replace(utility=utility)
    game = replace(kuhn, rows=rows, blocks=build_blocks(rows, [n + 1 for n in kuhn.actions], False))
    assert game.constant_sum == pytest.approx(700.0 * scale)
    plain, shifted = (random_payoffs(each, (4, 4), seed=1) for each in (kuhn, game))
    assert population_exploitability(shifted) == pytest.approx(scale * population_exploitability(plain), rel=1e-6)


def test_equal_policies_share():
    game = load_game("kuhn_2p")
    plans = random_payoffs(game, (3, 2), seed=4).populations
    once = Payoffs.of(game, plans).least_exploitable(0).weights
    again = Payoffs.of(game, [plans[0][[0, 1, 2, 0]], plans[1]]).least_exploitable(0).weights
    np.testing.assert_array_equal(again, [once[0] / 2, once[1], once[2], once[0] / 2])


def test_answers_of_the_programs_lead_to_an_equilibrium_and_shared_ties_do_not():
    kuhn = load_game("kuhn_2p")
    found = find_algorithm("psro-anytime", {}, 25).program
    for train, expected in ((found.train, 0.0), (replace(found.train, answers=None), 1 / 28.8)):
        solver = PSROSolver(kuhn, train, found.eval)
        curve = []
        for n in range(1, 26):
            solver.advance(n)
            curve.append(Evaluator(kuhn)(solver.average_policy()).exploitability)
        assert curve[-1] == pytest.approx(expected, abs=CLOSE) and (np.diff(curve) <= CLOSE).all()


@pytest.mark.parametrize("algo", ["shor-psro", "psro-anytime"])
def test_runs_measure_their_populations_and_resume(algo, tmp_path):
    config = SolveConfig("kuhn_2p", algo, 9, {MEASURE: "true"})
    record = solve(config, RunDirectory.create(tmp_path / "whole"))
    solve(replace(config, iterations=5), RunDirectory.create(tmp_path / "run"))
    run = RunDirectory.open(tmp_path / "run")
    solve(resumed_config(run, {"iterations": 9}), run, resume=True)
    for name in ("metrics.jsonl", "policy.json", "population.npz"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    lines = run.read_lines(METRICS)
    measured = [line[POPULATION] for line in lines]
    assert MEASURE == POPULATION and record["params"][MEASURE] is True and record[POPULATION] == measured[-1]
    assert RunDirectory.open(tmp_path / "whole").read_json(RESULT)[POPULATION] == measured[-1]
    population = Population.open(tmp_path / "run")
    for line, worth, row in zip(lines, measured, population.mixtures(), strict=True):
        first = Payoffs.of(population.game, [plans[: line["iteration"]] for plans in population.plans])
        assert worth == row["population"] == pytest.approx(population_exploitability(first), abs=CLOSE)
        assert worth <= row["eval"] + CLOSE and (algo != "psro-anytime" or worth == row["eval"])
    with pytest.raises(UsageError, match=f"has {MEASURE} = "):
        resumed_config(run, {"params": {MEASURE: "false"}})


def test_what_is_not_measured_costs_nothing_and_is_known_in_the_end(tmp_path):
    record = solve(SolveConfig("kuhn_2p", "psro-uniform", 4), RunDirectory.create(tmp_path / "run"))
    assert POPULATION not in record and MEASURE not in record["params"]
    assert POPULATION not in (tmp_path / "run/metrics.jsonl").read_text()
    rows = Population.open(tmp_path / "run").mixtures()
    assert [row["population"] is None for row in rows] == [True] * 3 + [False]


def test_games_for_which_it_is_not_defined_are_refused(tmp_path):
    for game in ("kuhn_3p", "matrix_bos"):
        with pytest.raises(GameplanError, match=rf"{MEASURE} is defined for two-player .*, not for .*; leave it out"):
            solve(SolveConfig(game, "shor-psro", 2, {MEASURE: True}), RunDirectory.create(tmp_path / game))
    solve(SolveConfig("kuhn_3p", "psro-uniform", 2), RunDirectory.create(tmp_path / "run"))
    assert [row["population"] for row in Population.open(tmp_path / "run").mixtures()] == [None, None]


SEVERAL = """
import numpy as np

STATE = {}


def train(payoffs, iteration):
    return [np.arange(1.0, n + 1.0) for n in payoffs.sizes]


def answers(payoffs, strategies, respond):
    if len(payoffs.sizes) == 2 and payoffs.sizes[0] % 3 == 0:
        return [[], [respond(1, strategies)]]
    mixed = [np.ones(n) / n for n in payoffs.sizes]
    return [[respond(0, mixed), respond(0, strategies)], [], *([respond(p, mixed)] for p in range(2, len(payoffs.sizes)))]


evaluate = train
"""


@pytest.mark.parametrize("game", ["kuhn_2p", "kuhn_3p"])
def test_populations_may_grow_by_any_number(game, tmp_path):
    path = tmp_path / "several.py"
    path.write_text(SEVERAL)
    config = SolveConfig(game, str(path), 8, {MEASURE: game == "kuhn_2p"})
    solve(config, RunDirectory.create(tmp_path / "whole"))
    solve(replace(config, iterations=4), RunDirectory.create(tmp_path / "run"))
    run = RunDirectory.open(tmp_path / "run")
    solve(resumed_config(run, {"iterations": 8}), run, resume=True, trust=Trust(trusted=True))
    for name in ("metrics.jsonl", "policy.json", "population.npz"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    population = Population.open(tmp_path / "run")
    sizes = [[len(weights) for weights in line["train"]] for line in population.lines]
    assert sizes[:3] == ([[1, 1], [3, 1], [3, 2]] if game == "kuhn_2p" else [[1, 1, 1], [3, 1, 2], [5, 1, 3]])
    assert [len(plans) for plans in population.plans] == sizes[-1]
    figure = draw_population(population, tmp_path / "figure.png", population.mixtures())
    assert figure.axes[0].images[0].get_array().shape == tuple(sizes[-1][:2])


def test_payoffs_of_several_are_those_of_one_by_one():
    game, rng = load_game("kuhn_3p"), np.random.default_rng(5)
    plans = [np.array([random_plan(game, p, rng) for _ in range(n)]) for p, n in enumerate((4, 2, 3))]
    grown = Payoffs(game)
    for parts in ([slice(0, 1)] * 3, [slice(1, 4), slice(1, 1), slice(1, 2)], [slice(4, 4), slice(1, 2), slice(2, 3)]):
        grown.extend([own[part] for own, part in zip(plans, parts, strict=True)])
    assert grown.sizes == [4, 2, 3] and grown.is_tensor
    for player in range(3):
        np.testing.assert_allclose(grown.tensor(player), Payoffs.of(game, plans).tensor(player), rtol=0, atol=1e-12)


BAD = {
    "1 / 0": "ZeroDivisionError: division by zero",
    "None": "a list of plans for each player must be returned, of 13 and 13 sequences",
    "[[respond(0, strategies)]]": "a list of plans for each player must be returned",
    "[[np.ones(3)], []]": "a list of plans for each player must be returned",
    "[[np.ones(13)], []]": r"player 0: no realisation plans were returned; respond\(player, strategies\) is one",
    "[[], [-respond(1, strategies)]]": "player 1: no realisation plans",
    "[[], [np.nan * respond(1, strategies)]]": "player 1: no realisation plans",
}


@pytest.mark.parametrize("answer", BAD)
def test_bad_answers_are_named(answer):
    class Module:
        STATE: dict = {}
        train = staticmethod(lambda payoffs, iteration: [np.ones(n) for n in payoffs.sizes])
        answers = staticmethod(eval(f"lambda payoffs, strategies, respond: {answer}", {"np": np}))

    train = make_meta_solver("mine", "train", Module, {}, None)
    solver = PSROSolver(load_game("kuhn_2p"), train, train)
    with pytest.raises(GameplanError, match=rf"train solver mine, iteration 1, answers.*{BAD[answer]}"):
        solver.advance(2)


def test_answers_take_three_arguments():
    class Module:
        train = staticmethod(lambda payoffs, iteration: None)
        answers = staticmethod(lambda payoffs: None)

    with pytest.raises(GameplanError, match=r"mine: answers must take \(payoffs, strategies, respond\)"):
        make_meta_solver("mine", "train", Module, {}, None)
    assert make_meta_solver("mine", "train", type("Module", (), {"train": Module.train}), {}, None).answers is None


@pytest.mark.slow
def test_isolated_programs_are_measured_too(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(SEVERAL)
    config = SolveConfig("kuhn_2p", str(path), 4, {MEASURE: True})
    for name, trust in (("as user", Trust()), ("isolated", Trust(sandbox=True))):
        solve(config, RunDirectory.create(tmp_path / name), trust=trust)
    lines = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("as user", "isolated")]
    assert POPULATION in lines[0] and [json.loads(line) for line in lines[0].splitlines()] == [
        json.loads(line) for line in lines[1].splitlines()
    ]


@pytest.mark.slow
def test_isolated_programs_may_solve_linear_programs(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("""
from solvers.rule import maximin

STATE = {}


def train(payoffs, iteration):
    return [maximin(payoffs.tensor(0)), payoffs.least_exploitable(1).weights]


evaluate = train
""")
    record = solve(SolveConfig("kuhn_2p", str(path), 3), RunDirectory.create(tmp_path / "run"), trust=Trust(sandbox=True))
    assert record["status"] == "done"


@pytest.mark.parametrize("name", CONSTANT_SUM)
def test_check_rule_knows_that_some_solvers_are_for_two_players(name):
    record = check_rule_file(Path(shipped_module(SOLVERS[name][0]).__file__), iterations=3)
    assert record["ok"] and not record["problems"] and record["exploitability"] < 0.3
    assert len(record["warnings"]) == 1 and "not tried in kuhn_3p" in record["warnings"][0]
