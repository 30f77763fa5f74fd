"""MMD: magnetic mirror descent with counterfactual regrets as feedback, by its last iterate (Sokota et al. 2023, arXiv 2206.05825).

The policy becomes (sigma rho^(eta a) exp(eta r))^(1 / (1 + eta a)), normalised, rho being the magnet, which is uniform at first. R
holds the policy's logarithms and the memory those of the magnet, both up to a number for every infoset, which cancels: no logarithm
is taken, and no probability is lost to rounding. Temperature a and step size eta are annealed: alpha / t^decay and eta / t^decay.

Parameters
----------
alpha : temperature a at the first iteration, in units of payoff; at least 0
eta : step size at the first iteration; above 0
decay : exponent of the annealing; at least 0, which keeps both as they are: the answer is then a quantal one
pull : how far the magnet follows the policy at every iteration; from 0, a fixed magnet, to 1
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

from solvers.rule import add_to_average, exponentiate, highest_in, njit, normalise

PARAMS = {"alpha": 1.0, "eta": 1.0, "decay": 0.5, "pull": 0.0, "gamma": 2.0}
STATE = {"magnet": "action"}
ITERATE = "last"


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t^gamma."""
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = (R + eta a log rho + eta r) / (1 + eta a)."""
    eta = params.eta * t**-params.decay
    drag = eta * params.alpha * t**-params.decay
    magnet = state.magnet
    for k in range(len(R)):
        R[k] = (R[k] + drag * magnet[k] + eta * r[k]) / (1.0 + drag)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play exp(R), normalised, and let the magnet follow."""
    for i in range(len(infosets.first)):
        highest = highest_in(R, infosets, i)
        for k in range(infosets.first[i], infosets.first[i] + infosets.count[i]):
            sigma[k] = R[k] - highest
    exponentiate(sigma)
    normalise(sigma, infosets)
    magnet = state.magnet
    for k in range(len(R)):
        magnet[k] += params.pull * (R[k] - magnet[k])
