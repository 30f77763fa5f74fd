"""The Monte-Carlo critic: closed forms, the published board, twins, streams; and the flat player on top of it."""

import numpy as np
import pytest

from games.dispatch import plain
from games.errors import UsageError
from games.process import apply, draw, fresh, legal, lost, terminal
from games.python_model import PythonModel
from games.random import below, stream
from games.sokoban.levels import parse_levels
from games.worlds import load_world
from planners.budget import EVALUATIONS, SIMULATIONS, TRANSITIONS, Budget, new_cost
from planners.catalogue import find_planner
from planners.critic.monte_carlo import (
    NO_ACTION,
    Critic,
    PolicyCritic,
    action_values,
    critic_report,
    fill_returns,
    make_critic,
    prospect,
    set_stream,
    state_value,
)
from planners.episode import play
from planners.evaluator import value
from planners.planner import Decision
from workbench.figures.critic import measure

BOARD = "2 16 4 16/2 128 64 4/8 16 8 2/4 4 2 4"  # proact.md, section 7.2


class Steps:
    """Five steps to the goal; action 1 earns 1, action 2 falls off, where nothing can be done."""

    width, actions, outcomes = 1, 3, 0

    def legal(self, state, actions):
        actions[:3] = 0, 1, 2
        return 0 if state[0] >= 5 or state[0] < 0 else 3

    def apply(self, state, action):
        state[0] = -1 if action == 2 else state[0] + 1
        return float(action == 1)

    def goal(self, state):
        return state[0] == 5


STEPS, START = Steps(), np.zeros(1, np.int64)


@pytest.fixture(scope="module")
def proact():
    world = load_world("2048-proact")
    return world, world.model, world.read(BOARD)


@pytest.mark.parametrize("steps", [1, 3, 100])
def test_values_of_a_chain_are_its_closed_form(steps):
    gamma, m = 0.9, 2_000
    critic = Critic(m, steps, gamma)
    v = state_value(critic, STEPS, START, 1)
    alive = [(2 / 3) ** k for k in range(min(steps, 5))]  # at step k
    exact = sum(gamma**k * p / 3 for k, p in enumerate(alive))
    assert abs(v.values[0] - exact) < 5 * v.errors[0]
    lost = 1 - (2 / 3) ** min(steps, 5)
    assert abs(v.losses[0] - lost) < 5 * (lost * (1 - lost) / m) ** 0.5
    q = action_values(critic, STEPS, START, 1)
    later = sum(gamma**k * p / 3 for k, p in enumerate(alive[:4])) if steps >= 4 else exact  # T steps after the first
    assert abs(q.values[0] - gamma * later) < 5 * q.errors[0]
    assert abs(q.values[1] - 1 - gamma * later) < 5 * q.errors[1]
    assert q.values[2] == 0.0 and q.losses[2] == 1.0
    assert abs(q.spreads[0] / m**0.5 - q.errors[0]) < 1e-12


def test_published_board(proact):
    """Section 7.2: each value within 4 combined standard errors, in the order left, down, right, up."""
    _, model, state = proact
    for gamma, steps, published, error in ((0.9, 20, (7.4, 39.2, 75.5, 14.0), 0.3), (1.0, 1000, (15.9, 181, 359, 26.0), 3.0)):
        q = action_values(Critic(20_000, steps, gamma), model, state, 7, threads=2)
        assert (abs(q.values - published) < 4 * np.hypot(q.errors, error)).all()
        assert [int(a) for a in np.argsort(-q.values)] == [2, 1, 3, 0]


def slow_q(model, state, first, critic, rng, after_first):
    """The pseudo-code of section 3.2, one rollout."""
    x, factor, total, actions = state.copy(), 1.0, 0.0, np.empty(model.actions, np.int64)
    fresh(model, x)
    if first != NO_ACTION:
        total = apply(model, x, first)
        draw(model, x, rng)
        factor = critic.discount
    for _ in range(critic.steps - (0 if after_first or first == NO_ACTION else 1)):
        if terminal(model, x):
            break
        n = legal(model, x, actions)
        total += factor * apply(model, x, actions[below(rng, n)])
        draw(model, x, rng)
        factor *= critic.discount
    return total


def test_rollouts_follow_the_pseudo_code(proact):
    _, model, state = proact
    critic, seed = Critic(6, 15, 0.9), 5
    state = state.copy()
    state[1] = 9  # turns without a change: a rollout counts anew
    q, v = action_values(critic, model, state, seed), state_value(critic, model, state, seed)
    rng = np.empty(4, np.uint64)
    with np.errstate(over="ignore"):
        for k in range(4 * critic.rollouts):
            set_stream(rng, stream("critic", seed)[0], k)
            assert q.returns.flat[k] == pytest.approx(slow_q(model, state, k // 6, critic, rng, True), abs=1e-9)
        for k in range(critic.rollouts):
            set_stream(rng, stream("critic", seed)[0], k)
            assert v.returns.flat[k] == pytest.approx(slow_q(model, state, NO_ACTION, critic, rng, True), abs=1e-9)


def test_an_illegal_first_move_costs_one(proact):
    world, model, _ = proact
    state = world.read("2 . . ./. . . ./. . . ./. . . .")
    q = action_values(Critic(50, 0, 0.9), model, state, 1)
    assert q.values.tolist() == [-1.0, 0.0, -1.0, 0.0]
    assert action_values(Critic(50, 0, 0.9), model, state, 1, actions=[4]).values.tolist() == [-10.0]  # a format error


def test_every_number_of_threads_gives_the_same_bits(proact):
    _, model, state = proact
    critic = Critic(101, 60, 0.9)
    once = action_values(critic, model, state, 3)
    for threads in (2, 5):
        again = action_values(critic, model, state, 3, threads=threads)
        assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
    assert not np.array_equal(once.returns, action_values(critic, model, state, 4).returns)


def test_plain_and_compiled_agree(proact):
    _, model, state = proact
    firsts, critic, out = np.array([1, 2]), Critic(20, 9, 0.9), []
    for kernel in (fill_returns, plain(fill_returns)):
        returns, lengths, losses = np.empty(40), np.empty(40, np.int64), np.empty(40, np.bool_)
        kernel(critic, model, state, firsts, np.uint64(77), 0, 40, returns, lengths, losses)
        out.append((returns, lengths, losses))
    assert all(np.array_equal(a, b) for a, b in zip(*out, strict=True))


class Text:
    """The chain in Python: texts of pluses, a minus where it fell off."""

    def legal(self, state):
        return [] if len(state) >= 5 or "-" in state else ["stay", "earn", "fall"]

    def step(self, state, action):
        return state + ("-" if action == "fall" else "+"), float(action == "earn")

    def goal(self, state):
        return state == "+++++"


def test_python_models_and_rollouts_of_any_policy():
    model = PythonModel(Text(), actions=3)
    start = model.state("")
    q = action_values(Critic(30, 9, 0.9), model, start, 1)
    assert np.array_equal(q.returns, action_values(Critic(30, 9, 0.9), STEPS, START, 1).returns)
    always = PolicyCritic(lambda model, state, rng: 1, rollouts=2, steps=3, discount=0.5)
    for where, begin in ((STEPS, START), (model, start)):
        assert state_value(always, where, begin, 1).values.tolist() == [1.75]
        assert action_values(always, where, begin, 1).values.tolist() == [0.875, 1.875, 0.0]
        cost = new_cost()
        assert value(always, where, begin, stream(1), cost) == 1.75
        assert cost[TRANSITIONS] == 6


def test_leaf_values_and_losses():
    cost = new_cost()
    critic = Critic(4000, 100, 1.0)
    total, losses = plain(prospect)(critic, STEPS, START, 2, stream(1), cost)
    assert abs(total - sum((2 / 3) ** k / 3 for k in range(5))) < 0.07  # five standard errors, at most
    assert abs(losses - 5 / 9) < 0.04  # fallen in one of two steps
    assert 4000 < cost[TRANSITIONS] < 20_000


def test_rollouts_over_legal_moves_only(proact):
    _, model, state = proact
    found = {policy: state_value(make_critic(model, 500, 30, 1.0, policy), model, state, 1) for policy in ("all", "legal")}
    assert (found["legal"].returns % 2 == 0.0).all() and (found["all"].returns % 2 > 0.0).any()  # merged tiles, no -1
    assert found["legal"].values[0] > found["all"].values[0]


def test_greatest_return_and_report(proact):
    world, model, state = proact
    critic = make_critic(model, 50)
    assert (critic.steps, critic.discount) == (60, 0.9)
    mean = action_values(critic, model, state, 1)
    greatest = action_values(critic, model, state, 1, aggregate="max")
    assert np.array_equal(greatest.values, mean.returns.max(axis=1)) and np.array_equal(greatest.errors, mean.errors)
    report = critic_report(world, world.instance(0), state, critic, seed=1, threads=2)
    assert [row["action"] for row in report["q"]] == ["up", "down", "left", "right"] and report["best"] == "left"
    assert [row["value"] for row in report["q"]] == mean.values.tolist()
    assert report["rollouts"] == 250 and report["v"]["value"] == state_value(critic, model, state, 1).values[0]
    assert report["steps"] == mean.steps + state_value(critic, model, state, 1).steps


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rollouts": 0}, "0 rollouts"), ({"rollouts": 1, "steps": -1}, "-1 steps"), ({"rollouts": 1, "discount": 1.5}, "1.5"),
        ({"rollouts": 1, "policy": "legl"}, "'legl' is not known; legal: all, legal, pushes"),
    ],
)  # fmt: skip
def test_errors(given, message):
    with pytest.raises(UsageError, match=message):
        make_critic(STEPS, **given)


# --- the flat player -----------------------------------------------------------------------------------------------------------


def decide(name, world, state, budget, seed=0, **params) -> Decision:
    planner = find_planner(name, params)
    planner.begin(world.instance(0), stream("planner", seed))
    return planner.decide(state, None, budget)


def test_flat_player(proact):
    world, _, state = proact
    best = decide("flat-critic", world, state, Budget(), rollouts=400)
    assert best.action == 2 and [v.visits for v in best.values] == [400] * 4
    assert best.units == best.cost[SIMULATIONS] == best.cost[EVALUATIONS] == 1600
    assert abs(best.values[2].value - 81.0) < 4 * best.values[2].spread / 20  # section 7.2
    again = decide("flat-critic", world, state, Budget(units=1600))
    assert again.values == best.values
    assert decide("flat-critic", world, state, Budget(), seed=1, rollouts=400).values != best.values


def test_flat_player_keeps_to_budgets_and_to_moves_with_an_effect(proact):
    world, _, state = proact
    for budget in (Budget(simulations=6), Budget(evaluations=6), Budget(units=6)):
        decision = decide("flat-critic", world, state, budget)
        assert [v.visits for v in decision.values] == [2, 2, 1, 1] and decision.units == 6
    one = decide("flat-critic", world, state, Budget(simulations=1))
    assert one.action == 0 and one.units == 1 and sum(v.visits for v in one.values) == 1
    timed = decide("flat-critic", world, state, Budget(seconds=0.002))
    assert decide("flat-critic", world, state, Budget(units=timed.units)).values == timed.values
    corner = world.read("2 . . ./. . . ./. . . ./. . . .")
    assert [v.action for v in decide("flat-critic", world, corner, Budget(units=4)).values] == [1, 3]


def test_the_flat_critic_plays_far_better_than_its_rollouts():
    world = load_world("2048-proact")
    scores = []
    for seed in range(2):
        episode = play(world.instance(seed), find_planner("flat-critic", {"rollouts": 5, "horizon": 20}), Budget(), seed=seed)
        scores.append(world.outcome(episode.instance, episode.states, episode.actions, episode.rewards)["score"])
    assert np.mean(scores) > 4000  # random play has 1,090; section 7.3 has 15,456


@pytest.mark.parametrize("policy", ["all", "legal"])
def test_bias_and_variance(policy):
    rows = measure(STEPS, [START], lengths=(1, 9), counts=(1, 10, 50), reference=300, gammas=(0.9,), policy=policy)
    assert [(row.length, row.rollouts) for row in rows] == [(t, m) for t in (1, 9) for m in (1, 10, 50)]
    assert all(row.error == pytest.approx(row.deviation / row.rollouts**0.5) for row in rows)
    assert rows[0].bias > rows[3].bias and rows[3].bias < 0.1  # five steps are all there are
    assert rows[-1].agreement > rows[3].agreement and rows[-1].agreement > 0.9


# --- Sokoban -------------------------------------------------------------------------------------------------------------------

STUCK_BOX = """
#######
#$    #
#  @  #
#    .#
#######
"""  # the box is in a corner: nothing that anyone does changes what a step earns
NEAR = """
#####
#@$.#
#####
"""


def sokoban(rows):
    world = load_world("sokoban-proact")
    return world, world.instance_of(parse_levels(rows.strip("\n"))[0], "test", 0)


@pytest.fixture(scope="module")
def stuck():
    return sokoban(STUCK_BOX)


@pytest.mark.parametrize(("steps", "exact"), [(20, -1.283), (50, -1.846), (200, -2.000)])
def test_values_without_a_signal(stuck, steps, exact):
    """Section 3.2: -0.1 (1 - gamma^T) / (1 - gamma) at gamma 0.95, for V and, T counting the first action, for every Q."""
    _, instance = stuck
    critic = make_critic(instance.model, 3, steps)
    assert state_value(critic, instance.model, instance.start, 1).values[0] == pytest.approx(exact, abs=5e-4)
    assert action_values(critic, instance.model, instance.start, 1).values == pytest.approx([exact] * 8, abs=5e-4)
    assert lost(instance.model, 0.95, steps) == pytest.approx(exact, abs=5e-4)


def test_an_impossible_first_action_of_sokoban(stuck):
    """Section 7.7: -0.1, and -0.2 where the error of the reference implementation is repeated."""
    _, instance = stuck
    for repeat, exact in ((False, -0.1), (True, -0.2)):
        critic = make_critic(instance.model, 5, 1, repeat_first=repeat)
        values = action_values(
            critic, instance.model, instance.start, 1
        ).values  # the player stands free: all pushes are impossible
        assert values == pytest.approx([-0.1] * 4 + [exact] * 4)


def test_the_last_push_ends_a_rollout():
    world, instance = sokoban(NEAR)
    report = critic_report(world, instance, instance.start, make_critic(instance.model, 400))
    q = {row["action"]: row for row in report["q"]}
    assert (report["T"], report["gamma"], report["best"]) == (200, 0.95, "push right")
    assert q["push right"]["value"] == pytest.approx(10.9) and q["push right"]["lost"] == 0.0
    assert [row["action"] for row in report["q"] if row["legal"]] == ["push right"]
    # Of 8 actions one solves and the others change nothing: V = (10.9 - 0.7 + 7 * 0.95 V) / 8.
    assert abs(report["v"]["value"] - 10.2 / (8 - 7 * 0.95)) < 5 * report["v"]["standard_error"]
    pushed = state_value(make_critic(instance.model, 4, policy="pushes"), instance.model, instance.start, 1)
    assert pushed.values[0] == pytest.approx(10.9) and pushed.steps == 4


def test_pushes_are_for_sokoban(proact):
    with pytest.raises(UsageError, match="for Sokoban"):
        make_critic(proact[1], 1, policy="pushes")
