"""Outcome sampling (Lanctot et al. 2009): one history is drawn, and what it did not show counts as its baseline, or as nothing.

The player whose walk it is explores: it plays the uniform policy with probability epsilon at each of its infosets. Chance and the
others are drawn as they play, so that their reach cancels where regrets are weighted: by the others' reach over that of the walk.
The average is that of the player, weighted by its own reach over that of the walk (stochastically weighted averaging).
"""

from games.histories import CHANCE, TERMINAL
from games.jit import lean, lean_njit
from solvers.mccfr.records import (
    draw_action,
    draw_chance,
    end_iteration,
    make_old,
    match_regrets,
    weight_of_policy,
    weight_of_regrets,
)


@lean
def sample_outcome(player, weights, histories, tables, path, setting):
    """Walk once for `player`; `weights` are those of regrets and of the policy. Changes `tables`, uses `path` as scratch."""
    nodes, chance, R, S, sigma, worth = histories.node, histories.chance, tables.R, tables.S, path.sigma, path.worth
    depth, at, touched = 0, 0, 1
    own, drawn, others = 1.0, 1.0, 1.0  # own reach, probability of own draws, reach of chance and the others
    while nodes[at, 0] != TERMINAL:
        who, begin, child, count = nodes[at, 0], nodes[at, 1], nodes[at, 2], nodes[at, 3]
        touched += 1
        if who == CHANCE:
            action = draw_chance(tables.rng, chance, begin, count)
            others *= chance[begin + action, 0]
            at = child + action
            continue
        match_regrets(R, begin, count, sigma, depth)
        action = draw_action(tables.rng, sigma, depth, count, setting.epsilon if who == player else 0.0)
        path.node[depth] = at
        path.taken[depth] = action
        path.reach[depth, 0] = own
        path.reach[depth, 1] = drawn
        path.reach[depth, 2] = others
        if who == player:
            own *= sigma[depth, action]
            drawn *= setting.epsilon / count + (1.0 - setting.epsilon) * sigma[depth, action]
        else:
            others *= sigma[depth, action]
        depth += 1
        at = child + action
    value = histories.payoff[nodes[at, 1], player]
    for row in range(depth - 1, -1, -1):
        at, action = path.node[row], path.taken[row]
        who, begin, count = nodes[at, 0], nodes[at, 1], nodes[at, 3]
        share = sigma[row, action]
        if who == player:
            share = setting.epsilon / count + (1.0 - setting.epsilon) * share
        if setting.baseline > 0.0:
            baseline = tables.baseline[player]
            for k in range(count):
                worth[row, k] = baseline[begin + k]
            correction = value - baseline[begin + action]
            worth[row, action] += correction / share
            baseline[begin + action] += setting.baseline * correction
        else:
            for k in range(count):
                worth[row, k] = 0.0
            worth[row, action] = value / share
        value = 0.0
        for k in range(count):
            value += sigma[row, k] * worth[row, k]
        if who != player:
            continue
        if setting.discounted:
            make_old(tables, begin, count)
        regrets = weights[0] / path.reach[row, 1]
        policy = weights[1] * path.reach[row, 0] / (path.reach[row, 1] * path.reach[row, 2])
        for k in range(count):
            R[begin + k] += regrets * (worth[row, k] - value)
            S[begin + k] += policy * sigma[row, k]
    tables.touched[0] += touched


@lean_njit
def iterate(start, stop, most, histories, tables, path, setting):
    """Run iterations start..stop in place, or until `most` nodes were visited; return the last one that was done."""
    until = tables.touched[0] + most
    for t in range(start, stop + 1):
        weights = (weight_of_regrets(t, setting), weight_of_policy(t, setting))
        for player in range(histories.payoff.shape[1]):
            sample_outcome(player, weights, histories, tables, path, setting)
        end_iteration(t, tables, setting)
        if tables.touched[0] >= until:
            return t
    return stop
