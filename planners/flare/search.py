"""The search of FLARE: descend, finish the trajectory, evaluate it as a whole, carry its return back to every action on the path.

Source: Wang et al. 2026, "Why Reasoning Fails to Plan" (arXiv 2601.22311), Algorithm 1. One kernel for compiled and Python parts;
evaluators behind an endpoint are asked for a batch of trajectories at a time.
"""

import numpy as np

from games.jit import inlined, lean, lean_njit
from games.process import apply, draw, exact, goal, key
from games.random import below, unit
from planners.budget import EVALUATIONS, HITS, SIMULATIONS, TRANSITIONS, spent
from planners.evaluator import ended, evaluate_all
from planners.flare.records import GREEDY, UNIFORM
from planners.flare.tree import (
    BEST,
    BEST_LENGTH,
    HIGH,
    LOW,
    MENUS,
    NODES,
    ROOT_MENU,
    STOPPED,
    clear,
    keep_only,
    node_of,
    slot_of,
)  # fmt: skip
from planners.parts.memory import NONE, memory_key, recall, remember
from planners.parts.proposals import propose
from planners.parts.table import find, insert


@lean
def make_menu(model, proposal, menus, desk, tree, state, name, place, rng, cost):
    """Return the number of a new menu: the candidates of `state`, whose key is `name` and belongs at `place`."""
    menu = tree.numbers[MENUS]
    tree.numbers[MENUS] += 1
    insert(menus.menu_keys, menus.menu_slots, place, name, menu)
    count = propose(proposal, model, state, rng, desk.option_actions, desk.option_scores, cost)
    menus.menu_names[menu], menus.menu_counts[menu] = name, count
    for j in range(count):
        menus.menu_actions[menu, j], menus.menu_scores[menu, j] = desk.option_actions[j], desk.option_scores[j]
    return menu


@lean
def select(settings, tree, menus, slots, node, menu, rng):
    """Return (candidate, slot) to follow from a node, and whether it is tried for the first time; (-1, -1, True) if none fits.

    An untried candidate, at random or `in_order`; once there is none, the largest Q + c sqrt(log N / (n + 1)). Q is scaled down by
    the range of the returns where that exceeds 1, which c = 1.4 supposes; there is no prior. `slots` is worked in.
    """
    acts, visits, backups, means, tops = tree.acts, tree.visits, tree.backups, tree.means, tree.tops
    actions, widths, count, total, fresh = menus.menu_actions, tree.widths, menus.menu_counts[menu], 0, 0
    if settings.widening:
        for slot in range(widths[node]):
            total += visits[node, slot]
        count = min(count, np.int64(np.ceil(2.0 + np.sqrt(total))))
        total = 0
    for j in range(count):
        slot = j  # where it is in a deterministic world, once it has been met
        if slot >= widths[node] or acts[node, slot] != actions[menu, j]:
            slot = slot_of(tree, node, actions[menu, j])
        slots[j] = slot
        if slot >= 0:
            fresh += visits[node, slot] == 0
            total += visits[node, slot]
    if fresh > 0:
        skip = 0 if settings.in_order else below(rng, fresh)
        for j in range(count):
            slot = slots[j]
            if slot >= 0 and visits[node, slot] == 0:
                if skip == 0:
                    return j, slot, True
                skip -= 1
    low, chosen, taken, best = tree.returns[LOW], -1, -1, -np.inf
    scale, logarithm, c, share = 1.0 / max(1.0, tree.returns[HIGH] - low), np.log(total), settings.c, settings.share
    for j in range(count):
        slot = slots[j]
        if slot < 0:
            continue
        q = low
        if backups[node, slot] > 0:
            q = (1.0 - share) * means[node, slot] + share * tops[node, slot]
        bound = scale * q + c * np.sqrt(logarithm / (visits[node, slot] + 1))
        if bound > best:
            best, chosen, taken = bound, j, slot
    return chosen, taken, chosen < 0


@lean
def roll(settings, menus, menu, rng):
    """Return the candidate that a rollout takes, by local scores."""
    count = menus.menu_counts[menu]
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


@inlined
def descend(problem, settings, stores, root, steps, b, rng, cost):
    """Simulate trajectory `b` of the batch from `root` to its end, through the tree and beyond; return its length.

    ``desk.state`` is left at the end.
    """
    model, proposal, tree, menus, desk = problem.model, problem.proposal, stores.tree, stores.menus, stores.desk
    by_state = model.outcomes == 0
    batch, state, slots, children, visits = desk.batch, desk.state, desk.slots, tree.children, tree.visits
    states, afters, rewards = batch.all_states, batch.all_afters, batch.all_rewards
    actions, scores = batch.all_actions, batch.all_scores
    menu_keys, menu_slots, menu_counts = menus.menu_keys, menus.menu_slots, menus.menu_counts
    path_nodes, path_slots = desk.path_nodes, desk.path_slots
    width, d, node, path, last, over = len(state), 0, np.int64(0), 0, True, ended(model, root)
    for w in range(width):
        state[w] = states[b, 0, w] = root[w]
    while d < steps and not over:
        name = key(model, state)
        place = find(menu_keys, menu_slots, name)
        menu = np.int64(menu_slots[place])
        if menu < 0:
            menu = make_menu(model, proposal, menus, desk, tree, state, name, place, rng, cost)
        if menu_counts[menu] == 0:
            break
        slot = -1
        if node >= 0:
            j, slot, last = select(settings, tree, menus, slots, node, menu, rng)
        if slot >= 0:
            path_nodes[b, path], path_slots[b, path] = node, slot
            path += 1
            visits[node, slot] += 1
        elif settings.rollout == UNIFORM:
            j = below(rng, menu_counts[menu])
        else:
            j = roll(settings, menus, menu, rng)
        action = menus.menu_actions[menu, j]
        actions[b, d], scores[b, d] = action, menus.menu_scores[menu, j]
        rewards[b, d] = apply(model, state, action)
        for w in range(width):
            afters[b, d, w] = state[w]
        draw(model, state, rng)
        d += 1
        for w in range(width):
            states[b, d, w] = state[w]
        over = ended(model, state)
        if slot < 0 or last:
            node = np.int64(-1)
        elif d < steps and not over:
            child = children[node, slot]
            if child < 0:
                child = node_of(tree, key(model, state), d, by_state)
                children[node, slot] = child
            node = child
    cost[TRANSITIONS] += d
    desk.path_lengths[b], batch.lengths[b] = path, d
    return d


@lean
def carry_back(model, settings, tree, desk, seen_keys, seen_slots, b):
    """Add the return of trajectory `b` to every action on its path; remember the best trajectory, stop at a goal if so set."""
    batch, numbers, returns, twin = desk.batch, tree.numbers, tree.returns, desk.twins[b]
    length = batch.lengths[b]
    value = desk.found[twin] if twin >= 0 else desk.found[b]
    result = settings.gamma**length * value - settings.step_cost * length
    if settings.repeat_penalty > 0.0:
        for t in range(1, length + 1):
            if seen_slots[find(seen_keys, seen_slots, key(model, batch.all_states[b, t]))] >= 0:
                result -= settings.repeat_penalty
    longest = numbers[BEST_LENGTH]
    returns[LOW] = result if longest < 0 else min(returns[LOW], result)
    returns[HIGH] = result if longest < 0 else max(returns[HIGH], result)
    stop = settings.shortcut and length > 0 and goal(model, batch.all_states[b, length])
    better = longest < 0 or result > returns[BEST] or (result == returns[BEST] and length < longest)
    if numbers[STOPPED] == 0:
        better = better or stop
    else:  # of several goals in a batch, the nearest
        better = stop and length < longest
    if better:
        returns[BEST], numbers[BEST_LENGTH] = result, length
        copy_trajectory(batch, b, len(desk.path_lengths) + 1)
    if stop:
        numbers[STOPPED] = 1
    path_nodes, path_slots, backups, means, tops, lengths = (
        desk.path_nodes, desk.path_slots, tree.backups, tree.means, tree.tops, tree.lengths,
    )  # fmt: skip
    for k in range(desk.path_lengths[b]):
        node, slot = path_nodes[b, k], path_slots[b, k]
        backups[node, slot] += 1
        means[node, slot] += (result - means[node, slot]) / backups[node, slot]
        if backups[node, slot] == 1 or result > tops[node, slot]:
            tops[node, slot], lengths[node, slot] = result, length
        elif result == tops[node, slot]:
            lengths[node, slot] = min(lengths[node, slot], length)


@lean
def copy_trajectory(batch, source, to):
    """Make row `to` of a batch a copy of row `source`."""
    length = batch.lengths[source]
    batch.lengths[to] = length
    for t in range(length + 1):
        for w in range(batch.all_states.shape[2]):
            batch.all_states[to, t, w] = batch.all_states[source, t, w]
            if t < length:
                batch.all_afters[to, t, w] = batch.all_afters[source, t, w]
        if t < length:
            batch.all_actions[to, t], batch.all_rewards[to, t] = batch.all_actions[source, t], batch.all_rewards[source, t]
            batch.all_scores[to, t] = batch.all_scores[source, t]


@lean
def rank(model, evaluator, tree, desk, root, questions, rng, cost):
    """Replace the values of the asked trajectories by their ranks, from 0 to 1, in a batch with two anchors.

    The anchors, the root alone and the best trajectory so far, tie the ranks of different batches together. Ties share the mean of
    their ranks.
    """
    batch, size, total = desk.batch, len(desk.path_lengths), questions + 1
    batch.lengths[size], desk.asked[questions] = 0, size
    for w in range(len(root)):
        batch.all_states[size, 0, w] = root[w]
    if tree.numbers[BEST_LENGTH] >= 0 and not ended(model, batch.all_states[size + 1, batch.lengths[size + 1]]):
        desk.asked[total] = size + 1
        total += 1
    evaluate_all(evaluator, model, batch, desk.asked, total, desk.found, rng, cost)
    values = desk.ranked
    for k in range(total):
        values[k] = desk.found[desk.asked[k]]
    for k in range(questions):
        below_it = 0.0
        for other in range(total):
            if other != k:
                below_it += 1.0 if values[other] < values[k] else 0.5 if values[other] == values[k] else 0.0
        desk.found[desk.asked[k]] = below_it / (total - 1)


@lean_njit
def simulate(problem, settings, stores, root, steps, n, rng, cost, limit):
    """Do up to `n` simulations of `steps` steps from the state `root`; return how many.

    Fewer when a limit is reached or the search stops at a goal. All `stores` (`Stores`) are mutated and have room; `root` is added
    to what was seen.
    """
    model, proposal, evaluator = problem
    tree, menus, memory, (seen_keys, seen_slots), desk = stores
    place = find(seen_keys, seen_slots, key(model, root))
    if seen_slots[place] < 0:
        insert(seen_keys, seen_slots, place, key(model, root), 0)
    by_state = model.outcomes == 0
    if by_state and tree.numbers[NODES] > 0 and tree.state_keys[0] != key(model, root):
        clear(tree)  # not the state that the last decision led to
    name = key(model, root)
    place = find(menus.menu_keys, menus.menu_slots, name)
    tree.numbers[ROOT_MENU] = menus.menu_slots[place]
    if menus.menu_slots[place] < 0:
        tree.numbers[ROOT_MENU] = make_menu(model, proposal, menus, desk, tree, root, name, place, rng, cost)
    if tree.numbers[NODES] == 0:
        node_of(tree, key(model, root), 0, by_state)
    elif not by_state:  # the state that chance has led to
        keep_only(tree, 0, menus.menu_actions[tree.numbers[ROOT_MENU]], menus.menu_counts[tree.numbers[ROOT_MENU]])
    batch, size, done = desk.batch, len(desk.path_lengths), 0
    while done < n and tree.numbers[STOPPED] == 0 and not spent(cost, limit):
        count = min(size, n - done, limit[SIMULATIONS] - cost[SIMULATIONS], limit[EVALUATIONS] - cost[EVALUATIONS])
        questions = np.int64(0)
        for b in range(count):
            cost[SIMULATIONS] += 1
            cost[EVALUATIONS] += 1
            length = descend(problem, settings, stores, root, steps, b, rng, cost)
            desk.twins[b] = -1
            if ended(model, desk.state):
                desk.found[b] = exact(model, desk.state)
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
