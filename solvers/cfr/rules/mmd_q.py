"""MMD-Q: magnetic mirror descent with action values as feedback, by its last iterate (Sokota et al. 2023, arXiv 2206.05825).

The policy becomes (sigma rho^(eta a) exp(eta q))^(1 / (1 + eta a)), normalised, rho being the magnet, which is uniform at first,
and q the values of actions to one who is at the infoset: counterfactual values by the reach of the others and chance. Less their
mean will do: counterfactual regrets by that reach. R and the memory hold logarithms, as in `mmd`. With a fixed temperature a and a
fixed magnet, the policy at which this rests is the agent logit equilibrium of lambda 1 / a (McKelvey & Palfrey 1998).

Parameters
----------
alpha : temperature a at the first iteration, in units of payoff; at least 0
eta : step size at the first iteration; above 0
decay : exponent of the annealing of both; at least 0, which keeps them as they are: the answer is then a quantal one
pull : how far the magnet follows the policy at every iteration; from 0, a fixed magnet, to 1
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

from solvers.rule import add_to_average, exponentiate, highest_in, njit, normalise

PARAMS = {"alpha": 1.0, "eta": 1.0, "decay": 0.5, "pull": 0.0, "gamma": 2.0}
STATE = {"magnet": "action", "others": "others"}
ITERATE = "last"


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t^gamma."""
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = (R + eta a log rho + eta q) / (1 + eta a); where the others never lead, q is nothing."""
    eta = params.eta * t**-params.decay
    drag = eta * params.alpha * t**-params.decay
    magnet, others = state.magnet, state.others
    for i in range(len(infosets.first)):
        step = eta / others[i] if others[i] > 0.0 else 0.0
        for k in range(infosets.first[i], infosets.first[i] + infosets.count[i]):
            R[k] = (R[k] + drag * magnet[k] + step * r[k]) / (1.0 + drag)


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
