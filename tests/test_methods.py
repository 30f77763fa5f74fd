"""Methods of learning against their formulas: slopes, advantages, rules of groups; each in worlds written in Python."""

import numpy as np
import pytest

from planners.learning.catalogue import METHODS, find_method
from planners.learning.method import clipped
from planners.learning.trainer import Trainer
from planners.policies.catalogue import POLICY, VALUE, make_learned
from planners.search.best_first import BestFirst
from workbench.testing.toys import Rooms, pig, rooms

# A new method needs one line here: what it samples, and cheap parameters for the worlds of these tests.
SAMPLES = {
    "reinforce": ("episodes", {}), "ppo": ("turns", {}), "grpo": ("episodes", {}), "step-ppo": ("turns", {}),
    "traj-grpo": ("episodes", {}), "step-grpo": ("groups", {}), "mc-ppo": ("turns", {"w": 0.5}), "mc-grpo": ("groups", {}),
    "distill": ("groups", {"planner": "lookahead", "fit_value": True}),
}  # fmt: skip
GROUPED = ("grpo", "traj-grpo", "step-grpo", "mc-grpo")
CHEAP = {"rollouts": 2, "horizon": 4, "environments": 4, "turns": 6, "starts": 2, "group": 3}


def trainer(name, world=pig, seed=0, **params):
    """Return a trainer with tables in the toy `world`."""
    found = find_method(name, {**CHEAP, **SAMPLES.get(name, ("", {}))[1], **params})
    policy = make_learned(POLICY, "tabular", world(), {"capacity": 256})
    value = make_learned(VALUE, "tabular", world(), {"capacity": 256}) if "value" in found.method.needs else None
    return Trainer(found.method, policy, value, lambda k: world(), found.options, seed)


def collected(learner):
    """Return a batch of the learner's, its advantages and its mask."""
    method = learner.method
    batch = learner.collect()
    if method.rewards is not None:
        batch.rewards = method.rewards(batch, method.params)
    advantage = method.advantage(batch, method.params)
    mask = np.ones(len(batch.at), bool) if method.mask is None else method.mask(batch, method.params)
    return batch, advantage, mask


def test_every_method_is_in_the_list():
    """A new method needs one line in SAMPLES above."""
    tables = {name for name, module in METHODS.items() if module.rpartition(".")[2] not in ("td", "tc")}
    assert set(SAMPLES) == tables


@pytest.mark.parametrize("name", SAMPLES)
class TestEveryMethod:
    def test_samples_what_it_says(self, name):
        assert find_method(name).method.sampling == SAMPLES[name][0]

    @pytest.mark.parametrize("normaliser", ["token", "episode", "constant"])
    def test_its_slopes_are_minus_the_finite_differences_of_its_loss(self, name, normaliser):
        """After the policy has moved away from the one that played, at random logits; in the policy's own parameters."""
        learner = trainer(name, normaliser=normaliser, constant=3.0, clip=0.2)
        learner.advance()
        batch, advantage, mask = collected(learner)
        weight = learner.weights(batch, mask)
        table, rng = learner._policy, np.random.default_rng(5)
        count = int(table.filled[0])
        assert count > 0
        table.numbers[:count] += rng.normal(size=count) * 0.15

        def loss():
            return learner.ascent(batch, advantage, weight, batch.ask.log_chances(table))[0]

        slopes = learner.ascent(batch, advantage, weight, batch.ask.log_chances(table))[1]
        before = table.numbers.copy()
        batch.ask.push(table, slopes, 1.0)
        gradient = (table.numbers - before)[:count]
        table.numbers[:] = before
        found = np.empty(count)
        for k in range(count):
            sides = []
            for step in (1e-6, -1e-6):
                table.numbers[k] = before[k] + step
                sides.append(loss())
            table.numbers[k] = before[k]
            found[k] = (sides[0] - sides[1]) / 2e-6
        np.testing.assert_allclose(gradient, -found, atol=1e-6)
        if name != "distill":
            assert np.abs(gradient).max() > 1e-4 or not advantage.any()

    def test_constant_rewards_give_no_gradient(self, name):
        """Where a value is learned it is the true one, here of a reward of 0; elsewhere any constant will do."""
        if name == "distill":
            pytest.skip("learns from no reward")
        learner = trainer(name)
        batch, _, _ = collected(learner)
        constant = 0.0 if "value" in learner.method.needs else 0.7
        batch.rewards = np.full(len(batch.at), constant)
        if learner.method.sampling == "episodes":  # of one length
            first = batch.place < batch.lengths.min()
            batch.rewards = np.where(first, constant, 0.0)
        batch.ask = Answers(batch, q=np.where(np.isfinite(batch.old), constant, np.nan), v=np.zeros(len(batch.states)))
        np.testing.assert_allclose(learner.method.advantage(batch, learner.method.params), 0.0, atol=1e-12)

    def test_a_state_restored_goes_on_to_the_same_bits(self, name):
        once, again = trainer(name, seed=3), trainer(name, seed=3)
        for _ in range(3):
            once.advance()
        kept = {key: array.copy() for key, array in once.state().items()}
        once.advance()
        again.restore(3, kept)
        again.advance()
        assert_same(once.state(), again.state())
        assert once.figures() == again.figures() and once.environment_steps == again.environment_steps > 0
        other = trainer(name, seed=4)
        other.advance()
        assert other.state()["rngs"].tobytes() != kept["rngs"].tobytes()

    def test_it_says_of_every_update_what_there_is_to_know(self, name):
        learner = trainer(name)
        learner.advance()
        figures = learner.figures()
        wanted = {"score", "entropy", "kl", "clip_fraction", "ratio_low", "ratio_median", "ratio_high", "gradient_norm", "loss"}
        assert wanted | {"advantage_variance"} <= set(figures)
        assert figures["kl"] >= 0.0 and 0.0 <= figures["entropy"] <= np.log(2) and 0.0 <= figures["clip_fraction"] <= 1.0
        asks = SAMPLES[name][0] == "groups" or name == "mc-ppo"  # groups try several actions in a state, each by the model
        assert (learner.expansions > 0) == asks and learner.environment_steps > 0


class Answers:
    """What a batch may ask, known beforehand."""

    def __init__(self, batch, q=None, v=None, learned=None, useful=None, edge=0.0):
        self.batch, self.q, self.v, self.known, self.effect, self.edge = batch, q, v, learned, useful, edge

    def critic_actions(self):
        return self.q

    def useful(self):
        return self.effect

    def critic(self, turns=None, *, after=False):
        return self.v if turns is None else np.full(len(turns), self.edge)

    def learned(self, turns=None, *, after=False):
        known = self.v if self.known is None else self.known
        return known if turns is None else np.full(len(turns), self.edge)


def assert_same(left, right):
    """Check that two states of learners are the same bytes."""
    assert left.keys() == right.keys()
    for name in left:
        assert left[name].dtype == right[name].dtype and left[name].tobytes() == right[name].tobytes(), name


@pytest.mark.parametrize("name", GROUPED)
def test_permuting_a_group_permutes_its_advantages(name):
    learner = trainer(name, seed=2)
    learner.advance()
    batch, advantage, _ = collected(learner)
    rng = np.random.default_rng(0)
    q = np.where(np.isfinite(batch.old), rng.normal(size=batch.old.shape), np.nan)
    batch.ask = Answers(batch, q=q)
    advantage = learner.method.advantage(batch, learner.method.params)
    order = rng.permutation(len(batch.at))
    for field in ("at", "chosen", "rewards", "group", "weight"):
        setattr(batch, field, getattr(batch, field)[order])
    assert np.abs(advantage).max() > 0.0
    np.testing.assert_allclose(learner.method.advantage(batch, learner.method.params), advantage[order], atol=1e-12)


def rows(batch, at, chosen, **others):
    """Give a batch these rows."""
    batch.at, batch.chosen = np.array(at), np.array(chosen)
    batch.group, batch.weight, batch.rewards = batch.at, np.ones(len(at)), np.zeros(len(at))
    for name, value in others.items():
        setattr(batch, name, value)
    return batch


def test_mc_grpo_compares_within_a_mixed_group_and_with_all_actions_where_all_chose_alike():
    learner = trainer("mc-grpo")
    batch, _, _ = collected(learner)
    turns = np.flatnonzero(batch.counts == 2)[:3]
    q = np.full(batch.old.shape, np.nan)
    q[turns[0], :2], q[turns[1], :2], q[turns[2], :2] = (1.0, 4.0), (2.0, 6.0), (3.0, 3.0)
    at = np.repeat(turns, 3)
    rows(batch, at, [0, 1, 1, 1, 1, 1, 0, 1, 0], ask=Answers(batch, q=q))
    found = learner.method.advantage(batch, learner.method.params)
    mixed = np.array([1.0, 4.0, 4.0])
    np.testing.assert_allclose(found[:3], (mixed - 3.0) / (np.std(mixed, ddof=1) + learner.options["epsilon"]))
    np.testing.assert_allclose(found[3:6], (6.0 - 4.0) / np.std([2.0, 6.0], ddof=1))  # no epsilon
    assert (found[6:] == 0.0).all()  # no spread


def test_two_impossible_actions_are_one_to_mc_grpo_if_merged():
    learner = trainer("mc-grpo", listed=True)
    batch, _, _ = collected(learner)
    turn = int(np.flatnonzero(batch.counts == 2)[0])
    batch.old = np.full((len(batch.old), 4), -np.inf)
    batch.old[turn] = np.log(0.25)
    q = np.full((len(batch.old), 4), np.nan)
    q[turn] = 5.0, -1.0, -1.5, 2.0
    useful = np.zeros(q.shape, bool)
    useful[turn] = True, False, False, True
    rows(batch, [turn, turn], [1, 2], ask=Answers(batch, q=q, useful=useful))
    all_of_them = np.array([5.0, -1.0, -1.0, 2.0])
    merged = learner.method.advantage(batch, {"merge": True})
    np.testing.assert_allclose(merged, (-1.0 - all_of_them.mean()) / all_of_them.std(ddof=1))
    apart = learner.method.advantage(batch, {"merge": False})
    np.testing.assert_allclose(apart, [0.25 / (0.5 / 2**0.5 + 1e-5), -0.25 / (0.5 / 2**0.5 + 1e-5)])


def test_the_trainer_itself_knows_which_actions_have_an_effect():
    learner = trainer("mc-grpo", rooms, listed=True)
    batch, _, _ = collected(learner)
    assert (batch.ask.useful() == np.isfinite(batch.old)).all()  # all doors lead somewhere


def test_step_grpo_leaves_out_groups_that_chose_alike():
    learner = trainer("step-grpo")
    batch, _, _ = collected(learner)
    turns = np.flatnonzero(batch.counts == 2)[:2]
    rows(batch, np.repeat(turns, 3), [0, 0, 0, 1, 0, 1], rewards=np.array([1.0, 1.0, 1.0, 0.0, 2.0, 1.0]))
    mask = learner.method.mask(batch, learner.method.params)
    assert mask.tolist() == [False] * 3 + [True] * 3
    found = learner.method.advantage(batch, learner.method.params)
    assert (found[:3] == 0.0).all()
    np.testing.assert_allclose(found[3:], [-1.0, 1.0, 0.0], rtol=1e-4)  # gn is -1, 1, 0, of mean 0 and deviation 1
    weights = learner.weights(batch, mask)
    assert (weights[:3] == 0.0).all() and (weights[3:] > 0.0).all()


def test_mc_ppo_with_the_critic_alone_and_no_lambda_is_one_step_of_the_critic():
    """A before bn is r + gamma (1 - d) V' - V, the value of the next turn being asked once."""
    learner = trainer("mc-ppo", w=1.0)
    batch, _, _ = collected(learner)
    v = np.arange(len(batch.states)) * 0.3
    batch.ask = Answers(batch, v=v, edge=7.0)
    found = learner.method.advantage(batch, learner.method.params)
    after = np.array([
        0.0 if batch.over[t] else 7.0 if batch.cut[t] else v[t + 1] for t in range(len(v))
    ])  # fmt: skip
    raw = batch.rewards + learner.method.params["discount"] * after - v
    np.testing.assert_allclose(batch.memory["targets"] - v, raw, atol=1e-12)
    np.testing.assert_allclose(found, (raw - raw.mean()) / (raw.std(ddof=1) + learner.options["epsilon"]), atol=1e-12)


def test_mc_ppo_mixes_by_its_weight_and_without_the_critic_it_is_step_ppo():
    learner = trainer("mc-ppo", w=0.0)
    batch, _, _ = collected(learner)
    v, phi = np.arange(len(batch.states)) * 0.3, np.sin(np.arange(len(batch.states)))
    batch.ask = Answers(batch, v=v, learned=phi, edge=7.0)
    params = {"w": 0.0, "discount": 0.9, "lambda": 0.7}
    other = find_method("step-ppo").method
    found, targets = learner.method.advantage(batch, params), batch.memory["targets"].copy()
    np.testing.assert_array_equal(found, other.advantage(batch, params))
    np.testing.assert_array_equal(targets, batch.memory["targets"])
    learner.method.advantage(batch, {**params, "w": 0.25, "lambda": 0.0})
    after = np.array(
        [0.0 if batch.over[t] else 7.0 if batch.cut[t] else 0.75 * phi[t + 1] + 0.25 * v[t + 1] for t in range(len(v))]
    )
    np.testing.assert_allclose(batch.memory["targets"], batch.rewards + 0.9 * after, atol=1e-12)


def test_episodes_have_one_advantage_each_and_groups_begin_alike():
    learner = trainer("traj-grpo", seed=1, starts=3, group=4)
    batch, advantage, _ = collected(learner)
    returns, groups = batch.returns(), np.arange(12) // 4
    expected = np.empty(12)
    for g in range(3):
        mine = returns[groups == g]
        expected[groups == g] = (mine - mine.mean()) / (mine.std(ddof=1) + 1e-5) if mine.std() > 0.0 else 0.0
    turns = expected[batch.sequence]
    np.testing.assert_allclose(advantage, (turns - turns.mean()) / (turns.std(ddof=1) + 1e-5), atol=1e-9)
    assert len(np.unique(batch.states[batch.place == 0])) == 1


@pytest.mark.parametrize("name", ["mc-grpo", "step-ppo", "traj-grpo"])
def test_the_kernel_that_learns_turn_by_turn_ascends_the_loss_of_one_turn_after_the_other(name):
    learner = trainer(name, seed=3, clip=0.1)
    learner.advance()
    batch, advantage, mask = collected(learner)
    weight, table = learner.weights(batch, mask), learner._policy
    before = table.numbers.copy()
    for _ in range(3):
        batch.ask.improve(table, batch.old, batch.at, batch.chosen, advantage, weight, 0.1, 0.5, InOrder())
    found = table.numbers.copy()
    table.numbers[:] = before
    for _ in range(3):
        for n in range(len(batch.states)):
            here = np.where(batch.at == n, weight, 0.0)
            batch.ask.push(table, learner.ascent(batch, advantage, here, batch.ask.log_chances(table))[1], 0.5)
    assert np.abs(found - before).max() > 0.1
    np.testing.assert_allclose(found, table.numbers, rtol=1e-9, atol=1e-12)


class InOrder:
    def permutation(self, count):
        return np.arange(count)


def test_the_clipped_surrogate_is_ppos():
    ratio, advantage = np.array([0.5, 0.9, 1.6, 0.5, 1.6]), np.array([1.0, 1.0, 1.0, -1.0, -1.0])
    loss, slope = clipped(ratio, advantage, 0.4)
    np.testing.assert_allclose(loss, [-0.5, -0.9, -1.4, 0.6, 1.6])
    np.testing.assert_allclose(slope, [-1.0, -1.0, 0.0, 0.0, 1.0])


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "distill"])
def test_every_method_learns_to_play_better_than_chance(name):
    """Pig, of which only banking is worth anything: 1.7 by chance, 4 at best."""
    undiscounted = {"discount": 1.0} if "discount" in find_method(name).method.params else {}
    sizes = {
        "rollouts": 8,
        "horizon": 8,
        "group": 8,
        "environments": 8,
        "turns": 8,
        "critic_discount": 1.0,
        "normaliser": "constant",
    }
    learner = trainer(name, seed=1, rate=0.3, **sizes, **undiscounted)
    for _ in range(20):
        learner.advance()
    assert learner.figures()["score"] > 2.8


def test_a_learned_rollout_policy_is_the_policy_of_the_moment():
    """Where the policy always banks, the critic's values are those of banking as often as there are turns."""
    learner = trainer("mc-grpo", rollout_policy="learned", critic_discount=1.0, horizon=8)
    batch, _, _ = collected(learner)
    for n in range(len(batch.states)):
        if batch.counts[n] == 2:
            slopes = np.zeros((len(batch.states), 2))
            slopes[n] = 50.0, -50.0
            batch.ask.push(learner._policy, slopes, 1.0)
    values = batch.ask.critic()
    model = pig().model
    for n in range(len(batch.states)):
        _, turns = model.value(batch.states[n])
        if turns < 4:
            assert values[n] in (0.0, 2.0, 4.0, 6.0)


def test_distillation_imitates_the_planner():
    learner = trainer("distill", rooms, planner="oracle", rate=2.0, fit_value=False, environments=4, turns=8)
    for _ in range(10):
        learner.advance()
    assert learner.figures()["score"] > 0.9


def test_a_teacher_that_plans_to_the_end_is_asked_once_a_way_and_never_of_what_is_lost():
    """From room 0 the way is 1, 4, 9; after 3, 7 or 8 and in 6 nothing can be done, and the next turn is in another episode."""
    learner = trainer("distill", rooms, planner="astar", fit_value=False, environments=8, turns=12, seed=4)
    model, asked = rooms().model, []
    decide = BestFirst.decide
    BestFirst.decide = lambda self, state, *rest: asked.append(model.value(state)) or decide(self, state, *rest)
    try:
        batch, _, _ = collected(learner)
        chances, values = batch.ask.planner("astar", 0)
    finally:
        BestFirst.decide = decide
    rooms_met = np.array([model.value(state) for state in batch.states])
    lost = np.isin(rooms_met, [6, 7, 8])
    assert lost.any() and (batch.hopeless == lost).all() and (chances.any(axis=1) == ~lost).all()
    for n in np.flatnonzero(~lost):
        left = int(model.distance(batch.states[n]))
        after = model.action(int(batch.offered[n, chances[n].argmax()]))
        assert chances[n].max() == 1.0 and Rooms.left[after] == left - 1
        if left > 1:
            assert values[n] == pytest.approx(1.0 - 0.01 * left)
    assert len(asked) < 2 * len(rooms_met) / 3
    first = [n for n in np.flatnonzero(lost) if n == 0 or not lost[n - 1] or (batch.afters[n - 1] != batch.states[n]).any()]
    assert sum(room in (7, 8) for room in asked) == 2 * len(first) < 2 * np.count_nonzero(lost)
    learner.advance()
    assert all(model.value(state) not in (6, 7, 8) for state in learner.seats.states)  # given up
