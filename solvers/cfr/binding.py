"""Binding the loop to a rule: the loop's source with the rule's functions imported into it.

numba caches a function on disk only if everything it calls is reached through module globals, so each rule gets a module of its
own, written beside the kernel cache and named by a hash of the rule's code; equal rules share it between processes and runs.
"""

import hashlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from games.files import write_atomically
from games.jit import kernel_cache
from games.sources import code_digest
from solvers.cfr.rule_file import Rule

_MARK = "from solvers.cfr.unbound import accumulate_policy, accumulate_regret, bound, derive_policy, part, player_state\n"


def bind_loop(rule: Rule, *, compiled: bool | None = None) -> ModuleType:
    """Return the module of `solvers.cfr.loop` bound to `rule`, with ``iterate``.

    `compiled` (default: whether all three functions of the rule are) chooses the loop's form; both give the same bits.
    """
    compiled = rule.compiled if compiled is None else compiled
    return _bind(rule.module.__name__, rule.code, tuple(rule.params), tuple(rule.state.items()), compiled)


def _identity(rule: Rule) -> tuple[str, str, tuple[str, ...], tuple[tuple[str, str], ...]]:
    return rule.module.__name__, rule.code, tuple(rule.params), tuple(rule.state.items())


def _loop_path(name: str) -> Path:
    return kernel_cache() / "loops" / f"{name}.py"


def _loop_text(
    module: str, code: str, params: tuple[str, ...], state: tuple[tuple[str, str], ...], compiled: bool
) -> tuple[str, str]:
    """Return the name and the source of the bound loop."""
    source = Path(__file__).with_name("loop.py").read_text()
    assert _MARK in source, "solvers/cfr/loop.py and solvers/cfr/binding.py disagree"
    views = {"action": "a:b", "infoset": "i:j", "game": ":"}
    view = ", ".join(f"state.{name}[{views[kind]}]" for name, kind in state)
    bound = "from games.jit import embedded as part, njit as bound" if compiled else "from solvers.cfr.unbound import bound, part"
    header = f"""from {module} import accumulate_policy, accumulate_regret, derive_policy
from solvers.cfr.records import record_class
{bound}

State = record_class({tuple(name for name, _ in state)!r})

@part
def player_state(state, a, b, i, j):
    return State({view})
"""
    text = source.replace(_MARK, header)
    return "gameplan_loop_" + hashlib.sha256(f"{module}\n{code}\n{code_digest(text)}".encode()).hexdigest()[:16], text


@cache
def _bind(module: str, code: str, params: tuple[str, ...], state: tuple[tuple[str, str], ...], compiled: bool) -> ModuleType:
    name, text = _loop_text(module, code, params, state, compiled)
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
