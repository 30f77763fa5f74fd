"""Learned policies in planners: priors of tree search, rollouts of the critic, copies in runs; and the same game in other units."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.numpy import save

import cli
from games.dispatch import plain
from games.errors import GameplanError, UsageError
from games.process import apply, chance, effective
from games.random import stream
from games.worlds import load_world
from planners.budget import PROPOSALS, Budget, new_cost
from planners.catalogue import find_planner
from planners.critic.learned import critic_of
from planners.critic.monte_carlo import Critic, critic_report
from planners.episode import play
from planners.planner import ActionValue
from planners.policies.catalogue import KINDS, POLICY, VALUE, kind_module, make_learned
from planners.policies.files import encode_learned, load_learned, read_header
from planners.policies.policy import ascend, fit, worth
from planners.search.tree import Puct, Search, new_tree, select, simulations
from tests.test_mcts import Corridor
from tests.test_training import WORLD, start
from workbench.planning.config import PlanConfig, resolve_plan, resumed_plan
from workbench.planning.learned import params_of, users
from workbench.planning.mixture import Player
from workbench.planning.protocol import _of_player
from workbench.planning.run import Conduct, run_plan
from workbench.runs.directory import RunDirectory


class Prefers:
    """A policy in Python: the logits of the actions -1 and 1."""

    def __init__(self, left, right):
        self.logits = {-1: left, 1: right}

    def prefer(self, model, state, actions, count, logits):
        for k in range(count):
            logits[k] = self.logits[int(actions[k])]


def searched(policy, constant, n, seed=0):
    tree, cost = new_tree(500, 2000), new_cost()
    how = Search(Puct(constant, policy), 1.0, 5, 100, 10)
    with np.errstate(over="ignore"):
        plain(simulations)(tree, how, Still(), Corridor(), np.array([3]), stream("puct", seed), n, cost, Budget().limits())
    return tree, cost


class Still:
    """An evaluator to which all states are alike."""

    def value(self, model, state, rng, cost):
        return 0.0


def root(tree):
    return {int(tree.action[e]): e for e in range(int(tree.edge_count[0]))}


def test_priors_are_the_policys_probabilities_and_are_asked_once_a_node():
    tree, cost = searched(Prefers(0.0, np.log(3.0)), 1.25, 60)
    edges = root(tree)
    assert tree.priors[edges[-1]] == pytest.approx(0.25) and tree.priors[edges[1]] == pytest.approx(0.75)
    inner = int((tree.edge_count[: tree.filled[0]] > 0).sum())
    assert cost[PROPOSALS] == inner >= 3


def test_an_edge_is_chosen_by_the_formula():
    """Rosin 2011, Silver et al. 2017: value between the least and the greatest, plus c P sqrt(N) / (1 + n)."""
    tree, _ = searched(Prefers(0.3, -0.2), 0.8, 40)
    low, high = tree.bounds
    assert low < high
    for node in range(int(tree.filled[0])):
        first = int(tree.first_edge[node])
        edges = range(first, first + int(tree.edge_count[node]))
        scores = []
        for edge in edges:
            n, here = tree.visits[edge], tree.node_totals[node] / tree.node_visits[node]
            value = (tree.totals[edge] / n if n else here) - low
            scores.append(value / (high - low) + 0.8 * tree.priors[edge] * tree.node_visits[node] ** 0.5 / (1 + n))
        if edges:
            tree.met[:] = -1
            assert plain(select)(Puct(0.8, None), tree, node, 7) == first + int(np.argmax(scores))


def test_a_sure_policy_is_followed_first_and_no_policy_for_ever():
    tree, _ = searched(Prefers(20.0, 0.0), 1.25, 4)
    assert tree.visits[root(tree)[-1]] == 4
    tree, _ = searched(Prefers(2.0, 0.0), 1.25, 400)  # the right end pays
    assert tree.visits[root(tree)[1]] > 350


@pytest.mark.slow
def test_compiled_and_plain_searches_with_a_prior_are_one():
    world = load_world("2048-2x2")
    policy = make_learned(POLICY, "tabular", world.instance(0), {"capacity": 16}).record
    start, how, trees = world.instance(0).start, Search(Puct(1.25, policy), 0.9, 5, 1000, 10), []
    for kernel in (simulations, plain(simulations)):
        trees.append(new_tree(500, 2000))
        kernel(trees[-1], how, Critic(1, 10, 0.9), world.model, start, stream(1), 60, new_cost(), Budget().limits())
    for name in ("action", "visits", "totals", "priors"):
        assert np.array_equal(getattr(trees[0], name), getattr(trees[1], name))
    assert trees[0].priors.max() <= 1.0 and trees[0].visits.sum() > 60


@pytest.fixture
def world(tmp_path):
    path = tmp_path / "count.py"
    path.write_text(WORLD)
    return str(path)


@pytest.fixture
def sure(world, tmp_path):
    """The file of a policy that always adds 1."""
    instance = load_world(world).instance(0)
    model, seen = instance.model, []
    made, open_states = make_learned(POLICY, "tabular", instance, {"capacity": 64}), [instance.start]
    while open_states:
        state = open_states.pop()
        if any((state == other).all() for other in seen):
            continue
        seen.append(state)
        actions = np.zeros(model.actions, np.int64)
        count = plain(effective)(model, state, actions)
        for k in range(count):
            after, states, chances = state.copy(), np.zeros((2, model.width), np.int64), np.zeros(2)
            reward = apply(model, after, int(actions[k]))
            plain(ascend)(made.record, model, state, actions, count, np.eye(model.actions)[k], 50.0 * (reward == 1.0))
            open_states += [states[j].copy() for j in range(chance(model, after, states, chances))]
    path = tmp_path / "sure.safetensors"
    path.write_bytes(encode_learned(made, instance))
    return str(path)


def test_the_critic_values_what_a_learned_policy_would_get(world, sure):
    """A step of 1 pays 1 and leads one or two on: 2.875 of them are to be expected up to 4."""
    loaded = load_world(world)
    instance = loaded.instance(0)
    made = critic_of(instance, 2000, 20, 1.0, learned=sure)
    report = critic_report(loaded, instance, instance.start, made)
    assert abs(report["v"]["value"] - 2.875) < 5 * report["v"]["standard_error"] < 0.2
    for action in report["q"]:  # adding 2 pays a half and leaves 1.5 or 1
        wanted = 2.875 if action["action"] == "1" else 0.5 + (1.5 + 1.0) / 2
        assert abs(action["value"] - wanted) < 5 * action["standard_error"]
    decision = asked("flat", instance, {"learned": sure, "rollouts": 500, "horizon": 20})
    assert {v.action: round(v.value, 1) for v in decision} == pytest.approx({1: 2.9, 2: 1.8}, abs=0.15)
    found = CliRunner().invoke(cli.cli, ["critic", world, "--policy", sure, "-m", "50", "--json"])
    assert found.exit_code == 0 and json.loads(found.stdout)["policy"] == sure


def asked(name, instance, params):
    planner = find_planner(name, params)
    planner.begin(instance, stream("planner"))
    values: tuple[ActionValue, ...] = planner.decide(instance.start.copy(), instance.horizon, Budget()).values
    return values


USES = {  # planner: role of what it uses, and settings that make it quick
    "policy": (POLICY, {"temperature": 0.7}),
    "mcts": (POLICY, {"simulations": 10, "horizon": 5}),
    "proact": (POLICY, {"simulations": 10, "rollouts": 1, "horizon": 5}),
    "flat-critic": (POLICY, {"rollouts": 3, "horizon": 5}),
    "greedy-value": (VALUE, {}),
}


@pytest.mark.parametrize("planner", USES)
def test_a_run_goes_on_with_its_own_copy(planner, world, tmp_path):
    start(world, tmp_path / "learned", "step-ppo", updates=3)
    role, given = USES[planner]

    def config(name):
        params = {**given, **params_of(planner, role, str(tmp_path / name))}
        return resolve_plan(PlanConfig(world, planner, episodes=4, params=params))

    run_plan(config("learned"), RunDirectory.create(tmp_path / "whole"))
    stopped, played = RunDirectory.create(tmp_path / "stopped"), []
    run_plan(config("learned"), stopped, Conduct(on_episode=played.append, stop=lambda: len(played) >= 2))
    start(world, tmp_path / "again", "step-ppo", updates=4)
    with pytest.raises(UsageError, match="a resumed run keeps it"):
        resumed_plan(stopped, {"env": world, "params": params_of(planner, role, str(tmp_path / "again"))})
    same = tmp_path / "same.safetensors"
    same.write_bytes((tmp_path / "learned" / f"{role}.safetensors").read_bytes())
    same_params = params_of(planner, role, str(same))
    (tmp_path / "learned" / f"{role}.safetensors").unlink()
    copy = stopped.path / f"learned-{role}.safetensors"
    content = copy.read_bytes()
    copy.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    resumed = resumed_plan(stopped, {"env": world, "params": same_params})
    with pytest.raises(GameplanError, match=f"is not the {role} with which the run started"):
        run_plan(resumed, stopped, resume=True)
    copy.write_bytes(content)
    run_plan(resumed, stopped, resume=True)
    for name in ("episodes.jsonl", "config.json", copy.name):
        assert (stopped.path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_run_directory_alone_names_no_file_to_be_read(world, sure, tmp_path):
    config = resolve_plan(PlanConfig(world, "policy", episodes=1, params={"file": sure}))
    run = RunDirectory.create(tmp_path / "run")
    run_plan(config, run)
    saved = json.loads((run.path / "config.json").read_text())
    del saved["programs"]["policy"]
    (run.path / "config.json").write_text(json.dumps(saved))
    with pytest.raises(UsageError, match=r"keeps no copy of .*sure\.safetensors"):
        resumed_plan(run, {"env": world})


def test_a_player_beside_a_language_model_goes_on_with_its_own_copy(tmp_path):
    instance = load_world("2048-2x2").instance(0)
    path = tmp_path / "policy.safetensors"
    path.write_bytes(encode_learned(make_learned(POLICY, "tabular", instance, {"capacity": 16}), instance))
    config = resolve_plan(PlanConfig("2048-2x2", "policy", episodes=1, params={"file": str(path)}))
    run = RunDirectory.create(tmp_path / "run")
    run_plan(config, run)
    path.unlink()
    player = Player("policy", {"file": str(path)}, 1)
    assert _of_player(replace(config, episodes=3), player, run) == replace(config, episodes=3)
    with pytest.raises(UsageError, match="there is no policy"):
        _of_player(config, player, None)


def test_what_does_not_fit_is_refused_before_there_is_a_run(world, sure, tmp_path):
    start(world, tmp_path / "learned", "step-ppo", updates=1)
    out = tmp_path / "out"
    for words, told in (
        (["2048-2x2", "--policy", sure], "was trained in count"),
        (["2048-2x2", "--planner", "mcts", "--policy", sure], "was trained in count"),
        (["2048-2x2", "--planner", "expectimax", "--value", tmp_path / "learned"], "was trained in count"),
        ([world, "--planner", "greedy-value", "--value", sure], "holds a policy, not a value"),
        ([world, "--planner", "random", "--policy", sure], "takes no learned policy; planners that do: policy, flat"),
        ([world, "--planner", "mcts", "--policy", sure, "--temperature", 1], "--temperature is for --planner policy"),
    ):
        result = CliRunner().invoke(cli.cli, ["plan", *map(str, words), "--out", str(out)])
        assert told in str(result.exception) + result.output, result.output
        assert "\n" not in str(result.exception) and not out.exists()
    assert {"policy", "mcts", "proact", "flat", "flat-critic"} <= set(users(POLICY)) and "astar" not in users(POLICY)
    result = CliRunner().invoke(cli.cli, ["compare", world, "--planners", "random,greedy", "--policy", sure, "--out", str(out)])
    assert "none of random, greedy takes a learned policy" in str(result.exception) and not out.exists()


FORGED = {
    "one more key": ({"later": 3}, None),
    "an unknown kind": ({"kind": "tabluar"}, "did you mean 'tabular'"),
    "an unknown parameter": ({"params": {"capacty": 64}}, "has no parameter 'capacty'"),
    "a value that is not possible": ({"params": {"capacity": -1}}, "capacity=-1 is not possible"),
    "another digest": ({"digest": "0"}, "digest is not that of its arrays"),
    **{f"a unit of {unit}": ({"shape": {"base": unit}}, "is damaged") for unit in (0, -2, "2", [2], 10**400)},
}


@pytest.mark.parametrize("fault", FORGED)
def test_a_damaged_file_is_named_and_the_run_before_stays(fault, world, sure, tmp_path):
    changes, told = FORGED[fault]
    with safe_open(sure, framework="numpy") as stream:
        header = json.loads(stream.metadata()["learned"])
        arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dictionary)
    path, run = tmp_path / "forged.safetensors", tmp_path / "run"
    path.write_bytes(save(arrays, metadata={"learned": json.dumps({**header, **changes})}))
    if told is None:
        assert read_header(path)._asdict() == header
        return
    run.mkdir()
    (run / "config.json").write_text("{}")
    for words in (["plan", world, "--policy"], ["train", world, "--updates", "1", "--init"]):
        result = CliRunner().invoke(cli.cli, [*words, str(path), "--out", str(run), "--force"])
        assert isinstance(result.exception, GameplanError) and not isinstance(result.exception, UsageError)
        assert str(path) in str(result.exception) and told in str(result.exception) and "\n" not in str(result.exception)
        assert (run / "config.json").read_text() == "{}"


def test_compare_gives_a_policy_to_the_planners_that_take_one(world, sure, tmp_path):
    request = ["compare", world, "--planners", "policy,random", "--policy", sure, "--episodes", "3", "--out", str(tmp_path / "out")]
    found = CliRunner().invoke(cli.cli, [*request, "--json"])
    assert found.exit_code == 0, found.output
    assert [row["planner"] for row in json.loads(found.stdout)["rows"]] == ["policy", "random"]
    assert sorted(path.parent.name for path in (tmp_path / "out").rglob("learned-policy.safetensors"))[0].endswith("policy")


TUPLES = {"tuples": "0145-012"}


def network(world, role, **given):
    instance = world.instance(0)
    made = make_learned(role, "ntuple", instance, {**TUPLES, **given})
    made.record.weights[:, 0] = 3.0 * np.random.default_rng(1).normal(size=len(made.record.weights))
    return made, instance


@pytest.mark.parametrize("role", [POLICY, VALUE])
def test_tiles_of_three_are_the_same_game(role, tmp_path):
    """A policy that sees exponents makes the same moves for the same seeds, whatever a tile is worth (proact.md, section 7.7).

    Values of afterstates are rounded when they are put in proportion, so there ties are broken in another way, and draws are compared.
    """
    twos, threes = load_world("2048-3x3"), load_world("2048-3x3", {"base": 3})
    given = {"afterstates": True, "temperature": 20.0} if role == VALUE else {}
    made, instance = network(twos, role, **given)
    path = tmp_path / "learned.safetensors"
    path.write_bytes(encode_learned(made, instance))
    for temperature in (0.0, 1.0) if role == POLICY else (1.0,):
        games = []
        for world in (twos, threes):
            planner = find_planner("policy", {"file": str(path), "temperature": temperature})
            games.append([play(world.instance(seed), planner, Budget(), seed=seed) for seed in range(5)])
        for two, three in zip(*games, strict=True):
            assert two.actions == three.actions and len(two.actions) > 10
            assert three.rewards == [1.5 * reward for reward in two.rewards]
    if role == VALUE:
        scaled = load_learned(path, VALUE, threes.instance(0))
        state = twos.read("2 4 8/4 2 16/. 4 2")
        assert plain(worth)(scaled.record, threes.model, state) == pytest.approx(
            1.5 * plain(worth)(made.record, twos.model, state), rel=1e-6
        )
        back = tmp_path / "back.safetensors"  # and what is stored there is of that world
        back.write_bytes(encode_learned(scaled, threes.instance(0)))
        again = load_learned(back, VALUE, twos.instance(0))
        np.testing.assert_allclose(again.record.weights, made.record.weights, rtol=1e-6)
        assert again.params["temperature"] == pytest.approx(20.0)


def test_what_comes_of_a_symmetry_is_called_so(tmp_path):
    twos = load_world("2048-3x3")
    made, instance = network(twos, POLICY)
    path = tmp_path / "policy.safetensors"
    path.write_bytes(encode_learned(made, instance))
    told = []
    for base in (2, 3):
        config = resolve_plan(PlanConfig("2048-3x3", "policy", episodes=1, world={"base": base}, params={"file": str(path)}))
        told.append(run_plan(config, RunDirectory.create(tmp_path / f"run-{base}")))
    assert "symmetry" not in told[0] and "a symmetry, not a generalisation" in told[1]["symmetry"]


@pytest.mark.parametrize("kind", [name for name in KINDS if kind_module(name).shape(load_world("2048-2x2").instance(0))])
def test_every_kind_is_in_proportion_in_other_units(kind, tmp_path):
    """A value is 1.5 times as large where all rewards are, a policy the same: its numbers or, of a network, what they are scaled by."""
    twos, threes = load_world("2048-2x2"), load_world("2048-2x2", {"base": 3})
    given = {"ntuple": {"tuples": "0145"}, "mlp": {"hidden": "4"}, "conv": {"fields": 1, "layers": 1}}.get(kind, {"capacity": 64})
    for role, ratio in ((POLICY, 1.0), (VALUE, 1.5)):
        made, state = make_learned(role, kind, twos.instance(0), given), twos.instance(0).start
        if kind == "tabular":
            plain(fit)(made.record, twos.model, state, 3.0, 1.0)
        else:
            made.record.weights[:] = np.random.default_rng(0).normal(size=made.record.weights.shape)
        path = tmp_path / f"{role}.safetensors"
        path.write_bytes(encode_learned(made, twos.instance(0)))
        sizes = []
        for world in (twos, threes):
            record = load_learned(path, role, world.instance(0)).record
            numbers = record.numbers if kind == "tabular" else record.weights
            sizes.append(np.abs(numbers).sum() * getattr(record, "scale", 1.0))
        assert sizes[0] > 0.0 and sizes[1] == pytest.approx(ratio * sizes[0], rel=1e-6)
