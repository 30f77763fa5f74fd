"""The suite that every CFR variant of the catalogue passes; a new variant needs one line in `BOUNDS`."""

import ast
import inspect
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from solvers.cfr.binding import bind_loop
from solvers.exploitability import Evaluator, uniform_policy
from workbench.catalogue import CFR, find_algorithm, find_rule

# Exploitability on kuhn_2p after 1000 iterations: the published order of magnitude times 3, nothing below rounding.
BOUNDS = {
    "cfr": 3e-3, "cfr+": 3e-4, "lcfr": 3e-4, "dcfr": 3e-4, "dcfr+": 4e-4, "pcfr+": 6e-8, "dpcfr+": 1e-12, "hs-pcfr+": 1e-12,
    "hs-dcfr": 3e-3, "vad-cfr": 1e-12, "aod-cfr": 1e-10, "aod-distilled": 1e-12, "trend-dcfr": 1e-12, "last-dcfr": 1e-12,
}  # fmt: skip
# The same with simultaneous updates, as a share of the uniform policy's: they are slow, hs-dcfr's above all, and last iterates cycle.
SIMULTANEOUS = {"last-dcfr": 0.5}
PARAMS = {"vad-cfr": {"warmup_iterations": 5}}  # so that short runs have an average
LEGAL_IMPORTS = {"math", "numpy", "numba", "solvers.rule"}
every_variant = pytest.mark.parametrize("algo", list(CFR))
UPDATES = pytest.mark.parametrize("alternating", [True, False], ids=["alternating", "simultaneous"])


def fresh(algo, game, alternating=True, iterations=40):
    return find_algorithm(algo, PARAMS.get(algo, {}), iterations).make(game, alternating=alternating)


def bits(solver):
    return {name: array.tobytes() for name, array in solver.state().items()}


def test_every_variant_has_a_bound():
    assert set(BOUNDS) == set(CFR)


@every_variant
def test_file_is_complete(algo):
    """The file says what it is and where it is from, uses what it declares, and depends on the shared vocabulary alone."""
    rule, entry = find_rule(algo), CFR[algo]
    tree = ast.parse(inspect.getsource(rule.module))
    author = entry.reference.replace(",", " ").split()[0]
    assert entry.title and author in rule.module.__doc__, "the module's docstring does not name the source"
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert all(ast.get_docstring(node) for node in functions.values())
    assert {"accumulate_policy", "accumulate_regret", "derive_policy"} <= set(functions)
    attributes = {(n.value.id, n.attr) for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}
    assert {a for n, a in attributes if n == "params"} == set(rule.params)
    assert {a for n, a in attributes if n == "state"} == set(rule.state)
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        assert set(names) <= LEGAL_IMPORTS
    assert rule.compiled


@every_variant
@UPDATES
def test_converges_on_kuhn(algo, alternating, game, solve):
    evaluate = Evaluator(game("kuhn_2p"))
    found = evaluate(solve("kuhn_2p", algo, 1000, alternating=alternating).average_policy()).exploitability
    start = evaluate(uniform_policy(game("kuhn_2p"))).exploitability
    assert -1e-12 <= found <= (BOUNDS[algo] if alternating else start * SIMULTANEOUS.get(algo, 0.1))


@every_variant
@UPDATES
def test_checkpoint_continues_with_the_same_bits(algo, alternating, game):
    whole, first, second = (fresh(algo, game("kuhn_3p"), alternating) for _ in range(3))
    whole.advance(40)
    first.advance(13)
    saved = {name: array.copy() for name, array in first.state().items()}
    second.restore(13, saved)
    assert second.iteration == 13
    second.advance(40)
    assert bits(second) == bits(whole)
    assert second.average_policy().tobytes() == whole.average_policy().tobytes()


@every_variant
def test_runs_repeat_bit_for_bit_however_they_are_cut(algo, game):
    whole, pieces = fresh(algo, game("goofspiel_4")), fresh(algo, game("goofspiel_4"))
    whole.advance(30)
    for stop in (0, 1, 2, 2, 11, 30):
        pieces.advance(stop)
    assert pieces.iteration == 30
    assert bits(pieces) == bits(whole)
    assert not np.array_equal(whole.average_policy(), uniform_policy(game("goofspiel_4")))


def test_checkpoint_of_another_run_is_refused(game):
    from games.errors import GameplanError

    solver, other = fresh("aod-cfr", game("kuhn_2p")), fresh("aod-cfr", game("kuhn_3p"))
    for arrays in (other.state(), fresh("cfr", game("kuhn_2p")).state(), {}):
        with pytest.raises(GameplanError, match="checkpoint does not belong to aod-cfr on kuhn_poker"):
            solver.restore(3, arrays)


INTERPRETED = """
import hashlib, json, sys
from games.loader import load_game
from workbench.catalogue import find_algorithm
found = {}
for algo, params in json.loads(sys.argv[1]).items():
    for name in ("kuhn_3p", "goofspiel_3"):
        solver = find_algorithm(algo, params, 10).make(load_game(name), alternating=name == "kuhn_3p")
        assert not solver.rule.compiled
        solver.advance(10)
        found[f"{algo} {name}"] = hashlib.sha256(b"".join(a.tobytes() for a in solver.state().values())).hexdigest()
print(json.dumps(found))
"""


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
from workbench.catalogue import find_algorithm
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
