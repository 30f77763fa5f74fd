"""Which policy a run reports: the average, the last iterate or the best one."""

import numpy as np
import pytest

from games.errors import UsageError
from solvers.exploitability import Evaluator
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig, resolve_config
from workbench.solving.policies import load_policy
from workbench.solving.run import solve as run_solver


def ran(path, *, resume=False, stop=lambda: False, **options):
    run = RunDirectory.open(path) if resume else RunDirectory.create(path)
    config = SolveConfig(**{"game": "kuhn_2p", "algo": "cfr", "iterations": 40, **options})
    record = run_solver(config, run, resume=resume, stop=stop)
    return record, [line["exploitability"] for line in run.read_lines("metrics.jsonl")]


@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
def test_each_is_what_it_says(tmp_path, game, solve, updates):
    """Against iterates computed one after the other; simultaneous CFR's best iterate is not its last."""
    compiled, evaluate = game("kuhn_2p"), Evaluator(game("kuhn_2p"))
    solver = solve("kuhn_2p", "cfr", 0, alternating=updates == "alternating")
    worth, policies = [], []
    for t in range(1, 41):
        solver.advance(t)
        policies.append(solver.current_policy())
        worth.append(evaluate(policies[-1]).exploitability)
    best = int(np.argmin(worth))
    expected = {"last": (policies[-1], worth), "best": (policies[best], np.minimum.accumulate(worth))}
    for iterate, (policy, curve) in expected.items():
        record, found = ran(tmp_path / iterate, iterate=iterate, every=1, updates=updates)
        assert record["iterate"] == iterate and found == list(curve)
        assert np.array_equal(load_policy(compiled, tmp_path / iterate / "policy.npz")[0], policy)
    assert record["best_iteration"] == best + 1
    record, found = ran(tmp_path / "average", every=1, updates=updates)
    assert record["iterate"] == "average" and "best_iteration" not in record
    assert found[-1] == evaluate(solver.average_policy()).exploitability


@pytest.mark.parametrize("iterate", ["last", "best"])
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path, iterate, monkeypatch):
    """Also one that was stopped between two evaluations, where an iterate was better than all that a whole run evaluates."""
    options = {"iterate": iterate, "updates": "simultaneous", "iterations": 300}
    whole, curve = ran(tmp_path / "whole", **options)
    asked = iter(range(10_000))
    monkeypatch.setattr("workbench.solving.run.CHUNK_SECONDS", 1e-9)  # one iteration a call
    stopped, _ = ran(tmp_path / "cut", stop=lambda: next(asked) > 110, **options)
    assert stopped["status"] == "interrupted" and 100 < stopped["iterations"] < 125
    cut, again = ran(tmp_path / "cut", resume=True, **options)
    assert again == curve and cut["exploitability"] == whole["exploitability"]
    assert (tmp_path / "cut" / "policy.npz").read_bytes() == (tmp_path / "whole" / "policy.npz").read_bytes()


def test_rules_say_what_they_are_reported_by():
    assert resolve_config(SolveConfig("kuhn_2p", "mmd"))[0].iterate == "last"
    assert resolve_config(SolveConfig("kuhn_2p", "mmd", iterate="average"))[0].iterate == "average"
    assert resolve_config(SolveConfig("kuhn_2p", "last-dcfr"))[0].iterate == "last"
    assert resolve_config(SolveConfig("kuhn_2p", "cfr+"))[0].iterate == "average"
    assert resolve_config(SolveConfig("kuhn_2p", "double-oracle"))[0].iterate == "mixture"
    with pytest.raises(UsageError, match="lp has no last iterate to report, only its solution; leave out --iterate"):
        resolve_config(SolveConfig("kuhn_2p", "lp", iterate="last"))


@pytest.mark.slow
def test_isolated_programs_report_their_iterates_too(tmp_path):
    from workbench.solving.isolated import Trust

    text = (  # a rule whose own word is its last iterate
        "from solvers.rule import *\nPARAMS = {}\nITERATE = 'last'\n"
        "def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):\n    S += sigma\n"
        "def accumulate_regret(R, r, t, infosets, params, state):\n    R += r\n"
        "def derive_policy(sigma, R, r, t, infosets, params, state):\n    regret_matching(sigma, R, infosets)\n"
    ).replace("import *", "import regret_matching")
    (tmp_path / "mine.py").write_text(text)
    config = SolveConfig("kuhn_2p", str(tmp_path / "mine.py"), 20)
    records = [
        run_solver(config, RunDirectory.create(tmp_path / name), trust=Trust(sandbox=name == "locked"))
        for name in ("own", "locked")
    ]
    assert [record["iterate"] for record in records] == ["last", "last"]
    assert records[0]["exploitability"] == records[1]["exploitability"]
    (tmp_path / "bad.py").write_text(text.replace("'last'", "'first'"))
    with pytest.raises(Exception, match="ITERATE is 'first'; legal are 'average', 'last', 'best'"):
        resolve_config(SolveConfig("kuhn_2p", str(tmp_path / "bad.py"), 20))
