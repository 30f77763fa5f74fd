"""One search tree for every world and evaluator: UCT or PUCT, chance nodes or transpositions, and what it found, as a record.

Decision nodes hold states, edges hold actions. In a stochastic world an edge is a chance node: each passage draws an outcome with
its true probability, and every outcome seen is a child of its own. In a deterministic world equal states are one node wherever
they are met (transpositions), and an action that leads back to a state on the way to it is passed over (loop cut). States are
not stored: each descent computes them from the root.

Sources: Kocsis & Szepesvari 2006 (UCT); values between the least and the greatest of the tree as in Schrittwieser et al. 2020
(min-max normalisation); Childs, Brodeur & Kocsis 2008 (transpositions, statistics on edges); Rosin 2011, Silver et al. 2017
(PUCT).
"""

from typing import Any, NamedTuple

import numpy as np

from games.dispatch import operation
from games.jit import embedded, njit
from games.process import apply, dead, draw, goal, key, lost, promising
from games.random import below, mix
from planners.budget import EVALUATIONS, EXPANSIONS, PROPOSALS, SIMULATIONS, TRANSITIONS, spent
from planners.critic.monte_carlo import prospect
from planners.parts.table import copy_table, find, insert, new_table
from planners.policies.policy import prefer, probabilities

NODES, EDGES = 0, 1  # positions in Tree.filled
LOW, HIGH = 0, 1  # positions in Tree.bounds
NO_LOSS, ENDED, DEAD = range(3)  # in Tree.loss


class Uct(NamedTuple):
    """Try everything once, then choose by ``value + exploration * sqrt(ln N / n)``, N and n the visits of node and edge."""

    exploration: float


class Puct(NamedTuple):
    """Choose by ``value + constant * P * sqrt(N) / (1 + n)``, P the softmax of what `policy` prefers; untried edges are worth what
    their node is.
    """

    constant: float
    policy: Any


class Search(NamedTuple):
    """How the tree grows.

    `choice` says which edge is taken (`Uct` or `Puct`), `gamma` is the discount of the backup, `within` the steps from the root in
    which a lost episode counts as risk, `depth` the steps at which it ends (the horizon). Proven dead states are leaves worth
    `games.process.lost` over `span` steps.
    """

    choice: Any
    gamma: float
    within: int
    depth: int
    span: int


class Tree(NamedTuple):
    """The tree's arrays, filled up to ``filled[NODES]`` and ``filled[EDGES]``.

    Nodes: `node_visits`, `node_totals` (sum of the returns from there), `first_edge` and `edge_count` (0: nothing follows), `fixed`
    (the exact value of such a node), `loss` (`NO_LOSS`, `ENDED`: without success, or `DEAD`), `met` (the last simulation that
    passed), `parent` (the edge it was found by, -1 at the root).
    Edges: `action`, `child` (deterministic worlds: the node, -1 unknown), `visits`, `totals` and `squares` of the returns, `least`
    and `most` of them, `rewards` (sum of the immediate ones), `risks` (sum of the shares of losses), `priors` (where a policy has
    some).
    `keys` and `slots` find a node by its state; `bounds` are the least and greatest mean value of an edge so far.
    """

    node_visits: np.ndarray
    node_totals: np.ndarray
    first_edge: np.ndarray
    edge_count: np.ndarray
    fixed: np.ndarray
    loss: np.ndarray
    met: np.ndarray
    parent: np.ndarray
    action: np.ndarray
    child: np.ndarray
    visits: np.ndarray
    totals: np.ndarray
    squares: np.ndarray
    least: np.ndarray
    most: np.ndarray
    rewards: np.ndarray
    risks: np.ndarray
    priors: np.ndarray
    keys: np.ndarray
    slots: np.ndarray
    filled: np.ndarray
    bounds: np.ndarray


_KINDS = (  # fields of a tree: whole numbers of nodes and of edges, then floats of nodes and of edges
    "node_visits first_edge edge_count loss met parent",
    "action child visits",
    "node_totals fixed",
    "totals squares least most rewards risks priors",
)


def new_tree(nodes: int, edges: int) -> Tree:
    """Return an empty tree with room for so many nodes and edges."""

    nothing = np.zeros(nodes, np.int64), np.zeros(edges, np.int64), np.zeros(nodes), np.zeros(edges)
    kinds = {name: nothing[k] for k, names in enumerate(_KINDS) for name in names.split()}
    keys, slots = new_table(nodes)
    return Tree(
        **{name: array.copy() for name, array in kinds.items()},
        keys=keys,
        slots=slots,
        filled=np.zeros(2, np.int64),
        bounds=np.array([np.inf, -np.inf]),
    )


def grown(tree: Tree, nodes: int, edges: int) -> Tree:
    """Return a copy of `tree` with room for so many nodes and edges."""
    larger = new_tree(nodes, edges)
    for name, old in tree._asdict().items():
        if name not in ("keys", "slots"):
            getattr(larger, name)[: len(old)] = old
    copy_table(tree.keys, tree.slots, larger.keys, larger.slots)
    return larger


def search(
    tree: Tree,
    how: Search,
    evaluator: Any,
    model: Any,
    root: np.ndarray,
    rng: np.ndarray,
    n: int,
    cost: np.ndarray,
    limit: np.ndarray,
    kernel: Any,
) -> tuple[Tree, int]:
    """Do up to `n` simulations with `kernel` (`simulations` or its plain form); return (the tree, grown if need be, how many)."""
    done = 0
    while done < n:
        asked = min(n - done, 4096)  # so that an interrupt is noticed within about a second
        did = kernel(tree, how, evaluator, model, root, rng, asked, cost, limit)
        done += did
        if did < asked:
            nodes, edges = len(tree.met), len(tree.action)
            if tree.filled[NODES] < nodes and tree.filled[EDGES] + model.actions <= edges:
                break
            tree = grown(tree, 2 * nodes, 2 * edges + model.actions)
    return tree, done


@operation
def weigh(choice, model, state, actions, count, priors):
    """Write the priors of ``actions[:count]`` to `priors`; return how many times a policy was asked: never, without one."""
    return 0


@weigh.of(Puct)
def _weigh(choice, model, state, actions, count, priors):
    prefer(choice.policy, model, state, actions, count, priors)
    probabilities(priors, count, priors)
    return 1


@embedded
def add_node(tree, how, model, state, parent, rng, actions, cost):
    """Add the node of `state`, its actions in random order; return it."""
    node, first = tree.filled[NODES], tree.filled[EDGES]
    count = 0
    if not goal(model, state):
        if parent >= 0 and dead(model, state):  # at the root an action is asked for all the same
            tree.fixed[node], tree.loss[node] = lost(model, how.gamma, how.span), DEAD
        else:
            count = promising(model, state, actions)
            tree.loss[node] = ENDED if count == 0 else NO_LOSS
    for k in range(count):
        other = k + below(rng, count - k)
        chosen = actions[other]
        actions[other] = actions[k]
        edge = first + k
        tree.action[edge], tree.child[edge] = chosen, -1
        tree.least[edge], tree.most[edge] = np.inf, -np.inf
    if count > 0:
        edges = slice(first, first + count)
        cost[PROPOSALS] += weigh(how.choice, model, state, tree.action[edges], count, tree.priors[edges])
    tree.first_edge[node], tree.edge_count[node], tree.parent[node] = first, count, parent
    tree.filled[NODES] += 1
    tree.filled[EDGES] += count
    return node


@operation
def select(choice, tree, node, simulation):
    """Return the edge of `node` to go along; -1 if every edge leads back to where `simulation` has been."""
    raise NotImplementedError


@select.of(Uct)
def _select_by_visits(choice, tree, node, simulation):
    first, last = tree.first_edge[node], tree.first_edge[node] + tree.edge_count[node]
    low, high = tree.bounds[LOW], tree.bounds[HIGH]
    scale = 1.0 / (high - low) if high > low else 0.0
    logarithm = np.log(max(1.0, np.float64(tree.node_visits[node])))
    best, best_score = -1, -np.inf
    for edge in range(first, last):
        if tree.child[edge] >= 0 and tree.met[tree.child[edge]] == simulation:
            continue
        if tree.visits[edge] == 0:
            return edge
        mean = tree.totals[edge] / tree.visits[edge]
        score = (mean - low) * scale + choice.exploration * np.sqrt(logarithm / tree.visits[edge])
        if score > best_score:
            best, best_score = edge, score
    return best


@select.of(Puct)
def _select_by_priors(choice, tree, node, simulation):
    first, last = tree.first_edge[node], tree.first_edge[node] + tree.edge_count[node]
    low, high = tree.bounds[LOW], tree.bounds[HIGH]
    scale = 1.0 / (high - low) if high > low else 0.0
    low = low if high > low else 0.0  # nothing was tried yet: infinite
    here = tree.node_totals[node] / max(1, tree.node_visits[node])
    reach = choice.constant * np.sqrt(max(1.0, np.float64(tree.node_visits[node])))
    best, best_score = -1, -np.inf
    for edge in range(first, last):
        if tree.child[edge] >= 0 and tree.met[tree.child[edge]] == simulation:
            continue
        mean = tree.totals[edge] / tree.visits[edge] if tree.visits[edge] > 0 else here
        score = (mean - low) * scale + reach * tree.priors[edge] / (1.0 + tree.visits[edge])
        if score > best_score:
            best, best_score = edge, score
    return best


@njit
def simulations(tree, how, evaluator, model, root, rng, n, cost, limit):
    """Do up to `n` simulations, each from the root to one new leaf; return how many.

    Fewer if a limit is reached or the tree is full. Mutates the arrays of `tree`, `rng` and `cost`.
    """
    state, actions = np.empty_like(root), np.empty(model.actions, np.int64)
    path_nodes, path_edges = np.empty(len(tree.met) + 1, np.int64), np.empty(len(tree.met) + 1, np.int64)
    path_rewards = np.empty(len(tree.met) + 1)
    if tree.filled[NODES] == 0:
        state[:] = root
        add_node(tree, how, model, state, -1, rng, actions, cost)
        insert(tree.keys, tree.slots, find(tree.keys, tree.slots, key(model, state)), key(model, state), 0)
        cost[EXPANSIONS] += 1
    done = 0
    while done < n:
        if tree.filled[NODES] >= len(tree.met) or tree.filled[EDGES] + model.actions > len(tree.action):
            break
        if tree.node_visits[0] > 0 and spent(cost, limit):
            break
        simulation = tree.node_visits[0] + 1
        state[:] = root
        node, depth, value, risk = 0, 0, 0.0, 0.0
        while True:
            path_nodes[depth] = node
            tree.met[node] = simulation
            if tree.edge_count[node] == 0:
                value = tree.fixed[node]
                if tree.loss[node] == DEAD or (tree.loss[node] == ENDED and depth <= how.within):
                    risk = 1.0
                break
            if depth >= how.depth:
                break
            edge = select(how.choice, tree, node, simulation)
            if edge < 0:
                value = tree.node_totals[node] / max(1, tree.node_visits[node])
                break
            path_edges[depth] = edge
            path_rewards[depth] = apply(model, state, tree.action[edge])
            cost[TRANSITIONS] += 1
            depth += 1
            if tree.child[edge] >= 0:
                node = tree.child[edge]
                continue
            word = key(model, state) if model.outcomes == 0 else np.uint64(0)
            if model.outcomes > 0:
                draw(model, state, rng)
                word = mix(key(model, state) ^ mix(np.uint64(edge + 1)))
            place = find(tree.keys, tree.slots, word)
            fresh_node = tree.slots[place] < 0
            if fresh_node:
                node = add_node(tree, how, model, state, edge, rng, actions, cost)
                insert(tree.keys, tree.slots, place, word, node)
                cost[EXPANSIONS] += 1
            else:
                node = tree.slots[place]
            if model.outcomes == 0:
                tree.child[edge] = node
                if tree.met[node] == simulation:  # a loop, seen for the first time
                    value = tree.node_totals[node] / max(1, tree.node_visits[node])
                    node = -1  # counted on the path
                    break
            if fresh_node and tree.edge_count[node] > 0:
                path_nodes[depth] = node
                tree.met[node] = simulation
                if depth < how.depth:
                    value, risk = prospect(evaluator, model, state, how.within - depth, rng, cost)
                    cost[EVALUATIONS] += 1
                break
        if node >= 0:
            tree.node_visits[node] += 1
            tree.node_totals[node] += value
        for d in range(depth - 1, -1, -1):
            edge = path_edges[d]
            value = path_rewards[d] + how.gamma * value
            tree.visits[edge] += 1
            tree.totals[edge] += value
            tree.squares[edge] += value * value
            tree.least[edge], tree.most[edge] = min(tree.least[edge], value), max(tree.most[edge], value)
            tree.rewards[edge] += path_rewards[d]
            tree.risks[edge] += risk
            tree.node_visits[path_nodes[d]] += 1
            tree.node_totals[path_nodes[d]] += value
            mean = tree.totals[edge] / tree.visits[edge]
            tree.bounds[LOW], tree.bounds[HIGH] = min(tree.bounds[LOW], mean), max(tree.bounds[HIGH], mean)
        cost[SIMULATIONS] += 1
        done += 1
    return done
