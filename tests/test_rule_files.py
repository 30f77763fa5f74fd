"""Rules from files: the same results with and without numba, one readable line for every fault, parameters, shared helpers."""

import inspect
import math

import numpy as np
import pytest

from games.errors import GameplanError, UsageError
from solvers.cfr.binding import bind_loop
from solvers.cfr.solver import RuleError
from solvers.rule import (
    Infosets,
    add_to_average,
    discount,
    exponentiate,
    largest_regrets,
    normalise,
    raise_to,
    regret_matching,
)
from workbench.catalogue.algorithms import find_algorithm, load_program
from workbench.catalogue.entries import CFR
from workbench.catalogue.families import find_rule

LAST_PLACES = 1e-15  # a few units in the last place
CLOSE = 1e-12  # another order of sums over twenty iterations


RULE = '''"""CFR+ in plain NumPy."""
import numpy as np

PARAMS = {"power": 1.0, "offset": 0, "flip": False, "mode": "plus"}
STATE = {"trend": "action", "seen": "infoset", "calls": "game"}
CHOICES = {"mode": ("plus", "plain")}

def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    state.calls[0] += 1
    state.seen[reach > 0] += 1
    S += (t + params.offset) ** params.power * np.repeat(reach, infosets.count) * sigma

def accumulate_regret(R, r, t, infosets, params, state):
    state.trend[:] += r
    R += r
    if params.mode == "plus":
        np.maximum(R, 0.0, out=R)

def derive_policy(sigma, R, r, t, infosets, params, state):
    positive = np.maximum(R, 0.0)
    total = np.repeat(np.add.reduceat(positive, infosets.first), infosets.count)
    sigma[:] = np.where(total > 0, positive / np.where(total > 0, total, 1.0), 1.0 / np.repeat(infosets.count, infosets.count))
    r[:] = np.nan  # scratch
'''


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return the function from a rule's text to its file; what is compiled afterwards is cached beside it, not for good."""

    def save(text, name="my_rule.py"):
        for module in ("games.jit", "solvers.cfr.binding"):
            monkeypatch.setattr(f"{module}.kernel_cache", lambda: tmp_path / "kernels")
        path = tmp_path / name
        path.write_text(text)
        return path

    return save


@pytest.mark.parametrize("alternating", [True, False], ids=["alternating", "simultaneous"])
@pytest.mark.parametrize("name", ["kuhn_2p", "goofspiel_4", "leduc_2p"])
def test_a_numpy_rule_equals_the_compiled_one(name, alternating, write, game, solve):
    expected = solve(name, "cfr+", 20, alternating=alternating)
    found = solve(name, write(RULE), 20, alternating=alternating)
    assert not found.rule.compiled
    np.testing.assert_allclose(found.average_policy(), expected.average_policy(), rtol=0, atol=CLOSE)
    state = found.state()
    assert state["state.calls"].tolist() == [20.0 * game(name).players]
    assert state["state.seen"].shape == (sum(game(name).infosets),) and state["state.seen"].max() == 20.0
    assert state["state.trend"].shape == state["R"].shape


@pytest.mark.parametrize("algo", list(CFR))
def test_a_shipped_rule_without_njit_gives_the_same_bits(algo, write, solve):
    source = inspect.getsource(find_rule(algo).module)
    params = {"warmup_iterations": 2} if algo == "vad-cfr" else {}
    compiled = solve("kuhn_3p", algo, 8, **params)
    plain = solve("kuhn_3p", write(source.replace("@njit\n", "")), 8, **params)
    assert not plain.rule.compiled
    assert {k: v.tobytes() for k, v in plain.state().items()} == {k: v.tobytes() for k, v in compiled.state().items()}


CUT = "def accumulate_regret(R, r, t, infosets, params, state)"
FAULTS = {
    "syntax": (lambda s: s.replace("R += r", "R += = r"), r"my_rule\.py, line 15: not valid Python: "),
    "null byte": (lambda s: s + "\0", r"not valid Python: "),
    "missing function": (lambda s: s.replace("def derive_policy", "def derive"), r"function derive_policy\(sigma, .*\) is missing"),
    "no function": (lambda s: s + "derive_policy = 3\n", "derive_policy is not a function"),
    "arguments": (lambda s: s.replace(CUT, "def accumulate_regret(R, r, t)"), "accumulate_regret takes 3 arguments; it must take 6: R, r"),
    "params missing": (lambda s: s.replace("PARAMS", "SETTINGS"), "PARAMS is missing: write PARAMS = {}"),
    "param value": (lambda s: s.replace('"power": 1.0', '"power": [1.0]'), r"PARAMS\['power'\] is a list; defaults are float"),
    "param name": (lambda s: s.replace('"power": 1.0', '"my power": 1.0'), "PARAMS has the key 'my power'; keys are identifiers"),
    "state kind": (lambda s: s.replace('"trend": "action"', '"trend": "actions"'), r"STATE\['trend'\] is 'actions'; legal are 'action', "),
    "state name": (lambda s: s.replace('"trend": "action"', '"class": "action"'), "STATE has the key 'class'"),
    "state type": (lambda s: s + "STATE = ['trend']\n", "STATE is not a dictionary"),
    "choices": (lambda s: s.replace('("plus", "plain")', '("plain",)'), "CHOICES does not list the default"),
    "import": (lambda s: "import os\n" + s, "line 1: imports os; a rule may import math, numpy, numba, solvers.rule"),
    "project import": (lambda s: s + "from solvers.kernels import gradient\n", "imports solvers.kernels; a rule may import"),
    "inner import": (lambda s: s.replace("R += r", "import os.path"), "line 15: imports os.path; a rule may import"),
    "exception": (lambda s: s + "1 / 0\n", r"my_rule\.py, line 24: ZeroDivisionError on import: division by zero"),
    "exit": (lambda s: s + "raise SystemExit(0)\n", r"my_rule\.py, line 24: SystemExit on import"),
    "unknown module": (lambda s: s + "import numpyy\n", r"line 24: ModuleNotFoundError on import: No module named 'numpyy'"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_a_file(fault, write):
    change, message = FAULTS[fault]
    assert change(RULE) != RULE
    with pytest.raises(GameplanError, match=message) as caught:
        load_program(write(change(RULE)))
    assert "\n" not in str(caught.value) and "my_rule.py" in str(caught.value)


def test_all_faults_are_named_at_once(write):
    with pytest.raises(GameplanError) as caught:
        load_program(write("import os\nPARAMS = {'a': None}\nSTATE = {'b': 'none'}\n"))
    for part in ("imports os", "PARAMS['a']", "STATE['b']", "accumulate_policy", "accumulate_regret", "derive_policy"):
        assert part in str(caught.value)


def test_files_that_are_none(tmp_path, write):
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    for path, fault in (
        ("missing.py", "cannot read .*missing.py"),
        ("", "is a directory, not a file"),
        ("binary.py", "cannot read .*binary.py"),
    ):
        with pytest.raises(UsageError, match=fault):
            load_program(tmp_path / path)
    with pytest.raises(UsageError, match=r"name a file that ends in \.py"):
        load_program(write(RULE, "rule.txt"))


POLICIES = {
    "nan": ("np.nan", r"\[nan, nan\]"), "negative": ("[1.5, -0.5]", r"\[1\.5, -0\.5\]"), "sum": ("[0.5, 0.6]", r"\[0\.5, 0\.6\]"),
    "infinite": ("[np.inf, 0.0]", r"\[inf, 0\]"), "zero": ("0.0", r"\[0, 0\]"),
}  # fmt: skip


@pytest.mark.parametrize("fault", POLICIES)
def test_bad_policies(fault, write, solve):
    """The line names iteration, player, infoset and probabilities."""
    value, shown = POLICIES[fault]
    rule = RULE + f"    if t == 3 and infosets.player == 1:\n        sigma[4:6] = {value}\n"
    with pytest.raises(RuleError, match=rf"my_rule\.py .*in iteration 3 for player 1 at infoset '2p': {shown}; .* sum to 1$"):
        solve("kuhn_2p", write(rule), 5)


@pytest.mark.parametrize(
    "value", ["np.nan", "np.inf", "np.where(np.arange(len(S)) % 2, -1.0, 3.0)"], ids=["nan", "inf", "negative"]
)
def test_bad_averages(value, write, solve):
    solver = solve("kuhn_2p", write(RULE.replace("S += (t", f"S[:] = {value}\n    t + (t")), 2)
    with pytest.raises(RuleError, match=r"my_rule\.py .* at infoset '"):
        solver.average_policy()


@pytest.mark.parametrize(("old", "new", "message"), [
    ("R += r\n", "R[10**6] = 1\n", r"IndexError: .*\(line 15 of my_rule\.py, in accumulate_regret\)"),
    ("R += r\n", "R += r[1:]\n", r"ValueError: .* \(line 15 of my_rule\.py, in accumulate_regret\)"),
    ("state.trend[:] += r", "state.trends[:] += r", r"AttributeError: .*'trends' \(line 14 of my_rule\.py, in accumulate_regret\)"),
    ("params.offset", "params.ofset", r"AttributeError: .*'ofset'.* \(line 11 of my_rule\.py, in accumulate_policy\)"),
    ("    R += r\n", "    1 / 0\n", r"ZeroDivisionError: division by zero \(line 15 of my_rule\.py, in accumulate_regret\)"),
    pytest.param("    R += r\n", "    raise RuntimeError('stop')\n", r"RuntimeError: stop \(line 15 of my_rule\.py, in accumulate_regret\)"),
], ids=["index", "shape", "memory", "parameter", "division", "own exception"])  # fmt: skip
def test_exceptions_in_a_numpy_rule(old, new, message, write, solve):
    assert old in RULE
    with pytest.raises(RuleError, match=r"^my_rule\.py failed after iteration 0: " + message):
        solve("kuhn_2p", write(RULE.replace(old, new)), 5)


@pytest.mark.parametrize(("new", "message"), [
    ('R[k] += "r"', r"^my_rule\.py does not compile: .*my_rule\.py.*, line 19"),
    ("R[k] += params.gain", r"^my_rule\.py does not compile: Unknown attribute 'gain' of type Record.*my_rule\.py.*, line 19"),
    pytest.param("state.total += r[k]", r"^my_rule\.py does not compile: "),
    pytest.param("assert R[k] > r[k]", r"^my_rule\.py failed after iteration 0: ", marks=pytest.mark.slow),
], ids=["type", "parameter", "memory", "assert"])  # fmt: skip
def test_faults_of_a_compiled_rule(new, message, write, solve):
    source = inspect.getsource(find_rule("cfr").module).replace("STATE: dict = {}", 'STATE = {"total": "game"}')
    with pytest.raises(RuleError, match=message) as caught:
        solve("kuhn_2p", write(source.replace("R[k] += r[k]", new)), 5)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("algo", "given", "message"), [
    ("dcfr", {"alhpa": 1}, r"dcfr has no parameter 'alhpa' \(did you mean 'alpha'\?\); legal are alpha, beta, gamma"),
    ("cfr", {"alpha": 1}, r"cfr has no parameter 'alpha'; it has none"),
    ("dcfr", {"alpha": "high"}, r"dcfr: alpha=high is not a number; the default is 1\.5"),
    ("dcfr", {"alpha": "nan"}, "alpha=nan is not finite"),
    ("dcfr", {"alpha": "-inf"}, "alpha=-inf is not finite"),
    ("hs-pcfr+", {"planned_iterations": "1.5"}, r"planned_iterations=1\.5 is not a whole number"),
    ("hs-pcfr+", {"planned_iterations": "1" + "0" * 30}, "does not fit 64 bits"),
    ("vad-cfr", {"scope": "infosets"}, r"scope=infosets is not possible \(did you mean 'infoset'\?\); legal: global, infoset"),
    ("lp", {"alpha": 1}, "lp has no parameters"),
    ("dcrf", {}, r"unknown algorithm 'dcrf' \(did you mean 'dcfr'\?\)"),
])  # fmt: skip
def test_parameters_are_checked(algo, given, message):
    with pytest.raises(UsageError, match=message):
        find_algorithm(algo, given, 10)


def test_parameters_take_the_type_of_their_default(write):
    given = {"power": "2", "offset": "3", "flip": "yes", "mode": "plain"}
    params = find_algorithm(str(write(RULE)), given, 10).params
    assert params == {"power": 2.0, "offset": 3, "flip": True, "mode": "plain"}
    assert [type(v) for v in params.values()] == [float, int, bool, str]
    with pytest.raises(UsageError, match="flip=maybe is not a truth value"):
        find_algorithm(str(write(RULE)), {"flip": "maybe"}, 10)


def test_planned_iterations_default_to_the_run():
    assert find_algorithm("hs-pcfr+", {}, 77).params["planned_iterations"] == 77
    assert find_algorithm("hs-pcfr+", {"planned_iterations": 50}, 77).params["planned_iterations"] == 50


def test_other_parameters_need_no_compilation(game, solve):
    policies = []
    solve("kuhn_2p", "vad-cfr", 1)
    loop = bind_loop(find_rule("vad-cfr"))
    before = len(loop.iterate.signatures)
    for params in ({}, {"base_alpha": 2}, {"boost": 1.3}, {"warmup_iterations": 1}, {"scope": "infoset"}):
        policies.append(solve("kuhn_2p", "vad-cfr", 10, **{"warmup_iterations": 0, **params}).average_policy().tobytes())
    assert len(loop.iterate.signatures) == before
    assert len(set(policies)) == 5, "a parameter has no effect"


@pytest.fixture
def table():
    """Infosets of one to seven actions, the cuts, and numbers of both signs with zeros and an infoset without a positive one."""
    rng = np.random.default_rng(0)
    count = rng.integers(1, 8, size=200)
    first = np.cumsum(count) - count
    x = rng.normal(size=count.sum()) * (rng.random(count.sum()) > 0.2)
    x[first[7] : first[8]] = -1.0
    x[first[9] : first[10]] = 0.0
    return Infosets(first, count, 0), x


def shares(x, infosets):
    return np.concatenate([p / p.sum() if p.sum() > 0 else np.full(len(p), 1 / len(p)) for p in np.split(x, infosets.first[1:])])


def test_helpers(table):
    infosets, x = table
    positive, reach, S = np.maximum(x, 0.0), np.arange(200) / 7, np.abs(x)
    sigma = np.full(len(x), np.nan)
    regret_matching(sigma, x, infosets)
    np.testing.assert_allclose(sigma, shares(positive, infosets), rtol=LAST_PLACES)
    normalise(positive, infosets)
    np.testing.assert_array_equal(positive, sigma)
    add_to_average(S, sigma, reach, infosets, 0.5, 3.0)
    np.testing.assert_allclose(S, 0.5 * np.abs(x) + 3.0 * np.repeat(reach, infosets.count) * sigma, rtol=LAST_PLACES)
    largest = np.full(200, np.nan)
    largest_regrets(x, infosets, largest)
    np.testing.assert_array_equal(largest, np.maximum.reduceat(np.abs(x), infosets.first))


def test_ties_stay_ties():
    sigma = np.array([0.1, 0.1, 0.1, 1e-300, 1e-300, 0.7])
    normalise(sigma, Infosets(np.array([0, 3, 5]), np.array([3, 2, 1]), 0))
    assert sigma.tolist() == [0.1 / (0.1 + 0.1 + 0.1)] * 3 + [0.5, 0.5, 1.0]


@pytest.mark.parametrize("exponent", [0.5, 1.5, 1.0, 2.0, 0.3])
def test_raise_to(exponent, table):
    x = np.abs(table[1])
    expected = x**exponent
    raise_to(x, exponent)
    np.testing.assert_allclose(x, expected, rtol=LAST_PLACES)


def test_discount():
    for t in (1, 2, 1000):
        for exponent in (1.5, 0.0, -1.5, 2.3):
            assert discount(t, exponent) == pytest.approx(t**exponent / (t**exponent + 1), rel=LAST_PLACES)
    assert discount(0, 1.5) == 0.0 and discount(1, 7.0) == 0.5
    assert discount(10, 400.0) == 1.0 and discount(10, -400.0) == 0.0


@pytest.mark.parametrize("size", [0, 1, 7, 100, 5000])
def test_exponentiate(size):
    x = np.random.default_rng(size).uniform(-700, 700, size) * np.random.default_rng(size).choice([1, 1e-2, 1e-8], size)
    expected = [math.exp(v) for v in x]
    exponentiate(x)
    np.testing.assert_allclose(x, expected, rtol=LAST_PLACES)


def test_exponentiate_at_its_ends():
    x = np.array([0.0, -0.0, 1e9, -1e9, 700.0, -700.0, math.log(2) / 2, 5e-324])
    exponentiate(x)
    expected = [1.0, 1.0, math.exp(700), math.exp(-700), math.exp(700), math.exp(-700), math.sqrt(2), 1.0]
    np.testing.assert_allclose(x, expected, rtol=LAST_PLACES)


@pytest.mark.parametrize(("value", "said"), [("10**400", "does not fit 64 bits"), ("float('nan')", "defaults are finite")])
def test_defaults_that_no_run_can_keep_are_refused(value, said, tmp_path):
    from workbench.own.begin import template

    path = tmp_path / "mine.py"
    path.write_text(template("rule").replace('PARAMS = {"gamma": 2.0}', f'PARAMS = {{"gamma": {value}}}'))
    with pytest.raises(GameplanError, match=said):
        find_algorithm(str(path), {})
