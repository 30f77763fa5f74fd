"""CFR: vanilla counterfactual regret minimisation (Zinkevich, Johanson, Bowling, Piccione 2007)."""

from solvers.rule import add_to_average, njit, regret_matching

PARAMS: dict = {}
STATE: dict = {}


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played, with equal weights."""
    add_to_average(S, sigma, reach, infosets, 1.0, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R += r."""
    for k in range(len(R)):
        R[k] += r[k]


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play RM(R)."""
    regret_matching(sigma, R, infosets)
