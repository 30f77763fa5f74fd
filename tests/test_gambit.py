"""Gambit itself as the judge: its catalogue, and what we write read back by it."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from gambit_twin import random_tree, spell

from cli import cli
from games.errors import GameplanError, UsageError
from games.gambit.compile import compile_source
from games.gambit.efg import EfgFile
from games.gambit.nodes import Infoset, Node
from games.gambit.openspiel import probabilities
from games.gambit.write import write_efg
from games.loader import load_game
from solvers.exploitability import Evaluator, normalised_average, uniform_policy
from solvers.lp import solve_zero_sum

pygambit = pytest.importorskip("pygambit")
CATALOGUE = Path(pygambit.__file__).parent / "catalog_data"
SLUGS = sorted(str(f.relative_to(CATALOGUE)) for f in CATALOGUE.rglob("*") if f.suffix in (".efg", ".nfg"))
ROUNDING = 1e-12


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAMEPLAN_CACHE", str(tmp_path / "cache"))


def judge(path):
    return pygambit.read_nfg(path) if path.suffix == ".nfg" else pygambit.read_efg(path)


def profile(theirs, game, policy):
    """Return our policy as Gambit's profile: by player, infoset and action, each in order of first visit."""
    table = []
    for player in range(game.players):
        own, infosets = policy[game.player_actions(player)], game.player_infosets(player)
        first, count = (a[infosets].astype(int).tolist() for a in (game.tree.first, game.tree.count))
        table.append([own[a : a + n].tolist() for a, n in zip(first, count, strict=True)])
    if isinstance(theirs, pygambit.StrategicGame):
        return theirs.mixed_strategy_profile([only for (only,) in table])
    return theirs.mixed_behavior_profile(table)


def payoffs(theirs, mixed):
    return [float(mixed.payoffs[player]) for player in theirs.players]


def random_policy(game, seed):
    policy = np.empty(len(game.action_ids))
    normalised_average(np.random.default_rng(seed).random(len(policy)), game.tree, policy)
    return policy


@pytest.mark.parametrize("slug", SLUGS)
def test_catalogue(slug, solve):
    """Payoffs and exploitability are Gambit's on its own tree, and so are values of constant-sum games; else it is imperfect recall."""
    theirs = judge(CATALOGUE / slug)
    if not theirs.is_perfect_recall:
        with pytest.raises(GameplanError, match=r"line \d+, column \d+: imperfect recall: player \d"):
            load_game(str(CATALOGUE / slug))
        return
    game = load_game(str(CATALOGUE / slug))
    for policy in (uniform_policy(game), random_policy(game, 1), solve(game, "cfr+", 200).average_policy()):
        found, mixed = Evaluator(game)(policy), profile(theirs, game, policy)
        assert found.values == pytest.approx(payoffs(theirs, mixed), abs=1e-9)
        pure = mixed if isinstance(theirs, pygambit.StrategicGame) else mixed.as_strategy()
        assert found.nash_conv == pytest.approx(sum(pure.player_regrets[p] for p in theirs.players), abs=1e-9)
    if theirs.is_const_sum and game.players == 2:
        equilibrium = pygambit.nash.lp_solve(theirs, rational=True).equilibrium
        value, policy = solve_zero_sum(game)
        assert value == pytest.approx(payoffs(theirs, equilibrium)[0], abs=ROUNDING)
        assert abs(Evaluator(game)(policy).nash_conv) < 1e-9


def test_the_catalogue_is_there():
    assert len(SLUGS) >= 40 and len({slug.rpartition(".")[2] for slug in SLUGS}) == 2


def read(text):
    return compile_source(EfgFile(text.encode(), "game.efg"), "game.efg", "key", 10**6)


def check_equal(ours, text):
    """Compare a compiled game with what is read from the text it was written as: by us, and by Gambit."""
    theirs, again = pygambit.read_efg(BytesIO(text.encode())), read(text)
    assert theirs.is_perfect_recall and (again.infosets, again.actions) == (ours.infosets, ours.actions)
    for policy in (uniform_policy(ours), random_policy(ours, 0), random_policy(ours, 1)):
        expected = Evaluator(ours)(policy).values
        assert Evaluator(again)(policy).values == pytest.approx(expected, abs=ROUNDING)
        assert payoffs(theirs, profile(theirs, again, policy)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["kuhn_3p", "goofspiel_3", "tiny_hanabi", "matrix_pd"])
def test_games_of_openspiel_are_written_for_gambit(name, tmp_path):
    file = tmp_path / "game.efg"
    result = CliRunner().invoke(cli, ["export", name, str(file)])
    assert result.exit_code == 0 and result.output == f"{file}\n"
    check_equal(load_game(name), file.read_text())


@pytest.mark.parametrize("seed", range(20))
def test_files_are_written_for_gambit(seed):
    """Labels that Gambit does not allow, payoffs on the way, outcomes by number, chance branches of probability 0."""
    players = 1 + seed % 3
    source = EfgFile(spell(random_tree(seed, players), players, seed).encode(), "game.efg")
    ours = compile_source(source, "game.efg", "key", 10**6)
    check_equal(ours, "\n".join(write_efg(source, "game.efg", 10**6)))


def test_normal_forms_are_written_for_gambit(tmp_path):
    path = CATALOGUE / "journals/ijgt/nau2004/sec6.nfg"
    assert CliRunner().invoke(cli, ["export", str(path), str(tmp_path / "game.EFG")]).exit_code == 0
    check_equal(load_game(str(path)), (tmp_path / "game.EFG").read_text())


class Labelled:
    """A game whose labels are the most unlikely ones."""

    title = ' \\ "quoted" \n two  blanks \x1b[0m '
    players = ("", "A\\", "A\\")
    least_memory = 0

    def nodes(self):
        for k, label in enumerate(('"', "a\tb", "a b", "back\\", "", "\u2028"), 1):
            yield Node(Infoset(1 + k % 3, k, label, ("", "", '"\\"') if k == 6 else (label,)), None, 0)
        yield from [Node(None, (k, -k, 0), 0) for k in range(3)]

    def where(self, at):
        return "here"

    line = where


def test_labels_become_what_gambit_allows():
    text = "\n".join(write_efg(Labelled(), "labelled", 100))
    check_equal(compile_source(Labelled(), "labelled", "key", 100), text)
    with pytest.raises(GameplanError, match="labelled has more than 8 histories"):
        list(write_efg(Labelled(), "labelled", 8))


def test_probabilities_become_simple_fractions_that_sum_to_one():
    for given in (
        [1 / 3] * 3,
        [0.1] * 10,
        [1 / 52] * 52,
        [0.123456789012345, 1 - 0.123456789012345],
        [0.3, 0.7 + 3e-11],
        [0.0, 1.0],
    ):
        found = probabilities(given)
        assert sum(found) == 1 and [float(p) for p in found] == pytest.approx(given, rel=1e-10)
    assert [str(p) for p in probabilities([1 / 6, 5 / 6])] == ["1/6", "5/6"]
    for wrong in ([], [0.5], [1.5, -0.5], [float("nan")]):
        with pytest.raises(GameplanError, match="no distribution"):
            probabilities(wrong)


def test_what_export_refuses(tmp_path):
    def refused(*arguments):
        return CliRunner().invoke(cli, ["export", *map(str, arguments)]).exception

    assert isinstance(refused("no_such_game", tmp_path / "x.efg"), UsageError)
    assert isinstance(refused("kuhn_2p", tmp_path / "x.json"), UsageError)
    error = refused("leduc_2p", tmp_path / "x.efg", "--max-histories", 100)
    assert isinstance(error, GameplanError) and "more than 100 histories" in str(error)
    assert [f.name for f in tmp_path.iterdir()] in ([], ["cache"])
