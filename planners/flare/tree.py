"""The tree of FLARE: statistics of actions at nodes, candidates of states, and how a tree is kept from one decision to the next.

Nodes are keyed by (state, depth) in deterministic worlds, so that ways that meet share their statistics; in stochastic worlds by
the actions that led there (open loop), whatever states that was. Candidates are kept by
state, as long as the tree is.
"""

from typing import NamedTuple

import numpy as np

from games.jit import embedded, njit
from games.random import mix
from planners.parts.table import find, insert, new_table

NODES, STOPPED, MENUS, BEST_LENGTH, ROOT_MENU = range(5)  # places in `numbers`
LOW, HIGH, BEST = range(3)  # places in `returns`


class Tree(NamedTuple):
    """Statistics; n nodes of up to a actions, of which the first ``numbers[NODES]`` are in use. Node 0 is the root.

    Attributes
    ----------
    node_keys, node_slots : arrays
        Table from the mixed key and depth to the node (deterministic worlds only).
    state_keys : (n,) uint64
    depths, widths : (n,) int64
        Depth below the root, and how many actions the node has.
    acts, visits, backups, lengths, children : (n, a) int64
        Ids of the actions in the order of the proposal; simulations that took the action, and those of them whose return has been
        backed up; the shortest of the trajectories with the best return; the node that it leads to, -1 if there is none yet.
    means, tops : (n, a) float64
        Mean and largest return.
    numbers : (5,) int64
        Nodes in use; whether the search has stopped at a goal; menus in use; length of the best trajectory, -1 without one; the
        menu of the root.
    returns : (3,) float64
        Least and largest return so far, and the best trajectory's.
    """

    node_keys: np.ndarray
    node_slots: np.ndarray
    state_keys: np.ndarray
    depths: np.ndarray
    widths: np.ndarray
    acts: np.ndarray
    visits: np.ndarray
    backups: np.ndarray
    lengths: np.ndarray
    children: np.ndarray
    means: np.ndarray
    tops: np.ndarray
    numbers: np.ndarray
    returns: np.ndarray


class Menus(NamedTuple):
    """Candidates of states: a table from state keys, and for each state their number, ids and local scores."""

    menu_keys: np.ndarray
    menu_slots: np.ndarray
    menu_names: np.ndarray
    menu_counts: np.ndarray
    menu_actions: np.ndarray
    menu_scores: np.ndarray


def new_tree(nodes: int, actions: int) -> Tree:
    """Return an empty tree with room for `nodes` nodes of up to `actions` actions."""
    shape = nodes, actions
    return Tree(
        *new_table(nodes), np.zeros(nodes, np.uint64), np.zeros(nodes, np.int64), np.zeros(nodes, np.int64),
        np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64),
        np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape), np.zeros(5, np.int64), np.zeros(3),
    )  # fmt: skip


def new_menus(states: int, actions: int, scored: int) -> Menus:
    """Return room for the candidates of `states` states, up to `scored` each (`actions` while they are being made)."""
    return Menus(
        *new_table(states), np.zeros(states, np.uint64), np.zeros(states, np.int64),
        np.zeros((states, scored), np.int64), np.zeros((states, scored)),
    )  # fmt: skip


def grown_tree(tree: Tree, nodes: int) -> Tree:
    """Return `tree` with room for `nodes` nodes."""
    new = new_tree(nodes, tree.acts.shape[1])
    used = tree.numbers[NODES]
    for old, array in zip(tree[2:12], new[2:12], strict=True):
        array[:used] = old[:used]
    new.numbers[:], new.returns[:] = tree.numbers, tree.returns
    rehash(new)
    return new


def grown_menus(menus: Menus, used: int, states: int) -> Menus:
    """Return `menus`, of which `used` are in use, with room for `states` states."""
    new = new_menus(states, 0, menus.menu_actions.shape[1])
    for old, array in zip(menus[2:], new[2:], strict=True):
        array[:used] = old[:used]
    fill_table(new.menu_keys, new.menu_slots, new.menu_names, used)
    return new


@njit
def fill_table(keys, slots, names, used):
    """Put the first `used` names into an empty table, each with its own number."""
    for n in range(used):
        insert(keys, slots, find(keys, slots, names[n]), names[n], n)


@embedded
def node_name(state_key, depth):
    """Return the key of a node (uint64) from its state's key and its depth."""
    return mix(state_key ^ mix(np.uint64(depth) + np.uint64(0xD1B54A32D192ED03)))  # unlike the keys of small states


@njit
def rehash(tree):
    """Build the node table anew."""
    tree.node_slots[:] = -1
    for n in range(tree.numbers[NODES]):
        name = node_name(tree.state_keys[n], tree.depths[n])
        place = find(tree.node_keys, tree.node_slots, name)
        if tree.node_slots[place] < 0:
            insert(tree.node_keys, tree.node_slots, place, name, n)


@njit
def clear(tree):
    """Forget all nodes."""
    tree.node_slots[:] = -1
    tree.numbers[NODES], tree.numbers[STOPPED], tree.numbers[BEST_LENGTH] = 0, 0, -1
    tree.returns[:] = 0.0


@embedded
def node_of(tree, state_key, depth, by_state):
    """Return the node of a state at a depth, made if there is none; always a new one unless `by_state`."""
    name, place = node_name(state_key, depth), 0
    if by_state:
        place = find(tree.node_keys, tree.node_slots, name)
        if tree.node_slots[place] >= 0:
            return np.int64(tree.node_slots[place])
    node = tree.numbers[NODES]
    tree.numbers[NODES] += 1
    if by_state:
        insert(tree.node_keys, tree.node_slots, place, name, node)
    tree.state_keys[node], tree.depths[node], tree.widths[node] = state_key, depth, 0
    return node


@embedded
def slot_of(tree, node, action):
    """Return the place of `action` at a node, added if it is new; -1 if there is no room."""
    width = tree.widths[node]
    for slot in range(width):
        if tree.acts[node, slot] == action:
            return slot
    if width == tree.acts.shape[1]:
        return -1
    tree.acts[node, width], tree.visits[node, width], tree.backups[node, width] = action, 0, 0
    tree.lengths[node, width], tree.children[node, width] = 0, -1
    tree.means[node, width], tree.tops[node, width] = 0.0, 0.0
    tree.widths[node] += 1
    return width


@embedded
def keep_only(tree, node, actions, count):
    """Forget what is known at a node of all but ``actions[:count]``: an open loop also met states in which others were legal."""
    kept = 0
    for slot in range(tree.widths[node]):
        for j in range(count):
            if tree.acts[node, slot] == actions[j]:
                for table in (tree.acts, tree.visits, tree.backups, tree.lengths, tree.children):
                    table[node, kept] = table[node, slot]
                for values in (tree.means, tree.tops):
                    values[node, kept] = values[node, slot]
                kept += 1
                break
    tree.widths[node] = kept


@embedded
def quality(tree, node, slot, share):
    """Return Q of an action that has been backed up: (1 - share) times the mean plus share times the largest return."""
    return (1.0 - share) * tree.means[node, slot] + share * tree.tops[node, slot]


@njit
def line_of(tree, final, share, line):
    """Write the best line from the root to `line`, as far as it has been tried; return its length, 0 if nothing has been.

    At each node the action with the largest Q (`final` 0), largest single return (1) or most visits (2) among those tried; ties
    go to the shorter best trajectory, then to more visits, then to the order of the proposal.
    """
    node, length = 0, 0
    if tree.numbers[NODES] == 0:
        return 0
    while node >= 0 and length < len(line):
        best = -1
        for slot in range(tree.widths[node]):
            if tree.backups[node, slot] == 0:
                continue
            if best < 0:
                best = slot
                continue
            mine, other = quality(tree, node, slot, share), quality(tree, node, best, share)
            if final == 1:
                mine, other = tree.tops[node, slot], tree.tops[node, best]
            elif final == 2:
                mine, other = float(tree.visits[node, slot]), float(tree.visits[node, best])
            if mine == other:
                mine, other = -float(tree.lengths[node, slot]), -float(tree.lengths[node, best])
            if mine == other:
                mine, other = float(tree.visits[node, slot]), float(tree.visits[node, best])
            if mine > other:
                best = slot
        if best < 0:
            break
        line[length] = tree.acts[node, best]
        length += 1
        node = tree.children[node, best]
    return length


@njit
def node_at(tree, line, length):
    """Return the node that the actions ``line[:length]`` lead to from the root, -1 if there is none."""
    node = 0 if tree.numbers[NODES] > 0 else -1
    for t in range(length):
        if node < 0:
            break
        after = -1
        for slot in range(tree.widths[node]):
            if tree.acts[node, slot] == line[t]:
                after = tree.children[node, slot]
        node = after
    return node


@njit
def reroot(tree, root, discount, step_cost):
    """Keep the part of `tree` below the node `root`, which becomes node 0; returns are told from there.

    Exactly so with a discount or with step costs; with both, the step costs of old returns are off by their discount.
    """
    used, depth = tree.numbers[NODES], tree.depths[root]
    number, found = np.full(used, -1, np.int64), np.empty(used, np.int64)
    number[root], found[0], kept, at = 0, root, 1, 0
    while at < kept:  # breadth first; what is found is numbered in that order
        for a in range(tree.widths[found[at]]):
            child = tree.children[found[at], a]
            if child >= 0 and number[child] < 0:
                number[child], found[kept] = kept, child
                kept += 1
        at += 1
    old_keys, old_depths, old_widths = tree.state_keys[:used].copy(), tree.depths[:used].copy(), tree.widths[:used].copy()
    acts, visits, backups = tree.acts[:used].copy(), tree.visits[:used].copy(), tree.backups[:used].copy()
    lengths, children = tree.lengths[:used].copy(), tree.children[:used].copy()
    means, tops = tree.means[:used].copy(), tree.tops[:used].copy()
    scale = discount**depth
    for m in range(kept):
        n = found[m]
        tree.state_keys[m], tree.depths[m], tree.widths[m] = old_keys[n], old_depths[n] - depth, old_widths[n]
        for a in range(old_widths[n]):
            tree.acts[m, a], tree.visits[m, a], tree.backups[m, a] = acts[n, a], visits[n, a], backups[n, a]
            tree.lengths[m, a] = lengths[n, a] - depth
            tree.children[m, a] = number[children[n, a]] if children[n, a] >= 0 else -1
            tree.means[m, a] = (means[n, a] + step_cost * depth) / scale
            tree.tops[m, a] = (tops[n, a] + step_cost * depth) / scale
    tree.numbers[NODES], tree.numbers[STOPPED], tree.numbers[BEST_LENGTH] = kept, 0, -1
    rehash(tree)
