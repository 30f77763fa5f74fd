"""Metrics of every rule and meta-strategy solver are those recorded: bit for bit on the same machine, to 1e-12 elsewhere."""

import json

import pytest
import regression

RECORDED = json.loads(regression.FILE.read_text())
TOLERANCE = 0.0 if RECORDED["machine"] == regression.machine() else 1e-12
CASES = [(kind, name) for kind, (names, _) in regression.METRICS.items() for name in names]


def test_all_are_recorded():
    for kind, (names, _) in regression.METRICS.items():
        assert set(RECORDED[kind]) == set(names), f"the {kind} recorded are not those of the catalogue: run make regression"


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[name for _, name in CASES])
def test_metrics_are_those_recorded(kind, name):
    for game, expected in RECORDED[kind][name].items():
        found = regression.METRICS[kind][1](name, game)
        assert found == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE), f"{name} on {game} is not what it was"
