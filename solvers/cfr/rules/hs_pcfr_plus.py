"""HS-PCFR+: PCFR+ with a hyper-parameter schedule for the average (Zhang, McAleer, Sandholm 2024, arXiv 2404.09097).

Parameters
----------
g0 : exponent of the weights in the average policy at the first iteration; at least slope
slope : how much that exponent has fallen at the last planned iteration; from 0 to g0
planned_iterations : iterations n that the schedules are stretched over; at least 1, or 0 for the run's own number, fixed when the
    run starts
"""

from solvers.rule import add_to_average, njit, regret_matching

PARAMS = {"g0": 30.0, "slope": 5.0, "planned_iterations": 0}
STATE: dict = {}


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """S = S ((t - 1) / t)^gamma + x sigma with gamma = g0 - slope (t - 1) / n."""
    gamma = params.g0 - params.slope * (t - 1.0) / params.planned_iterations
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = max(R + r, 0)."""
    for k in range(len(R)):
        R[k] = max(R[k] + r[k], 0.0)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play RM(R + r)."""
    for k in range(len(r)):
        r[k] += R[k]
    regret_matching(sigma, r, infosets)
