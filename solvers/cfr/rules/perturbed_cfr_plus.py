"""Perturbed CFR+: CFR+ in the game in which every action has a floor (Farina, Kroer, Sandholm 2017).

The policy that is played gives every action at least f_t: s = (1 - n f_t) RM(R) + f_t with n actions, f_t = floor t^-decay, at most
half of 1/n. What counts is the regret for RM(R), the part that can be chosen, so that each regret gets what s loses by trembling:
f / (1 - n f) times the sum of the regrets at its infoset. With a fixed floor the average policy converges to an equilibrium of the
perturbed game; with one that falls more slowly than the average converges, to a perfect equilibrium of the game itself (Selten
1975). Slowly, because where k trembles of others lead, regrets are as small as the k-th power of the floor, and those of earlier
iterations have to be made up for; and the average forgets quickly, because own trembles weigh it likewise.

Parameters
----------
floor : least probability of every action at first; at least 0
decay : exponent with which the floor falls; at least 0, which keeps it
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

from solvers.rule import add_to_average, njit, regret_matching

PARAMS = {"floor": 0.1, "decay": 0.25, "gamma": 6.0}


@njit
def floor_at(t, count, params):
    """Return the floor in iteration t of one of `count` actions."""
    return min(params.floor * t**-params.decay, 0.5 / count)


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t^gamma."""
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = max(R + r', 0) with r' the regret for RM(R), the part that was chosen; at a uniform policy, as the first, it is r."""
    for i in range(len(infosets.first)):
        begin, count = infosets.first[i], infosets.count[i]
        f = floor_at(max(t - 1.0, 1.0), count, params)
        total = 0.0
        for k in range(begin, begin + count):
            total += r[k]
        for k in range(begin, begin + count):
            R[k] = max(R[k] + r[k] + f / (1.0 - count * f) * total, 0.0)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play RM(R), mixed with the floor."""
    regret_matching(sigma, R, infosets)
    for i in range(len(infosets.first)):
        begin, count = infosets.first[i], infosets.count[i]
        f = floor_at(t, count, params)
        for k in range(begin, begin + count):
            sigma[k] = (1.0 - count * f) * sigma[k] + f
