"""Taking programs apart: constants are folded, and every edit leaves a smaller program."""

from pathlib import Path

import pytest

from workbench.catalogue.entries import CFR
from workbench.discovery.analysis.ablations import Marked, find_edits
from workbench.discovery.analysis.folding import fold
from workbench.discovery.genome.canonical import canonical, size, split
from workbench.discovery.task import find_task


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a + 0.0", "a"),
        ("a * (2.0 - 1.0)", "a"),
        ("0.0 * a + b", "b"),
        ("a ** 1.0 / 1.0", "a"),
        ("b ** 0.0", "1.0"),
        ("max(0.0, min(1.0, 2.0))", "1.0"),
        ("a if 1.0 > 2.0 else b", "b"),
        ("a if 'x' == 'x' else b", "a"),
        ("0.0 - a", "-a"),
        ("1.0 / 0.0", "1.0 / 0.0"),
        ("a - b", "a - b"),
    ],
)
def test_constants_fold(before, after):
    import ast

    source = "def f(a, b):\n    return {}"
    assert ast.unparse(fold(ast.parse(source.format(before)))) == source.format(after)


def test_a_local_that_is_constant_is_filled_in_unless_it_changes():
    import ast

    source = "def f(a):\n    c = 0.0\n    e = 1.0\n    for k in range(3):\n        e += c + a\n    return e * c"
    folded = ast.unparse(fold(ast.parse(source)))
    assert "return 0.0" in folded and "e += a" in folded


def shipped(name):
    return Path(CFR[name].module.replace(".", "/") + ".py").read_text()


@pytest.mark.parametrize("name", ["vad-cfr", "aod-cfr"])
def test_every_edit_makes_a_smaller_program_or_changes_a_number(name):
    marked = Marked.of(shipped(name), {"cfr": shipped("cfr"), "cfr+": shipped("cfr+")})
    whole = size(marked.without([]))
    edits = find_edits(marked)
    assert len({edit.words for edit in edits}) > 0.8 * len(edits)
    for edit in edits[:: len(edits) // 12]:
        assert size(marked.without([edit])) <= whole, edit.words


def test_edits_combine_and_what_they_carried_goes():
    marked = Marked.of(shipped("vad-cfr"), {})
    named = {edit.words: edit for edit in find_edits(marked)}
    source = canonical(marked.without([named["optimism = 0 (was 1)"], named["scope = 'infoset' (was 'global')"]]))
    assert "hope" not in source and "optimism" not in source and "scope" not in source and "running_infoset" in source
    frozen = canonical(marked.without([named["memory running stays 0"]]))
    assert "state.running[0] = e" not in frozen


def test_constants_of_train_and_evaluate_are_apart():
    source = "TRAIN = {'a': 2.0}\nEVAL = {'a': 3.0}\n"
    source += "".join(f"def {name}(x, params):\n    return params.a * x\n" for name in ("train", "evaluate"))
    marked = Marked.of(source, {})
    named = {edit.words: edit for edit in find_edits(marked)}
    made = canonical(marked.without([named["train.a = 1 (was 2)"]]))
    assert "return x" in made and "return params.a * x" in made and "EVAL = {'a': 3.0}" in made
    assert named["train.a = 1 (was 2)"].excludes(named["train.a = 0 (was 2)"])
    assert not named["train.a = 1 (was 2)"].excludes(named["eval.a = 1 (was 3)"])


def test_a_changed_constant_keeps_the_structure():
    marked = Marked.of(shipped("aod-cfr"), {})
    edit = next(e for e in find_edits(marked) if e.words.startswith("trend_weight = 0"))
    assert split(marked.without([edit], keep_constants=True))[0] == split(shipped("aod-cfr"))[0]
    assert "trend" not in canonical(marked.without([edit]))


def test_a_part_of_a_plain_program_comes_with_its_imports_and_constants():
    marked = Marked.of(shipped("aod-cfr"), {"pcfr+": shipped("pcfr+")})
    edit = next(e for e in find_edits(marked) if e.words == "accumulate_policy as in pcfr+")
    source = canonical(marked.without([edit]))
    assert "** 2.0" in source and "gamma_gain" not in source
    assert not find_task("cfr").problems(source)
