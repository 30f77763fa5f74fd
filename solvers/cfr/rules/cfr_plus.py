"""CFR+: regrets cut at zero, linear averaging (Tammelin 2014)."""

from solvers.rule import add_to_average, njit, regret_matching

PARAMS: dict = {}
STATE: dict = {}


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t."""
    add_to_average(S, sigma, reach, infosets, 1.0, t)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = max(R + r, 0)."""
    for k in range(len(R)):
        R[k] = max(R[k] + r[k], 0.0)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play RM(R)."""
    regret_matching(sigma, R, infosets)
