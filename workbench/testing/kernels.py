"""Kernels of the suite of worlds: what a model says of a state, compiled like the planners that will ask it."""

import numpy as np

from games.jit import njit
from games.process import (
    apply,
    bound,
    chance,
    cost,
    dead,
    distance,
    draw,
    effective,
    goal,
    key,
    legal,
    notes,
    playout,
    potential,
    score,
    successors,
    terminal,
)
from games.random import below

GOAL, DEAD, TERMINAL, DISTANCE, POTENTIAL = range(5)  # columns of the facts of a state
REWARD, COST, SCORE = range(3)  # columns of the facts of an action


@njit
def examine(model, root, state, actions, afters, told, facts, looks):
    """Write what the model says of `state`: actions, afterstates, what is told of each, and facts, `looks` the potential, too.

    Return (how many actions, key, how many effective actions are not legal).
    """
    count = legal(model, state, actions)
    useful = np.empty(model.actions, np.int64)
    able = effective(model, state, useful)
    for k in range(count):
        afters[k] = state
        told[k, REWARD] = apply(model, afters[k], actions[k])
        told[k, COST] = cost(model, state, actions[k])
        told[k, SCORE] = score(model, state, actions[k], afters[k], told[k, REWARD])
        for j in range(able):
            if useful[j] == actions[k]:
                useful[j] = useful[able - 1]
                able -= 1
                break
    facts[GOAL], facts[DEAD], facts[TERMINAL] = goal(model, state), dead(model, state), terminal(model, state)
    facts[DISTANCE], facts[POTENTIAL] = distance(model, state), potential(model, root, state) if looks else 0.0
    return count, key(model, state), able


@njit
def follow(model, state, actions, costs, states, keys, bounds):
    """Write what `successors` and `bound` say of `state`; return how many."""
    kept = notes(model)
    count = successors(model, state, kept, actions, costs, states, keys)
    for k in range(count):
        bounds[k] = bound(model, state, actions[k], states[k], kept)
    return count


@njit
def toss(model, after, states, probabilities, drawn, rng):
    """Write all outcomes of chance after `after`, and as many `drawn` ones as there is room for; return the number of outcomes."""
    for k in range(len(drawn)):
        drawn[k] = after
        draw(model, drawn[k], rng)
    return chance(model, after, states, probabilities)


@njit
def random_games(model, start, steps, own, returns, lengths, rng):
    """Play uniformly from `start`, by the world's `own` playout or action by action; write returns and lengths."""
    actions, state = np.empty(model.actions, np.int64), np.empty_like(start)
    for k in range(len(returns)):
        state[:] = start
        if own:
            returns[k], lengths[k] = playout(model, state, steps, 0.9, rng)
            continue
        total, factor, done = 0.0, 1.0, 0
        while done < steps:
            count = legal(model, state, actions)
            if count == 0:
                break
            total += factor * apply(model, state, actions[below(rng, count)])
            draw(model, state, rng)
            factor *= 0.9
            done += 1
        returns[k], lengths[k] = total, done
