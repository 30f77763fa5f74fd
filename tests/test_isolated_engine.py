"""The engine of CFR tasks, in isolation: the solver's bits, its scores, compiling, the published class form, fingerprints."""

import statistics
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from solvers.exploitability import Evaluator
from workbench.catalogue.algorithms import find_algorithm
from workbench.discovery.books.records import Job, Limits, Trial
from workbench.discovery.isolation import examine, measure
from workbench.discovery.tasks.cfr import engine
from workbench.discovery.tasks.cfr.task import TASK


@pytest.fixture(scope="module")
def program():
    """A catalogued rule as the engine runs it; each is compiled once."""
    return cache(lambda name: engine.make_program(TASK.split(TASK.canonical(TASK.known()[name]))[0]))


@pytest.mark.parametrize("name", ["hs-pcfr+", *(pytest.param(n, marks=pytest.mark.slow) for n in ("vad-cfr", "aod-cfr"))])
@pytest.mark.parametrize("where", ["kuhn_2p", "leduc_2p"])
def test_engine_computes_the_solver_s_bits(game, solve, program, name, where):
    iterations = 25
    engine.compile_loop(game(where))
    algorithm = find_algorithm(name, {}, iterations)
    policy = engine.run(program(name), algorithm.params, game(where), iterations)
    assert policy.tobytes() == solve(where, name, iterations).average_policy().tobytes()


def test_engine_runs_plain_rules(game, solve):
    source = TASK.known()["cfr+"].replace("@njit", "")
    plain = engine.make_program(source)
    assert not plain.compiled
    policy = engine.run(plain, {}, game("kuhn_2p"), 10)
    assert policy.tobytes() == solve("kuhn_2p", "cfr+", 10).average_policy().tobytes()


def test_scores_of_policies(game):
    policy = np.repeat(1.0 / game("kuhn_2p").tree.count, game("kuhn_2p").tree.count)
    assert TASK.score("kuhn_2p", 1, 0, {"policy": policy}) == pytest.approx(0.4583333333, abs=1e-9)
    for bad in (policy * 1.001, policy[:-1], np.where(policy == policy[0], np.nan, policy), -policy, policy.astype(int)):
        with pytest.raises(engine.BadPolicy):
            TASK.score("kuhn_2p", 1, 0, {"policy": bad})


def cfr_job(source, *instances, horizon=20):
    return Job("cfr", source, tuple(Trial(name, horizon) for name in instances or ("kuhn_2p",)))


@pytest.mark.slow
def test_constants_are_not_compiled():
    source = TASK.known()["dcfr"]
    first = measure(cfr_job(source))
    again = measure(cfr_job(source.replace("1.5", "1.25")))
    assert first.status == again.status == "ok", (first, again)
    assert (first.compiled, again.compiled) == (True, False)
    assert first.compile_seconds > again.compile_seconds == 0.0
    assert first.values != again.values


@pytest.mark.slow
def test_measured_exploitability_is_the_solver_s(solve, game):
    outcome = measure(cfr_job(TASK.known()["pcfr+"], "kuhn_2p", "leduc_2p"))
    assert outcome.values == tuple(
        Evaluator(game(name))(solve(name, "pcfr+", 20).average_policy()).exploitability for name in ("kuhn_2p", "leduc_2p")
    )


@pytest.mark.slow
def test_compiling_counts():
    """A program that takes too long to compile ends like one that runs too long, and leaves nothing behind."""
    slow = Job(
        "cfr", TASK.known()["cfr+"].replace("R[k] + r[k]", "R[k]" + " + math.exp(math.sin(r[k]))" * 300), (Trial("kuhn_2p", 1),)
    )
    slow = replace(slow, source="import math\n" + slow.source, limits=Limits(1.0, 20.0))
    assert measure(slow).status == "timeout"
    assert measure(cfr_job(TASK.known()["cfr"])).status == "ok"


@pytest.mark.slow
def test_class_form_is_measured(solve, game, tmp_path):
    from test_class_form import VAD as program

    outcome = measure(cfr_job(program, "kuhn_2p"))
    (tmp_path / "program.py").write_text(program)
    solver = solve("kuhn_2p", tmp_path / "program.py", 20)
    assert outcome.values == (Evaluator(game("kuhn_2p"))(solver.average_policy()).exploitability,)
    assert examine(cfr_job(program)).fingerprint != examine(cfr_job(TASK.known()["cfr"])).fingerprint


@pytest.mark.slow  # to compile
def test_fingerprints_of_rules():
    prints = {name: examine(Job("cfr", source)) for name, source in TASK.known().items()}
    assert {outcome.status for outcome in prints.values()} == {"ok"}
    assert len({outcome.fingerprint for outcome in prints.values()}) == len(TASK.known())
    # late mechanisms show
    late = TASK.known()["cfr+"].replace("1.0, t)", "1.0, t if t < 600 else 2 * t)")
    assert examine(Job("cfr", late)).fingerprint not in {outcome.fingerprint for outcome in prints.values()}


@pytest.mark.slow  # to compile
def test_bad_rules_are_named():
    source = TASK.known()["cfr+"]
    negative = source.replace("regret_matching(sigma, R, infosets)", "sigma[0] = -1.0")
    for ask in (examine, measure):
        outcome = ask(cfr_job(negative))
        assert outcome.status == "error:BadPolicy", outcome
    assert "player 0 at infoset" in outcome.reason
    nonsense = measure(cfr_job(source.replace("R[k] + r[k]", "R[k] + 'x'")))
    assert nonsense.status == "error:TypingError" and "line" in nonsense.reason, nonsense


@pytest.mark.slow  # measures
def test_overhead_of_isolation():
    job = cfr_job(TASK.known()["cfr+"], "kuhn_2p", horizon=10)
    measure(job)
    overheads = [measure(job).overhead_seconds for _ in range(10)]
    assert statistics.median(overheads) < 0.25  # idle it is a few milliseconds; other tests may be running
