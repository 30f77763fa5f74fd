"""Every parameter of everything that can be run has a sentence, with its range, which is shown and demanded."""

import importlib
import re
from functools import partial

import pytest
from click.testing import CliRunner

import cli
from games.errors import UsageError
from games.sentences import check_ranges, sentences, unsaid, without_sentences
from games.worlds import WORLDS, world_choices, world_doc, world_options
from planners.learning.catalogue import find_method
from planners.learning.names import METHODS
from planners.policies.catalogue import KINDS, kind_params
from solvers.psro.catalogue import SOLVERS
from workbench.catalogue import descriptions
from workbench.catalogue.algorithms import find_algorithm
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


ENDS = {  # what is said: numbers that are legal, numbers that are not, where k = 3
    "at least 0": ((0.0, 1e40), (-1e-9,)),
    "above 0": ((1e-9,), (0.0,)),
    "at most 0": ((0.0, -5.0), (1e-9,)),
    "from 1 to 16,777,216": ((1, 1 << 24), (0, (1 << 24) + 1)),
    "from 2^20 to 2^46": ((1 << 20, 1 << 46), (0,)),
    "from -1e30 to 1e30": ((-1e30,), (2e30,)),
    "from 0 to k - 1": ((0, 2), (-1, 3)),
    "at least -k": ((-3.0,), (-3.5,)),
    "at least nothing": ((-3.0, 3.0), ()),
    "above 0, at most 1, or 0 for the world's own": ((0.0, 0.5, 1.0), (-0.1, 1.1)),
    "at least 2, or 0: it stays": ((0, 2), (1, -1)),
    "from 1 to 26, or 0 for none (on small boards for 16)": ((0, 26), (27, -1)),
    "at least 0, 1 for none": ((0.0, 1.0), (-1.0,)),
    "at least 0, or less for no limit": ((-1.0, 1.0), ()),
    "any number, 0 for none": ((-1.0, 1.0), ()),
}


@pytest.mark.parametrize("said", ENDS)
def test_what_is_said_of_a_range_is_what_is_legal(said):
    doc = f"A rule.\n\nParameters\n----------\nx : a number; it has two parts; {said}\n"
    for value in ENDS[said][0]:
        check_ranges("mine", {"k": 3, "x": value}, doc)
    for value in ENDS[said][1]:
        with pytest.raises(UsageError, match=re.escape(f"mine: x={value} is not possible; legal: {said}")):
            check_ranges("mine", {"k": 3, "x": value}, doc)
    for nothing in (None, "", "and those of nowhere", 3):
        check_ranges("mine", {"x": -1}, nothing)


def found():
    """Yield what resolves the parameters of everything that ships, its values as they are, and what is said of each."""
    from planners.catalogue import PLANNERS, planner_params

    for name in ALGORITHMS:
        record = descriptions.describe(name)
        yield partial(find_algorithm, name), record["params"], record
    for name in PLANNERS:
        yield partial(planner_params, name), planner_params(name), descriptions.describe_planner(name)
    for name in METHODS:
        record = descriptions.describe_method(name)
        yield partial(find_method, name), record["params"], record
    for name in KINDS:
        record = descriptions.describe_policy(name)
        yield partial(kind_params, name), record["params"], record
    for name in WORLDS:
        said = {"name": name, "sentences": sentences(world_doc(name)), "choices": world_choices(name)}
        yield partial(world_options, name), world_options(name), said


def test_no_number_out_of_the_range_that_is_said_is_taken():
    ends = re.compile(r"(at least|above|from) (\d[\d,.]*)(?!.*or less)")
    tried = 0
    for resolve, params, record in found():
        resolve(params)
        for name, default in params.items():
            end = ends.match(record["sentences"].get(name, "").rpartition("; ")[2])
            if type(default) not in (int, float) or name in record.get("choices", {}) or end is None:
                continue
            below = type(default)(float(end[2].replace(",", "").rstrip(".")) - 2.0)
            with pytest.raises(UsageError, match=f"{name.rpartition('.')[2]} ?= ?"):
                resolve({name: below})
            tried += 1
    assert tried > 400
