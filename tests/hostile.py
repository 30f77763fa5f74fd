"""Hostile candidates: each is a CFR rule or a class program that does something else beside; `ELSEWHERE` has other tasks'.

`DROPPED` are those that the normal form makes honest, `REFUSED` those that the static check turns away; the others look like honest
rules, and the isolation has to hold them.
``{there}`` stands for a file that none of them may write, ``{secret}`` for one that none may read.
"""

GETATTR = 'np.random.mtrand.operator.attrgetter("__globals__")(np.random.bit_generator.re.sub)["__builtins__"]'
EXEC = f"{GETATTR}['exec']"
WRITE = f"{GETATTR}['open']('{{there}}', 'w')"
RULE = """
import math
import numpy as np
from solvers.rule import add_to_average, njit, regret_matching
PARAMS = {{"gamma": 2.0}}
STATE = {{}}
{top}
{decorator}
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)
{decorator}
def accumulate_regret(R, r, t, infosets, params, state):
    {body}
    for k in range(len(R)):
        R[k] = max(R[k] + r[k], 0.0)
{decorator}
def derive_policy(sigma, R, r, t, infosets, params, state):
    regret_matching(sigma, R, infosets)
"""
CLASSES = """
import numpy as np
{top}
class RegretAccumulator{bases}:
    {inner}
    def update_accumulate_regret(self, info_state_node, iteration_number, cfr_regrets):
        {body}
        return {{a: max(info_state_node.cumulative_regret[a] + r, 0.0) for a, r in cfr_regrets.items()}}
class PolicyFromRegretAccumulator:
    def get_updated_current_policy(self, info_state_node, iteration_number, cfr_regrets, previous_policy):
        total = sum(info_state_node.cumulative_regret.values())
        n = len(info_state_node.legal_actions)
        return {{a: info_state_node.cumulative_regret[a] / total if total > 0 else 1 / n for a in info_state_node.legal_actions}}
class PolicyAccumulator:
    def update_accumulate_policy(self, info_state_node, iteration_number, info_state_policy, cfr_regrets, reach_prob, counterfactual_reach_prob):
        return {{a: info_state_node.cumulative_policy[a] + reach_prob * p for a, p in info_state_policy.items()}}
"""
FORK = '"[__import__(chr(111) + chr(115)).fork() for _ in range(3)]"'
DAEMON = """'''
import os, time
try:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            end = time.monotonic() + 60
            while time.monotonic() < end: pass
        os._exit(0)
except OSError: pass
'''"""


def rule(body="pass", top="", compiled=False):
    """Return the source of a rule with something more at module level and in a function."""
    return RULE.format(top=top, body=body, decorator="@njit" if compiled else "")


def classes(body="pass", top="", inner="x = 1", bases=""):
    """Return the source of a class program with something more."""
    return CLASSES.format(top=top, body=body, inner=inner, bases=bases)


DROPPED = {  # with all annotations, by the normal form
    "an annotation of the module": rule(top=f"x: {EXEC}({DAEMON}) = 1.0", compiled=True),
    "an annotation without a value": rule(top=f"x: {EXEC}({DAEMON})", compiled=True),
    "an annotation of an argument": rule(top=f"def f(x, *, y: {EXEC}({DAEMON})): return x", compiled=True),
    "an annotation of a result": rule(top=f"def f(*x) -> {EXEC}({DAEMON}): return x", compiled=True),
}  # fmt: skip
REFUSED = {  # by the static check, were they executed or not
    "a decorator": rule(top=f"@{EXEC}\ndef f(): pass"),
    "a decorator by the name of ours": rule(top=f"def njit(f):\n    {WRITE}\n    return f", compiled=True),
    "a name with two meanings": rule(
        "c = m.copy.types.CodeType", top="import dataclasses as m\ndef f():\n    import numpy as m\n    return 1"
    ),
    "a signature in words": rule(f"numba.njit({FORK})(f)", top="import numba\ndef f(x): return x"),
    "a kernel compiled again, in words": rule(f"[add_to_average][0].compile({FORK})"),
    "code of a function in C": rule("np.random.default_rng(1).normal.func_code.replace(co_consts=())"),
    "text that looks up attributes": rule("raise ValueError([*map(str.format, ['{{0.__class__}}'], [R])])"),
    "a default argument": rule(top=f"def f(x={WRITE}): return x"),
    "a class body": classes(inner=f"x = {EXEC}({DAEMON})"),
    "a base class": classes(bases=f"({WRITE})"),
    "a metaclass": classes(top="class M(type): pass", bases="(metaclass=M)"),
    "internals of random": rule(f"{EXEC}({DAEMON})"),
    "internals of linalg": rule("np.linalg._umath_linalg.__loader__"),
    "a module by another name": rule("m = np; m.os.system('touch {there}')"),
    "a module in a list": rule("[np][0].os.system('touch {there}')"),
    "a module as an argument": rule("(lambda m: m.os)(np).system('touch {there}')"),
    "a submodule by another name": rule("m = np.random; m.mtrand.os"),
    "numpy's load": rule("np.load('{secret}', allow_pickle=True)"),
    "numpy's save": rule("np.save('{there}', R)"),
    "numpy's memmap": rule("np.memmap('{there}', mode='w+', shape=9)[0] = 1"),
    "numpy's files": rule("raise ValueError(np.fromfile('{secret}', np.uint8))"),
    "an array's file": rule("R.tofile('{there}')"),
    "numpy's text": rule("raise ValueError(np.genfromtxt('{secret}', str))"),
    "ctypes of an array": rule("R.ctypes.data"),
    "objmode": rule("with objmode(x='f8'):\n        x = 1.0", top="from numba import objmode", compiled=True),
    "addresses": rule("carray(8, 8)[0] = 1.0", top="from numba import carray", compiled=True),
    "intrinsics": rule(top="from numba.extending import intrinsic"),
    "format": rule("raise ValueError('{{0.__class__.__mro__}}'.format(R))"),
    "a frame": rule("(x for x in R).gi_frame.f_builtins['open']('{there}', 'w')"),
    "a traceback": rule("try:\n        1 / 0\n    except ZeroDivisionError as e:\n        e.__traceback__.tb_frame.f_builtins['open']('{there}', 'w')"),
    "builtins": rule("__builtins__['open']('{there}', 'w')"),
    "an exit": rule("import os; os._exit(0)"),
    "an interrupt": rule("raise KeyboardInterrupt"),
    "numpy changed": rule("np.maximum = np.minimum"),
    "a forged answer on every pipe": rule("import os\n    for fd in range(20):\n        try: os.write(fd, bytes(64))\n        except OSError: pass"),
    "threads": rule("import threading\n    while True: threading.Thread(target=print).start()"),
    "a process": rule("import os\n    while True: os.fork()"),
}  # fmt: skip
HELD = {  # by the isolation: legal rules, to look at
    "no end": rule("while True: pass"),
    "no end, compiled": rule("x = 0.0\n    while x >= 0.0: x = (x + r[0] * r[0]) % 2.0", compiled=True),
    "no end while it is imported": classes(top="def f(n):\n    return f(n - 1) + f(n - 2) if n > 1 else n", body="raise ValueError(sum(10 ** (10 ** k) for k in range(12)))"),
    "all memory": rule("x = []\n    while True: x.append(np.ones(1 << 22))"),
    "all memory, compiled": rule("x = [np.ones(1 << 20)]\n    while len(x) > 0: x.append(np.ones(1 << 20))", compiled=True),
    "no end of calls": rule("f(1)", top="def f(x): return f(x + 1) + 1"),
    "no end of calls, compiled": rule("R[0] += f(t)", top="@njit\ndef f(x):\n    if x < 0.0: return 0.0\n    return math.sin(f(x + 1.0)) + x", compiled=True),
    "out of bounds": rule("for k in range(1 << 40): R[k] = 7.0", compiled=True),
    "a message that steers": rule("raise ValueError('\\x1b]0;x\\x07\\ud800\\u202e' * 3)"),
    "an error that errs": classes(top="class E(Exception):\n    def __len__(self): return 1 / 0\n", body="raise E(E(E))"),
    "a number too long to print": rule("raise ValueError(10 ** 100_000)"),
    "the game changed": rule("infosets.first[:] = 0; infosets.count[:] = 1"),
    "sums that are none": rule("R[:] = np.nan"),
    "a compiler's night": rule("\n    ".join(["x0 = (r[0], r[0])", *(f"x{k + 1} = (x{k}, x{k})" for k in range(24)), "R[0] += x24" + "[0]" * 25]), compiled=True),
    "out of bounds on both sides": rule("for k in range(1 << 24): R[k - (1 << 23)] = 7.0", compiled=True),
    "out of bounds a little": rule("for k in range(len(R), len(R) + 64): R[k] = 0.0", compiled=True),
    "an annotation of a field": classes(inner=f"x: {EXEC}({DAEMON}) = 1"),
    "a property in place of a method": classes(top="class B:\n    @property\n    def f(self):\n        while True: pass", body="B().f"),
    "no end of making": classes(inner="def __init__(self):\n        while True: pass"),
    "a base class that is a type of Python's": classes(bases="(property)"),
    "an error of a million lists": rule("x = []\n    for _ in range(1_000_000): x = [x]\n    raise ValueError(x)"),
    "an error that holds itself": rule("x = []\n    x.append(x)\n    raise KeyError(x)"),
    "an error that is not an Exception": rule("raise np.linalg.LinAlgError(R, np.ones(1 << 20))"),
    "an answer of millions": classes(body="return {a: 1.0 for a in range(30_000_000)}"),
    "actions that there are not": classes(body="return {-1: 1.0, 10**6: 2.0, 'x': 3.0, None: 4.0, **cfr_regrets}"),
    "minus infinity": classes(body="return {a: -1e308 * 10 for a in cfr_regrets}"),
    "one hash for all": rule("x = {}\n    for k in range(1 << 20): x[k * (2**61 - 1)] = k"),
    "the generators' seeds": rule("np.random.seed(1); R[0] += np.random.random()", compiled=True),
    "numpy's state": rule("np.seterr(all='raise')\n    np.random.shuffle(infosets.first)"),
}  # fmt: skip
HOSTILE = {**DROPPED, **REFUSED, **HELD}

SOLVER = """
import numpy as np
from solvers.rule import njit, uniform
TRAIN = {{}}
EVAL = {{}}
STATE = {{}}
{decorator}
def train(meta, iteration, params):
    {body}
    return uniform(meta)
{decorator}
def evaluate(meta, iteration, params):
    return uniform(meta)
"""
VALUE = """
import numpy as np
from solvers.rule import njit
PARAMS = {{}}
{decorator}
def row_value(cells, params):
    {body}
    return 1.0
"""
SQUARE = """
import numpy as np
PARAMS = {{}}
def square_value(nearest, mean, furthest, walls, corridor, goal, goals_beside, steps, boxes, params):
    {body}
    return nearest
def bound_weight(boxes, squares, params):
    return 1.0
"""
BODIES = {
    "no end": "while True: pass",
    "all memory": "x = []\n    while True: x.append(np.ones(1 << 22))",
    "no number": "return float('nan')",
    "infinity": "return 1e308 * 10",
    "another kind": "return 'x'",
    "a shape that lies": "return np.ones((3, 1 << 20))",
    "an error that holds itself": "x = []\n    x.append(x)\n    raise KeyError(x)",
    "files": f"{EXEC}(\"open('{{there}}', 'w')\")",
}
ELSEWHERE = {  # task -> name -> source
    task: {name: text.format(body=body, decorator="") for name, body in BODIES.items()}
    for task, text in (("psro", SOLVER), ("h2048", VALUE), ("sokoban-h", SQUARE))
}
ELSEWHERE["psro"] |= {
    "payoffs changed": SOLVER.format(body="meta.sizes[:] = 1; meta.start[:] = 0", decorator=""),
    "out of bounds": SOLVER.format(body="for k in range(1 << 24): meta.start[k - (1 << 23)] = 7", decorator="@njit"),
    "no end, compiled": SOLVER.format(body="x = 0.0\n    while x >= 0.0: x = (x + iteration) % 2.0", decorator="@njit"),
}
ELSEWHERE["h2048"] |= {
    "out of bounds": VALUE.format(body="for k in range(1 << 24): cells[k - (1 << 23)] = 7.0", decorator="@njit"),
    "cells changed": VALUE.format(body="cells[:] = 0.0", decorator="@njit"),
}
