"""Payoffs that are a little off: the same game otherwise, drawn by the seed, in runs that stay what they are."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import workbench as gp
from cli import cli
from games.errors import UsageError
from games.jitter import jittered


def test_payoffs_are_scaled_by_little_and_sums_stay(game):
    for name in ("kuhn_2p", "kuhn_3p", "goofspiel_3"):
        plain, off = game(name), jittered(game(name), 3, 1e-3)
        assert np.array_equal(plain.rows.sequences, off.rows.sequences) and off.tree is plain.tree
        used = plain.rows.utility != 0.0
        ratio = off.rows.utility[used] / plain.rows.utility[used] - 1.0
        assert 5e-4 < np.abs(ratio).max() <= 1e-3 and ratio.min() < 0.0 < ratio.max()
        assert np.abs(off.rows.utility.sum(axis=0)).max() < 1e-15
        assert jittered(game(name), 3, 1e-3).rows.utility.tobytes() == off.rows.utility.tobytes()
        assert jittered(game(name), 4, 1e-3).rows.utility.tobytes() != off.rows.utility.tobytes()


def test_a_run_is_of_the_jittered_game(game):
    def solved(**options):
        return gp.solve("kuhn_2p", "cfr+", n=50, options=gp.SolveOptions(**options))

    plain, tiny, large, other = solved(), solved(jitter=1e-15), solved(jitter=0.1), solved(jitter=0.1, seed=1)
    assert plain.exploitability != tiny.exploitability < 2 * plain.exploitability  # CFR+ lives on ties there
    assert abs(large.values[0] - plain.values[0]) > 1e-4 and large.values != other.values
    with pytest.raises(UsageError, match="jitter = 1 is not possible"):
        solved(jitter=1.0)


def test_at_the_command_line(tmp_path):
    run = str(tmp_path / "run")

    def ask(*words):
        return CliRunner().invoke(cli, ["solve", *words])

    whole = json.loads(ask("kuhn_2p", "--jitter", "1e-3", "--seed", "5", "-n", "90", "--json", "--out", str(tmp_path / "w")).stdout)
    first = json.loads(ask("kuhn_2p", "--jitter", "1e-3", "--seed", "5", "-n", "40", "--json", "--out", run).stdout)
    assert first["jitter"] == 1e-3 and "jitter" not in json.loads(ask("kuhn_2p", "-n", "9", "--json", "--out", run + "p").stdout)
    again = json.loads(ask("--resume", run, "-n", "90", "--json").stdout)
    assert again["values"] == whole["values"] and again["jitter"] == 1e-3
    assert (tmp_path / "run/policy.npz").read_bytes() == (tmp_path / "w/policy.npz").read_bytes()
    for size in ("1", "-1", "nan"):
        assert ask("kuhn_2p", "--jitter", size).exit_code == 2


@pytest.mark.slow
def test_isolated_programs_play_the_same_game(tmp_path):
    rule = tmp_path / "mine.py"
    assert CliRunner().invoke(cli, ["new-rule", str(rule)]).exit_code == 0

    def values(*words):
        words = ["solve", "kuhn_2p", "--algo", str(rule), "-n", "30", "--jitter", "0.05", "--seed", "2", "--json", *words]
        return json.loads(CliRunner().invoke(cli, [*words, "--out", str(tmp_path / f"run{len(words)}")]).stdout)["values"]

    assert values("--sandbox") == values()
