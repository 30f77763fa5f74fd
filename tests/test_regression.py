"""Metrics of every rule and meta-strategy solver are those recorded: bit for bit on the same machine, to 1e-12 elsewhere."""

import json

import pytest
import regression

RECORDED = json.loads(regression.FILE.read_text())
ELSEWHERE = 1e-12
CASES = [(kind, name) for kind, (names, _) in regression.METRICS.items() for name in names]


def test_all_are_recorded():
    for kind, (names, _) in regression.METRICS.items():
        assert set(RECORDED[kind]) == set(names), f"the {kind} recorded are not those of the catalogue: run make regression"


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[name for _, name in CASES])
def test_metrics_are_those_recorded(kind, name):
    recorded = RECORDED[kind][name]
    tolerance = 0.0 if recorded["machine"] == regression.machine_id() else ELSEWHERE
    for game in regression.GAMES:
        found = regression.METRICS[kind][1](name, game)
        assert found == pytest.approx(recorded[game], rel=tolerance, abs=tolerance), f"{name} on {game} is not what it was"


def test_one_more_is_recorded_on_any_machine(tmp_path, monkeypatch):
    file = tmp_path / "regression.json"
    file.write_text(json.dumps(RECORDED))
    monkeypatch.setattr(regression, "FILE", file)
    monkeypatch.setattr(regression, "machine", lambda: {"cpu": "another"})
    regression.write(["cfr"])
    now = json.loads(file.read_text())
    assert now["rules"]["cfr+"] == RECORDED["rules"]["cfr+"] and now["machines"].items() > RECORDED["machines"].items()
    assert now["machines"][now["rules"]["cfr"]["machine"]] == {"cpu": "another"}
