"""Runs that go on from Python, and how runs are called: as the commands do both, to the same bytes."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

import workbench as gp
from games.dispatch import operation
from planners.language.stub import StubServer, StubSettings
from planners.language.stub_answers import at_random_legal
from tests.toy_discovery import FAST, SLOW, discovery, folder, here, task  # noqa: F401 (fixtures)
from workbench.discovery import session


def after(count):
    """Return a callback that interrupts once so much was done."""

    def progress(now):
        if now.done >= count:
            raise KeyboardInterrupt

    return progress


def test_a_solver_run_goes_on_to_the_same_bytes(tmp_path):
    whole = gp.solve("kuhn_2p", "pcfr+", n=60, out=tmp_path / "whole")
    stopped = gp.solve("kuhn_2p", "pcfr+", n=60, out=tmp_path / "parts", progress=after(20))
    assert stopped.status == "interrupted" and 20 <= stopped.iterations < 60
    again = gp.resume(tmp_path / "parts")
    assert (again.status, again.iterations) == ("done", 60)
    assert again.policy.probabilities.tobytes() == whole.policy.probabilities.tobytes()
    assert (tmp_path / "parts" / "metrics.jsonl").read_bytes() == (tmp_path / "whole" / "metrics.jsonl").read_bytes()
    assert gp.resume(str(tmp_path / "parts"), 90).iterations == 90
    assert gp.resume(tmp_path / "parts", 10**6, target=0.05).status == "target reached"


def test_psro_goes_on_with_its_populations(tmp_path):
    gp.psro("kuhn_2p", "nash", n=2, out=tmp_path / "run")
    result = gp.resume(tmp_path / "run", 4)
    assert isinstance(result, gp.PsroResult) and result.population.meta_game().shape == (4, 4)


def test_planners_and_learners_go_on(tmp_path):
    whole = gp.plan("2048-2x2", "random", episodes=5, out=tmp_path / "whole")
    gp.plan("2048-2x2", "random", episodes=2, out=tmp_path / "parts")
    assert gp.resume(tmp_path / "parts", 5).scores == whole.scores
    options = gp.TrainOptions(episodes=3)
    gp.train("2048-2x2", "td", updates=2, options=options, out=tmp_path / "half")
    longer = gp.train("2048-2x2", "td", updates=4, options=options, out=tmp_path / "learned")
    again = gp.resume(tmp_path / "half", 4)
    assert (again.updates, again.score) == (4, longer.score)
    assert again.file("value").read_bytes() == longer.file("value").read_bytes()


def test_a_discovery_goes_on_of_a_task_that_is_trusted(tmp_path, folder, task, monkeypatch):  # noqa: F811
    store, _ = discovery(tmp_path / "run", folder, task, [(SLOW, "seed", ()), (FAST, "random", (0,))])
    store.close()
    asked = []

    def proceed(store, config, **rest):
        asked.append((store.path, config.evals, config.wall_seconds))
        return session.run_record(store)

    monkeypatch.setattr(session, "proceed", proceed)
    result = gp.resume(tmp_path / "run", 500, time_limit="2m", trusted=True)
    assert asked == [(tmp_path / "run", 500, 120.0)] and len(result.programs) == 2 and result.run == tmp_path / "run"


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"run": "no-such-run"}, "no-such-run holds no run"),
        ({"run": "mine", "n": 0}, "n = 0 cannot be meant; it must be a whole number from 1 on"),
        ({"run": "mine", "n": 5, "target": 0.1}, "target = 0.1 is not for a run of plan"),
        ({"run": "mine", "time_limit": "1m"}, "time_limit = 60.0 is not for a run of plan"),
        ({"run": "together"}, "comparisons go on when they are asked for again"),
    ],
)
def test_what_cannot_go_on_is_said(given, wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gp.plan("2048-2x2", "random", episodes=1, out="mine")
    (tmp_path / "together").mkdir()
    (tmp_path / "together" / "table.json").write_text("{}")
    with pytest.raises(gp.UsageError, match=wrong):
        gp.resume(**given)


def test_runs_are_called_as_the_commands_call_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = gp.solve("kuhn_2p", "cfr", n=5, out="runs/2026-01-31-kuhn_2p-cfr-s0")
    last = gp.solve("kuhn_2p", "cfr+", n=5, out="runs/2026-02-01-kuhn_2p-cfr+-s0")
    gp.plan("2048-2x2", "random", episodes=1, out="runs/2026-02-02-2048")
    for name, meant in (("@last", last), ("@last~1", first), ("2026-01", first), ("kuhn_2p-cfr+", last)):
        assert gp.load_policy(name).probabilities.tobytes() == meant.policy.probabilities.tobytes(), name
    with pytest.raises(gp.UsageError, match="is the beginning of 2 runs"):
        gp.load_policy("kuhn_2p-cfr")
    assert gp.resume("@last", 2).env == "2048-2x2"  # of any kind
    assert gp.resume("kuhn_2p-cfr-s0", 7).iterations == 7
    gp.train("2048-2x2", "td", updates=1, options=gp.TrainOptions(episodes=2), out="runs/2026-02-03-td")
    for name in ("@last", "2026-02-03", "runs/2026-02-03-td"):
        assert gp.plan("2048-2x2", "expectimax", episodes=1, learned={"value": name}).status == "done", name


def test_directories_are_replaced_only_by_force(tmp_path):
    begin = {
        "solve": lambda force: gp.solve("kuhn_2p", "cfr", n=3, options=gp.SolveOptions(force=force), out=tmp_path / "solve"),
        "psro": lambda force: gp.psro("kuhn_2p", "nash", n=2, options=gp.SolveOptions(force=force), out=tmp_path / "psro"),
        "plan": lambda force: gp.plan("2048-2x2", "random", 1, options=gp.PlanOptions(force=force), out=tmp_path / "plan"),
        "train": lambda force: gp.train(
            "2048-2x2", "td", updates=1, options=gp.TrainOptions(episodes=1, force=force), out=tmp_path / "train"
        ),
    }  # fmt: skip
    for name, run in begin.items():
        run(False)
        with pytest.raises(gp.UsageError, match="exists"):
            run(False)
        assert run(True).run == tmp_path / name


def test_a_comparison_is_not_replaced(tmp_path):
    with pytest.raises(gp.UsageError, match="force = True"):
        gp.compare_methods("2048-2x2", ["td"], seeds=1, updates=1, options=gp.TrainOptions(force=True), out=tmp_path / "c")
    assert not list(tmp_path.iterdir())


def test_language_models_are_asked_under_a_protocol(tmp_path):
    options = gp.PlanOptions(protocol="proact", beside="random")
    with StubServer(StubSettings(at_random_legal)) as server:
        params = {"base_url": server.url, "model": "stub"}
        result = gp.plan("2048-3x3", "llm", 2, params=params, options=options, out=tmp_path / "run")
    assert [player["player"] for player in result.record["protocol"]["players"]] == ["llm", "random"]
    assert result.record["protocol"]["name"] == "proact" and len(result.scores) == 2
    with pytest.raises(gp.UsageError, match="say out="):
        gp.plan("2048-3x3", "llm", 2, options=options)
    with pytest.raises(gp.UsageError, match="goes with a protocol"):
        gp.plan("2048-2x2", "random", 1, options=gp.PlanOptions(beside="random"))


def test_records_print_a_line_unless_they_have_one():
    class Plain(NamedTuple):
        width: int
        cells: np.ndarray
        inner: tuple[int, ...]
        scale: np.float64

    class Own(NamedTuple):
        cells: np.ndarray

        def __repr__(self):
            return "mine"

    @operation
    def size(subject):
        """Return its size."""
        return 0

    for cls in (Plain, Own):
        size.of(cls)(lambda subject: 1)
    shown = repr(Plain(2, np.arange(12).reshape(3, 4), (1,) * 99, np.float64(0.5)))
    assert shown == "Plain(width=2, cells=int64 3x4, inner=tuple, scale=0.5)" and repr(Own(np.arange(3))) == "mine"
    assert size(SimpleNamespace()) == 0 and size(Own(np.arange(3))) == 1
