"""Kernels of policy optimisation: play, look at states again, push logits, and ask the Monte-Carlo critic of many states.

They are called often and for little: once for every model in a batch. What is a record of arrays here, `Turns`, `Course` and
`BatchRows`, is handed over as a plain tuple of its fields, ``tuple(turns)``, whose type numba finds in a tenth of the time.
"""

from typing import NamedTuple

import numpy as np

from games.jit import embedded, njit
from games.process import apply, draw, effective, fresh, goal, legal
from planners.critic.monte_carlo import rollout, set_stream
from planners.policies.policy import ascend, favourite, fit, prefer, probabilities, sampled, worth


class Turns(NamedTuple):
    """Where somebody had to choose.

    Attributes
    ----------
    states : (turns, width) int64
    offered : (turns, actions) int64
        The actions that are offered there, filled up on the right.
    counts : (turns,) int64
        How many they are.
    """

    states: np.ndarray
    offered: np.ndarray
    counts: np.ndarray


class Course(NamedTuple):
    """Room for what is played turn by turn.

    Attributes
    ----------
    states : (turns, width) int64
    offered : (turns + 1, actions) int64
    counts : (turns,) int64
        As in `Turns`; `offered` has one row more.
    chosen : (turns,) int64
        The place of the action among those offered.
    gained : (turns,) float64
        Its reward.
    afters : (turns, width) int64
        The state after it.
    over : (turns,) bool
        Whether that is terminal.
    """

    states: np.ndarray
    offered: np.ndarray
    counts: np.ndarray
    chosen: np.ndarray
    gained: np.ndarray
    afters: np.ndarray
    over: np.ndarray


class BatchRows(NamedTuple):
    """What there is to learn of the actions at turns (`planners.learning.batch.Batch`), ordered by turns.

    Attributes
    ----------
    first : (turns + 1,) int64
        The rows of turn n are ``first[n] .. first[n + 1] - 1``.
    chosen : (rows,) int64
        The place of the row's action among those offered.
    advantage, weight : (rows,) float64
        How much better than usual it is, and how much the row counts.
    """

    first: np.ndarray
    chosen: np.ndarray
    advantage: np.ndarray
    weight: np.ndarray


@embedded
def offer(model, state, listed, actions):
    """Write what a policy chooses among to `actions`: what the world lists, or what of it has an effect; return how many."""
    return legal(model, state, actions) if listed else effective(model, state, actions)


@njit
def follow(policy, model, state, listed, turns, rng, course):
    """Play up to `turns` turns from `state`, in place, drawing from the policy; return how many were played.

    Each is written to `course` (`Course`), which has room for them. Play ends in a terminal state.
    """
    states, offered, counts, chosen, gained, afters, over = course
    logits, chances = np.empty(model.actions), np.empty(model.actions)
    for t in range(turns):
        states[t] = state
        count = offer(model, state, listed, offered[t])
        if count == 0:
            return t
        counts[t] = count
        prefer(policy, model, state, offered[t], count, logits)
        probabilities(logits, count, chances)
        k = sampled(chances, count, rng)
        chosen[t] = k
        gained[t] = apply(model, state, offered[t, k])
        draw(model, state, rng)
        afters[t] = state
        over[t] = goal(model, state) or offer(model, state, listed, offered[t + 1]) == 0
        if over[t]:
            return t + 1
    return turns


@njit
def log_chances(policy, model, turns, logs):
    """Write the log-probabilities of the offered actions of all `turns` to `logs` (turns, actions); -inf beyond their number."""
    states, offered, counts = turns
    logits, chances = np.empty(model.actions), np.empty(model.actions)
    for n in range(len(states)):
        prefer(policy, model, states[n], offered[n], counts[n], logits)
        total = probabilities(logits, counts[n], chances)
        logs[n] = -np.inf
        for k in range(counts[n]):
            logs[n, k] = logits[k] - total


@njit
def mark_useful(model, turns, useful):
    """Set `useful` (turns, actions) where an offered action has an effect."""
    states, offered, counts = turns
    actions = np.empty(model.actions, np.int64)
    for n in range(len(states)):
        count = effective(model, states[n], actions)
        for k in range(counts[n]):
            for j in range(count):
                useful[n, k] |= actions[j] == offered[n, k]


@njit
def push(policy, model, turns, slopes, rate):
    """Let the policy ascend along `slopes` (turns, actions) of its logits."""
    states, offered, counts = turns
    for n in range(len(states)):
        ascend(policy, model, states[n], offered[n], counts[n], slopes[n], rate)


@njit
def improve(policy, model, turns, old, rows, clip, rate, order):
    """Let the policy ascend PPO's clipped surrogate turn by turn, each time along its slope at the policy of that moment.

    `rows` (`BatchRows`) are those of the `turns`; `old` (turns, actions) has the log-probabilities of the policy that played.
    `order` says which turn comes when.
    """
    states, offered, counts = turns
    first, chosen, advantage, weight = rows
    logits, chances, slopes = np.empty(model.actions), np.empty(model.actions), np.empty(model.actions)
    for n in order:
        if first[n] == first[n + 1]:
            continue
        prefer(policy, model, states[n], offered[n], counts[n], logits)
        total = probabilities(logits, counts[n], chances)
        slopes[:] = 0.0
        pulled, moved = 0.0, False
        for row in range(first[n], first[n + 1]):
            k = chosen[row]
            ratio = np.exp(logits[k] - total - old[n, k])
            held = min(max(ratio, 1.0 - clip), 1.0 + clip)
            if -advantage[row] * ratio >= -advantage[row] * held:
                pull = weight[row] * advantage[row] * ratio
                slopes[k] += pull
                pulled += pull
                moved |= pull != 0.0
        if moved:
            for k in range(counts[n]):
                slopes[k] -= pulled * chances[k]
            ascend(policy, model, states[n], offered[n], counts[n], slopes, rate)


@njit
def worths(value, model, states, out):
    """Write the value of every state to `out`."""
    for n in range(len(states)):
        out[n] = worth(value, model, states[n])


@njit
def approach(value, model, states, targets, rate):
    """Move the value of every state towards its target."""
    for n in range(len(states)):
        fit(value, model, states[n], targets[n] - worth(value, model, states[n]), rate)


@njit
def unroll(model, state, line, states, rewards):
    """Take the actions of `line` from `state`, in place, without chance; return whether that ends in a goal.

    Written are the state before each action and its reward.
    """
    for t in range(len(line)):
        states[t] = state
        rewards[t] = apply(model, state, line[t])
    return goal(model, state)


@njit
def rewards_of(model, states, firsts, rng, out):
    """Write the reward of one transition from every state by the action of `firsts` to `out`."""
    for n in range(len(states)):
        current = states[n].copy()
        out[n] = apply(model, current, firsts[n])


@njit
def mean_returns(critic, model, states, firsts, seed, begin, out):
    """Write the critic's Q of every state and its action in `firsts`, or V for ``NO_ACTION``, to `out`; return steps done.

    The rollouts of entry n have the streams (begin + n) * M, ... of `seed`.
    """
    current, rng, steps = np.empty(states.shape[1], np.int64), np.empty(4, np.uint64), 0
    for n in range(len(states)):
        total = 0.0
        for m in range(critic.rollouts):
            set_stream(rng, seed, (begin + n) * critic.rollouts + m)
            current[:] = states[n]
            fresh(model, current)
            gained, done = rollout(critic, model, current, firsts[n], rng)
            total += gained
            steps += done
        out[n] = total / critic.rollouts
    return steps


@njit
def play_out(policy, model, state, listed, greedy, limit, rng):
    """Play to the end or for `limit` steps (negative: no limit), in place; return (sum of rewards, positive ones only, steps)."""
    actions, logits, chances = np.empty(model.actions, np.int64), np.empty(model.actions), np.empty(model.actions)
    total, gains, steps = 0.0, 0.0, 0
    while steps != limit and not goal(model, state):
        count = offer(model, state, listed, actions)
        if count == 0:
            break
        prefer(policy, model, state, actions, count, logits)
        if greedy:
            k = favourite(logits, count)
        else:
            probabilities(logits, count, chances)
            k = sampled(chances, count, rng)
        reward = apply(model, state, actions[k])
        draw(model, state, rng)
        total += reward
        gains += max(reward, 0.0)
        steps += 1
    return total, gains, steps
