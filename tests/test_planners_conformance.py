"""What every planner keeps to, in one list: legal actions, equal bits, budgets, and the corner cases of states."""

import numpy as np
import pytest

from games.random import stream
from games.worlds import load_world
from planners.budget import EVALUATIONS, SIMULATIONS, Budget
from planners.catalogue import find_planner
from planners.episode import play

# Name, parameters, and whether it counts simulations. Planners for one kind of world only have their own tests.
PLANNERS = [
    ("random", {}, False),
    ("greedy", {}, False),
    ("greedy-value", {}, False),
    ("lookahead", {"j": 2}, False),
    ("lookahead-value", {}, False),
    ("beam", {}, False),
    ("beam-value", {"width": 4}, False),
    ("best-of-n", {}, True),
    ("flare-paper", {}, True),
    ("flare-wb", {}, True),
    ("flare-paper", {"batch": 4, "relative": True, "commit": 2}, True),
    ("receding-horizon", {}, False),
    ("oracle", {}, False),
]
each = pytest.mark.parametrize(("name", "params", "counts"), PLANNERS, ids=[f"{n}-{len(p)}" for n, p, _ in PLANNERS])
WALK = load_world("kg-walk")


def signature(episode):
    return episode.actions, episode.rewards, episode.cost.tolist(), [d.values for d in episode.decisions if d.values][:1]


@each
def test_plays_the_same_in_any_order_and_to_the_end(name, params, counts):
    instances = [WALK.instance(s) for s in range(4)]
    forward = [signature(play(i, find_planner(name, params), Budget(), seed=1)) for i in instances]
    planner = find_planner(name, params)
    backward = [signature(play(i, planner, Budget(), seed=1)) for i in reversed(instances)]
    assert repr(forward) == repr(backward[::-1])
    assert all(1 <= len(actions) <= 10 for actions, *_ in forward)


@each
def test_does_not_touch_the_state_and_chooses_among_what_is_there(name, params, counts):
    for world, options in (("p1", {"L": 2}), ("p5", {}), ("p2a", {"m": 2})):
        instance = load_world(world, options).instance(0)
        planner, state = find_planner(name, params), instance.start.copy()
        planner.begin(instance, stream("test"))
        decision = planner.decide(state, instance.horizon, Budget())
        assert (state == instance.start).all()
        assert instance.model.first[0] <= decision.action < instance.model.first[1]
        assert not decision.line or decision.line[0] == decision.action


@each
def test_terminal_states_single_actions_and_no_step_left(name, params, counts):
    instance = load_world("p1", {"L": 2}).instance(0)
    planner = find_planner(name, params)
    planner.begin(instance, stream("test"))
    assert planner.decide(np.array([2]), 1, Budget()).action is None  # the end of the bait
    assert planner.decide(np.array([1]), 1, Budget()).action == 2  # a forced move
    last = planner.decide(instance.start, 0, Budget())  # either gives up or takes what it has, without planning on
    assert last.action is None or last.action in (0, 1)
    planner.begin(instance, stream("test"))
    assert planner.decide(instance.start, 2, Budget()).action in (0, 1)


@each
def test_counted_budgets_hold(name, params, counts):
    if not counts:
        pytest.skip("plans in one piece")
    planner, instance = find_planner(name, params), WALK.instance(2)
    for budget, index in (
        (Budget(simulations=7), SIMULATIONS),
        (Budget(evaluations=5), EVALUATIONS),
        (Budget(units=3), SIMULATIONS),
    ):
        planner.begin(instance, stream("test"))
        decision = planner.decide(instance.start, 10, budget)
        wanted = budget.simulations or budget.evaluations or budget.units
        assert decision.cost[index] == wanted or (name == "flare-wb" and 0 < decision.cost[index] <= wanted)
    planner.begin(instance, stream("test"))
    timed = planner.decide(instance.start, 10, Budget(seconds=0.01))
    planner.begin(instance, stream("test"))
    again = planner.decide(instance.start, 10, Budget(units=timed.units))
    assert timed.units >= 1 and again.action == timed.action and again.cost.tolist() == timed.cost.tolist()
