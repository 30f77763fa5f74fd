"""Gambit's files: what they mean, what is refused and where, random trees against a naive twin, depth."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from gambit_twin import infosets, random_tree, spell, value

from games.errors import GameplanError, UsageError
from games.files import MOST_BYTES
from games.gambit.compile import compile_source
from games.gambit.efg import EfgFile
from games.gambit.labels import distinct
from games.gambit.nfg import NfgFile
from games.gambit.numbers import parse
from games.loader import load_game
from solvers.exploitability import Evaluator, normalised_average, uniform_policy

CASES = Path(__file__).parent / "cases" / "gambit"
EXPECTED = json.loads((CASES / "expected.json").read_text())
ROUNDING = 1e-12
HEAD = 'EFG 2 R "t" { "A" "B" } ""\n'
MOVE = 'p "" 1 1 "x" { "a" "b" } 0\n'
ENDS = 't "" 1 "" { 1 -1 }\nt "" 2 "" { 3 -3 }\n'
NFG = 'NFG 1 R "t" { "A" "B" } '


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAMEPLAN_CACHE", str(tmp_path / "cache"))


def read(text, kind=EfgFile, max_histories=5_000_000):
    data = text if isinstance(text, bytes) else text.encode()
    return compile_source(kind(data, "game.efg"), "game.efg", "key", max_histories)


def values(game):
    return Evaluator(game)(uniform_policy(game)).values


@pytest.mark.parametrize("name", [n for n, e in EXPECTED.items() if "value" in e])
def test_cases(name, solve):
    expected, game = EXPECTED[name], load_game(str(CASES / name))
    evaluate = Evaluator(game)
    uniform = evaluate(uniform_policy(game))
    assert game.histories == expected.get("histories", game.histories)
    assert game.infosets == expected.get("infosets", game.infosets)
    assert uniform.values == pytest.approx(expected.get("uniform_values", uniform.values), abs=1e-15)
    assert uniform.exploitability == pytest.approx(expected.get("uniform_exploitability", uniform.exploitability), rel=1e-9)
    right = [float(Fraction(v)) for v in expected["value"]]
    found = evaluate(solve(game, "pcfr+", 500).average_policy())
    scale = max(uniform.exploitability, max(map(abs, right)))
    assert found.nash_conv <= 1e-3 * scale
    for player, best in enumerate(found.best_responses):  # in a constant-sum game a best response is worth the value at least
        assert -ROUNDING * scale <= best - right[player] <= found.nash_conv + ROUNDING * scale


def test_a_player_that_does_not_exist():
    message = r"efg-player-zero.efg, line 4, column 6: read player 0; expected is the number of a player, 1 to 2"
    with pytest.raises(GameplanError, match=message):
        load_game(str(CASES / "efg-player-zero.efg"))


SEEDS = range(40)


@pytest.mark.parametrize(("seed", "players"), [*((seed, 1 + seed % 3) for seed in SEEDS), (40, 12), (41, 12), (42, 12)])
def test_random_trees_equal_their_twin(seed, players):
    tree = random_tree(seed, players)
    game = read(spell(tree, players, seed))
    expected = infosets(tree, players)
    assert game.infosets == [len(i) for i in expected] and game.actions == [sum(n for _, n in i) for i in expected]
    rng, evaluate = np.random.default_rng(seed), Evaluator(game)
    for _ in range(3):
        policy, table = np.empty(len(game.action_ids)), {}
        normalised_average(rng.random(len(policy)) * (rng.random(len(policy)) > 0.25), game.tree, policy)
        rest = policy.tolist()
        for player, found in enumerate(expected, 1):
            for infoset, actions in found:
                table[player, infoset], rest = rest[:actions], rest[actions:]
        assert evaluate(policy).values == pytest.approx(value(tree, table, players), abs=1e-11)
    names = [name for of_player in game.infoset_names for name in of_player]
    assert len(set(names)) == len(names) and all(names)


def test_random_trees_are_of_all_kinds():
    trees = [random_tree(seed, 1 + seed % 3) for seed in SEEDS]
    nodes = []

    def visit(node):
        nodes.append(node)
        for child in node.children:
            visit(child)

    for tree in trees:
        visit(tree)
    assert any(n.paid and n.children for n in nodes) and any(0 in n.weights for n in nodes)
    assert any(n.paid is None and not n.children for n in nodes) and any(n.player < 0 for n in trees) is False


@pytest.mark.parametrize(("text", "expected"), [
    (HEAD + MOVE + 't "" 7 "" { 1/3 -0.25 }\nt "" 7', (1 / 3, -0.25)),  # an outcome by number
    (HEAD + MOVE + 't "" 7 { +.5, 2. }\nt "" 0', (0.25, 1.0)),
    (HEAD + MOVE.replace("1 1", "1 -3") + ENDS, (2.0, -2.0)),
    (HEAD + MOVE.replace('"x"', "") + ENDS, (2.0, -2.0)),
    (HEAD + 'p 1 1 { "" "" } 0 t 1 { 1 -1 } t 2 { 3 -3 }', (2.0, -2.0)),  # no labels at all
    (HEAD + 'c "" 1 "" { "u" 1/4 "v" 3/4 } 0\nc "" 1 0\n' + ENDS + 't "" 3 "" { 5 -5 }', (4.375, -4.375)),  # an event by number
    (HEAD + 'c "" 1 "" { 0.3333333333 0.6666666666 } 0\n' + ENDS, (7 / 3, -7 / 3)),
    (HEAD + 'c "" 1 "" { 1 } 0\nt "" 1 "" { 1 2 }', (1.0, 2.0)),
    (HEAD + 't "" 1 "" { 1 2 }', (1.0, 2.0)),
    (HEAD.replace('""', "") + 't "" 0', (0.0, 0.0)),
    ("\ufeff" + HEAD + MOVE + ENDS, (2.0, -2.0)),
    (HEAD.replace("R", "D").replace("EFG", "efg") + MOVE + ENDS, (2.0, -2.0)),
    (HEAD.replace('"t"', '"ends in \\" { p"') + 'p""1 1""{"a""b"}0 t""1""{1 -1}t""2""{3 -3}', (2.0, -2.0)),
    (HEAD + MOVE + f't "" 1 "" {{ 0.{"3" * 9000} 1{"0" * 5000}/3{"0" * 5000} }}\nt "" 2 "" {{ 1e-400 -1 }}', (1 / 6, -1 / 3)),
    (HEAD + 'p "" 1 1 "x" { "a" "b" } 9 "on the way" { 1e300 1/3 }\nt "" 1 "" { -1e300 -1/3 }\nt "" 0', (5e299, 1 / 6)),
])  # fmt: skip
def test_what_may_be_left_out(text, expected):
    assert values(read(text)) == pytest.approx(expected, rel=1e-15, abs=1e-300)


def test_long_fractions_sum_to_one():
    """Denominators that together have more digits than are kept, and a chance move 5,000 levels deep."""
    primes = [p for p in range(2, 9000) if all(p % q for q in range(2, int(p**0.5) + 1))]
    parts = [Fraction(1, 2 * len(primes) * p) for p in primes]
    rest = 1 - sum(parts)
    events = " ".join(f'"" {p}' for p in [*parts, rest])
    text = HEAD + f'c "" 1 "" {{ {events} }} 0\nt "" 1 "" {{ 1 0 }}\n' + 't "" 1\n' * len(primes)
    assert values(read(text)) == pytest.approx((1.0, 0.0), abs=1e-15)
    deep = HEAD + 'c "" 1 "" { "" 999/1000 "" 1/1000 } 1 "" { 1/3 -1/7 }\n' + 'c "" 1 1\n' * 4_999 + 't "" 0\n' * 5_001
    assert values(read(deep))[0] == pytest.approx((1 - 0.999**5_000) / 0.001 / 3, rel=1e-9)


REFUSED = {
    "empty": ("", "line 1, column 1: the file ends; expected is \"EFG 2 R\", with which Gambit's .efg format begins"),
    "another format": ("NFG 1 R", "line 1, column 1: read 'NFG'; expected is \"EFG 2 R\""),
    "another version": ("EFG 1 R", "line 1, column 5: read '1'; expected is \"EFG 2 R\""),
    "header only": ("EFG 2 R", "line 1, column 8: the file ends; expected is the title"),
    "no players": ('EFG 2 R "" { } ', "column 14: read '}'; expected is the name of a player"),
    "many players": ('EFG 2 R "" { ' + '"" ' * 65 + "}", "column 14: read 65 players; expected are at most 64"),
    "no tree": (HEAD, r"line 2, column 1: the file ends; expected is a node: p, c or t \(1 still missing\)"),
    "truncated": (HEAD + MOVE + ENDS[:19], "line 4, column 1: the file ends; expected is a node"),
    "half a word": ((HEAD + MOVE + ENDS)[:-5], "the file ends; expected is the payoff of player 2 of 2"),
    "open quote": (HEAD + MOVE + 't "abc', "line 3, column 3: a quoted text begins here and does not end"),
    "trailing": (HEAD + MOVE + ENDS + 't "" 3 "" { 1 1 }', "line 5, column 1: read 't'; expected is the end of the file"),
    "other node": (HEAD + 'x "" 1', "line 2, column 1: read 'x'; expected is a node"),
    "player zero": (HEAD + MOVE.replace("1 1", "0 1"), "line 2, column 6: read player 0; expected is the number of a player, 1 to 2"),
    "player three": (HEAD + MOVE.replace("1 1", "3 1"), "line 2, column 6: read player 3"),
    "player of letters": (HEAD + MOVE.replace("1 1", "A 1"), "line 2, column 6: read 'A'; expected is the number of a player"),
    "infoset of halves": (HEAD + MOVE.replace("1 1", "1 1.5"), "column 8: read '1.5'; expected is the number of an infoset"),
    "long number": (HEAD + MOVE.replace("1 1", "1 " + "1" * 19), "column 8: read '1{19}'; expected is .* at most 18 digits"),
    "unknown infoset": (HEAD + 'p "" 1 1 0', r"column 10: read '0'; expected is the list of actions of infoset 1 of player 1"),
    "no actions": (HEAD + 'p "" 1 1 "" { } 0', "column 13: read an empty list; expected is at least one action of infoset 1"),
    "no events": (HEAD + 'c "" 1 "" { } 0', "column 11: read an empty list; expected is at least one action of infoset 1 of chance"),
    "open list": (HEAD + 'p "" 1 1 "" { "a" "b" 0', "read '0'; expected is the label of an action in quotes"),
    "other count": (HEAD + MOVE + ENDS[:19] + 'p "" 1 1 "x" { "a" } 0', "line 4, column 14: read 1 actions .*; expected are 2, as on line 2"),
    "forgets a move": (HEAD + MOVE + 'p "" 1 2 "y" { "c" } 0\nt "" 0\np "" 1 2 0\nt "" 0',
                       r"line 5, column 1: imperfect recall: player 1 \('A'\) reaches infoset 2 'y' with different own histories than on line 3; only perfect-recall"),
    "absent-minded": (HEAD + MOVE + MOVE + ENDS + 't "" 0', r"line 3, column 1: imperfect recall: player 1 \('A'\) reaches infoset 1 'x'"),
    "no outcome": (HEAD + MOVE + 't ""\nt ""', "line 4, column 1: read 't'; expected is the number of an outcome, 0 for none"),
    "unknown outcome": (HEAD + MOVE + 't "" 4\n', "expected is the payoffs of outcome 4 in braces, because it is met here for the first time"),
    "payoffs of none": (HEAD + MOVE + 't "" 0 "" { 1 2 }', "line 3, column 11: read '{'; expected is a node: outcome 0 means none"),
    "few payoffs": (HEAD + MOVE + 't "" 1 "" { 1 }', "line 3, column 15: read '}'; expected is the payoff of player 2 of 2"),
    "many payoffs": (HEAD + MOVE + 't "" 1 "" { 1 2 3 }', "line 3, column 17: read '3'; expected is \"}\" after the payoffs of 2 players"),
    "other payoffs": (HEAD + MOVE + 't "" 1 "" { 1 2 }\nt "" 1 "" { 1 3 }', "line 4, column 11: read other payoffs of outcome 1; expected are those of line 3"),
    "infinite": (HEAD + MOVE + 't "" 1 "" { inf 2 }', "read 'inf'; expected is the payoff of player 1 of 2: a number such as"),
    "nan": (HEAD + MOVE + 't "" 1 "" { 1 nan }', "read 'nan'; expected is the payoff of player 2 of 2"),
    "too large": (HEAD + MOVE + 't "" 1 "" { 1 -1e309 }', "read '-1e309'; expected is .* which float64 can hold"),
    "sum too large": (HEAD + 'p "" 1 1 "" { "" } 1 { 1e308 1 }\nt "" 1', "line 3, column 1: the payoffs on the way here add up to more than float64"),
    "huge exponent": (HEAD + MOVE + 't "" 1 "" { 1 1e999999999999 }', "expected is .* a number with an exponent from -10,000 to 10,000"),
    "small exponent": (HEAD + MOVE + 't "" 1 "" { 1 1e-10001 }', "expected is .* a number with an exponent from"),
    "long payoff": (HEAD + MOVE + 't "" 1 "" { 1 ' + "1" * 100_001 + " }", "expected is .* a number of at most 100,000 characters"),
    "divided by zero": (HEAD + MOVE + 't "" 1 "" { 1/0 1 }', "read '1/0'; expected is .* a fraction whose denominator is not 0"),
    "decimal in a fraction": (HEAD + MOVE + 't "" 1 "" { 1.5/2 1 }', "read '1.5/2'; expected is .* a number such as"),
    "chance sum": (HEAD + 'c "" 1 "" { "u" 1/4 "v" 1/2 } 0\n', "line 2, column 13: read probabilities that sum to 3/4; expected is a sum of 1"),
    "chance sum of fractions": (HEAD + 'c "" 1 { 3333333333/10000000000 3333333333/5000000000 } 0\n', "read probabilities that sum to 9999999999/10000000000"),
    "chance sum of decimals": (HEAD + 'c "" 1 "" { "u" 0.25 "v" 0.749999998 } 0\n', "read probabilities that sum to 499999999/500000000"),
    "negative": (HEAD + 'c "" 1 "" { "u" -1/4 "v" 5/4 } 0\n', "line 2, column 17: read the probability '-1/4'; expected is a number from 0 to 1"),
    "huge probability": (HEAD + 'c "" 1 "" { "u" 1e9999 "v" -1e9999 } 0\n', "read the probability '1e9999'; expected is a number from 0 to 1"),
    "no probability": (HEAD + 'c "" 1 "" { "u" "v" } 0\n', "line 2, column 17: read '\"v\"'; expected is the probability of an event"),
    "other probabilities": (HEAD + 'c "" 1 { 1/2 1/2 } 0 c "" 1 { 1/4 3/4 } 0', "read other probabilities of infoset 1 of chance; expected are those of line 2"),
    "NUL": (HEAD + MOVE + 't "a\0b" 1', "line 3, column 5: read a NUL byte; expected is text in UTF-8"),
    "not UTF-8": (b"EFG 2 R\n\"\xc3\xa4 \xe4\"", "line 2, column 4: read the byte 0xe4; expected is text in UTF-8"),
    "UTF-16": (HEAD.encode("utf-16"), "line 1, column 1: read the byte 0xff; expected is text in UTF-8"),
    "wide characters": (HEAD + 'p "äöü" 0', "line 2, column 9: read player 0"),
}  # fmt: skip


@pytest.mark.parametrize("fault", list(REFUSED))
def test_refusals_name_the_place(fault):
    text, message = REFUSED[fault]
    with pytest.raises(GameplanError, match=message) as caught:
        read(text)
    assert str(caught.value).startswith("game.efg, line ") and "\n" not in str(caught.value) and len(str(caught.value)) < 400


NORMAL_FORMS = {
    "counts": (NFG + "{ 2 2 }\n1 2 3 4 5 6 7 8", [[1, 3], [5, 7]], [[2, 4], [6, 8]]),
    "names": (NFG + '{ { "u" "d" } { "" "" } } "a comment"\n1 2 3 4, 5 6 7 8', [[1, 3], [5, 7]], [[2, 4], [6, 8]]),
    "mixed": (NFG + '{ 3 { "l" } } 1 2 3 4 5 6', [[1, 3, 5]], [[2, 4, 6]]),
    "outcomes": (NFG + '{ 2 2 } { { "x" 1/3, .5 } { -1 2 } } 1 2 0 1', [[1 / 3, -1], [0, 1 / 3]], [[0.5, 2], [0, 0.5]]),
}  # fmt: skip


@pytest.mark.parametrize("form", list(NORMAL_FORMS))
def test_normal_forms(form):
    """The first player's strategy changes fastest; payoffs are listed by the second player's strategy here."""
    text, *expected = NORMAL_FORMS[form]
    game = read(text, NfgFile)
    columns, rows = np.shape(expected[0])
    assert game.infosets == [1, 1] and game.actions == [rows, columns] and game.histories == 1 + rows + rows * columns
    evaluate = Evaluator(game)
    for i, j in np.ndindex(rows, columns):
        policy = np.concatenate([np.eye(rows)[i], np.eye(columns)[j]])
        assert evaluate(policy).values == (expected[0][j][i], expected[1][j][i])


def test_three_players_in_normal_form():
    game = read('NFG 1 R "" { "A" "B" "C" } { 2 1 3 } ' + " ".join(f"{k} {-k} {k * k}" for k in range(6)), NfgFile)
    assert (game.actions, game.histories, game.terminals) == ([2, 1, 3], 1 + 2 + 2 + 6, 6)
    policy = np.array([0.0, 1.0, 1.0, 0.0, 0.0, 1.0])
    assert Evaluator(game)(policy).values == (5.0, -5.0, 25.0)


@pytest.mark.parametrize(("text", "message"), [
    (NFG + "{ 2 }", "line 1, column 29: read '}'; expected is the number of strategies of player 2 of 2"),
    (NFG + "{ 2 2 2 }", "read '2'; expected is \"}\" after the strategies of 2 players"),
    (NFG + "{ 0 2 }", "column 27: read no strategy; expected is at least one of player 1 of 2"),
    (NFG + "{ -1 2 }", "column 27: read no strategy"),
    (NFG + "{ { } 2 }", "column 27: read no strategy"),
    (NFG + "{ 2 2 } 1 2 3 4 5 6 7", "the file ends; expected is the payoff of player 2 of profile 4 of 4"),
    (NFG + "{ 2 2 } 1 2 3 4 5 6 7 8 9", "read '9'; expected is the end of the file: all 4 profiles are there"),
    (NFG + "{ 1000000000 1 } 1", "read 1000000000 strategies; the file is too short"),
    (NFG + "{ 30 30 } 1", "the payoffs of 900 profiles, for which the file is too short"),
    (NFG + "{ 1 1 } { { 1 2 } } 2", "read outcome 2; expected is one from 1 to 1, or 0 for none"),
    (NFG + "{ 1 1 } { { 1 } } 1", "read '}'; expected is the payoff of player 2 of 2"),
    (NFG + "{ 1 1 } { { 1 2 } } x", "read 'x'; expected is the outcome of profile 1 of 1"),
    (NFG + "{ 1 1 } 1e999 0", "read '1e999'; expected is the payoff of player 1 of profile 1 of 1, which float64 can hold"),
])  # fmt: skip
def test_refused_normal_forms(text, message):
    with pytest.raises(GameplanError, match=message) as caught:
        read(text, NfgFile)
    assert str(caught.value).startswith("game.efg, line 1, column ") and "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".efg", ".EFG", ".Efg"])
def test_suffixes_of_any_case(suffix, tmp_path):
    path = tmp_path / f"game{suffix}"
    path.write_text(HEAD + MOVE + ENDS)
    game = load_game(str(path))
    assert game.name == str(path) and values(game) == (2.0, -2.0)
    (tmp_path / "other.nfg").write_text(HEAD + MOVE + ENDS)
    with pytest.raises(GameplanError, match=r"other\.nfg, line 1, column 1: read .EFG.; expected is .NFG 1 R."):
        load_game(str(tmp_path / "other.nfg"))


def test_files_that_are_none(tmp_path):
    (tmp_path / "directory.efg").mkdir()
    with pytest.raises(UsageError, match=r"cannot read the game file .*directory\.efg: "):
        load_game(str(tmp_path / "directory.efg"))
    with pytest.raises(UsageError, match=r"cannot read the game file .*missing\.NFG: No such file"):
        load_game(str(tmp_path / "missing.NFG"))
    with (tmp_path / "large.efg").open("wb") as stream:
        stream.truncate(MOST_BYTES + 1)
    with pytest.raises(UsageError, match=r"the game file .*large\.efg has more than 268,435,456 bytes"):
        load_game(str(tmp_path / "large.efg"))


def deep(depth):
    """Return a game of alternating moves, each of which may end the game in favour of the mover; the first mover's value is 1."""
    lines = [HEAD]
    for k in range(depth):
        u = 1 - 2 * (k % 2)
        lines.append(f'p "" {k % 2 + 1} {k // 2 + 1} "" {{ "stop" "on" }} 0 t "" {k + 1} "" {{ {u} {-u} }}')
    return "\n".join([*lines, f't "" {depth + 1} "" {{ 0 0 }}'])


def test_depth_is_bounded_by_memory():
    game = read(deep(20_000))
    assert game.histories == 40_001 and game.infosets == [10_000, 10_000]
    found = Evaluator(game)(uniform_policy(game))
    assert found.values == pytest.approx((1 / 3, -1 / 3)) and found.best_responses == (1.0, 0.0)
    with pytest.raises(GameplanError, match=r"game.efg has more than 1,000 histories; choose a smaller game or raise --max-hist"):
        read(deep(20_000), max_histories=1000)


def test_names_for_display():
    labels = ['"u"', '""', '"u"', '"\x1b[31mred"', '"player 1, infoset 2"']
    text = HEAD + "".join(f'p "" 1 {k} {label} {{ "" }} 0\n' for k, label in enumerate(labels, 1)) + 't "" 0'
    assert read(text).infoset_names == [
        ["u (player 1, infoset 1)", "player 1, infoset 2'", "u (player 1, infoset 3)", "\\x1b[31mred", "player 1, infoset 2"], [],
    ]  # fmt: skip
    assert distinct(["a", "", "a", "", "2"]) == ["a 1", "2'", "a 3", "4", "2"]


@pytest.mark.parametrize(("word", "expected"), [
    (b"-3", Fraction(-3)), (b"+1/3", Fraction(1, 3)), (b".25", Fraction(1, 4)), (b"2.5e-1", Fraction(1, 4)), (b"5.", Fraction(5)),
    (b"1E+3", Fraction(1000)), (b"-0", Fraction(0)),
])  # fmt: skip
def test_numbers(word, expected):
    assert parse(word).value == expected


def test_long_numbers_are_rounded_where_no_float_can_tell():
    long = parse(b"0." + b"3" * 50_000)
    assert not long.exact and abs(long.value - Fraction(1, 3)) < Fraction(1, 2**1000) and long.value.denominator.bit_length() < 4096
    assert float(long.value) == 1 / 3
    for word in (
        b"",
        b".",
        b"-",
        b"e5",
        b"1e",
        b"1e5.0",
        b"0x10",
        b"1_000",
        b"1/",
        b"/2",
        b"1/-2",
        b"--1",
        "１".encode(),
        b"1/2/3",
    ):
        with pytest.raises(ValueError, match="a number such as"):
            parse(word)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("games.gambit.compile.resident", iter([0, 10**7]).__next__)
    with pytest.raises(GameplanError, match=r"game.efg needs more memory than 1MB by 2,048 histories; choose .* --max-memory"):
        compile_source(EfgFile(deep(2000).encode(), "game.efg"), "game.efg", "key", 10**6, max_memory=10**6)


def test_a_strategic_game_too_large_for_the_memory_is_refused_before_its_payoffs_are_read():
    """A million profiles of 64 players, of which the file tells no payoff: what would be missed is not looked for."""
    players, counts = " ".join(['"p"'] * 64), " ".join(["1"] * 44 + ["2"] * 20)
    source = NfgFile(f'NFG 1 R "t" {{ {players} }} {{ {counts} }} 1'.encode(), "big.nfg")
    with pytest.raises(GameplanError, match=r"big.nfg needs more memory than 1GB, 1.61GB at least; .* --max-memory"):
        compile_source(source, "big.nfg", "key", 10**8, max_memory=10**9)
