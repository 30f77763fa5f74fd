"""Operators of the discovery: what they propose passes the check, runs, and depends on nothing but the view and the generator."""

import sys
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import pytest

from solvers import rule
from solvers.cfr.records import record_class
from solvers.cfr.rule_file import FUNCTIONS, STATE_KINDS
from workbench.discovery.genome.canonical import canonical, program_id, size, split
from workbench.discovery.genome.check import problems
from workbench.discovery.genome.draft import Draft
from workbench.discovery.operators.catalogue import OPERATORS, make_operator
from workbench.discovery.operators.splicing import apply
from workbench.discovery.operators.symbolic import mutate
from workbench.discovery.population.view import Member, Trace
from workbench.discovery.tasks.cfr.grammar import GRAMMAR
from workbench.discovery.tasks.cfr.seeds import shipped

FIRST, COUNT = np.array([0, 2, 5, 6]), np.array([2, 3, 1, 2])


class CFRTask:
    name = "cfr"
    grammar = GRAMMAR

    def problems(self, source):
        return problems(source, FUNCTIONS, state_kinds=STATE_KINDS)


@dataclass
class FakeView:
    members: list
    traces: dict = field(default_factory=dict)
    n: int = 0
    task: CFRTask = field(default_factory=CFRTask)

    @property
    def seeds(self):
        return self.members[:1]

    def parent(self, rng):
        return self.members[int(rng.integers(len(self.members)))]

    def best(self):
        return max(self.members, key=lambda member: member.score)

    def trail(self, operator):
        return self.traces.get(operator, [])


def member(source, score=0.0, n=0):
    source = canonical(source, FUNCTIONS)
    structure = program_id(split(source)[0])
    return Member(program_id(source), source, size(source), structure, n, 0, "seed", {}, score)


def behaviour(source, steps=(1, 2, 3, 700)):
    """Run a rule in plain Python on random tables."""
    module = ModuleType("candidate")
    sys.modules["candidate"] = module
    exec(source, module.__dict__)
    for key, value in list(vars(module).items()):  # compiling takes longer than the few steps
        setattr(module, key, getattr(value, "py_func", value))
    functions = [getattr(module, key) for key in FUNCTIONS]
    sizes = {"action": 8, "infoset": 4, "game": 1}
    params = record_class(tuple(module.PARAMS))(**module.PARAMS)
    state = record_class(tuple(module.STATE))(**{name: np.zeros(sizes[kind]) for name, kind in module.STATE.items()})
    rng, infosets = np.random.default_rng(0), rule.Infosets(FIRST, COUNT, 0)
    R, S, sigma = np.zeros(8), np.zeros(8), np.zeros(8)
    rule.normalise(sigma, infosets)
    out = []
    with np.errstate(all="ignore"):
        for t in steps:
            r, reach = rng.standard_normal(8), rng.random(4)
            functions[0](S, sigma, reach, r, R, t, infosets, params, state)
            functions[1](R, r, t, infosets, params, state)
            functions[2](sigma, R, r, t, infosets, params, state)
            out += [S.copy(), R.copy(), sigma.copy()]
    return np.concatenate(out)


@pytest.mark.parametrize(("name", "total"), [("cfr+", 100), pytest.param("vad-cfr", 100, marks=pytest.mark.slow)])
def test_mutants_pass_the_check_and_run(name, total):
    source, other, rng = shipped()[name], shipped()["aod-cfr"], np.random.default_rng(1)
    good, finite, faults = 0, 0, []
    for _ in range(total):
        made, done = mutate(source, GRAMMAR, rng, 2, lambda: other)
        assert done
        found = problems(made, FUNCTIONS, state_kinds=STATE_KINDS)
        if found:
            faults.append(found[0])
            continue
        try:
            values = behaviour(made)
        except Exception as error:
            faults.append(f"{type(error).__name__}: {error}")
            continue
        good += 1
        finite += bool(np.isfinite(values).all())
    assert good >= 0.9 * total, faults
    assert finite >= 0.75 * total


@pytest.mark.parametrize("idiom", GRAMMAR.idioms, ids=lambda idiom: idiom.name)
def test_idioms_fit_the_seed_and_change_it(idiom):
    for name in ("cfr", "pcfr+", "aod-cfr"):
        draft = Draft(shipped()[name], GRAMMAR)
        assert apply(draft, idiom, np.random.default_rng(0))
        made = draft.source()
        assert not problems(made, FUNCTIONS, state_kinds=STATE_KINDS)
        values = behaviour(made)
        assert np.isfinite(values).all()
        assert idiom.name in ("clip", "floor") or not np.array_equal(values, behaviour(shipped()[name]))


@pytest.mark.parametrize("name", [name for name in OPERATORS if name != "constants-only"])
def test_proposals_are_a_function_of_view_and_generator(name):
    view = FakeView([member(shipped()["cfr+"]), member(shipped()["pcfr+"], 1.0), member(shipped()["dcfr"], 2.0)])
    first, second = [[make_operator(name).propose(view, np.random.default_rng(seed)) for seed in range(4)] for _ in range(2)]
    assert first == second
    assert all(proposal.source for proposal in first)
    for proposal in first:
        assert proposal.parents and not view.task.problems(proposal.source)
        assert proposal.source == canonical(proposal.source, FUNCTIONS)


def test_constants_converge_from_what_became_of_earlier_proposals():
    """On a made-up score, log-quadratic in DCFR's constants, blocks come near the optimum; a late trail is no obstacle."""
    target = {"alpha": 2.5, "gamma": 3.5}
    view = FakeView([member(shipped()["dcfr"], -10.0)])
    operator, lag, pending = make_operator("constants"), 3, []
    best = -np.inf
    for n in range(90):
        proposal = operator.propose(view, np.random.default_rng(n))
        constants = split(proposal.source)[1]
        score = -sum(np.log(constants[name] / value) ** 2 for name, value in target.items()) - 0.1 * constants["beta"] ** 2
        best = max(best, score)
        pending.append(Trace(n, proposal.detail, "ok", score))
        view.members.append(member(proposal.source, score, n))
        if len(pending) > lag:
            view.traces.setdefault("constants", []).append(pending.pop(0))
    assert best > -0.02
    assert len({trace.detail["block"] for trace in view.traces["constants"]}) > 1


def test_constants_without_any():
    view = FakeView([member(shipped()["cfr+"])])
    proposal = make_operator("constants-only").propose(view, np.random.default_rng(0))
    assert not proposal.source and proposal.status == "rejected:no-constants" and proposal.reason
