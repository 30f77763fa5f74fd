"""Trees of histories: the compiled game's rows again, from the cache or not, and never those of another game."""

import numpy as np
import pytest
from random_games import random_card_game, random_game

from games import histories
from games.cache import game_path
from games.errors import GameplanError, UsageError
from games.histories import CHANCE, TERMINAL, load_histories
from games.jitter import jittered
from games.loader import load_game


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAMEPLAN_CACHE", str(tmp_path / "cache"))


def rows_of(game, tree):
    """Return the terminal rows of a tree, merged: players' sequences -> (chance, chance times payoffs)."""
    starts, found = game.tree.action_start, {}

    def visit(at, sequences, chance):
        who, begin, child, count = tree.node[at].tolist()
        if who == TERMINAL:
            before = found.get(sequences, (0.0, np.zeros(game.players)))
            found[sequences] = (before[0] + chance, before[1] + chance * tree.payoff[begin])
        for k in range(count):
            if who == CHANCE:
                visit(child + k, sequences, chance * tree.chance[begin + k, 0])
            else:
                own = begin + k - int(starts[who]) + 1
                visit(child + k, (*sequences[:who], own, *sequences[who + 1 :]), chance)

    visit(0, (0,) * game.players, 1.0)
    return found


def check(game):
    tree, rows = load_histories(game), game.rows
    found = rows_of(game, tree)
    assert len(tree.node) == game.histories and len(tree.payoff) == game.terminals
    assert sorted(found) == sorted(map(tuple, rows.sequences.tolist()))
    for row, sequences in enumerate(map(tuple, rows.sequences.tolist())):
        np.testing.assert_allclose(found[sequences][0], rows.chance[row], rtol=1e-12)
        np.testing.assert_allclose(found[sequences][1], rows.utility[:, row], rtol=1e-12, atol=1e-12)
    for begin, count in tree.node[tree.node[:, 0] == CHANCE][:, [1, 3]].tolist():
        probabilities, sums = tree.chance[begin : begin + count].T
        np.testing.assert_allclose(np.cumsum(probabilities), sums, rtol=1e-12)
        assert sums[-1] == 1.0


@pytest.mark.parametrize("name", ["kuhn_2p", "kuhn_3p", "leduc_2p", "goofspiel_4", "liars_dice_4"])
def test_the_rows_of_a_compiled_game_are_those_of_its_tree(name, game):
    check(game(name))


@pytest.mark.parametrize("make", [random_game, random_card_game])
def test_the_same_of_game_files(make, tmp_path):
    for seed in range(4):
        path = tmp_path / f"game{seed}.efg"
        path.write_text(make(seed, players=2 + seed % 2, zero_sum=False))
        check(load_game(str(path)))


def test_a_tree_is_walked_once_and_a_damaged_file_is_made_anew(own_cache, monkeypatch):
    game = load_game("kuhn_2p")
    walks = []
    walk = histories.walk_histories
    monkeypatch.setattr(histories, "walk_histories", lambda *given: walks.append(1) or walk(*given))
    first = load_histories(game)
    assert len(walks) == 1 and load_histories(game).node.tobytes() == first.node.tobytes() and len(walks) == 1
    file = game_path(game.key).with_suffix(".histories.safetensors")
    data = bytearray(file.read_bytes())
    data[-9] ^= 1
    file.write_bytes(data)
    assert load_histories(game).payoff.tobytes() == first.payoff.tobytes() and len(walks) == 2
    file.write_bytes(b"nothing")
    assert load_histories(game).chance.tobytes() == first.chance.tobytes() and len(walks) == 3


def test_a_file_that_has_changed_is_not_taken_for_the_game(own_cache, tmp_path):
    path = tmp_path / "game.efg"
    path.write_text(random_game(1))
    game = load_game(str(path))
    path.write_text(random_game(2))
    with pytest.raises(GameplanError, match="is not the game any more that was compiled from it"):
        load_histories(game)


def test_payoffs_with_a_jitter_are_refused(game):
    with pytest.raises(UsageError, match="its tree of histories has none: leave out --jitter"):
        load_histories(jittered(game("kuhn_2p"), 1, 1e-3))


def test_progress_is_told_and_may_stop_the_walk(own_cache):
    told = []
    load_histories(load_game("leduc_2p"), told.append)
    assert told == sorted(told) and len(told) == 4
