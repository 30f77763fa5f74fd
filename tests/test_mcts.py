"""Tree search: exact small worlds, chance nodes, transpositions and loops, budgets, and the record it leaves."""

import numpy as np
import pytest

from games.dispatch import plain
from games.errors import UsageError
from games.process import apply, chance, key, legal
from games.random import mix, stream
from games.world import Instance
from games.worlds import load_world
from planners.budget import EVALUATIONS, EXPANSIONS, SIMULATIONS, UNLIMITED, Budget, new_cost
from planners.catalogue import find_planner
from planners.critic.monte_carlo import Critic
from planners.parts.table import find
from planners.search.record import best_line, children, root_actions
from planners.search.tree import DEAD, EDGES, NODES, Search, Uct, new_tree, simulations


class Corridor:
    """Cells 0 to 6; the player starts at 3 and earns 1 at the right end (a goal) after steps that cost 0.1; the left end is a trap."""

    width, actions, outcomes = 1, 2, 0

    def legal(self, state, actions):
        actions[:2] = -1, 1
        return 0 if state[0] in (0, 6) else 2

    def apply(self, state, action):
        state[0] += action
        return 0.9 if state[0] == 6 else -0.1

    def goal(self, state):
        return state[0] == 6

    def potential(self, root, state):
        return state[0] / 6


class Doomed(Corridor):
    """The cells 1 and 2 are known to be lost."""

    def dead(self, state):
        return state[0] in (1, 2)

    def lost(self, discount, steps):
        return -5.0


class Stairs(Doomed):
    """Up by one or two, from 3; no way leads back, and 5 is known to be lost."""

    def legal(self, state, actions):
        actions[:2] = 1, 2
        return 0 if state[0] >= 6 else 2

    def dead(self, state):
        return state[0] == 5


class Single(Corridor):
    """Only to the right."""

    def legal(self, state, actions):
        actions[0] = 1
        return int(state[0] < 6)


def begun(name, model, start, seed=0, **params):
    planner = find_planner(name, params)
    planner.begin(Instance("test", 0, model, start), stream("planner", seed))
    return planner


def corridor(name="mcts", model=None, budget=None, seed=0, steps_left=None, **params):
    planner = begun(name, model or Corridor(), np.array([3]), seed, **params)
    return planner, planner.decide(np.array([3]), steps_left, budget or Budget())


@pytest.fixture(scope="module")
def tiny():
    """2048 on 2x2 cells, and its exact values: state -> {action: value}, by memo over all chances."""
    model, known = load_world("2048-2x2").model, {}

    def q(board):
        if board not in known:
            state, actions = np.array([board]), np.empty(4, np.int64)
            known[board] = {}
            for action in actions[: legal(model, state, actions)].tolist():
                after = state.copy()
                reward = apply(model, after, action)
                states, ps = np.zeros((model.outcomes, 1), np.int64), np.empty(model.outcomes)
                n = chance(model, after, states, ps)
                later = (p * max(q(int(s)).values(), default=0.0) for p, s in zip(ps[:n], states[:n, 0], strict=True))
                known[board][action] = reward + sum(later)
        return known[board]

    for seed in range(10):
        q(int(load_world("2048-2x2").instance(seed).start[0]))
    return model, known


def test_small_2048_is_played_optimally(tiny):
    model, known = tiny
    gaps = {board: sorted(values.values()) for board, values in known.items() if len(values) > 1}
    clear = [board for board, values in gaps.items() if values[-1] - values[-2] > 0.1 * values[-1]]
    assert len(clear) > 20
    for board in clear[:: len(clear) // 20]:
        state = np.array([board])
        decision = begun("mcts", model, state).decide(state, None, Budget(simulations=2000))
        best = max(known[board], key=known[board].get)
        assert decision.action == best, hex(board)
        chosen = next(v for v in decision.values if v.action == best)
        exact = known[board][best]  # the mean over the tree's exploration stays below it
        assert 0.5 * exact < chosen.value < exact + 5 * chosen.spread / chosen.visits**0.5


def test_chance_nodes_draw_with_the_true_probabilities(tiny):
    model, known = tiny
    board = next(b for b, values in known.items() if len(values) == 4)
    planner = begun("mcts", model, np.array([board]), within=3)
    planner.decide(np.array([board]), None, Budget(simulations=4000))
    tree = planner.tree
    for edge in range(tree.edge_count[0]):
        after, states, ps = np.array([board]), np.zeros((model.outcomes, 1), np.int64), np.empty(model.outcomes)
        apply(model, after, tree.action[edge])
        n = chance(model, after, states, ps)
        seen = np.zeros(n)
        with np.errstate(over="ignore"):
            for k in range(n):
                place = find(
                    tree.keys, tree.slots, np.uint64(mix(np.uint64(key(model, states[k])) ^ np.uint64(mix(np.uint64(edge + 1)))))
                )
                if tree.slots[place] >= 0:
                    seen[k] = tree.node_visits[tree.slots[place]]
        expected = tree.visits[edge] * ps[:n]
        assert seen.sum() == tree.visits[edge] and len(children(tree, edge)) == (seen > 0).sum()
        large = expected > 5
        assert ((seen - expected)[large] ** 2 / expected[large]).sum() < 30.0  # at most 6 outcomes: far beyond 0.1 %


def test_compiled_plain_and_grown_trees_are_one(tiny):
    model, known = tiny
    board = next(b for b, values in known.items() if len(values) == 4)
    start, how = np.array([board]), Search(Uct(1.4), 0.9, 5, UNLIMITED, 10)
    trees = []
    for kernel, n, size in ((simulations, 60, 2000), (plain(simulations), 60, 100)):
        tree = new_tree(size, 4 * size + 8)
        assert kernel(tree, how, Critic(2, 10, 0.9), model, start, stream(1), n, new_cost(), Budget().limits()) == n
        trees.append(tree)
    one, other = trees
    for name in ("action", "visits", "totals", "squares", "risks", "rewards"):
        assert np.array_equal(getattr(one, name)[: one.filled[EDGES]], getattr(other, name)[: one.filled[EDGES]])
    planner = begun("mcts", model, start, simulations=3000, rollouts=2, horizon=10, discount=0.9)
    grown = planner.decide(start, None, Budget())
    large = new_tree(5000, 20_000)
    how = how._replace(within=20)
    simulations(large, how, Critic(2, 10, 0.9), model, start, stream("planner", 0), 3000, new_cost(), Budget().limits())
    assert planner.tree.filled[NODES] > 1026 and grown.values == root_actions(large)


def test_loops_are_cut_and_equal_states_are_one_node():
    planner, decision = corridor(budget=Budget(simulations=400), horizon=20)
    tree = planner.tree
    assert tree.filled[NODES] == 7
    assert decision.action == 1 and decision.line == (1, 1, 1)
    values = {v.action: v for v in decision.values}
    assert 0.55 <= values[1].value <= 0.7 + 1e-9  # three steps: -0.1 - 0.1 + 0.9
    assert values[1].visits > 300 and tree.bounds[0] < 0.0
    assert sum(v.visits for v in decision.values) == 400 == tree.node_visits[0]


def test_totals_of_nodes_are_those_of_their_edges_and_leaves():
    """A state's first visit is worth its evaluation, every later one what the edge taken returned."""
    tree = corridor(model=Stairs(), budget=Budget(simulations=100), evaluator="heuristic")[0].tree
    assert tree.filled[NODES] == 4 and (tree.loss == DEAD).sum() == 1
    for node in range(4):
        below = slice(tree.first_edge[node], tree.first_edge[node] + tree.edge_count[node])
        if not tree.edge_count[node]:
            assert tree.node_totals[node] == tree.fixed[node] * tree.node_visits[node]
            continue
        evaluated = node > 0  # only the state 4
        assert tree.node_visits[node] == tree.visits[below].sum() + evaluated
        assert tree.node_totals[node] == pytest.approx(tree.totals[below].sum() + evaluated * 4 / 6)
    assert sorted(set(tree.fixed[:4])) == [-5.0, 0.0]


def test_risk_and_proven_dead_states():
    _, decision = corridor(budget=Budget(simulations=300), horizon=50, within=50)
    values = {v.action: v for v in decision.values}
    assert values[-1].risk > values[1].risk
    _, decision = corridor(model=Doomed(), budget=Budget(simulations=300), horizon=50, within=1)
    values = {v.action: v for v in decision.values}
    assert values[-1].risk == 1.0 and values[-1].value == pytest.approx(-5.1) and decision.action == 1


def test_the_horizon_ends_the_tree():
    planner, decision = corridor(budget=Budget(simulations=50), steps_left=1)
    assert [v.value for v in decision.values] == pytest.approx([-0.1, -0.1]) and planner.tree.filled[NODES] == 3
    assert decision.cost[EVALUATIONS] == 0


def test_leaves_may_have_any_evaluator():
    _, decision = corridor(budget=Budget(simulations=2), evaluator="heuristic")
    assert {v.action: v.value for v in decision.values} == pytest.approx({-1: 2 / 6 - 0.1, 1: 4 / 6 - 0.1})
    with pytest.raises(UsageError, match="unknown evaluator 'heuristik'"):
        corridor(evaluator="heuristik")


@pytest.mark.parametrize("name", ["mcts", "proact"])
def test_counted_budgets_and_seeds(name):
    for kind, counter in (("simulations", SIMULATIONS), ("evaluations", EVALUATIONS), ("expansions", EXPANSIONS)):
        _, decision = corridor(name, budget=Budget(**{kind: 3}))
        assert decision.cost[counter] == 3
        _, decision = corridor(name, budget=Budget(**{kind: 20}), horizon=5)
        assert decision.cost[counter] == (20 if kind == "simulations" else min(20, decision.cost[counter]))
    assert corridor(name, budget=Budget(evaluations=20), horizon=5)[1].units == 200  # there are but 4 states to evaluate
    _, one = corridor(name, budget=Budget(units=1))
    assert one.units == one.cost[SIMULATIONS] == 1 and sum(v.visits for v in one.values) == 1
    once, again, other = (corridor(name, budget=Budget(units=40), seed=seed)[1] for seed in (1, 1, 2))
    assert once.values == again.values != other.values
    timed = corridor(name, budget=Budget(seconds=0.01), seed=1)[1]
    assert corridor(name, budget=Budget(units=timed.units), seed=1)[1].values == timed.values
    single = corridor(name, model=Single(), budget=Budget(units=3))[1]
    assert single.action == 1 and len(single.values) == 1


def test_the_record_of_proact(tiny):
    model, known = tiny
    board = next(b for b, values in known.items() if len(values) == 4)
    planner = begun("proact", model, np.array([board]))
    decision = planner.decide(np.array([board]), None, Budget(simulations=500))
    record, tree = decision.record, planner.tree
    assert record.simulations == 500 == sum(a.visits for a in record.actions)
    assert record.chosen.action == decision.action and record.chosen.visits == max(a.visits for a in record.actions)
    assert record.gap == record.chosen.value - record.runner_up.value and record.gap_error > 0.0
    for found in record.actions:
        state = np.array([board])
        assert found.gain == pytest.approx(apply(model, state, found.action))
        assert found.least <= found.value <= found.most and 0.0 <= found.risk <= 1.0
        assert found.line == best_line(tree, found.action) and found.line[0] == found.action
        assert found.sd == next(v.spread for v in decision.values if v.action == found.action)
        edge = tree.action[:4].tolist().index(found.action)
        passed = sum(tree.node_visits[children(tree, edge)]) - len(children(tree, edge))  # the first visit evaluates
        assert sum(f.visits for f in found.follow_ups) <= passed
    assert begun("mcts", model, np.array([board])).decide(np.array([board]), None, Budget(units=3)).record is None


def test_errors():
    for params, message in (({"simulations": 0}, "simulations=0"), ({"exploration": -1.0}, "exploration=-1.0 is not possible")):
        with pytest.raises(UsageError, match=message):
            find_planner("mcts", params)
