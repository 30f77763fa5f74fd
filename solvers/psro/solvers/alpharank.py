"""Alpha-rank: the stationary distribution of a Markov chain over joint policies, marginalised (Omidshafiei et al. 2019; Muller et
al. 2020 for PSRO).

From a joint policy s one player, drawn among all single deviations, tries another of its policies; the deviation takes over a
population of m with the fixation probability (1 - e^(-a d)) / (1 - e^(-a m d)), d being its gain and a the selection intensity.
The intensity is doubled until the ranking of the marginals settles. Policies that are equal exchange roles in the chain, so they
are one state that is tried as often as there are copies, and share its mass.

Parameters
----------
population : individuals m that a deviation takes over; at least 2
initial_intensity : selection intensity a to begin with, per unit of payoff; above 0
doublings : intensities that are tried at most; at least 1
settled : greatest change of a marginal probability at which the ranking counts as settled; above 0
max_joint_policies : distinct joint policies beyond which it gives up; at least 1
max_sweeps : sweeps over the chain for one stationary distribution at most; at least 1
tolerance : sum of the changes of a sweep at which the distribution counts as stationary; above 0
"""

import numpy as np

from solvers.rule import GameplanError, kernel

TRAIN = EVAL = {
    "population": 50,
    "initial_intensity": 0.1,
    "doublings": 12,
    "settled": 1e-3,
    "max_joint_policies": 30_000,
    "max_sweeps": 2_000,
    "tolerance": 1e-9,
}
STATE: dict = {}


@kernel
def fixation(gain, intensity, population):
    """Return the probability that a mutant with payoff advantage `gain` takes over the population."""
    x = intensity * gain
    if abs(x) < 1e-12:
        return 1.0 / population
    if -x * population > 700.0:
        return 0.0
    return (1.0 - np.exp(-x)) / (1.0 - np.exp(-population * x))


@kernel
def transition_rates(payoff, sizes, copies, intensity, population, rates, outflow):
    """Write the rate of every single deviation to `rates` (joint policies, policies of all players) and its sum to `outflow`.

    All policies are distinct; `copies` (policies of all players) says how many equal ones each stands for.
    """
    total = len(outflow)
    outflow[:] = 0.0
    stride, column = total, 0
    for player in range(len(sizes)):
        size = sizes[player]
        stride //= size
        for s in range(total):
            own = (s // stride) % size
            base = s - own * stride
            for k in range(size):
                rate = 0.0
                if k != own:
                    gain = payoff[player, base + k * stride] - payoff[player, s]
                    rate = copies[column + k] * fixation(gain, intensity, population)
                rates[s, column + k] = rate
                outflow[s] += rate
        column += size


@kernel
def stationary(payoff, sizes, copies, intensity, population, pi, max_sweeps, tolerance):
    """Move `pi` to the stationary distribution in place, by damped Jacobi steps of the balance; return the last change."""
    total = len(pi)
    rates, inflow, outflow = np.empty((total, sizes.sum())), np.empty(total), np.empty(total)
    transition_rates(payoff, sizes, copies, intensity, population, rates, outflow)
    change = 1.0
    for _ in range(max_sweeps):
        inflow[:] = 0.0
        stride, column = total, 0
        for player in range(len(sizes)):
            size = sizes[player]
            stride //= size
            for s in range(total):
                base = s - ((s // stride) % size) * stride
                for k in range(size):
                    inflow[base + k * stride] += pi[s] * rates[s, column + k]
            column += size
        mass = 0.0
        for s in range(total):
            inflow[s] = 0.5 * pi[s] + 0.5 * (inflow[s] / outflow[s] if outflow[s] > 0.0 else pi[s])
            mass += inflow[s]
        change = 0.0
        for s in range(total):
            value = inflow[s] / mass
            change += abs(value - pi[s])
            pi[s] = value
        if change < tolerance:
            break
    return change


def train(payoffs, iteration, params):
    """Return the marginals of the stationary distribution.

    Raises
    ------
    GameplanError
        If there are more distinct joint policies than ``max_joint_policies``.
    """
    copies = [np.bincount(kind) for kind in payoffs.kinds]
    sizes = np.array([len(c) for c in copies])
    joint = int(sizes.prod())
    if joint > params.max_joint_policies:
        raise GameplanError(
            f"alpharank has {joint:,} distinct joint policies at iteration {iteration}, more than max_joint_policies = "
            f"{params.max_joint_policies:,}; use shor, rm, prd, fp or uniform, or fewer iterations"
        )
    payoff = payoffs.distinct_tensors().reshape(len(sizes), -1)
    number = np.concatenate(copies).astype(np.float64)
    pi = np.full(joint, 1.0 / joint)
    intensity, before = params.initial_intensity, None
    for _ in range(params.doublings):
        stationary(payoff, sizes, number, intensity, params.population, pi, params.max_sweeps, params.tolerance)
        marginals = _marginals(pi, sizes)
        if before is not None and max(np.abs(a - b).max() for a, b in zip(marginals, before, strict=True)) < params.settled:
            break
        before, intensity = marginals, 2.0 * intensity
    return [(mass / c)[kind] for mass, c, kind in zip(marginals, copies, payoffs.kinds, strict=True)]


def _marginals(pi, sizes):
    table = pi.reshape(sizes)
    axes = range(len(sizes))
    return [table.sum(axis=tuple(a for a in axes if a != player)) for player in axes]


evaluate = train
