"""Programs that run in a locked process: the same bits as the user's own, nothing of them outside, and who decides it."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from games.errors import GameplanError, UsageError
from games.loader import load_game
from solvers.cfr.solver import CFRSolver
from workbench.catalogue.algorithms import load_program
from workbench.catalogue.descriptions import describe
from workbench.catalogue.families import CLASS_PROGRAM, PSRO, Request
from workbench.catalogue.families import RULE as RULES
from workbench.catalogue.sources import source_of
from workbench.commands.own import check_rule
from workbench.discovery.isolation import locks
from workbench.discovery.tasks.cfr import engine
from workbench.own.begin import template
from workbench.runs.directory import RunDirectory
from workbench.runs.programs import is_marked, marked
from workbench.solving.config import SolveConfig, resolve_config, resumed_config
from workbench.solving.isolated import Trust, isolated_algorithm, isolates
from workbench.solving.run import solve

locked = pytest.mark.skipif(locks.level() == "none", reason="no seccomp here")

RULE = """
from solvers.rule import add_to_average, regret_matching
PARAMS = {"gamma": 2.0}
STATE = {"kept": "action", "count": "game"}
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    state.count[0] += 1.0
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)
def accumulate_regret(R, r, t, infosets, params, state):
    R[:] = (R + r + 0.01 * state.kept).clip(0.0)
    state.kept[:] = r
def derive_policy(sigma, R, r, t, infosets, params, state):
    regret_matching(sigma, R, infosets)
"""
SOLVERS = """
import numpy as np
TRAIN = {"floor": 0.1}
STATE = {}
def train(payoffs, iteration, params):
    return [np.full(n, params.floor) + np.arange(n) for n in payoffs.sizes]
def evaluate(payoffs, iteration):
    return [np.ones(n) for n in payoffs.sizes]
"""


@pytest.mark.slow
def test_the_locked_solver_has_the_bits_and_checkpoints_of_the_user_s(tmp_path, game):
    """Both ways of moving on, in pieces, and each goes on from the other's checkpoint."""
    (tmp_path / "mine.py").write_text(RULE)
    rule, kuhn = load_program(tmp_path / "mine.py"), game("kuhn_3p")
    program = engine.make_program(RULE)
    for alternating in (True, False):

        def ours(alternating=alternating):
            return engine.RuleSolver(kuhn, program, rule.params, alternating=alternating)

        def theirs(alternating=alternating):
            return CFRSolver(kuhn, rule, rule.params, alternating=alternating)

        whole = theirs()
        whole.advance(20)
        for first, second in ((ours, ours), (theirs, ours), (ours, theirs)):
            one, two = first(), second()
            one.advance(7)
            one.advance(12)
            two.restore(12, {key: array.copy() for key, array in one.state().items()})
            two.advance(20)
            assert two.average_policy().tobytes() == whole.average_policy().tobytes()
    with pytest.raises(GameplanError, match="does not belong"):
        ours().restore(1, {})


@pytest.mark.slow
@locked
def test_a_rule_that_only_a_run_has_goes_on_in_a_locked_process(tmp_path):
    rule = tmp_path / "mine.py"
    rule.write_text(RULE)
    config = SolveConfig("kuhn_2p", str(rule), 40)
    whole, run = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "run")
    for directory in (whole, run):
        RunDirectory.create(directory.path)
    solve(config, whole)
    solve(SolveConfig("kuhn_2p", str(rule), 15), run)
    rule.write_text(RULE + f"\nopen({str(tmp_path / 'ran')!r}, 'w')\n")  # whatever becomes of the file
    told = []
    solve(resumed_config(run, {"iterations": 40}), run, resume=True, say=told.append)
    assert any("isolated" in line for line in told)
    for name in ("policy.npz", "metrics.jsonl"):
        assert (run.path / name).read_bytes() == (whole.path / name).read_bytes()
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
@locked
def test_nothing_of_an_isolated_file_runs_here(tmp_path):
    evil = tmp_path / "evil.py"
    evil.write_text(RULE + f"\nopen({str(tmp_path / 'ran')!r}, 'w').write('here')\n")
    with pytest.raises(GameplanError, match=r"isolated: PermissionError.*line 14"):
        solve(SolveConfig("kuhn_2p", str(evil), 5), RunDirectory.create(tmp_path / "a"), trust=Trust(sandbox=True))
    evil.write_text(marked(evil.read_text(), "best", "runs/x"))  # so is what a discovery has written, unasked
    found = CliRunner().invoke(check_rule, [str(evil)], standalone_mode=False)
    assert found.return_value == 1 and "PermissionError" in found.output
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
@locked
def test_meta_solvers_run_isolated(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(SOLVERS)
    config = SolveConfig("kuhn_2p", str(file), 4, params={"train.floor": 0.5})
    own, there = RunDirectory.create(tmp_path / "own"), RunDirectory.create(tmp_path / "there")
    solve(config, own)
    solve(config, there, trust=Trust(sandbox=True))
    for name in ("policy.npz", "metrics.jsonl", "config.json", "population.npz"):
        assert (own.path / name).read_bytes() == (there.path / name).read_bytes(), name
    with pytest.raises(UsageError, match="--algo FILE, or --trusted"):  # only the run has it
        resolve_config(resumed_config(own, {"iterations": 6}), own)


def test_who_decides():
    """Where a program runs follows from the command line, and from where its text is."""

    def text(text, role="algo"):
        return {role: source_of(Path("mine.py"), text)}

    rule, kept = text(RULE), {"algo": "digest"}
    for trust, where, isolated in (
        (Trust(), None, False), (Trust(sandbox=True), None, True), (Trust(), kept, True), (Trust(trusted=True), kept, False),
        (Trust(named=kept), kept, False), (Trust(named={"algo": "other"}), kept, True),
    ):  # fmt: skip
        assert isolates(rule, where, trust, None) is isolated, (trust, where)
    assert isolates(text(marked(RULE, "best")), None, Trust(), None)
    assert not isolates(text(marked(RULE, "best")), None, Trust(trusted=True), None)
    for other in (text(SOLVERS, "train"), text(SOLVERS)):
        with pytest.raises(UsageError, match="--trusted"):
            isolates(other, dict.fromkeys(other, "digest"), Trust(), None)
    assert is_marked(marked(RULE, "best", "a\nb\x1b")) and not is_marked(RULE)
    assert marked(RULE, "best", "a\nb\x1b").splitlines()[0].endswith("runs isolated unless --trusted is said")


def test_what_is_said_of_an_isolated_file_is_read_not_run():
    def told(text, given=None):
        request = Request("mine.py", given or {}, 10, sources={"algo": source_of(Path("mine.py"), text)})
        return isolated_algorithm(request, game="kuhn_2p", max_histories=100)

    assert told(RULE, {"gamma": "3"}).params == {"gamma": 3.0} and told(SOLVERS).params == {"train.floor": 0.1}
    assert [told(text).family for text in (RULE, SOLVERS, "class RegretAccumulator: pass")] == [RULES, PSRO, CLASS_PROGRAM]
    for text, what in (
        ("x = [", "line 1: not valid Python"), ("PARAMS = {}", "function accumulate_policy"), (RULE.replace("{\"gamma", "{1: 2, \"gamma"), "PARAMS"),
        (RULE.replace("2.0", "open('x')"), "PARAMS"),
    ):  # fmt: skip
        with pytest.raises(GameplanError, match=what):
            told(text)
    with pytest.raises(UsageError, match="no parameter"):
        told(RULE, {"other": 1.0})


def test_what_comes_back_is_checked(monkeypatch):
    """A program may answer anything; it is no policy until it is one."""
    from workbench.solving import isolated

    answers = {}

    class Session:
        def __init__(self, order):
            self.opened = {"replays": np.zeros(1, np.int64)}

        def ask(self, request):
            return answers

        def close(self):
            pass

    monkeypatch.setattr(isolated, "Session", Session)
    kuhn = load_game("kuhn_2p")
    request = Request("mine.py", {}, 10, sources={"algo": source_of(Path("mine.py"), SOLVERS)})
    algorithm = isolated_algorithm(request, game="kuhn_2p", max_histories=100)
    solver = algorithm.make(kuhn, alternating=True)
    good = np.repeat(1.0 / kuhn.tree.count, kuhn.tree.count)
    answers["policy"] = good
    assert (solver.average_policy() == good).all()
    for bad in (good[1:], good * 1.01, -good, np.where(good == good[0], np.nan, good), good.astype(int)):
        answers["policy"] = bad
        with pytest.raises(GameplanError):
            solver.average_policy()
    for text in (b"", b"[", b'{"train": 1}', b'{"train": [[1]], "eval": [[NaN]], "support": [1]}', b"[" * 100_000):
        answers["json"] = np.frombuffer(text, np.uint8).astype(np.int64)
        with pytest.raises(GameplanError):
            solver.remarks()
    answers.clear()
    answers["../x/y"] = np.zeros(1)
    with pytest.raises(GameplanError):
        solver.artifacts()


def test_an_exported_file_is_described_without_running_it(tmp_path):
    file = tmp_path / "best.py"
    file.write_text(marked(RULE + "\n1 / 0\n", "best"))
    found = describe(str(file))
    assert found["form"] == "rule" and found["params"] == {"gamma": 2.0}
    with pytest.raises(GameplanError, match="ZeroDivisionError"):
        file.write_text(RULE + "\n1 / 0\n")
        describe(str(file))


@pytest.mark.parametrize("sandbox", [False, True])
def test_ranges_that_a_rule_says_hold_isolated_too_and_import_nothing(sandbox, tmp_path, monkeypatch):
    (tmp_path / "spy.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    text = template("rule").replace("; at least 0\n", "; at least 1\n" + ("and those of spy\n" if sandbox else ""))
    (tmp_path / "mine.py").write_text(text)
    trust = Trust(sandbox=sandbox)
    resolve_config(SolveConfig("kuhn_2p", str(tmp_path / "mine.py"), 5, params={"gamma": 1.0}), trust=trust)
    with pytest.raises(UsageError, match=r"gamma=0\.5 is not possible; legal: at least 1"):
        resolve_config(SolveConfig("kuhn_2p", str(tmp_path / "mine.py"), 5, params={"gamma": 0.5}), trust=trust)
