"""Binding the loop to a rule: the loop's source with the rule's functions imported into it.

numba caches a function on disk only if everything it calls is reached through module globals, so each rule gets a module of its
own, written beside the kernel cache and named by a hash of the rule's code; equal rules share it between processes and runs.
"""

import hashlib
import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from games.files import write_atomically
from games.jit import kernel_cache
from games.sources import code_digest
from solvers.cfr.rule_file import OTHERS, Rule

_MARK = re.compile(r"from solvers\.cfr\.unbound import \(.*?\)\n", re.DOTALL)


class _Binding(NamedTuple):
    """What a loop is bound to: the rule's module and the hash of its code, and what it declares."""

    module: str
    code: str
    params: tuple[str, ...]
    state: tuple[tuple[str, str], ...]
    regularised: bool
    compiled: bool


def bind_loop(rule: Rule, *, compiled: bool | None = None) -> ModuleType:
    """Return the module of `solvers.cfr.loop` bound to `rule`, with ``iterate``.

    `compiled` (default: whether all three functions of the rule are) chooses the loop's form; both give the same bits.
    """
    compiled = rule.compiled if compiled is None else compiled
    params, state = tuple(rule.params), tuple(rule.state.items())
    return _bind(_Binding(rule.module.__name__, rule.code, params, state, rule.regularised, compiled))


def _loop_path(name: str) -> Path:
    return kernel_cache() / "loops" / f"{name}.py"


def _loop_text(to: _Binding) -> tuple[str, str]:
    """Return the name and the source of the bound loop."""
    source = Path(__file__).with_name("loop.py").read_text()
    assert len(_MARK.findall(source)) == 1, "solvers/cfr/loop.py and solvers/cfr/binding.py disagree"
    views = {"action": "a:b", "infoset": "i:j", OTHERS: "i:j", "game": ":"}
    view = ", ".join(f"state.{name}[{views[kind]}]" for name, kind in to.state)
    others = [f"state.{name}[i:j]" for name, kind in to.state if kind == OTHERS]
    bound = "games.jit import embedded as part, njit as bound" if to.compiled else "solvers.cfr.unbound import bound, part"
    header = f"""from {to.module} import accumulate_policy, accumulate_regret, derive_policy
from {to.module if to.regularised else "solvers.cfr.unbound"} import regularise
from solvers.cfr.records import record_class
from {bound}

OTHERS, REGULARISED = {bool(others)}, {to.regularised}
State = record_class({tuple(name for name, _ in to.state)!r})

@part
def player_state(state, a, b, i, j):
    return State({view})

@part
def others_reach(state, i, j):
    return ({"".join(f"{own}, " for own in others)})
"""
    text = _MARK.sub(lambda _: header, source)
    return "gameplan_loop_" + hashlib.sha256(f"{to.module}\n{to.code}\n{code_digest(text)}".encode()).hexdigest()[:16], text


@cache
def _bind(to: _Binding) -> ModuleType:
    name, text = _loop_text(to)
    if name in sys.modules:
        return sys.modules[name]
    path = _loop_path(name)
    try:
        if not path.exists():
            write_atomically(path, text.encode())
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec and spec.loader
        loop = importlib.util.module_from_spec(spec)
        sys.modules[name] = loop
        spec.loader.exec_module(loop)
    except OSError:  # no place to write: the same module from memory, compiled in every process
        loop = ModuleType(name)
        sys.modules[name] = loop
        exec(compile(text, f"<{name}>", "exec"), loop.__dict__)
    return loop
