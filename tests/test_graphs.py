"""Graph worlds: their structure, the way to networkx and back, and exact solutions."""

import networkx as nx
import numpy as np
import pytest

from games.errors import UsageError
from games.graphs.convert import BLIND, from_networkx
from games.graphs.generate import ENTRY, EXIT, LIVE, PLAIN, RECOVERY
from games.worlds import load_world
from planners.parts.exact import solve


@pytest.fixture(scope="module")
def walks():
    world = load_world("kg-walk")
    return [world.instance(seed) for seed in range(400)]


def test_layers_lie_as_far_from_the_goal_as_the_recipe_says(walks):
    world = walks[0].world
    L = world.options["L"]
    for instance in walks:
        remote, kinds, layers = instance.model.remote, world.kinds, world.layers
        assert len(kinds) == 118 and remote[0] == L
        assert (remote[kinds == LIVE] == L - layers[kinds == LIVE]).all()
        inner = (kinds == PLAIN) & (layers <= L - 2)
        assert (remote[inner] == L - layers[inner]).all()
        first, edge_kinds = instance.model.first, instance.extra["edge_kinds"]
        for node in np.flatnonzero((kinds == PLAIN) & (layers == L - 1)):
            has_recovery = (edge_kinds[first[node] : first[node + 1]] == RECOVERY).any()
            assert remote[node] == (2.0 if has_recovery else np.inf)


def test_losing_root_actions_are_the_trap_entries(walks):
    for instance in walks[:100]:
        kinds = instance.extra["edge_kinds"][:8]
        assert (~solve(instance).optimal(instance.start, 10) == (kinds == ENTRY)).all()


def test_shares_are_those_of_the_recipe(walks):
    assert np.mean([len(i.model.target) for i in walks]) == pytest.approx(786, abs=2)  # measured 785.8 +- .2
    entries = np.concatenate([i.model.remote[i.model.target[:8][i.extra["edge_kinds"][:8] == ENTRY]] for i in walks])
    for steps, share in ((5, 0.19), (6, 0.68), (7, 0.12)):
        assert (entries == steps).mean() == pytest.approx(share, abs=0.06)  # 3.5 standard errors of 800
    traps = []
    for i in walks:
        entry, local = i.extra["edge_kinds"][:8] == ENTRY, i.model.local[:8]
        traps.append(local[entry].max() > local[~entry].max())
    assert np.mean(traps) == pytest.approx(0.56, abs=0.09)  # exact for the recipe, by integration: .560; 3.5 standard errors


def test_evaluator_sees_the_goal_only_when_it_is_near(walks):
    from games.process import outlook
    from planners.evaluator import new_trajectory

    model, tau = walks[0].model, new_trajectory(2, 1)
    tau.scores[:] = 0.5, 0.7
    for node in (3, 60, 80):
        tau.states[2] = node
        d = model.remote[node]
        phi = 0.9 * np.exp(-(d - 1) / 2) if d <= 2 else 0.15
        assert outlook(model, tau, 2) == pytest.approx(min(max(0.6 * phi + 0.4 * 0.6 + model.bias[node], 0.0), 0.95))


def test_needle_has_no_way_from_plain_nodes_but_recoveries():
    world = load_world("kg-needle")
    instance = world.instance(3)
    leaving = np.repeat(world.kinds, np.diff(instance.model.first))
    kinds = instance.extra["edge_kinds"]
    assert set(kinds[leaving == PLAIN]) <= {1, RECOVERY} and EXIT in kinds


def test_recovery_starts_behind_a_trap_entry(walks):
    instance = walks[7]
    start = instance.world.recovery(instance)
    assert start.horizon == 9
    assert start.start[0] in instance.model.target[:8][instance.extra["edge_kinds"][:8] == ENTRY]
    assert (start.start == instance.world.recovery(instance).start).all()


def test_networkx_and_back(walks):
    instance = walks[0]
    graph = instance.world.graph(instance)
    assert isinstance(graph, nx.MultiDiGraph) and "TRAP(2,5)" in graph
    model, nodes = from_networkx(graph, {name: getattr(instance.model, name) for name in BLIND})
    assert nodes[0] == "ROOT" and nodes[-1] == "GOAL"
    for mine, other in zip(model, instance.model, strict=True):
        assert np.array_equal(mine, other)
    lengths = nx.single_source_shortest_path_length(graph.reverse(), "GOAL")
    assert all(lengths.get(node, np.inf) == d for node, d in zip(nodes, model.remote, strict=True))


def test_same_seed_same_graph():
    a, b = (load_world("kg-walk").instance(5).model for _ in range(2))
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert not np.array_equal(a.local, load_world("kg-walk").instance(6).model.local)


@pytest.mark.parametrize("option", [{"L": 1}, {"b": 9}, {"n_entry": 8}, {"p": 1.5}, {"sigma_e": -1.0}])
def test_impossible_options_are_named(option):
    with pytest.raises(UsageError, match=next(iter(option))):
        load_world("kg-walk", option)


def test_solutions_agree_with_plain_recursion():
    for name, options in (("p5", {"steps": 6}), ("p2a", {"m": 3}), ("p6", {}), ("kg-walk", {"L": 3})):
        instance = load_world(name, options).instance(1)
        model, solution = instance.model, solve(instance)

        def best(node, left, model=model):
            rows = range(model.first[node], model.first[node + 1])
            if left == 0 or not rows:
                return 0.0
            return max(model.gain[e] + best(model.target[e], left - 1) for e in rows)

        left = min(instance.horizon, 4)
        for state, value in zip(solution.graph.states, solution.values(left)[0], strict=True):
            assert value == pytest.approx(best(state[0], left))


def test_text_gives_nothing_away(walks):
    instance = walks[0]
    text = instance.world.text(instance, instance.start) + instance.world.question(instance)
    names = [instance.world.action_name(instance, instance.start, a) for a in range(8)]
    assert not any(kind in t for t in [text, *names] for kind in ("LIVE", "PLAIN", "TRAP")) and len(set(names)) == 8
