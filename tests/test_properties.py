"""What must hold for every game and every policy, on random games and on catalogued ones with dense blocks."""

import numpy as np
import pyspiel
import pytest
from naive import evaluate
from random_games import random_card_game, random_game, samples

from games.compiler import compile_game
from games.loader import load_game
from solvers.exploitability import Evaluator, buffer_size, normalised_average, uniform_policy
from solvers.kernels import best_response_value, gradient, refresh_plan, regrets
from solvers.lp import solve_zero_sum
from workbench.solving.policies import policy_table

ROUNDING = 1e-12  # sums of at most some thousand terms of size 1
LP = 1e-9  # HiGHS is asked for 1e-10
SAMPLES = samples(16)
DENSE = ("leduc_2p", "goofspiel_5", "kuhn_4p", "liars_dice_4")
random_ones = pytest.mark.parametrize(("make", "options"), SAMPLES, ids=lambda x: getattr(x, "__name__", None) or x["seed"])


def compiled(make, options):
    return compile_game(pyspiel.load_efg_game(make(**options)), "random", "random")


def random_policy(game, rng):
    """Return a policy in which about a quarter of the probabilities are zero."""
    weights = rng.random(len(game.action_ids)) * (rng.random(len(game.action_ids)) > 0.25)
    out = np.empty_like(weights)
    normalised_average(weights, game.tree, out)
    return out


def plan_of(game, policy):
    """Return the players' plans one after the other, by walking down from the roots in plain Python."""
    plan = np.zeros(len(policy) + game.players)
    for player in range(game.players):
        base = game.player_actions(player).start
        plan[base + player] = 1.0
        for i in range(*game.player_infosets(player).indices(len(game.tree.parent))):
            first, own = int(game.tree.first[i]), plan[base + player + int(game.tree.parent[i])]
            for k in range(first, first + int(game.tree.count[i])):
                plan[base + player + k + 1] = own * policy[base + k]
    return plan


def naive_gradient(game, player, plan):
    rows, out = game.rows, np.zeros(game.actions[player] + 1)
    weight = rows.utility[player].copy()
    for other in range(game.players):
        if other != player:
            weight *= plan[game.player_actions(other).start + other + rows.sequences[:, other]]
    np.add.at(out, rows.sequences[:, player], weight)
    return out


def check_gradient(game, seed):
    """Compare the kernel with the sum over rows; the plan need not be one, the gradient is multilinear."""
    plan = np.random.default_rng(seed).normal(size=sum(game.actions) + game.players)
    for player in range(game.players):
        out = np.full(game.actions[player] + 1, np.nan)
        gradient(player, plan, game.blocks, game.tree, np.full((3, buffer_size(game)), np.nan), out)
        expected = naive_gradient(game, player, plan)
        np.testing.assert_allclose(out * game.blocks.unit, expected, rtol=0, atol=ROUNDING * max(1.0, np.abs(expected).max()))


def check_weights(game):
    """Rearranging the rows keeps every value that is not zero but for rounding: in blocks or in the remainder, in units."""
    blocks, rows = game.blocks, game.rows
    tables = 1 if game.players == 2 and game.zero_sum else game.players
    assert len(blocks.weight) == len(blocks.sparse_weight) == tables
    for table in range(tables):
        kept, given = np.concatenate([blocks.weight[table], blocks.sparse_weight[table]]) * blocks.unit, rows.utility[table]
        kept, given = (np.sort(x[np.abs(x) > ROUNDING]) for x in (kept, given))
        np.testing.assert_allclose(kept, given, rtol=ROUNDING)


@random_ones
def test_gradient_and_blocks_of_random_games(make, options):
    game = compiled(make, options)
    check_gradient(game, options["seed"])
    check_weights(game)


@pytest.mark.parametrize("name", DENSE)
def test_gradient_and_blocks_of_dense_games(name, game):
    assert len(game(name).blocks.lanes) > 0
    check_gradient(game(name), 0)
    check_weights(game(name))


def test_random_games_cover_all_layouts():
    games = [compiled(make, options) for make, options in SAMPLES]
    assert {(g.players, g.zero_sum) for g in games if len(g.blocks.lanes)} == {(2, True), (2, False), (3, True), (3, False)}
    assert {(g.players, g.blocks.weight.dtype.kind) for g in games} == {(2, "f"), (3, "f"), (3, "i")}


TINY = """EFG 2 R "tiny" { "A" "B" "C" } ""
p "" 1 1 "" { "a" "b" } 0
t "" 1 "" { 1.0000000003 1 1e-10 }
t "" 2 "" { 1 1 0 }
"""


def test_small_differences_of_payoffs_count():
    game = compile_game(pyspiel.load_efg_game(TINY), "tiny", "tiny")
    found = Evaluator(game)(np.array([1.0, 0.0]))
    assert found.values == (1.0000000003, 1.0, 1e-10)
    check_gradient(game, 0)


@random_ones
def test_rows_are_the_merged_tree(make, options):
    game = compiled(make, options)
    assert len(game.rows.chance) <= game.terminals < game.histories
    assert len(np.unique(game.rows.sequences, axis=0)) == len(game.rows.sequences)
    assert game.zero_sum == options["zero_sum"]
    for player in range(game.players):
        infosets = game.player_infosets(player)
        parent, first, count = (a[infosets].astype(int) for a in game.tree[:3])
        assert np.array_equal(first, np.cumsum(count) - count) and (parent <= first).all(), "a parent comes after its child"
    for _ in range(3):  # chance times the plans of any policy is a probability distribution over the rows
        plan = plan_of(game, random_policy(game, np.random.default_rng(options["seed"])))
        reach = game.rows.chance.copy()
        for player in range(game.players):
            reach *= plan[game.player_actions(player).start + player + game.rows.sequences[:, player]]
        assert reach.sum() == pytest.approx(1.0, abs=ROUNDING)


@random_ones
def test_evaluation(make, options):
    """Exact values and best responses: as the naive ones, never negative gains, sum zero in zero-sum games."""
    text = make(**options)
    theirs, game = pyspiel.load_efg_game(text), compile_game(pyspiel.load_efg_game(text), "random", "random")
    evaluator, rng = Evaluator(game), np.random.default_rng(options["seed"])
    for policy in (uniform_policy(game), random_policy(game, rng)):
        found = evaluator(policy)
        table = [{k: {int(a): p for a, p in v.items()} for k, v in player.items()} for player in policy_table(game, policy)]
        values, best = evaluate(theirs, table)
        np.testing.assert_allclose(found.values, values, atol=ROUNDING)
        np.testing.assert_allclose(found.best_responses, best, atol=ROUNDING)
        assert found.exploitability >= -ROUNDING
        assert found.nash_conv == pytest.approx(found.exploitability * game.players, abs=ROUNDING)
        if options["zero_sum"]:
            assert sum(found.values) == pytest.approx(0.0, abs=ROUNDING)


@random_ones
def test_kernels_on_one_player(make, options):
    """Plans keep their mass; regrets have mean zero under the policy; a best response is worth at least the policy."""
    game = compiled(make, options)
    policy = random_policy(game, np.random.default_rng(options["seed"]))
    expected = plan_of(game, policy)
    for player in range(game.players):
        pairs, infosets = game.player_actions(player), game.player_infosets(player)
        parent, first, count = (a[infosets] for a in game.tree[:3])
        plan, reach = np.full(game.actions[player] + 1, np.nan), np.full(game.infosets[player], np.nan)
        assert refresh_plan(policy[pairs], parent, first, count, plan, reach) == -1
        np.testing.assert_array_equal(plan, expected[pairs.start + player : pairs.stop + player + 1])
        np.testing.assert_array_equal(reach, plan[parent])
        owner = np.repeat(np.arange(len(first)), count)
        np.testing.assert_allclose(np.bincount(owner, plan[1:], len(first)), reach, atol=ROUNDING)
        g, r, unit = naive_gradient(game, player, expected), np.empty(game.actions[player]), 0.5
        q = g.copy()
        regrets(q, policy[pairs], parent, first, count, unit, r)
        value = q[0]
        assert value == pytest.approx(g @ plan, abs=ROUNDING)
        values = np.bincount(owner, policy[pairs] * q[1:], len(first))
        np.testing.assert_allclose(r, unit * (q[1:] - values[owner]), atol=ROUNDING)
        assert best_response_value(g.copy(), parent, first, count) >= value - ROUNDING


@pytest.mark.parametrize("bad", [(0.5, np.nan), (0.5, np.inf), (0.5, 0.501), (0.5, 0.499), (1.1, -0.1), (0.0, 0.0)])
def test_refresh_plan_finds_the_first_bad_infoset(bad, game):
    kuhn = game("kuhn_2p")
    policy = uniform_policy(kuhn)[kuhn.player_actions(1)]
    policy[4:6] = policy[8:10] = bad
    parent, first, count = (a[kuhn.player_infosets(1)] for a in kuhn.tree[:3])
    assert refresh_plan(policy, parent, first, count, np.zeros(13), np.zeros(6)) == 2


@pytest.mark.parametrize("algo", ["cfr", "cfr+", "vad-cfr", "aod-cfr"])
@pytest.mark.parametrize("seed", range(3))
def test_average_is_a_policy(algo, seed, solve):
    for make in (random_game, random_card_game):
        on = compiled(make, {"seed": seed, "players": 3, "zero_sum": False})
        average = solve(on, algo, 30).average_policy()
        assert (average >= 0).all()
        start = (on.tree.first + np.repeat(on.tree.action_start[:-1], on.infosets)).astype(int)
        np.testing.assert_allclose(np.add.reduceat(average, start), 1.0, atol=ROUNDING)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("make", [random_game, random_card_game])
def test_linear_program_and_cfr_agree(make, seed, solve):
    on = compiled(make, {"seed": 2 * seed, "players": 2, "zero_sum": True})
    value, policy = solve_zero_sum(on)
    evaluator = Evaluator(on)
    assert evaluator(policy).exploitability < LP
    assert evaluator(policy).values[0] == pytest.approx(value, abs=LP)
    found = evaluator(solve(on, "cfr+", 300).average_policy())
    assert abs(found.values[0] - value) <= found.nash_conv + LP
    assert found.best_responses[0] >= value - LP and found.best_responses[1] >= -value - LP


@pytest.mark.parametrize(("name", "value"), [("kuhn_2p", -1 / 18), ("goofspiel_3", 0.0), ("leduc_2p", None)])
def test_linear_program_on_catalogued_games(name, value, game, solve):
    found, policy = solve_zero_sum(game(name))
    assert Evaluator(game(name))(policy).exploitability < LP
    reached = Evaluator(game(name))(solve(name, "cfr+", 200).average_policy())
    assert abs(reached.values[0] - found) <= reached.nash_conv + LP
    if value is not None:
        assert found == pytest.approx(value, abs=LP)


def test_our_reader_and_openspiel_agree(tmp_path, monkeypatch):
    monkeypatch.setenv("GAMEPLAN_CACHE", str(tmp_path))
    path = tmp_path / "random.efg"
    path.write_text(random_game(3, players=3))
    loaded, direct = load_game(str(path)), compiled(random_game, {"seed": 3, "players": 3})
    for part in ("tree", "rows"):
        for a, b in zip(getattr(loaded, part), getattr(direct, part), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-15)  # OpenSpiel rounds every product, we once
