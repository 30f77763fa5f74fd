"""The published class form: same results as rule files, the order of calls, value semantics, what nodes show, and faults."""

import pickle
import re
from collections import defaultdict
from types import SimpleNamespace

import numpy as np
import pyspiel
import pytest
from naive import NaiveCFR, Tree, instantaneous_regrets
from random_games import random_card_game, random_game

from games.catalogue import GAMES
from games.compiler import compile_game
from games.errors import GameplanError
from solvers.cfr.class_form import ClassProgram, ClassProgramSolver
from solvers.cfr.solver import RuleError
from workbench.catalogue.algorithms import load_program
from workbench.solving.policies import policy_table

CLOSE = 1e-10  # rounding amplified over ten iterations
UPDATES = pytest.mark.parametrize("alternating", [True, False], ids=["alternating", "simultaneous"])

CFR_PLUS = """
class RegretAccumulator:
    def update_accumulate_regret(self, info_state_node, iteration_number, cfr_regrets):
        return {a: max(info_state_node.cumulative_regret[a] + r, 0.0) for a, r in cfr_regrets.items()}

class PolicyFromRegretAccumulator:
    def get_updated_current_policy(self, info_state_node, iteration_number, cfr_regrets, previous_policy):
        total = sum(info_state_node.cumulative_regret.values())
        n = len(info_state_node.legal_actions)
        return {a: info_state_node.cumulative_regret[a] / total if total > 0 else 1 / n for a in info_state_node.legal_actions}

class PolicyAccumulator:
    def update_accumulate_policy(self, info_state_node, iteration_number, info_state_policy, cfr_regrets, reach_prob,
                                 counterfactual_reach_prob):
        weight = (iteration_number + 1) * reach_prob
        return {a: info_state_node.cumulative_policy[a] + weight * p for a, p in info_state_policy.items()}
"""

# Every result depends on the order of the three calls; methods change and return what they were given, and go on to change it.
UNRULY = """
class RegretAccumulator:
    def __init__(self):
        self.calls = 0
    def update_accumulate_regret(self, node, iteration, cfr_regrets):
        self.calls += 1
        for a in cfr_regrets:
            cfr_regrets[a] = 0.7 * cfr_regrets[a] + 0.001 * self.calls + 0.01 * node.cumulative_policy[a]
            node.cumulative_regret[a] += cfr_regrets[a]
        return cfr_regrets if iteration % 2 else node.cumulative_regret

class PolicyFromRegretAccumulator:
    def __init__(self):
        self.kept = {}
    def get_updated_current_policy(self, node, iteration, cfr_regrets, previous_policy):
        for a in self.kept:
            self.kept[a] = -1.0
        for a in previous_policy:
            previous_policy[a] += max(0.0, node.cumulative_regret[a] + cfr_regrets[a])
        total = sum(previous_policy.values())
        for a in previous_policy:
            previous_policy[a] /= total
            cfr_regrets[a] = 1e6
        self.kept = previous_policy
        return previous_policy

class PolicyAccumulator:
    def __init__(self):
        self.kept = {}
    def update_accumulate_policy(self, node, iteration, info_state_policy, cfr_regrets, reach_prob, counterfactual_reach_prob):
        for a in self.kept:
            self.kept[a] = 1e9
        for a, p in info_state_policy.items():
            weight = reach_prob + 0.1 * counterfactual_reach_prob + 0.1 * max(0.0, node.cumulative_regret[a]) + abs(cfr_regrets[a])
            info_state_policy[a] = node.cumulative_policy[a] + p * weight
        self.kept = info_state_policy
        return info_state_policy
"""

VAD = """
def spread(self, iteration, regrets):
    m = max(abs(r) for r in regrets.values())
    self.e = m if iteration == 0 else 0.1 * m + 0.9 * self.e
    v, t = min(1.0, self.e / 2.0), iteration + 1.0
    alpha = max(0.1, 1.5 - 0.5 * v)
    beta = min(alpha, -0.1 - 0.5 * v)
    return v, t**alpha / (t**alpha + 1), t**beta / (t**beta + 1)

class RegretAccumulator:
    def update_accumulate_regret(self, node, iteration, regrets):
        v, high, low = spread(self, iteration, regrets)
        R = node.cumulative_regret
        return {a: max(-20.0, (high if R[a] >= 0 else low) * R[a] + (1.1 * r if r > 0 else r)) for a, r in regrets.items()}

class PolicyFromRegretAccumulator:
    def get_updated_current_policy(self, node, iteration, regrets, previous_policy):
        v, high, low = spread(self, iteration, regrets)
        hope, R = max(0.0, 1 - 0.5 * v) / (1 + iteration / 100), node.cumulative_regret
        P = {a: (high if R[a] >= 0 else low) * R[a] + hope * (1.1 * r if r > 0 else r) for a, r in regrets.items()}
        P = {a: max(0.0, x) ** 1.5 for a, x in P.items()}
        total = sum(P.values())
        return {a: x / total if total > 0 else 1 / len(P) for a, x in P.items()}

class PolicyAccumulator:
    def update_accumulate_policy(self, node, iteration, policy, regrets, reach_prob, counterfactual_reach_prob):
        m = max(abs(r) for r in regrets.values())
        gamma = min(4.0, 2.0 + 1.5 * min(1.0, m / 2))
        weight = (iteration + 1.0) ** gamma / (1 + m**1.5) * max(0.1, (1 + m / 2) ** 0.5) * reach_prob
        return {a: node.cumulative_policy[a] + weight * p for a, p in policy.items()}
"""


@pytest.fixture
def program(tmp_path):
    """Return the function from source text to the loaded program."""

    def load(source):
        path = tmp_path / "program.py"
        path.write_text(source)
        loaded = load_program(path)
        assert isinstance(loaded, ClassProgram)
        return loaded

    return load


@pytest.mark.parametrize(("source", "algo", "params"), [(CFR_PLUS, "cfr+", {}), (VAD, "vad-cfr", {"warmup_iterations": 0})])
@pytest.mark.parametrize(("name", "t"), [("kuhn_3p", 20), ("leduc_2p", 10)])
def test_same_as_the_rule(source, algo, params, name, t, program, game, solve):
    solver = ClassProgramSolver(game(name), program(source))
    solver.advance(t)
    expected = solve(name, algo, t, **params)
    np.testing.assert_allclose(solver.average_policy(), expected.average_policy(), rtol=0, atol=CLOSE)
    np.testing.assert_allclose(solver.current_policy(), expected.current_policy(), rtol=0, atol=CLOSE)


def by_the_contract(theirs, source, iterations, alternating):
    """Run a program by hand: the regret class, the node takes its result, the policy class, the average with what was played.

    Pickling gives every call values of its own, and cuts what comes back from what the program holds on to.
    """
    classes = {}
    exec(source, classes)
    regret, policy, average = (
        classes[c]() for c in ("RegretAccumulator", "PolicyFromRegretAccumulator", "PolicyAccumulator")
    )  # fmt: skip
    tree = Tree(theirs)
    for table in tree.infosets:
        for i in table.values():
            i.node = SimpleNamespace(
                legal_actions=i.actions, cumulative_regret=defaultdict(float), cumulative_policy=defaultdict(float)
            )
    value = lambda x: pickle.loads(pickle.dumps(dict(x)))  # noqa: E731
    for t in range(iterations):
        for player in range(tree.players):
            if not alternating:
                instantaneous_regrets(tree, player)
        for player in range(tree.players):
            if alternating:
                instantaneous_regrets(tree, player)
            for i in tree.infosets[player].values():
                node, played = i.node, value(i.sigma)
                node.cumulative_regret = defaultdict(float, value(regret.update_accumulate_regret(node, t, value(i.r))))
                i.sigma = value(policy.get_updated_current_policy(node, t, value(i.r), value(played)))
                S = average.update_accumulate_policy(node, t, value(played), value(i.r), i.reach, i.counterfactual_reach)
                node.cumulative_policy = defaultdict(float, value(S))
    return tree


@UPDATES
@pytest.mark.parametrize("name", ["kuhn_2p", "kuhn_3p", "goofspiel_3"])
def test_order_of_calls_and_value_semantics(name, alternating, program, game):
    solver = ClassProgramSolver(game(name), program(UNRULY), alternating=alternating)
    solver.advance(8)
    tree = by_the_contract(pyspiel.load_game(GAMES[name].game), UNRULY, 8, alternating)
    current, average = policy_table(game(name), solver.current_policy()), policy_table(game(name), solver.average_policy())
    for player, table in enumerate(tree.infosets):
        for key, i in table.items():
            total = sum(i.node.cumulative_policy.values())
            assert current[player][key] == pytest.approx({str(a): p for a, p in i.sigma.items()}, abs=CLOSE)
            assert average[player][key] == pytest.approx(
                {str(a): S / total for a, S in i.node.cumulative_policy.items()}, abs=CLOSE
            )


RECORDER = CFR_PLUS.replace("        weight = ", '        LOG.append(("average", self, info_state_node, iteration_number, '
    "dict(info_state_policy), dict(cfr_regrets), reach_prob, counterfactual_reach_prob))\n        weight = ").replace(
    "        return {a: max(", '        LOG.append(("regret", self, info_state_node, iteration_number))\n        return {a: max('
).replace("        total = ", '        LOG.append(("policy", self, info_state_node, iteration_number))\n        total = '
) + "\nLOG = []\n"  # fmt: skip


@UPDATES
@pytest.mark.parametrize("players", [2, 3])
@pytest.mark.parametrize("make", [random_game, random_card_game])
def test_what_a_program_is_given(make, players, alternating, program):
    theirs = pyspiel.load_efg_game(make(1, players=players, depth=4))
    loaded, compiled = program(RECORDER), compile_game(theirs, "random", "random")
    log = loaded.module.LOG
    solver = ClassProgramSolver(compiled, loaded, alternating=alternating)
    twin = NaiveCFR(theirs, "cfr+", alternating)
    for t in range(3):
        before = [dict(i.sigma) for table in twin.tree.infosets for i in table.values()]
        log.clear()
        solver.advance(t + 1)
        twin.run(1)
        assert [entry[0] for entry in log] == ["regret", "policy", "average"] * sum(compiled.infosets)
        assert {entry[3] for entry in log} == {t}, "iterations count from 0"
        nodes = [entry[2] for entry in log[::3]]
        assert [node.index_in_tabular_policy for node in nodes] == list(range(sum(compiled.infosets))), "canonical order"
        infosets = [i for table in twin.tree.infosets for i in table.values()]
        for i, played, entry in zip(infosets, before, log[2::3], strict=True):
            _, _, node, _, policy, regrets, reach, counterfactual = entry
            assert node.legal_actions == list(i.actions) == list(policy) == list(regrets)
            assert policy == pytest.approx(played, abs=CLOSE)
            assert regrets == pytest.approx(i.r, abs=CLOSE)
            assert reach == pytest.approx(i.reach, abs=CLOSE)
            assert counterfactual == pytest.approx(i.counterfactual_reach, abs=CLOSE)
            assert node.cumulative_regret[-7] == node.cumulative_policy[-7] == 0.0


def test_instances_and_nodes_live_as_long_as_a_run(program, game):
    loaded = program(RECORDER)
    log = loaded.module.LOG
    ClassProgramSolver(game("kuhn_2p"), loaded).advance(3)
    first = {id(entry[1]) for entry in log}
    assert len(first) == 3
    assert len({id(entry[2]) for entry in log}) == 12
    held = list(log)  # keeps the first run's objects alive, so that identities differ
    log.clear()
    ClassProgramSolver(game("kuhn_2p"), loaded).advance(1)
    assert held and not first & {id(entry[1]) for entry in log}


def test_restore_replays(program, game):
    whole, resumed = (ClassProgramSolver(game("kuhn_2p"), program(UNRULY)) for _ in range(2))
    whole.advance(9)
    assert resumed.replays and resumed.state() == {}
    resumed.restore(4, {})
    assert resumed.iteration == 4
    resumed.advance(9)
    assert resumed.average_policy().tobytes() == whole.average_policy().tobytes()


LOADING = {
    "missing class": (lambda s: s.replace("class PolicyAccumulator", "class Policies"), "class PolicyAccumulator is missing"),
    "missing method": (lambda s: s.replace("def get_updated", "def updated"), r"get_updated_current_policy\(self, .*\) is missing"),
    "signature": (lambda s: s.replace("iteration_number, cfr_regrets):", "cfr_regrets):"), r"update_accumulate_regret must take \(self, "),
    "constructor": (lambda s: s.replace("Accumulator:\n", "Accumulator:\n    def __init__(self, rate): ...\n", 1), "without arguments"),
}  # fmt: skip
RUNNING = {
    "raises": ("total = ", "total = [0.0][iteration_number] + ", r"iteration 2: IndexError.*line 8 of program.py"),
    "None": ("return {a: max", "{a: max", r"iteration 1: .*update_accumulate_regret returned NoneType"),
    "sum": ("/ total if", "/ total * 1.01 if", r"in iteration 1 for player 0 at infoset '.*': \[.*1\.01"),
    "nan": ("else 1 / n", "else float('nan')", r"in iteration 1 for player . at infoset '.*': \[nan, nan\]"),
    "negative": ("else 1 / n", "else 2 * a - 0.5", r"in iteration 1 for player . at infoset '.*': \[-0\.5, 1\.5\]"),
    "policy without number": ("return {a: info_state_node.cumulative_regret[a] / total if", "return {a: None if", "iteration 1"),
    "average without number": ("+ weight * p for", "+ weight * p if iteration_number else 'x' for", "iteration 1"),
}


@pytest.mark.parametrize("fault", LOADING)
def test_faults_found_on_loading(fault, program):
    change, message = LOADING[fault]
    with pytest.raises(GameplanError, match=message) as caught:
        program(change(CFR_PLUS))
    assert str(caught.value).startswith("program.py is not a valid class program: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize("fault", list(RUNNING))
def test_faults_found_while_running(fault, program, game):
    old, new, message = RUNNING[fault]
    assert old in CFR_PLUS
    with pytest.raises(RuleError, match=message) as caught:
        ClassProgramSolver(game("kuhn_3p"), program(CFR_PLUS.replace(old, new))).advance(3)
    assert re.match(r"program\.py ", str(caught.value)) and "\n" not in str(caught.value)
