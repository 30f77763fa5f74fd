"""Genomes: static check, normal form, structure and constants, opening."""

import ast
import importlib
import types
from contextlib import suppress

import hostile
import numpy as np
import pytest

from games.loader import load_game
from solvers.cfr.class_form import METHODS
from solvers.cfr.rule_file import FUNCTIONS, STATE_KINDS, load_module, make_rule
from solvers.cfr.solver import CFRSolver
from tests.test_operators import behaviour
from workbench.discovery.genome.bound import unbound_names
from workbench.discovery.genome.canonical import canonical, program_id, size, split, with_constants
from workbench.discovery.genome.check import problems
from workbench.discovery.genome.draft import opened_source
from workbench.discovery.genome.names import FORBIDDEN, public
from workbench.discovery.isolation.source import is_inert
from workbench.discovery.tasks.cfr.grammar import GRAMMAR
from workbench.discovery.tasks.cfr.seeds import shipped

RULE = """
{top}
PARAMS = {{}}
STATE = {{}}
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    {body}
def accumulate_regret(R, r, t, infosets, params, state):
    R += r
def derive_policy(sigma, R, r, t, infosets, params, state):
    sigma[:] = 0.5
"""
HOSTILE_TOPS = [
    "import os",
    "import numpy as np, sys",
    "from os import path",
    "from . import x",
    "import solvers.rule",
    "from solvers.cfr import loop",
    "from numpy import load",
    "from solvers.rule import math",
    "from dataclasses import sys",
    "import numpy.ctypeslib",
    "X = open('/etc/passwd').read()",
    "X = [i for i in range(9)]",
    "print(1)",
    "while True: pass",
    "if True: X = 1",
    "class A: pass",
    "from numba import njit, objmode",
    "from numba import njit\n@njit(cache=True)\ndef f(x): return x",
    "def f(x=open('a')): return x",
    "def __getattr__(name): return 1",
    "X = 1; X.y = 2",
    "import dataclasses as m\ndef f():\n    import numpy as m\n    return 1",
    "from numpy import vectorize as njit\ndef f():\n    from numba import njit\n    return 1",
    "from numba import njit\ndef njit(f): return f\n@njit\ndef f(x): return x",
]
HOSTILE_BODIES = [
    "eval('1')",
    "exec('1')",
    "open('x')",
    "compile('1', '', 'eval')",
    "__import__('os')",
    "getattr(S, 'x')",
    "setattr(S, 'x', 1)",
    "globals()",
    "vars()",
    "breakpoint()",
    "input()",
    "S.__class__",
    "S._x",
    "().__class__.__bases__[0].__subclasses__()",
    "f'{S.__class__}'",
    "'{0.__class__}'.format(S)",
    "S.tofile('x')",
    "S.dump('x')",
    "import os",
    "import numpy as np; np.load('x')",
    "import numpy as np; np.save('x', S)",
    "import numpy as np; np.lib.format.open_memmap('x')",
    "import numpy as np; np.ctypeslib.load_library('x', '.')",
    "import numpy as np; np.memmap('x')",
    "import numpy as np; np.random._pickle",
    "import dataclasses; dataclasses.sys",
    "import collections; collections.os",
    "import numba; numba.cuda.jit",
    "import numba; numba.core.types",
    "global PARAMS",
    "with S: pass",
    "yield 1",
    "unknown_name + 1",
    "import numpy as np; np.exp = 1",
    "import numpy as np; np.float64.sum = 1",
    "from numpy import float64; float64.sum = 1",
    "import numpy as np; np.random.mtrand.operator",
    "import numpy as np; np.random.bit_generator.re.sub",
    "import numpy as np; m = np; m.os",
    "import numpy as np; f(np)",
    "import numpy as np; [np][0].os",
    "import numpy as np; m = np.random; m.mtrand",
    "import numpy as np; np.linalg._umath_linalg",
    "import numpy as np; np.linalg.linalg",
    "import numpy as np; np.fft.helper",
    "import numpy as np; np.char",
    "import numpy as np; np.bmat('x')",
    "import numpy as np; np.array.__globals__",
    "import numpy as np; np.sum.py_func",
    "import numpy as np; np.random.default_rng(1).bit_generator.ctypes",
    "import numpy as np; (lambda m: m.os)(np)",
    "from numpy import random as r; r.mtrand",
    "from numpy import random as r; x = r",
    "from numpy.random import mtrand",
    "from numba import types",
    "from numba import typed",
    "import numba; numba.types.Dummy",
    "import numba; numba.njit.__wrapped__",
    "import collections; collections.abc.sys",
    "import collections.abc as a; a.sys",
    "from collections import abc; abc.sys",
    "import dataclasses; dataclasses.make_dataclass('A', ['x'])",
    "import typing; typing.get_type_hints(S)",
    "import typing; typing.sys",
    "import math; math.__loader__",
    "from solvers.rule import discount; discount.py_func",
    "from solvers.rule import discount as d; d.targetctx",
    "accumulate_regret.func_code",
    "accumulate_regret.overloads",
    "g = accumulate_regret; g.typingctx",
    "(x for x in S).gi_frame.f_builtins",
    "try: pass\n    except Exception as e: e.__traceback__.tb_frame",
    "from numba import njit; njit('1')",
    "import numba; f = numba.njit",
    "from solvers.rule import discount; d = [discount][0]; d.compile('1')",
    "import numpy as np; np.random.default_rng(1).normal.func_code",
    "self._x = 1; S._x",
    "del S",
]


def refused(source):
    return problems(source, FUNCTIONS, state_kinds=STATE_KINDS, classes=tuple(METHODS))


@pytest.mark.parametrize("text", HOSTILE_TOPS)
def test_the_check_refuses_at_module_level(text):
    assert refused(RULE.format(top=text, body="pass")), text


@pytest.mark.parametrize("text", HOSTILE_BODIES)
def test_the_check_refuses_in_functions(text):
    found = refused(RULE.format(top="", body=text))
    assert found, text
    assert all(line.startswith("line ") and "\n" not in line for line in found)


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("def f(:", "line 1: not valid Python"),
        ("x\0", "line 1: not valid Python"),
        ("x = " + "(" * 3000 + ")" * 3000, "not valid Python"),
        ("#" * 100_000, "characters"),
        ("x = [" + "1, " * 15_000 + "]", "syntax nodes"),
        ("x = " + "-" * 500 + "1", "nested"),
        ("x = 0x" + "f" * 20_000, "80000 bits"),
        ("x = '\ud800'", "not valid Python"),
        ("PARAMS = {}", "function accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state) is missing"),
        (RULE.format(top="", body="pass").replace("PARAMS = {}", ""), "PARAMS is missing"),
        (RULE.format(top="", body="pass").replace("PARAMS = {}", "PARAMS = {'_x': 1.0}"), "'_x'"),
        (RULE.format(top="", body="pass").replace("PARAMS = {}", "PARAMS = {'x': 1e999}"), "finite"),
        (RULE.format(top="", body="pass").replace("STATE = {}", "STATE = {'x': 'everywhere'}"), "'everywhere'"),
        (RULE.format(top="", body="pass").replace("(R, r, t,", "(R, r, T,"), "accumulate_regret takes"),
    ],
)  # fmt: skip
def test_the_check_names_what_is_wrong(source, what):
    assert any(what in line for line in refused(source))


PROGRAM = """
import math as m
A = 1
def f(x, *a, k=A, **kw):
    y = [u + x for u in a if (w := u)]
    z = {p: q for p, q in kw.items()}
    def g(v):
        return v + late + y
    late = 2
    try:
        pass
    except ValueError as e:
        h = e
    return lambda t, d=w: t + d + z + g + h + m.pi + unknown
class C:
    one = A
    two = [one for _ in range(one)]
    def method(self): return one + A
def other():
    return y + u + t + self + m + f(C)
"""


def test_names_are_known_where_python_knows_them():
    found = [(name.lineno, name.id) for name in unbound_names(ast.parse(PROGRAM), {"range", "ValueError"})]
    assert sorted(found) == [(14, "unknown"), (17, "one"), (18, "one"), *((20, name) for name in ("self", "t", "u", "y"))]


def test_a_local_of_another_function_is_no_name_here():
    source = RULE.format(top="", body="discounted = 2.0")  # the normal form leaves it out
    assert refused(source) == []
    other = source.replace("sigma[:] = 0.5", "sigma[:] = discounted")
    assert refused(other) == ["line 10: the name 'discounted' is neither defined here nor allowed"]


def test_the_check_accepts_rules_and_class_programs():
    for name, source in shipped().items():
        assert refused(source) == [], name
        assert refused(opened_source(source, GRAMMAR)) == [], name
    program = "import numpy as np\nfrom collections import defaultdict\n" + "".join(
        f"class {name}:\n    def __init__(self, floor=-1.0):\n        self.x = defaultdict(float)\n"
        f"    def {method}(self, {', '.join(arguments)}):\n        return {{a: max(0.0, v) for a, v in self.x.items()}}\n"
        for name, (method, arguments) in METHODS.items()
    )
    assert refused(program) == []
    assert refused(program.replace("PolicyAccumulator", "Other")) == ["line 1: class PolicyAccumulator is missing"]


def test_hostile_candidates():
    """The check refuses what it can see; annotations are gone in the normal form; the rest is for the isolation."""
    honest = canonical(hostile.rule(compiled=True), FUNCTIONS)
    for name, source in hostile.HOSTILE.items():
        assert bool(refused(source)) == (name in hostile.REFUSED), (name, refused(source))
        assert not is_inert(source) or name in hostile.HELD, name
    for name, source in hostile.DROPPED.items():
        assert canonical(source, FUNCTIONS).replace("x = 1.0\n", "") == honest, name


def test_annotations_are_dropped_before_anything_is_executed():
    """Published programs have them; nothing evaluates them, whatever they say."""
    annotated = RULE.format(
        top="from __future__ import annotations\nx: print(1)\ny: evil() = 2.0", body="z: evil() = y\n    R[0] = z"
    )
    annotated = annotated.replace("(R, r, t,", "(R: evil(), /, r: 'x.y', t: a.b.__class__,").replace(
        ", state):", ", state) -> evil():"
    )
    plain = RULE.format(top="y = 2.0", body="z = y\n    R[0] = z").replace("(R, r, t,", "(R, /, r, t,")
    assert canonical(annotated) == canonical(plain) and "evil" not in canonical(annotated)
    assert not any("evil" in line or "x.y" in line for line in refused(annotated))
    fields = "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: evil() = 1.0\n    y: 'ClassVar[int]' = 2\n"
    assert "x: object = 1.0" in canonical(fields) and "evil" not in canonical(fields)


def test_the_check_accepts_public_names_however_they_are_imported():
    body = (
        "x = np.random.default_rng(3).random() + np.linalg.norm(S) + npr.rand() + norm(S) + np.add.reduce(S) + np.float64(1).item()\n"
        "    c = collections.Counter([1]).most_common() + [abc.Mapping, collections.abc.Sequence, np.finfo(float).eps, Deque.appendleft]"
    )
    top = (
        "import collections\nimport numpy as np\nimport numpy.random as npr\nfrom collections import abc\nfrom collections import deque as Deque\n"
        "from numpy.linalg import norm"
    )
    assert refused(RULE.format(top=top, body=body)) == []


def test_public_names_lead_to_no_module_and_no_code():
    """From everything that a program may take, by all attributes that are not refused, two steps far."""
    reached: dict[int, tuple[str, object]] = {}
    row = [(f"{m}.{name}", getattr(importlib.import_module(m), name)) for m, listed in public().items() for name in listed]
    row += [("an array", np.zeros(2)), ("a text", ""), ("a generator", (x for x in ())), ("numbers", np.random.default_rng(1))]
    for _ in range(3):
        row = [(path, found) for path, found in row if id(found) not in reached]
        reached |= {id(found): (path, found) for path, found in row}
        further = []
        for path, found in row:
            for name in dir(found):
                if not name.startswith("_") and name not in FORBIDDEN:
                    with suppress(Exception):
                        further.append((f"{path}.{name}", getattr(found, name)))
        row = further
    astray = (types.ModuleType, types.CodeType, types.FrameType)
    assert [path for path, found in reached.values() if isinstance(found, astray)] == []
    assert len(reached) > 2000


def test_canonical_is_idempotent_and_sees_through_writing():
    for source in shipped().values():
        assert canonical(source, FUNCTIONS) == source
        opened = opened_source(source, GRAMMAR)
        assert canonical(opened, FUNCTIONS) == opened == opened_source(opened, GRAMMAR)
    plain = shipped()["dcfr"]
    written = (
        '"""A comment."""\nimport math\n'
        + plain.replace("{'alpha': 1.5, 'beta': 0.0, 'gamma': 2.0}", "{'unused': 3.0, 'gamma': 2.0, 'beta': 0.0, 'alpha': 1.5}")
        .replace("STATE = {}", "STATE: dict = {'never_read': 'action'}  # memory")
        .replace(
            "    positive = ",
            "    '''Words.'''\n    nothing, dead = 1.0, math.sqrt(2.0)\n    if t > 3:\n        dead = 4.0\n    positive = ",
        )
        .replace("R[k] = total", "state.never_read[k] = state.never_read[k] + total\n        R[k] = total")
        + "\ndef helper(x):\n    return x\n"
    )
    assert written != plain
    assert canonical(written, FUNCTIONS) == plain
    assert program_id(canonical(written, FUNCTIONS)) == program_id(plain)
    assert size(plain) < size(opened_source(plain, GRAMMAR))


def test_canonical_keeps_what_has_effects():
    body = "np.copyto(S, sigma); x = np.add(S, 1.0, out=S); y = helper(S)"
    source = RULE.format(top="import numpy as np\ndef helper(x):\n    x[0] = 1.0", body=body)
    kept = canonical(source, FUNCTIONS)
    assert all(text in kept for text in ("copyto", "out=S", "helper(S)", "def helper"))


KEPT = [  # what looks like nothing and is not: top of the program, body of a function, text that must stay
    ("def ema(x):\n    x[0] = 1.0", "ema(R)", "ema(R)"),
    ("from solvers.rule import normalise as safe_exp", "safe_exp(S, infosets)", "safe_exp(S, infosets)"),
    ("from numpy import copyto as abs", "abs(S, sigma)", "abs(S, sigma)"),
    ("import numpy as np", "np.add(S, sigma, S)", "np.add(S, sigma, S)"),
    ("import numpy as np", "x = np.add(S, sigma, S)", "np.add(S, sigma, S)"),
    ("import numpy as np", "np.add.at(S, infosets.first, sigma)", "np.add.at"),
    ("import numpy as np", "np.nan_to_num(S, copy=False)", "nan_to_num"),
    ("import numpy as np", "np.exp(S, S)", "np.exp(S, S)"),
    ("", "S += sigma", "S += sigma"),
    ("", "x = S\n    x += sigma", "x += sigma"),
    ("", "x = S if t > 3 else sigma\n    x *= 2.0", "x *= 2.0"),
    ("", "for k in range(4):\n        pass\n    S[k] = 1.0", "for k in range(4)"),
    ("", "S[0] = PARAMS['floor']", "'floor': 0.5"),
    ("X = 1.0\ndef X(y):\n    return y", "S[0] = X(2.0)", "X = 1.0\n\ndef X(y)"),
]


@pytest.mark.parametrize(("top", "body", "kept"), KEPT)
def test_canonical_keeps_the_meaning(top, body, kept):
    source = RULE.format(top=top, body=body).replace("PARAMS = {}", "PARAMS = {'floor': 0.5}")
    made = canonical(source, FUNCTIONS)
    assert kept in made
    assert canonical(made, FUNCTIONS) == made


def test_canonical_keeps_memory_that_is_read_elsewhere():
    source = RULE.format(top="", body="trend = state.trend\n    trend[0] = R[0]").replace(
        "STATE = {}", "STATE = {'trend': 'action'}"
    )
    assert "trend[0]" not in canonical(source, FUNCTIONS)  # nobody reads it
    handed = source.replace("sigma[:] = 0.5", "helper(sigma, state)") + "def helper(x, memory):\n    x[:] = memory.trend\n"
    assert "trend[0] = R[0]" in canonical(handed, FUNCTIONS)
    other = source.replace("trend[0] = R[0]", "trend = S\n    trend[0] = R[0]")
    assert "trend[0] = R[0]" in canonical(other, FUNCTIONS)  # it is S by then


def test_structure_and_constants():
    for source in shipped().values():
        structure, constants = split(source)
        assert with_constants(structure, constants) == source
        assert split(structure)[0] == structure
        moved = {name: 1.25 * value - 0.5 for name, value in constants.items()}
        changed = with_constants(source, moved)
        assert split(changed) == (structure, moved)
        assert refused(structure) == []
    with pytest.raises(KeyError):
        with_constants(shipped()["dcfr"], {"delta": 1.0})
    two = "TRAIN = {'rate': 0.1, 'steps': 3}\nEVAL = {'rate': 0.2}\ndef f(params):\n    return params.rate * params.steps\n"
    assert split(two)[1] == {"train.rate": 0.1, "eval.rate": 0.2}


@pytest.mark.parametrize("name", list(shipped()))
def test_opened_rules_do_the_same(name):
    source = shipped()[name]
    opened = opened_source(source, GRAMMAR)
    assert "regret_matching" not in opened and "add_to_average" not in opened
    assert np.array_equal(behaviour(source), behaviour(opened))


@pytest.mark.parametrize("name", ["cfr+", "dpcfr+", "aod-cfr"])
def test_opened_rules_play_the_same(name, tmp_path):
    game = load_game("kuhn_2p")
    policies = []
    for text in (shipped()[name], opened_source(shipped()[name], GRAMMAR)):
        path = tmp_path / f"{len(policies)}.py"
        path.write_text(text.replace("@njit\n", ""))
        rule = make_rule(name, *load_module(path))
        solver = CFRSolver(game, rule, rule.params)
        solver.advance(20)
        policies.append(solver.average_policy())
    assert np.array_equal(*policies)


def test_literals_become_constants():
    source = RULE.format(top="", body="S[:] = S").replace(
        "R += r", "for k in range(len(R)):\n        R[k] = 0.7 * R[k] + max(r[k], -3.0)"
    )
    structure, constants = split(opened_source(source, GRAMMAR))
    assert sorted(constants.values()) == [-3.0, 0.5, 0.7]
    assert "0.7" not in structure
    assert ast.parse(structure)
