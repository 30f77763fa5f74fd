"""The search of FLARE: descend, finish the trajectory, evaluate it as a whole, carry its return back to every action on the path.

Source: Wang et al. 2026, "Why Reasoning Fails to Plan" (arXiv 2601.22311), Algorithm 1. One kernel for compiled and Python parts;
evaluators behind an endpoint are asked for a batch of trajectories at a time.
"""

from typing import NamedTuple

import numpy as np

from games.jit import embedded, njit
from games.process import apply, draw, exact, goal, key
from games.random import below, unit
from planners.budget import EVALUATIONS, HITS, SIMULATIONS, TRANSITIONS, spent
from planners.evaluator import Batch, ended, evaluate_all, new_batch
from planners.flare_tree import (
    BEST,
    BEST_LENGTH,
    HIGH,
    LOW,
    MENUS,
    NODES,
    ROOT_MENU,
    STOPPED,
    clear,
    node_of,
    quality,
    slot_of,
)  # fmt: skip
from planners.parts.memory import NONE, memory_key, recall, remember
from planners.parts.proposals import propose
from planners.table import find, insert

ROLLOUTS = ("uniform", "softmax", "greedy")
UNIFORM, SOFTMAX, GREEDY = range(3)


class Settings(NamedTuple):
    """Numbers of the search; see `planners.flare_planner.PARAMS`. `share` is the weight of the largest return in Q."""

    H: int
    c: float
    share: float
    gamma: float
    step_cost: float
    repeat_penalty: float
    rollout: int
    temperature: float
    in_order: bool
    widening: bool
    shortcut: bool
    relative: bool


class Desk(NamedTuple):
    """Room to work in: a batch of b trajectories and two more (the anchors), the paths in the tree, values, and menus.

    Attributes
    ----------
    batch : Batch
        Rows 0 to b - 1 for simulations; b for the root alone, b + 1 for the best trajectory so far.
    path_nodes, path_slots : (b, H) int64
    path_lengths : (b,) int64
    found : (b + 2,) float64
        The values of the trajectories.
    asked : (b + 2,) int64
        Which of them are to be evaluated.
    memory_names : (b,) uint64
    twins : (b,) int64
        The earlier trajectory of the batch with the same memory key, -1 without one.
    option_actions, option_scores : (actions,) arrays
    """

    batch: Batch
    path_nodes: np.ndarray
    path_slots: np.ndarray
    path_lengths: np.ndarray
    found: np.ndarray
    asked: np.ndarray
    memory_names: np.ndarray
    twins: np.ndarray
    option_actions: np.ndarray
    option_scores: np.ndarray


def new_desk(size: int, steps: int, width: int, actions: int) -> Desk:
    """Return room for batches of `size` trajectories of up to `steps` steps."""
    return Desk(
        new_batch(size + 2, steps, width), np.zeros((size, steps), np.int64), np.zeros((size, steps), np.int64),
        np.zeros(size, np.int64), np.zeros(size + 2), np.zeros(size + 2, np.int64), np.zeros(size, np.uint64),
        np.zeros(size, np.int64), np.zeros(actions, np.int64), np.zeros(actions),
    )  # fmt: skip


@embedded
def menu_of(model, proposal, menus, desk, tree, state, rng, cost):
    """Return the number of the menu of `state`: its candidates, made when it is met for the first time."""
    name = key(model, state)
    place = find(menus.menu_keys, menus.menu_slots, name)
    if menus.menu_slots[place] >= 0:
        return np.int64(menus.menu_slots[place])
    menu = tree.numbers[MENUS]
    tree.numbers[MENUS] += 1
    insert(menus.menu_keys, menus.menu_slots, place, name, menu)
    count = propose(proposal, model, state, rng, desk.option_actions, desk.option_scores, cost)
    menus.menu_names[menu], menus.menu_counts[menu] = name, count
    for j in range(count):
        menus.menu_actions[menu, j], menus.menu_scores[menu, j] = desk.option_actions[j], desk.option_scores[j]
    return menu


@embedded
def select(settings, tree, menus, node, menu, rng):
    """Return (candidate, slot) to follow from a node, and whether it is tried for the first time; (-1, -1, True) if none fits.

    An untried candidate, at random or `in_order`; once there is none, the largest Q + c sqrt(log N / (n + 1)). Q is scaled down by
    the range of the returns where that exceeds 1, which c = 1.4 supposes; there is no prior.
    """
    count, total, fresh = menus.menu_counts[menu], 0, 0
    for slot in range(tree.widths[node]):
        total += tree.visits[node, slot]
    if settings.widening:
        count = min(count, np.int64(np.ceil(2.0 + np.sqrt(total))))
    for j in range(count):
        slot = slot_of(tree, node, menus.menu_actions[menu, j], j)
        fresh += slot >= 0 and tree.visits[node, slot] == 0
    if fresh > 0:
        skip = 0 if settings.in_order else below(rng, fresh)
        for j in range(count):
            slot = slot_of(tree, node, menus.menu_actions[menu, j], j)
            if slot >= 0 and tree.visits[node, slot] == 0:
                if skip == 0:
                    return j, slot, True
                skip -= 1
    total = 0
    for j in range(count):
        slot = slot_of(tree, node, menus.menu_actions[menu, j], j)
        total += tree.visits[node, slot] if slot >= 0 else 0
    scale, chosen, taken, best = 1.0 / max(1.0, tree.returns[HIGH] - tree.returns[LOW]), -1, -1, -np.inf
    for j in range(count):
        slot = slot_of(tree, node, menus.menu_actions[menu, j], j)
        if slot < 0:
            continue
        q = quality(tree, node, slot, settings.share) if tree.backups[node, slot] > 0 else tree.returns[LOW]
        bound = scale * q + settings.c * np.sqrt(np.log(total) / (tree.visits[node, slot] + 1))
        if bound > best:
            best, chosen, taken = bound, j, slot
    return chosen, taken, chosen < 0


@embedded
def roll(settings, menus, menu, rng):
    """Return the candidate that a rollout takes."""
    count = menus.menu_counts[menu]
    if settings.rollout == UNIFORM:
        return below(rng, count)
    best = 0
    for j in range(1, count):
        if menus.menu_scores[menu, j] > menus.menu_scores[menu, best]:
            best = j
    if settings.rollout == GREEDY:
        return best
    total = 0.0
    for j in range(count):
        total += np.exp((menus.menu_scores[menu, j] - menus.menu_scores[menu, best]) / settings.temperature)
    x = total * unit(rng)
    for j in range(count):
        x -= np.exp((menus.menu_scores[menu, j] - menus.menu_scores[menu, best]) / settings.temperature)
        if x < 0.0:
            return j
    return best


@embedded
def descend(model, proposal, settings, tree, menus, desk, root, steps, b, by_state, rng, cost):
    """Simulate trajectory `b` of the batch from `root` to its end, through the tree and beyond; return its length."""
    batch = desk.batch
    states, d, node, path, last = batch.all_states[b], 0, 0, 0, True
    states[0] = root
    while d < steps and not ended(model, states[d]):
        menu = menu_of(model, proposal, menus, desk, tree, states[d], rng, cost)
        if menus.menu_counts[menu] == 0:
            break
        slot = -1
        if node >= 0:
            j, slot, last = select(settings, tree, menus, node, menu, rng)
        if slot >= 0:
            desk.path_nodes[b, path], desk.path_slots[b, path] = node, slot
            path += 1
            tree.visits[node, slot] += 1
        else:
            j = roll(settings, menus, menu, rng)
        batch.all_actions[b, d], batch.all_scores[b, d] = menus.menu_actions[menu, j], menus.menu_scores[menu, j]
        states[d + 1] = states[d]
        batch.all_rewards[b, d] = apply(model, states[d + 1], menus.menu_actions[menu, j])
        batch.all_afters[b, d] = states[d + 1]
        draw(model, states[d + 1], rng)
        cost[TRANSITIONS] += 1
        d += 1
        if slot < 0 or last:
            node = -1
        elif d < steps and not ended(model, states[d]):
            child = tree.children[node, slot]
            if child < 0:
                child = node_of(tree, key(model, states[d]), d, by_state)
                tree.children[node, slot] = child
            node = child
    desk.path_lengths[b], batch.lengths[b] = path, d
    return d


@embedded
def carry_back(model, settings, tree, desk, seen_keys, seen_slots, b):
    """Add the return of trajectory `b` to every action on its path; remember the best trajectory, stop at a goal if so set."""
    batch = desk.batch
    length, states = batch.lengths[b], batch.all_states[b]
    value = desk.found[desk.twins[b]] if desk.twins[b] >= 0 else desk.found[b]
    result = settings.gamma**length * value - settings.step_cost * length
    if settings.repeat_penalty > 0.0:
        for t in range(1, length + 1):
            if seen_slots[find(seen_keys, seen_slots, key(model, states[t]))] >= 0:
                result -= settings.repeat_penalty
    first = tree.numbers[BEST_LENGTH] < 0
    tree.returns[LOW] = result if first else min(tree.returns[LOW], result)
    tree.returns[HIGH] = result if first else max(tree.returns[HIGH], result)
    stop = settings.shortcut and length > 0 and goal(model, states[length])
    longest = tree.numbers[BEST_LENGTH]
    better = first or result > tree.returns[BEST] or (result == tree.returns[BEST] and length < longest)
    if tree.numbers[STOPPED] == 0:
        better = better or stop
    else:  # of several goals in a batch, the nearest
        better = stop and length < longest
    if better:
        tree.returns[BEST], tree.numbers[BEST_LENGTH] = result, length
        anchor = len(desk.path_lengths) + 1
        batch.lengths[anchor] = length
        batch.all_states[anchor, : length + 1] = states[: length + 1]
        batch.all_afters[anchor, :length] = batch.all_afters[b, :length]
        batch.all_actions[anchor, :length] = batch.all_actions[b, :length]
        batch.all_rewards[anchor, :length] = batch.all_rewards[b, :length]
        batch.all_scores[anchor, :length] = batch.all_scores[b, :length]
    if stop:
        tree.numbers[STOPPED] = 1
    for k in range(desk.path_lengths[b]):
        node, slot = desk.path_nodes[b, k], desk.path_slots[b, k]
        tree.backups[node, slot] += 1
        tree.means[node, slot] += (result - tree.means[node, slot]) / tree.backups[node, slot]
        if tree.backups[node, slot] == 1 or result > tree.tops[node, slot]:
            tree.tops[node, slot], tree.lengths[node, slot] = result, length
        elif result == tree.tops[node, slot]:
            tree.lengths[node, slot] = min(tree.lengths[node, slot], length)


@embedded
def rank(model, evaluator, tree, desk, root, questions, rng, cost):
    """Replace the values of the asked trajectories by their ranks, from 0 to 1, in a batch with two anchors.

    The anchors, the root alone and the best trajectory so far, tie the ranks of different batches together. Ties share the mean of
    their ranks.
    """
    batch, size, total = desk.batch, len(desk.path_lengths), questions + 1
    batch.all_states[size, 0], batch.lengths[size], desk.asked[questions] = root, 0, size
    if tree.numbers[BEST_LENGTH] >= 0 and not ended(model, batch.all_states[size + 1, batch.lengths[size + 1]]):
        desk.asked[total] = size + 1
        total += 1
    evaluate_all(evaluator, model, batch, desk.asked, total, desk.found, rng, cost)
    values = np.empty(total)
    for k in range(total):
        values[k] = desk.found[desk.asked[k]]
    for k in range(questions):
        below_it = 0.0
        for other in range(total):
            if other != k:
                below_it += 1.0 if values[other] < values[k] else 0.5 if values[other] == values[k] else 0.0
        desk.found[desk.asked[k]] = below_it / (total - 1)


@njit
def simulate(
    model, proposal, evaluator, memory, settings, tree, menus, desk, seen_keys, seen_slots, root, steps, n, rng, cost, limit
):
    """Do up to `n` simulations of `steps` steps from the state `root`; return how many.

    Fewer when a limit is reached or the search stops at a goal. `tree`, `menus` and `memory` are mutated and have room; the table
    of `seen_keys` has the states visited in the real episode, to which `root` is added.
    """
    place = find(seen_keys, seen_slots, key(model, root))
    if seen_slots[place] < 0:
        insert(seen_keys, seen_slots, place, key(model, root), 0)
    by_state = model.outcomes == 0
    if by_state and tree.numbers[NODES] > 0 and tree.state_keys[0] != key(model, root):
        clear(tree)  # not the state that the last decision led to
    tree.numbers[ROOT_MENU] = menu_of(model, proposal, menus, desk, tree, root, rng, cost)
    if tree.numbers[NODES] == 0:
        node_of(tree, key(model, root), 0, by_state)
    batch, size, done = desk.batch, len(desk.path_lengths), 0
    while done < n and tree.numbers[STOPPED] == 0 and not spent(cost, limit):
        count = min(size, n - done, limit[SIMULATIONS] - cost[SIMULATIONS], limit[EVALUATIONS] - cost[EVALUATIONS])
        questions = 0
        for b in range(count):
            cost[SIMULATIONS] += 1
            cost[EVALUATIONS] += 1
            length = descend(model, proposal, settings, tree, menus, desk, root, steps, b, by_state, rng, cost)
            end = batch.all_states[b, length]
            desk.twins[b] = -1
            if ended(model, end):
                desk.found[b] = exact(model, end)
                desk.memory_names[b] = np.uint64(0)
                continue
            if memory.kind != NONE:
                name = memory_key(memory.kind, model, batch.all_states[b], batch.all_actions[b], length)
                known = recall(memory, name)
                for k in range(questions):
                    if known < 0 and desk.memory_names[desk.asked[k]] == name:
                        desk.twins[b] = desk.asked[k]
                if known >= 0 or desk.twins[b] >= 0:
                    cost[HITS] += 1
                    if known >= 0:
                        desk.found[b] = memory.recalled[known]
                    continue
                desk.memory_names[b] = name
            desk.asked[questions] = b
            questions += 1
        if questions > 0:
            if settings.relative:
                rank(model, evaluator, tree, desk, root, questions, rng, cost)
            else:
                evaluate_all(evaluator, model, batch, desk.asked, questions, desk.found, rng, cost)
            if memory.kind != NONE:
                for k in range(questions):
                    b = desk.asked[k]
                    remember(memory, desk.memory_names[b], desk.found[b])
        for b in range(count):
            carry_back(model, settings, tree, desk, seen_keys, seen_slots, b)
        done += count
    return done
