"""HS-DCFR: DCFR with hyper-parameter schedules (Zhang, McAleer, Sandholm 2024, arXiv 2404.09097).

Parameters
----------
g0 : exponent of the weights in the average policy at the first iteration; at least slope
slope : how much that exponent has fallen at the last planned iteration; from 0 to g0
planned_iterations : iterations n that the schedules are stretched over; at least 1, or 0 for the run's own number, fixed when the
    run starts
"""

from solvers.rule import add_to_average, discount, njit, regret_matching

PARAMS = {"g0": 30.0, "slope": 5.0, "planned_iterations": 0}
STATE: dict = {}


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """S = S ((t - 1) / t)^gamma + x sigma with gamma = g0 - slope (t - 1) / n."""
    gamma = params.g0 - params.slope * (t - 1.0) / params.planned_iterations
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """DCFR's discounts with alpha = 1 + 3 (t - 1) / n and beta = -1 - 2 (t - 1) / n."""
    progress = (t - 1.0) / params.planned_iterations
    positive = discount(t, 1.0 + 3.0 * progress)
    negative = discount(t, -1.0 - 2.0 * progress)
    for k in range(len(R)):
        total = R[k] + r[k]
        R[k] = total * (positive if total >= 0.0 else negative)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play RM(R)."""
    regret_matching(sigma, R, infosets)
