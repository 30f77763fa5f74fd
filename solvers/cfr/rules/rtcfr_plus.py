"""RTCFR+: CFR+ on a game that is perturbed, regularised and, ever so often, moved to its last answer (Meng et al. 2025).

The policy that is played gives every action a floor: s = (1 - n floor) RM(R) + floor with n actions. The value of every action is
lowered by pull (x s - y), where x is the player's own reach and y what x s was when the anchor was set, also in the values of the
actions that lead there. Every `period` iterations the anchor moves to what is played, and the floor is halved. Reported is the last
iterate, s. The formulas are those of the authors' published program, but for one thing: regrets and values up the tree are against
s, there against RM(R), which is no further from it than the floor.

Parameters
----------
floor : least probability of every action at first; at least 0, and small: below one over the number of actions
pull : weight of the distance from the anchor, in units of payoff; at least 0
period : iterations from one move of the anchor to the next; at least 1
predictive : whether the policy matches R + r in place of R, as PCFR+ does
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

from solvers.rule import add_to_average, njit, regret_matching

PARAMS = {"floor": 1e-10, "pull": 1e-3, "period": 100, "predictive": False, "gamma": 2.0}
STATE = {"anchor": "action"}
ITERATE = "last"


@njit
def regularise(terms, sigma, reach, t, infosets, params, state):
    """Lower values by pull (x s - y), after the anchor has moved if that is due."""
    anchor, pull = state.anchor, params.pull
    for i in range(len(infosets.first)):
        for k in range(infosets.first[i], infosets.first[i] + infosets.count[i]):
            terms[k] = reach[i] * sigma[k]
    if (t - 1) % params.period == 0:
        for k in range(len(terms)):
            anchor[k] = terms[k]
    for k in range(len(terms)):
        terms[k] = pull * (anchor[k] - terms[k])


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played with weight t^gamma."""
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """R = max(R + r, 0)."""
    for k in range(len(R)):
        R[k] = max(R[k] + r[k], 0.0)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Play RM(R), or RM(R + r), mixed with the floor."""
    if params.predictive:
        for k in range(len(r)):
            r[k] += R[k]
        regret_matching(sigma, r, infosets)
    else:
        regret_matching(sigma, R, infosets)
    floor = params.floor * 0.5 ** (t // params.period)
    for i in range(len(infosets.first)):
        kept = 1.0 - infosets.count[i] * floor
        for k in range(infosets.first[i], infosets.first[i] + infosets.count[i]):
            sigma[k] = kept * sigma[k] + floor
