"""From a name to arrays: sizes, refusals, the disk cache, .efg files."""

import hashlib
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pyspiel
import pytest
from random_games import random_game

from games import cache, openspiel
from games.catalogue import GAMES, SUITES
from games.compiler import compile_game
from games.errors import GameplanError, UsageError
from games.loader import load_game
from games.sequence_form import SequenceGame
from solvers.exploitability import Evaluator, uniform_policy

# histories, terminal histories, infosets of every player
SIZES = {
    "kuhn_2p": (58, 30, 6), "kuhn_3p": (617, 312, 16), "kuhn_4p": (7_886, 3_960, 40), "leduc_2p": (9_457, 5_520, 468),
    "leduc_3p": (1_831_601, 1_043_952, 8_600), "goofspiel_3": (67, 36, 8), "goofspiel_4": (1_077, 576, 81),
    "goofspiel_5": (26_931, 14_400, 1_062), "liars_dice_4": (8_181, 4_080, 512), "liars_dice_5": (51_181, 25_575, 2_560),
    "liars_dice_6": (294_883, 147_420, 12_288), "goofspiel_3r": (418, 216, 45), "goofspiel_4a": (1_077, 576, 81),
    "liars_dice_2x3": (663_511, 331_695, 12_288), "blotto_5": (463, 441, 1), "blotto_7": (1_333, 1_296, 1),
    "blotto_10": (4_423, 4_356, 1), "blotto_3p": (156, 125, 1), "battleship_1": (3_877, 2_224, 397),
    "battleship_2": (3_029, 2_048, 337), "battleship_11": (27_285, 18_432, 1_013), "battleship_3x2": (23_839, 19_116, 751),
}  # fmt: skip
EFG = """EFG 2 R "signals" { "Sender" "Receiver" } ""
c "" 1 "" { "good" 1/4 "bad" 3/4 } 0
p "" 1 1 "good" { "high" "low" } 0
p "" 2 1 "high" { "buy" "pass" } 0
t "" 1 "" { 3 2 }
t "" 2 "" { 0 0 }
t "" 3 "" { 1, 0.5 }
p "" 1 2 "bad" { "high" "low" } 0
p "" 2 1 "high" { "buy" "pass" } 0
t "" 4 "" { 3 -4 }
t "" 5 "" { -1 0 }
t "" 6 "" { 0 0 }
"""


def arrays(game):
    return [*game.tree, *game.rows, *game.blocks, game.action_ids, game.name_bytes, game.name_start]


def assert_equal(found, expected):
    for a, b in zip(arrays(found), arrays(expected), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    for field in ("key", "histories", "terminals", "converted"):
        assert getattr(found, field) == getattr(expected, field)
    assert found.infoset_names == expected.infoset_names


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch):
    directory = tmp_path / "cache"
    monkeypatch.setenv("GAMEPLAN_CACHE", str(directory))
    return directory


def test_catalogue():
    assert set(GAMES) == set(SIZES) == set(SUITES["paper11"]) | set(SUITES["eighteen"])
    assert len(SUITES["paper11"]) == 11 and len(set(SUITES["eighteen"])) == 18
    assert not set(SUITES["eighteen"]) & set(SUITES["train4"])  # what rules are trained on says nothing of them
    assert {name: tuple(entry[1:4]) for name, entry in GAMES.items()} == SIZES
    assert set(SUITES["train4"]) == {"kuhn_3p", "leduc_2p", "goofspiel_4", "liars_dice_5"}
    assert set(SUITES["test4"]) == {"kuhn_4p", "leduc_3p", "goofspiel_5", "liars_dice_6"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n in ("leduc_3p", "liars_dice_2x3") else ()) for n in SIZES]
)
def test_sizes(name):
    theirs = pyspiel.load_game(GAMES[name].game)
    if name.startswith(("goofspiel", "blotto")):
        theirs = pyspiel.convert_to_turn_based(theirs)
    seen = []
    game = compile_game(theirs, name, name, progress=seen.append)
    assert (game.histories, game.terminals) == SIZES[name][:2]
    assert max(game.infosets) == SIZES[name][2]
    assert seen == sorted(seen) and len(seen) == game.histories // (1 << 11)
    assert game.zero_sum
    assert sum(len(set(names)) for names in game.infoset_names) == sum(game.infosets)
    assert len(game.action_ids) == sum(game.actions) == game.tree.count.sum()


def test_converted_games_say_so(game):
    assert game("goofspiel_3").converted and not game("kuhn_2p").converted
    assert all(name.startswith(f"Current player: {p}\n") for p in (0, 1) for name in game("goofspiel_3").infoset_names[p])


@pytest.mark.parametrize(("name", "kind", "message"), [
    ("kuhn_pokr", UsageError, r"unknown game 'kuhn_pokr' \(did you mean 'kuhn_poker'\?\); 'gameplan games' lists"),
    ("leduc_2", UsageError, r"\(did you mean 'leduc_2p'\?\)"),
    ("", UsageError, "unknown game ''"),
    ("./nosuch", UsageError, r"there is no game file '\./nosuch'; game files end in"),
    ("kuhn_poker\n(players=3)", UsageError, r"^'kuhn_poker\\n\(players=3\)' cannot be a game: names are one line of at most 500 printable"),
    ("kuhn_poker(" * 99, UsageError, r"^'kuhn_poker\(.{29}\.\.\.' cannot be a game"),
    ("train4", UsageError, "train4 is a suite of games, not a game; it holds kuhn_3p, leduc_2p"),
    ("kuhn_poker(players=11)", UsageError, r"OpenSpiel refuses 'kuhn_poker\(players=11\)'"),
    ("kuhn_poker(player=3)", UsageError, r"OpenSpiel refuses .*Unknown parameter 'player'.*players"),
    ("kuhn_poker(players=x)", UsageError, "OpenSpiel refuses .*Wrong type for parameter players"),
    ("kuhn_poker(", UsageError, r"OpenSpiel refuses 'kuhn_poker\('"),
    ("liars_dice_ir", GameplanError, "liars_dice_ir has imperfect recall: player 1 reaches infoset '.*' with different own histories"),
    ("bridge_uncontested_bidding", GameplanError, "samples its chance moves"),
    ("catch", GameplanError, "catch provides no information-state string"),
    ("mfg_crowd_modelling", GameplanError, "is a mean-field game; only sequential and simultaneous-move"),
    ("missing.efg", UsageError, "cannot read the game file missing.efg: No such file"),
])  # fmt: skip
def test_refusals(name, kind, message, fresh_cache, capfd):
    with pytest.raises(kind, match=message) as caught:
        load_game(name)
    assert isinstance(caught.value, UsageError) == (kind is UsageError) and "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", ""), "OpenSpiel talks past us"


def test_too_many_histories(fresh_cache):
    message = r"leduc_poker\(players=2\) has more than 9,456 histories; choose smaller game parameters or raise --max-histories"
    with pytest.raises(GameplanError, match=message):
        load_game("leduc_2p", max_histories=9_456)
    assert load_game("leduc_2p", max_histories=9_457).histories == 9_457
    with pytest.raises(GameplanError, match=message):  # from the cache, too
        load_game("leduc_2p", max_histories=9_456)


def test_round_trip(fresh_cache, monkeypatch):
    compiled = load_game("goofspiel_4")
    files = list(fresh_cache.rglob("*"))
    assert [f.suffix for f in files if f.is_file()] == [".safetensors"]
    monkeypatch.setattr(openspiel, "compile_game", lambda *_, **__: pytest.fail("compiled again"))
    cached = load_game("goofspiel_4")
    assert isinstance(cached, SequenceGame) and cached.name == compiled.name
    assert_equal(cached, compiled)


@pytest.mark.parametrize("damage", ["empty", "half", "one byte short", "header", "flipped", "other game", "text"])
def test_damaged_files_are_rebuilt(damage, fresh_cache):
    expected = load_game("kuhn_3p")
    path = cache.game_path(expected.key)
    data = path.read_bytes()
    flipped = bytearray(data)
    flipped[-len(data) // 3] ^= 1
    other = cache.game_path(load_game("kuhn_2p").key).read_bytes()
    path.write_bytes({
        "empty": b"", "half": data[: len(data) // 2], "one byte short": data[:-1], "header": b"\xff" * 16 + data[16:],
        "flipped": bytes(flipped), "other game": other, "text": b"not a game\n",
    }[damage])  # fmt: skip
    assert cache.load(expected.key) is None
    assert_equal(load_game("kuhn_3p"), expected)
    assert path.read_bytes() == data, "the file was not repaired"


def race(directory):
    """Remove and load the same game again and again; return a hash of what was loaded each time."""
    os.environ["GAMEPLAN_CACHE"] = directory
    found = set()
    for _ in range(10):
        game = load_game("kuhn_2p")
        found.add(hashlib.sha256(b"".join(a.tobytes() for a in arrays(game))).hexdigest())
        cache.game_path(game.key).unlink(missing_ok=True)
    load_game("kuhn_2p")
    return found


def test_processes_may_write_the_same_game(tmp_path):
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        found = set().union(*pool.map(race, [str(tmp_path)] * 2))
    assert len(found) == 1
    assert [f.suffix for f in tmp_path.rglob("*") if f.is_file()] == [".safetensors"], "temporary files are left"


def test_games_load_without_a_cache(tmp_path, monkeypatch, game):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GAMEPLAN_CACHE", str(tmp_path / "file" / "below"))
    assert_equal(load_game("kuhn_2p"), game("kuhn_2p"))


@pytest.mark.slow
def test_solvers_run_without_a_cache(tmp_path, solve):
    (tmp_path / "file").touch()
    script = """if True:
        from games.loader import load_game
        from workbench.catalogue.algorithms import find_algorithm
        solver = find_algorithm("cfr", {}, 10).make(load_game("kuhn_2p"), alternating=True)
        solver.advance(10)
        print(solver.average_policy().tobytes().hex())"""
    env = {**os.environ, "GAMEPLAN_CACHE": str(tmp_path / "file" / "below")}
    run = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == solve("kuhn_2p", "cfr", 10).average_policy().tobytes().hex()


def test_efg_file(fresh_cache, tmp_path):
    path = tmp_path / "signals.efg"
    path.write_text(EFG)
    game = load_game(str(path))
    assert (game.name, game.players, game.histories, game.terminals) == (str(path), 2, 11, 6)
    assert game.infosets == [2, 1] and game.actions == [4, 2] and not game.zero_sum
    # Uniform play: 1/4 (1/4 * 3 + 1/2 * 1) + 3/4 (1/4 * 3 - 1/4) for the sender, 1/4 (1/2 + 1/4) - 3/4 for the receiver.
    found = Evaluator(game)(uniform_policy(game))
    assert found.values == pytest.approx((0.6875, -0.5625), abs=1e-15)
    # Best responses: high when good, low when bad; pass always.
    assert found.best_responses == pytest.approx((0.25 * 1.5 + 0.75 * 1.0, 0.25 * 0.25), abs=1e-15)


def test_efg_files_are_known_by_content(fresh_cache, tmp_path):
    first, second = tmp_path / "a.efg", tmp_path / "b.efg"
    first.write_text(random_game(1))
    second.write_text(random_game(1))
    a, b = load_game(str(first)), load_game(str(second))
    assert (a.name, b.name) == (str(first), str(second)) and a.key == b.key
    first.write_text(random_game(2))
    assert load_game(str(first)).key != a.key
