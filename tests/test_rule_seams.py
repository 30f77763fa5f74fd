"""What a rule may ask for beyond its tables: the reach of the others, and terms in the values of actions."""

from importlib.resources import files

import numpy as np
import pytest

from games.errors import GameplanError
from solvers.cfr.rule_file import load_module, make_rule
from workbench.catalogue.algorithms import find_algorithm
from workbench.discovery.tasks.cfr import engine
from workbench.discovery.tasks.cfr.task import TASK

ASKING = ("mmd_q", "rtcfr_plus")
PLAIN = '''"""Keeps what it is given."""
import numpy as np

PARAMS = {}
STATE = {"terms": "action", "others": "others", "again": "others"}

def regularise(terms, sigma, reach, t, infosets, params, state):
    assert not terms.any()
    terms[:] = state.terms

def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    S += np.repeat(reach, infosets.count) * sigma

def accumulate_regret(R, r, t, infosets, params, state):
    R[:] = r

def derive_policy(sigma, R, r, t, infosets, params, state):
    state.terms[:] = np.arange(len(R))
'''


def source_of(module):
    return (files("solvers.cfr.rules") / f"{module}.py").read_text()


def test_others_reach_and_terms_are_those_of_the_uniform_policies(game, tmp_path):
    """Kuhn poker: a card of three, then the other's half at every move; a term is in the values of all actions before it."""
    path = tmp_path / "keeps.py"
    path.write_text(PLAIN)
    solver = find_algorithm(str(path), {}).make(game("kuhn_2p"), alternating=False)
    solver.advance(1)
    first = solver.state()["R"].copy()
    others = solver.state()["state.others"]
    assert solver.state()["state.again"].tolist() == others.tolist()
    assert sorted(others[:6].round(12).tolist()) == pytest.approx([1 / 6] * 3 + [1 / 3] * 3)  # pass, then the other bets
    assert others[6:] == pytest.approx(1 / 6)
    solver.advance(2)
    added = solver.state()["R"] - first  # the policies are what they were, the terms 0, 1, 2, ... for each player
    tree = game("kuhn_2p").tree
    assert added[12:] == pytest.approx([-0.5, 0.5] * 6)  # the second player moves once
    for i in range(6):
        k, parent = int(tree.first[i]), int(tree.parent[i])
        children = {int(tree.parent[j]) - 1: int(tree.first[j]) + 0.5 for j in range(6)}
        values = [a + children.get(a, 0.0) for a in (k, k + 1)]
        assert added[k : k + 2] == pytest.approx([v - np.mean(values) for v in values]), (i, parent)


@pytest.mark.parametrize("module", ASKING)
def test_candidates_that_ask_compute_the_solver_s_bits(module, game):
    """In plain Python here; compiled below."""
    source = source_of(module).replace("@njit\n", "")
    assert TASK.problems(source) == []
    assert "def regularise" in TASK.canonical(source) or module == "mmd_q"
    for alternating in (True, False):
        expected = find_algorithm({"mmd_q": "mmd-q", "rtcfr_plus": "rtcfr+"}[module], {}, 12).make(
            game("kuhn_3p"), alternating=alternating
        )
        expected.advance(12)
        program = engine.make_program(TASK.canonical(source))
        found = engine.RuleSolver(game("kuhn_3p"), program, program.params, alternating=alternating)
        found.advance(12)
        assert {k: v.tobytes() for k, v in found.state().items()} == {k: v.tobytes() for k, v in expected.state().items()}


@pytest.mark.slow
@pytest.mark.parametrize("module", ASKING)
def test_compiled_candidates_that_ask_compute_the_solver_s_bits(module, game):
    engine.compile_loop(game("leduc_2p"))
    program = engine.make_program(TASK.canonical(source_of(module)))
    assert program.compiled
    found = engine.RuleSolver(game("leduc_2p"), program, program.params)
    expected = find_algorithm({"mmd_q": "mmd-q", "rtcfr_plus": "rtcfr+"}[module], {}, 12).make(game("leduc_2p"), alternating=True)
    for solver in (found, expected):
        solver.advance(12)
    assert {k: v.tobytes() for k, v in found.state().items()} == {k: v.tobytes() for k, v in expected.state().items()}


def test_a_search_scores_what_a_rule_is_reported_by(game, solve):
    """Its last iterate in place of its average, in scores and in what tells candidates apart; the best one is refused."""
    plain = TASK.known()["cfr+"].replace("@njit\n", "")
    last = TASK.canonical(plain + 'ITERATE = "last"\n')
    assert TASK.problems(last) == [] and 'ITERATE = "last"'.replace('"', "'") in last
    solver = solve("kuhn_2p", "cfr+", 10)
    for source, policy in ((plain, solver.average_policy()), (last, solver.current_policy())):
        assert np.array_equal(engine.run(engine.make_program(source), {}, game("kuhn_2p"), 10), policy)
    assert not np.array_equal(TASK.fingerprint(plain), TASK.fingerprint(last))
    assert "a search scores 'average' or 'last'" in TASK.problems(plain + 'ITERATE = "best"\n')[0]


def test_behaviour_tells_terms_and_reaches_apart():
    """What differs in nothing but its terms, or in what it does with the others' reach, has a fingerprint of its own."""
    terms, reach = source_of("rtcfr_plus"), source_of("mmd_q")
    for source, other in (
        (terms, terms.replace("terms[k] = pull", "terms[k] = 2.0 * pull")),
        (reach, reach.replace("eta / others[i] if", "eta / (2.0 * others[i]) if")),
    ):
        assert source != other
        assert not np.array_equal(TASK.fingerprint(source), TASK.fingerprint(other))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("reach, t, infosets, params, state):\n    assert", "t, infosets, params, state):\n    assert"), "regularise takes 6 arguments"),
        (('"others": "others"', '"others": "other"'), r"STATE\['others'\] is 'other'; legal are 'action', 'infoset', 'game', 'others'"),
    ],
    ids=["arguments", "kind"],
)  # fmt: skip
def test_faults_are_named(change, message, tmp_path):
    text = PLAIN.replace(*change)
    assert text != PLAIN
    path = tmp_path / "faulty.py"
    path.write_text(text)
    with pytest.raises(GameplanError, match=message):
        make_rule("faulty", *load_module(path))
    assert TASK.problems(text.replace("    assert not terms.any()\n", ""))
