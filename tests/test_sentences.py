"""Every parameter of everything that can be run has a sentence, with its range, which is shown and demanded."""

import importlib

import pytest
from click.testing import CliRunner

import cli
from games.sentences import sentences, unsaid, without_sentences
from games.worlds import WORLDS, world_choices, world_doc, world_options
from planners.learning.names import METHODS
from planners.policies.catalogue import KINDS
from solvers.psro.catalogue import SOLVERS
from workbench.catalogue import descriptions
from workbench.catalogue.families import ALGORITHMS
from workbench.catalogue.shipped import CHAINS, TASKS

DOC = """A rule.

Parameters
----------
alpha, beta : exponents of positive
    and negative regrets; at least 0
mode : one of two
and those of planners.parts.proposals

What follows is no sentence : it is text.
"""


def test_sentences_are_read_from_a_documentation():
    told = sentences(DOC)
    assert told["alpha"] == told["beta"] == "exponents of positive and negative regrets; at least 0"
    assert told["k"] == "candidates at most, unless all are; at least 1" and "What follows is no sentence" not in told
    assert without_sentences(DOC) == "A rule.\n\nWhat follows is no sentence : it is text."
    assert sentences(None) == sentences("No section.") == {}


@pytest.mark.parametrize(
    ("defaults", "choices", "said"),
    [
        ({"alpha": 1.0, "beta": 2.0, "mode": "a"}, {"mode": ("a", "b")}, ""),
        ({"alpha": 1.0, "beta": 2.0, "mode": "a", "gamma": 1.0}, {}, "no sentence about gamma: write 'gamma : what it is; range'"),
        ({"alpha": 1.0, "beta": 2.0, "mode": 3}, {}, "no range of mode"),
        ({"alpha": 1.0, "mode": "a"}, {}, "a sentence about beta, which is no parameter"),
    ],
)
def test_what_is_missing_is_said(defaults, choices, said):
    missing = unsaid(DOC, defaults, choices)
    assert [problem.startswith(said) for problem in missing] == ([True] if said else [])


def described():
    from planners.catalogue import PLANNERS

    yield from (descriptions.describe(name) for name in ALGORITHMS)
    yield from (descriptions.describe_meta_solver(name) for name in SOLVERS)
    yield from (descriptions.describe_planner(name) for name in PLANNERS)
    yield from (descriptions.describe_method(name) for name in METHODS)
    yield from (descriptions.describe_policy(name) for name in KINDS)
    yield from (descriptions.describe_task(name) for name in TASKS)


def test_every_parameter_of_what_ships_has_a_sentence_with_its_range():
    for record in described():
        for name, default in record["params"].items():
            said = record["sentences"].get(name, "")
            assert said, f"{record['name']}: {name}"
            if type(default) in (int, float) and name not in record.get("choices", {}):
                assert "; " in said, f"{record['name']}: {name} : {said}"
    for name in WORLDS:
        assert unsaid(world_doc(name), world_options(name), world_choices(name)) == [], name
    for kind in KINDS.values():
        module = importlib.import_module(kind.module)
        assert unsaid(module.__doc__, module.PARAMS, getattr(module, "CHOICES", {})) == [], kind.module


@pytest.mark.parametrize("module", sorted(set(CHAINS.values())))
def test_the_help_of_distill_has_a_sentence_about_every_parameter(module):
    source = importlib.import_module(module)
    assert unsaid(source.__doc__, source.PARAMS, getattr(source, "CHOICES", {})) == []
    shown = " ".join(CliRunner().invoke(cli.cli, ["distill", "--help"]).output.split())
    for name, default in source.PARAMS.items():
        assert f"{name}={default} {sentences(source.__doc__)[name]}" in shown, name


@pytest.mark.parametrize(("name", "form", "part"), [("ntuple", "kind of policy", "stages"), ("prd", "meta-strategy solver", "train.dt"),
                                                    ("h2048", "task of evolution", "islands"), ("vad-cfr", "rule", "boost")])  # fmt: skip
def test_whatever_can_be_run_is_shown_by_its_name(name, form, part):
    record = descriptions.describe_any(name)
    assert record["form"] == form and part in record["params"] and record["sentences"][part]
    assert "Parameters\n" not in record["doc"]
