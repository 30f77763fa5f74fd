"""Learned values in planners: as evaluators, and where expectimax ends; what fits a world and what is refused."""

import numpy as np
import pytest

from games.dispatch import plain
from games.errors import GameplanError, UsageError
from games.process import apply, chance, legal
from games.random import stream
from games.worlds import load_world
from planners.budget import Budget, new_cost
from planners.catalogue import find_planner
from planners.evaluator import evaluate, new_trajectory, value
from planners.parts.evaluators import make_evaluator
from planners.policies import ntuple
from planners.policies.catalogue import VALUE, Learned
from planners.policies.files import encode_learned
from planners.policies.policy import worth, worth_after
from workbench.planning.learned import params_of

PARAMS = {**ntuple.PARAMS, **ntuple.VALUE_PARAMS, "tuples": "0145-012"}
BOARD = "2 4 8/4 2 16/. 4 2"


def saved(path, world, **given):
    params = {**PARAMS, **given}
    network = ntuple.make(world.instance(0), **params)
    network.weights[:, 0] = 10.0 * np.random.default_rng(0).normal(size=len(network.weights))
    path.write_bytes(encode_learned(Learned(VALUE, "ntuple", params, network), world.instance(0)))
    return network


@pytest.fixture
def world():
    return load_world("2048-3x3")


def moves(model, state):
    """(action, reward, afterstate) of every legal action."""
    actions = np.zeros(4, np.int64)
    for action in actions[: legal(model, state, actions)]:
        after = state.copy()
        yield int(action), apply(model, after, action), after


def mean_after(model, after, of):
    states, chances = np.zeros((model.outcomes, 1), np.int64), np.zeros(model.outcomes)
    return sum(chances[k] * of(states[k]) for k in range(chance(model, after, states, chances)))


@pytest.mark.slow
@pytest.mark.parametrize("depth", [1, 2])
def test_expectimax_ends_with_the_learned_value(world, tmp_path, depth):
    path = tmp_path / "value.safetensors"
    network, model, state = saved(path, world), world.model, world.read(BOARD)
    after_value = plain(lambda after: worth_after(network, model, after))
    best = plain(lambda state: worth(network, model, state))
    planner = find_planner("expectimax", {"depth": depth, "value": str(path)})
    planner.begin(world.instance(0), stream("planner"))
    found = {known.action: known.value for known in planner.decide(state, None, Budget()).values}
    for action, reward, after in moves(model, state):
        expected = after_value(after) if depth == 1 else mean_after(model, after, best)
        assert found[action] == pytest.approx(reward + expected, rel=1e-5)


def test_a_trajectory_is_valued_by_what_it_gained_and_leads_to(world, tmp_path):
    path = tmp_path / "value.safetensors"
    network, model, state = saved(path, world), world.model, world.read(BOARD)
    evaluator = make_evaluator(world.instance(0), f"value:{path}")
    seen, expected = [], []
    for _, reward, after in moves(model, state):
        trajectory = new_trajectory(1, 1)
        trajectory.states[:], trajectory.afters[0], trajectory.rewards[0] = state, after, reward
        seen.append(plain(lambda: evaluate(evaluator, model, trajectory, 1, stream("r"), new_cost()))())  # noqa: B023
        expected.append(reward + plain(lambda: worth_after(network, model, after))())  # noqa: B023
    assert all(0.0 < x < 1.0 for x in seen)
    assert np.argsort(seen).tolist() == np.argsort(expected).tolist()
    here = plain(lambda: value(evaluator, model, state, stream("r"), new_cost()))()
    assert here == pytest.approx(max(expected))
    assert max(seen) == pytest.approx(0.5)  # as good as the root says


def test_values_of_states_are_averaged_over_chance(world):
    network = ntuple.make(world.instance(0), **{**PARAMS, "afterstates": False})
    network.weights[:, 0] = np.random.default_rng(0).normal(size=len(network.weights))
    model, state = world.model, world.read(BOARD)
    for _, _, after in moves(model, state):
        found = plain(lambda: worth_after(network, model, after))()  # noqa: B023
        assert found == pytest.approx(mean_after(model, after, plain(lambda s: worth(network, model, s))))


def test_what_does_not_fit_is_refused_in_a_line(world, tmp_path):
    path = tmp_path / "value.safetensors"
    saved(path, world)
    with pytest.raises(UsageError, match=r"was trained in 2048-3x3 .rows = 3. and does not fit 2048"):
        make_evaluator(load_world("2048").instance(0), f"value:{path}")
    with pytest.raises(UsageError, match="needs a file: value:RUN"):
        make_evaluator(world.instance(0), "value")
    with pytest.raises(UsageError, match="there is no value"):
        make_evaluator(world.instance(0), f"value:{tmp_path / 'other'}")
    content = bytearray(path.read_bytes())
    content[-3] ^= 255
    path.write_bytes(content)
    with pytest.raises(GameplanError, match="damaged"):
        make_evaluator(world.instance(0), f"value:{path}")


def test_planners_are_told_in_their_own_parameters(world, tmp_path):
    path = tmp_path / "value.safetensors"
    saved(path, world)
    assert params_of("expectimax", VALUE, str(path)) == {"value": str(path)}
    assert params_of("mcts", VALUE, str(path)) == {"evaluator": f"value:{path}"}
    with pytest.raises(UsageError, match=r"astar takes no learned value; planners that do: .*expectimax"):
        params_of("astar", VALUE, str(path))
