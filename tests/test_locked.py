"""Games with a lock, against explicit games in which chance plays the locked player's part; best responses; Nash responses."""

import random

import numpy as np
import pytest
from lock_twin import locked_text, numbers_of
from random_games import random_card_game, random_game
from test_openspiel import random_policy

from games.loader import load_game
from solvers.exploitability import Evaluator, uniform_policy
from solvers.locked import Lock, lock_game
from solvers.lp import solve_zero_sum
from workbench.catalogue.algorithms import find_algorithm

CLOSE = 1e-12
SURE = None
HALF = (3, 8)


def whole(game, player, policy, probability=1.0):
    """Return `game` with all of a player's play given by `policy`."""
    return lock_game(game, Lock(player, np.ones(game.infosets[player], bool), policy[game.player_actions(player)], probability))


def sixteenths(rng, actions):
    """Return as many random weights that sum to 16; now and then some are zero, or all but one."""
    cuts = sorted(rng.choices((0, 3, 5, 8, 11, 16), k=actions - 1))
    return [b - a for a, b in zip([0, *cuts], [*cuts, 16], strict=True)]


def a_lock(text, game, player, rng, probability):
    """Return a random lock, and what it locks: number of the infoset in the text -> weights."""
    numbers = numbers_of(text, player)
    infosets = np.array([rng.random() < 0.6 for _ in numbers], bool)
    weights = [sixteenths(rng, actions) for actions in numbers.values()]
    sigma = np.array([w / 16 for own in weights for w in own])
    given = {number: own for number, own, locked in zip(numbers, weights, infosets, strict=True) if locked}
    return Lock(player, infosets, sigma, 1.0 if probability is SURE else probability[0] / probability[1]), given


def cases(count, **options):
    for make in (random_game, random_card_game):
        for seed in range(count):
            yield make(seed, **options), random.Random(seed)


def compiled(text, path):
    path.write_text(text)
    return load_game(str(path))


@pytest.mark.parametrize("count", [3, pytest.param(25, marks=pytest.mark.slow)])
@pytest.mark.parametrize("probability", [SURE, HALF])
@pytest.mark.parametrize(("players", "zero_sum"), [(2, True), (3, False)])
def test_a_lock_is_the_explicit_game_in_which_chance_plays_it(tmp_path, players, zero_sum, probability, count):
    locks = 0
    for number, (text, rng) in enumerate(cases(count, players=players, zero_sum=zero_sum)):
        game = compiled(text, tmp_path / f"{number}.efg")
        player = rng.randrange(players)
        lock, given = a_lock(text, game, player, rng, probability)
        locks += len(given)
        locked = lock_game(game, lock)
        explicit = compiled(locked_text(text, player, given, probability), tmp_path / f"{number}-explicit.efg")
        assert locked.game.infosets == explicit.infosets and locked.game.actions == explicit.actions
        assert (locked.game.rows.chance > 0.0).all()  # what never comes about is left out, though explicit games have it
        for table, theirs in zip(locked.game.tree, explicit.tree, strict=True):
            assert (table == theirs).all() and table.dtype == theirs.dtype
        for seed in range(3):
            policy = random_policy(explicit, seed)
            ours, theirs = Evaluator(locked.game)(policy), Evaluator(explicit)(policy)
            np.testing.assert_allclose(ours.values, theirs.values, rtol=0, atol=CLOSE)
            np.testing.assert_allclose(ours.best_responses, theirs.best_responses, rtol=0, atol=CLOSE)
        if players == 2:
            value, policy = solve_zero_sum(locked.game)
            assert value == pytest.approx(solve_zero_sum(explicit)[0], abs=CLOSE)
            assert Evaluator(explicit)(policy).exploitability <= CLOSE
    assert locks > 10 * count  # or little was tested


@pytest.mark.parametrize("probability", [SURE, HALF])
def test_unlocked_policies_are_worth_in_the_game_itself_what_they_are_with_the_lock(tmp_path, probability):
    for number, (text, rng) in enumerate(cases(12, players=3, zero_sum=False)):
        game = compiled(text, tmp_path / f"{number}.efg")
        player = rng.randrange(3)
        lock, _ = a_lock(text, game, player, rng, probability)
        locked = lock_game(game, lock)
        policy = random_policy(locked.game, number)
        found, itself = Evaluator(locked.game)(policy), Evaluator(game)(locked.unlock(policy))
        np.testing.assert_allclose(itself.values, found.values, rtol=0, atol=CLOSE)
        for other in range(3):  # who may do more in the game itself gains no less by deviating there
            if other == player:
                assert itself.best_responses[other] >= found.best_responses[other] - CLOSE
            else:
                assert itself.best_responses[other] == pytest.approx(found.best_responses[other], abs=CLOSE)
        bound, own = locked.bound(policy)[game.player_actions(player)], np.repeat(lock.infosets, _count(game, player))
        assert (bound[own] == lock.sigma[own]).all() and (
            probability is HALF or (locked.unlock(policy) == locked.bound(policy)).all()
        )


def _count(game, player):
    return game.tree.count[game.player_infosets(player)]


@pytest.mark.parametrize("name", ["kuhn_2p", "leduc_2p"])
@pytest.mark.parametrize("player", [0, 1])
def test_the_answer_to_a_whole_lock_is_a_best_response(game, name, player):
    compiled = game(name)
    for policy in (uniform_policy(compiled), random_policy(compiled, 7)):
        locked = whole(compiled, player, policy)
        assert locked.game.infosets[player] == 0
        value, answer = solve_zero_sum(locked.game)
        best = Evaluator(compiled)(policy).best_responses[1 - player]
        assert (value if player == 1 else -value) == pytest.approx(best, abs=CLOSE)
        unlocked = locked.unlock(answer)
        own = compiled.player_actions(player)
        assert (unlocked[own] == policy[own]).all()
        assert Evaluator(compiled)(unlocked).values[1 - player] == pytest.approx(best, abs=CLOSE)


def test_the_answer_to_whole_locks_is_a_best_response_in_random_games(tmp_path):
    for number, (text, _) in enumerate(cases(10, players=3, zero_sum=False)):
        game = compiled(text, tmp_path / f"{number}.efg")
        policy = random_policy(game, number)
        both = whole(whole(game, 0, policy).game, 2, np.concatenate([np.zeros(0), policy[game.player_actions(0).stop :]]))
        solver = find_algorithm("cfr+", {}, 3).make(both.game, alternating=True)
        solver.advance(400)
        found = Evaluator(both.game)(solver.average_policy())
        best = Evaluator(game)(policy).best_responses[1]
        assert found.best_responses[1] == pytest.approx(best, abs=CLOSE)  # of one who decides alone
        assert found.values[1] == pytest.approx(best, abs=2e-2)


@pytest.mark.parametrize("name", ["kuhn_2p", "leduc_2p"])
def test_restricted_nash_responses_go_from_equilibria_to_best_responses(game, name):
    compiled, player = game(name), 1
    policy = random_policy(compiled, 3)
    evaluate, nash = Evaluator(compiled), solve_zero_sum(compiled)[0]
    wins, losses = [], []
    for p in (1e-7, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0):
        locked = whole(compiled, player, policy, p)
        value, answer = solve_zero_sum(locked.game)
        wins.append(evaluate(locked.bound(answer)).values[0])
        losses.append(evaluate(locked.unlock(answer)).best_responses[1])
        assert p * wins[-1] - (1.0 - p) * losses[-1] == pytest.approx(value, abs=1e-9)  # what the response makes the most of
    assert (np.diff(wins) >= -1e-9).all() and (np.diff(losses) >= -1e-9).all()
    assert losses[0] == pytest.approx(-nash, abs=1e-5)
    assert wins[-1] == pytest.approx(evaluate(policy).best_responses[0], abs=CLOSE)
    assert wins[-1] - wins[0] > 0.05 and losses[-1] - losses[0] > 0.05


def test_where_neither_branch_leads_the_player_plays_as_when_he_is_free(game):
    compiled = game("kuhn_2p")
    bets = np.tile([0.0, 1.0], 12)  # at every infoset pass, or bet; who bets at once is never asked again
    locked = whole(compiled, 0, bets, 0.5)
    policy = random_policy(locked.game, 1)
    first = [number for number, parent in enumerate(compiled.tree.parent[:6]) if parent == 0]
    for number in first:
        policy[2 * number : 2 * number + 2] = [0.0, 1.0]
    unlocked, free = locked.unlock(policy), np.concatenate([policy[:12], policy[12:]])
    assert len(first) == 3 and (unlocked == free).all()
    policy[:2] = [0.5, 0.5]  # free, he may pass: half of half of the time
    assert locked.unlock(policy)[:2] == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize("algo", ["cfr", "vad-cfr", "mmd", "lp", "qre", "double-oracle", "shor-psro"])
def test_where_nobody_decides_all_is_solved(game, algo):
    compiled = game("kuhn_2p")
    policy = uniform_policy(compiled)
    first = whole(compiled, 0, policy)
    second = lock_game(first.game, Lock(1, np.ones(6, bool), policy[12:]))
    assert second.game.infosets == [0, 0] and len(second.game.rows.chance) == 1 and second.game.infoset_names == [[], []]
    solver = find_algorithm(algo, {}, 3).make(second.game, alternating=True)
    solver.advance(3)
    found = Evaluator(second.game)(solver.average_policy())
    assert found.exploitability == 0.0 and found.values == pytest.approx(Evaluator(compiled)(policy).values, abs=CLOSE)


def test_a_lock_that_locks_nothing_is_the_game_itself(game):
    compiled = game("leduc_2p")
    locked = lock_game(compiled, Lock(0, np.zeros(compiled.infosets[0], bool), np.zeros(compiled.actions[0])))
    for part in ("tree", "rows", "blocks"):
        for ours, theirs in zip(getattr(locked.game, part), getattr(compiled, part), strict=True):
            assert (ours == theirs).all() and ours.dtype == theirs.dtype
    assert locked.game.infoset_names == compiled.infoset_names
