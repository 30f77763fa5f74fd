"""Smooth PCFR+: regrets and predicted regrets keep a sum of at least F (Farina et al. 2023, arXiv 2305.14709, algorithm 2).

Parameters
----------
F : least sum of the regrets of an infoset, in units of payoff; above 0
eta : step size, by which instantaneous regrets are multiplied; above 0
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

from solvers.rule import add_to_average, njit, normalise

PARAMS = {"F": 1.0, "eta": 1.0, "gamma": 2.0}
STATE: dict = {}


@njit
def project(z, infosets, least):
    """Replace z at every infoset by its Euclidean projection onto {z >= 0, sum z >= least}, in place."""
    for i in range(len(infosets.first)):
        begin = infosets.first[i]
        end = begin + infosets.count[i]
        total = 0.0
        for k in range(begin, end):
            total += max(z[k], 0.0)
        cut = 0.0
        if total <= least:  # the nearest point has the sum: lower all by one number, by more the fewer stay above it
            cut = -1e300
            raised = True
            while raised:
                total = -least
                above = 0
                for k in range(begin, end):
                    if z[k] > cut:
                        total += z[k]
                        above += 1
                raised = above > 0 and total / above > cut
                if raised:
                    cut = total / above
        for k in range(begin, end):
            z[k] = max(z[k] - cut, 0.0)


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t^gamma."""
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = the projection of R + eta r; R begins at one over the number of actions."""
    if t == 1:
        for i in range(len(infosets.first)):
            for k in range(infosets.first[i], infosets.first[i] + infosets.count[i]):
                R[k] = 1.0 / infosets.count[i]
    for k in range(len(R)):
        R[k] += params.eta * r[k]
    project(R, infosets, params.F)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play the projection of R + eta r, normalised."""
    for k in range(len(sigma)):
        sigma[k] = R[k] + params.eta * r[k]
    project(sigma, infosets, params.F)
    normalise(sigma, infosets)
