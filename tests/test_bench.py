"""Benchmarks say how many figures there will be: a line at the foot of the terminal can tell how long it will take."""

import importlib

import pytest

from workbench.bench import cfr, learning, peers, planning, planning_sokoban, psro, sampling
from workbench.bench.timing import Timing

MEASURED = (  # functions that take their time
    "rate", "random_play", "moves_evaluated", "strength", "mid_game", "rollout_rate", "move_cost", "_rate", "search", "play",
)  # fmt: skip


def names_of(run, *arguments, **options):
    """Return what a benchmark tells of."""
    told = []
    run(*arguments, tell=told.append, **options)
    return told


@pytest.mark.parametrize("part", [pytest.param(p, marks=pytest.mark.slow if p == "levels" else ()) for p in planning.PARTS])
def test_parts_of_planning_count_their_figures(part, monkeypatch):
    module = importlib.import_module(planning.PARTS[part])
    for name in MEASURED:
        if hasattr(module, name):
            monkeypatch.setattr(module, name, lambda *given, **options: 1.0)
    for name in ("_OURS", "_PEERS"):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, {key: lambda: None for key in getattr(module, name)})
    monkeypatch.setattr(planning, "calibration", lambda: 1.0)
    told = names_of(planning.run, [part], repeats=1)
    assert len(set(told)) == len(told) == planning.count([part]) > 0
    if part == "sokoban":
        levels = ("one.xsb", "two.xsb")
        assert len(names_of(planning_sokoban.run, levels=levels)) == planning.count([part], levels) == 6


def test_learning_counts_its_figures(monkeypatch):
    for name in ("advance", "evaluations", "network", "calibration"):
        monkeypatch.setattr(learning, name, lambda *given, **options: {})
    assert len(names_of(learning.run)) == learning.count()


@pytest.mark.parametrize("with_peers", [False, True])
def test_sampling_counts_its_figures_and_measures_them(with_peers):
    games, algos = ["kuhn_2p", "kuhn_3p"], ["es-mccfr", "vr-os-mccfr"]
    told: list[str] = []
    record = sampling.run(games, algos, with_peers=with_peers, budget=0.02, tell=told.append)
    assert len(told) == len(set(told)) == sampling.count(games, algos, with_peers=with_peers) == 4 + 2 * with_peers
    for game in record["games"]:
        assert all(found["nodes_per_second"] > 1e4 for found in game["algos"].values())
        assert ("ratio" in game["algos"]["es-mccfr"]) == with_peers and "ratio" not in game["algos"]["vr-os-mccfr"]


@pytest.mark.parametrize("with_peers", [False, True])
@pytest.mark.parametrize("algos", [["cfr+", "cfr"], ["cfr"]])
def test_games_count_their_figures(with_peers, algos, monkeypatch):
    timing = Timing(1.0, 1.0, 1.0, 1)
    for module in (cfr, psro):
        monkeypatch.setattr(module, "measure", lambda *given, **options: timing)
        monkeypatch.setattr(module, "describe_environment", lambda threads: {})
    monkeypatch.setattr(cfr, "_time_iterations", lambda *given: (timing, 1.0))
    monkeypatch.setattr(psro, "_measure_peer", lambda name: {})
    monkeypatch.setattr(
        peers, "peers", lambda: [peers.Peer("small", lambda game: None, 10), peers.Peer("large", lambda game: None, 1000)]
    )
    games = ["kuhn_2p", "kuhn_3p"]
    told = names_of(cfr.run, games, algos, with_peers=with_peers, budget=0.0)
    assert len(told) == cfr.count(games, algos, with_peers=with_peers)
    told = names_of(psro.run, games, ["psro-uniform"], iterations=1, with_peers=with_peers)
    assert len(told) == psro.count(games, ["psro-uniform"], with_peers=with_peers) == 2 + 2 * with_peers
