"""What rules are written with, compiled before the first of them comes."""

from solvers import rule
from workbench.discovery.tasks.cfr.engine import make_program


def warm() -> None:
    """Compile a rule that uses the vocabulary of `solvers.rule`, which then need not be compiled for every candidate."""
    known = {name: call for name, call in _CALLS.items() if name in rule.__all__}
    make_program(_VOCABULARY.format(names=", ".join(known), calls="\n    ".join(known.values())))


_CALLS = {
    "add_to_average": "add_to_average(S, sigma, reach, infosets, c, 1.0)\n    add_to_average(S, sigma, reach, infosets, 1.0, t)",
    "normalise": "normalise(sigma, infosets)",
    "regret_matching": "regret_matching(state.x, R, infosets)",
    "largest_regrets": "largest_regrets(r, infosets, state.y)",
    "raise_to": "raise_to(state.y, c)",
    "exponentiate": "exponentiate(state.y)",
    "discount": "state.z[0] += discount(t, c) + discount(t - 1.0, c)",
    "ramp": "state.z[0] += ramp(t, c)",
    "ema": "state.z[0] += ema(c, c, c)",
    **{name: f"state.z[0] += {name}(c)" for name in ("safe_exp", "safe_log1p", "safe_sqrt")},
    "safe_divide": "state.z[0] += safe_divide(c, c)",
    "safe_power": "state.z[0] += safe_power(c, c) + safe_power(t, c)",
    **{
        name: f"state.z[0] += {name}(r, infosets, 0)"
        for name in ("largest_in", "highest_in", "lowest_in", "mean_in", "positive_in")
    },
}
_VOCABULARY = """
from solvers.rule import njit, {names}

PARAMS = {{"c": 1.5}}
STATE = {{"x": "action", "y": "infoset", "z": "game"}}

@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    c = params.c
    {calls}

@njit
def accumulate_regret(R, r, t, infosets, params, state):
    pass

@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    pass
"""
