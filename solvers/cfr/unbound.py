"""Stand-ins for what `solvers.cfr.binding` fills into the loop."""

from typing import Any


def _unbound(*_: Any) -> Any:
    raise NotImplementedError("the loop runs only after solvers.cfr.binding.bind_loop has bound it to a rule")


accumulate_policy = accumulate_regret = derive_policy = regularise = player_state = others_reach = _unbound
OTHERS = REGULARISED = False  # whether the rule asks for the others' reach, and adds terms to the values


def bound(function: Any) -> Any:
    """Return `function` as it is; binding replaces this by a compiler for compiled rules."""
    return function


part = bound
