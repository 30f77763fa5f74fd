"""The suite that every CFR variant of the catalogue passes, and what compiled and interpreted runs share."""

import inspect
import json
import os
import subprocess
import sys

import pytest

from solvers.cfr.binding import bind_loop
from workbench.catalogue.algorithms import find_algorithm
from workbench.catalogue.entries import CFR
from workbench.testing.rules import RuleSuite

# Exploitability on kuhn_2p after 1000 iterations: the published order of magnitude times 3, nothing below rounding.
BOUNDS = {
    "cfr": 3e-3, "cfr+": 3e-4, "lcfr": 3e-4, "dcfr": 3e-4, "dcfr+": 4e-4, "pcfr+": 6e-8, "dpcfr+": 1e-12, "hs-pcfr+": 1e-12,
    "hs-dcfr": 3e-3, "vad-cfr": 1e-12, "aod-cfr": 1e-10, "aod-distilled": 1e-12, "trend-dcfr": 1e-12, "last-dcfr": 1e-12,
    "sapcfr+": 4e-8, "apcfr+": 4e-8, "apdcfr+": 3e-5, "smooth-pcfr+": 6e-7, "stable-pcfr+": 3e-6, "rpdcfr+": 1e-12,
    "mmd": 0.045, "mmd-q": 0.01, "rtcfr+": 0.01, "perturbed-cfr+": 0.01,
}  # fmt: skip
# The same with simultaneous updates, as a share of the uniform policy's: last iterates cycle.
SHARES = {"last-dcfr": 0.5, "rtcfr+": 0.3}
PARAMS = {"vad-cfr": {"warmup_iterations": 5}}  # so that short runs have an average


def test_every_variant_has_a_bound():
    """A new rule needs one line in BOUNDS above."""
    assert not (missing := set(CFR) - set(BOUNDS)), f"add to BOUNDS in tests/test_conformance.py: {missing}"
    assert set(BOUNDS) == set(CFR), "a bound belongs to no rule of the catalogue"


class TestCatalogue(RuleSuite):
    @pytest.fixture(autouse=True, params=CFR)
    def chosen(self, request):
        self.algo = request.param
        self.bound = BOUNDS.get(self.algo, 0.0)
        self.share, self.params = SHARES.get(self.algo, RuleSuite.share), PARAMS.get(self.algo, {})

    def test_the_source_is_named_and_the_rule_compiled(self):
        rule, entry = self.rule(), CFR[self.algo]
        author = entry.reference.replace(",", " ").split()[0]
        assert entry.title and author in rule.module.__doc__, "the module's docstring does not name the source"
        assert rule.compiled


def fresh(algo, game, alternating=True, iterations=40):
    return find_algorithm(algo, PARAMS.get(algo, {}), iterations).make(game, alternating=alternating)


def test_checkpoint_of_another_run_is_refused(game):
    from games.errors import GameplanError

    solver, other = fresh("aod-cfr", game("kuhn_2p")), fresh("aod-cfr", game("kuhn_3p"))
    for arrays in (other.state(), fresh("cfr", game("kuhn_2p")).state(), {}):
        with pytest.raises(GameplanError, match="checkpoint does not belong to aod-cfr on kuhn_poker"):
            solver.restore(3, arrays)


INTERPRETED = """
import hashlib, json, sys
from games.loader import load_game
from workbench.catalogue.algorithms import find_algorithm
found = {}
for algo, params in json.loads(sys.argv[1]).items():
    for name in ("kuhn_3p", "goofspiel_3"):
        solver = find_algorithm(algo, params, 10).make(load_game(name), alternating=name == "kuhn_3p")
        assert not solver.rule.compiled
        solver.advance(10)
        found[f"{algo} {name}"] = hashlib.sha256(b"".join(a.tobytes() for a in solver.state().values())).hexdigest()
print(json.dumps(found))
"""


@pytest.mark.slow  # compiles without a cache
def test_compiled_and_interpreted_runs_give_the_same_bits(game):
    """Without numba, all kernels and rules are plain Python: the compiled ones must not differ in a single bit."""
    import hashlib

    expected = {}
    for algo in CFR:
        for name in ("kuhn_3p", "goofspiel_3"):
            solver = fresh(algo, game(name), alternating=name == "kuhn_3p", iterations=10)
            solver.advance(10)
            expected[f"{algo} {name}"] = hashlib.sha256(b"".join(a.tobytes() for a in solver.state().values())).hexdigest()
    settings = json.dumps({algo: PARAMS.get(algo, {}) for algo in CFR})
    run = subprocess.run(
        [sys.executable, "-c", INTERPRETED, settings],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(run.stdout) == expected


def use_uncompiled_loop(solver):
    """Let the solver's rule, still compiled, be driven by the loop as plain Python."""
    solver._loop = bind_loop(solver.rule, compiled=False)
    return solver


BOTH_LOOPS = f"""
import sys
{inspect.getsource(use_uncompiled_loop)}
from games.loader import load_game
from solvers.cfr.binding import bind_loop
from workbench.catalogue.algorithms import find_algorithm
solver = find_algorithm("cfr", {{}}, 10).make(load_game("kuhn_2p"), alternating=True)
if sys.argv[1] == "plain":
    use_uncompiled_loop(solver)
solver.advance(10)
print(solver.state()["S"].tobytes().hex())
"""


@pytest.mark.slow
def test_loops_share_a_cache(tmp_path):
    """Compiled rules under a plain loop, then under a compiled one, in two processes with one fresh cache."""
    env = {**os.environ, "GAMEPLAN_CACHE": str(tmp_path)}
    runs = [
        subprocess.run([sys.executable, "-c", BOTH_LOOPS, loop], env=env, capture_output=True, text=True)
        for loop in ("plain", "compiled")
    ]  # fmt: skip
    assert [run.returncode for run in runs] == [0, 0], runs[1].stderr.splitlines()[-1:]
    assert runs[0].stdout == runs[1].stdout
