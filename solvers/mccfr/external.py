"""External sampling (Lanctot et al. 2009): all of the player's own actions are walked, chance's and the others' are drawn.

A walk for player i changes i's regrets, and the average of the next player, j = i + 1, whose nodes it reaches by j's own policy:
what is added there counts by one over the reach of the third ones, which is 1 for two players. OpenSpiel leaves that weight out;
then the averages of three players count by what the third one did.
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
def sample_external(player, weights, histories, tables, path, setting):
    """Walk once for `player`; `weights` are those of regrets and of the policy. Changes `tables`, uses `path` as scratch."""
    nodes, chance, R, S, sigma, worth = histories.node, histories.chance, tables.R, tables.S, path.sigma, path.worth
    players = histories.payoff.shape[1]
    averaged = (player + 1) % players
    depth, at, touched = 0, 0, 0
    scale = weights[1]  # of what is added to the average: one over the third ones' reach (alone, one's own reach)
    while True:
        while True:  # down to the end of the game
            touched += 1
            who, begin, child, count = nodes[at, 0], nodes[at, 1], nodes[at, 2], nodes[at, 3]
            if who == TERMINAL:
                value = histories.payoff[begin, player]
                break
            if who == CHANCE:
                at = child + draw_chance(tables.rng, chance, begin, count)
                continue
            match_regrets(R, begin, count, sigma, depth)
            if who == averaged:
                for k in range(count):
                    S[begin + k] += scale * sigma[depth, k]
            if who == player:
                action = 0
                path.reach[depth, 0] = scale
                if players == 1:
                    scale *= sigma[depth, 0]
            else:
                action = draw_action(tables.rng, sigma, depth, count, 0.0)
                if who != averaged:
                    scale /= sigma[depth, action]
            if who == player or setting.baseline > 0.0:
                path.node[depth] = at
                path.taken[depth] = action
                depth += 1
            at = child + action
        going_on = False
        while depth > 0 and not going_on:  # up to an action that was not walked yet
            row = depth - 1
            at, action = path.node[row], path.taken[row]
            who, begin, child, count = nodes[at, 0], nodes[at, 1], nodes[at, 2], nodes[at, 3]
            if who != player:  # the drawn action's value in place of its baseline
                baseline = tables.baseline[player]
                expected = 0.0
                for k in range(count):
                    expected += sigma[row, k] * baseline[begin + k]
                correction = value - baseline[begin + action]
                baseline[begin + action] += setting.baseline * correction
                value = expected + correction
                depth = row
                continue
            worth[row, action] = value
            action += 1
            if action < count:
                path.taken[row] = action
                scale = path.reach[row, 0]
                if players == 1:
                    scale *= sigma[row, action]
                at = child + action
                going_on = True
                continue
            value = 0.0
            for k in range(count):
                value += sigma[row, k] * worth[row, k]
            if setting.discounted:
                make_old(tables, begin, count)
            for k in range(count):
                R[begin + k] += weights[0] * (worth[row, k] - value)
            depth = row
        if not going_on:
            break
    tables.touched[0] += touched


@lean_njit
def iterate(start, stop, most, histories, tables, path, setting):
    """Run iterations start..stop in place, or until `most` nodes were visited; return the last one that was done."""
    until = tables.touched[0] + most
    for t in range(start, stop + 1):
        weights = (weight_of_regrets(t, setting), weight_of_policy(t, setting))
        for player in range(histories.payoff.shape[1]):
            sample_external(player, weights, histories, tables, path, setting)
        end_iteration(t, tables, setting)
        if tables.touched[0] >= until:
            return t
    return stop
