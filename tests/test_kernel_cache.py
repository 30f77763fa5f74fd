"""Kernels on disk belong to what they were compiled from: an edit recompiles what it touches, and no more."""

import sys
from importlib import import_module

import numpy as np
import pytest

import games.jit
from games import kernel_cache, sources
from games.sources import code_digest

PARTS = {
    "gameplan_kc_base": "from games.jit import embedded\nFACTOR = 2.0\n\n@embedded\ndef scaled(x):\n    return x * FACTOR\n",
    "gameplan_kc_other": "FACTOR = 5.0\n",
    "gameplan_kc_records": "from typing import NamedTuple\n\nclass KcModel(NamedTuple):\n    kc_weight: float\n",
    "gameplan_kc_operations": """from games.dispatch import operation

@operation
def kc_value(model, x):
    return 0.0
""",
    "gameplan_kc_implementation": """from gameplan_kc_operations import kc_value
from gameplan_kc_records import KcModel

@kc_value.of(KcModel)
def _kc_value(model, x):
    return model.kc_weight * x
""",
    "gameplan_kc_kernels": """import math
from games.jit import njit
from gameplan_kc_base import scaled
from gameplan_kc_operations import kc_value

@njit
def total(x):
    return scaled(x) + 1.0

@njit
def valued(model, x):
    return kc_value(model, x)
""",
}


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Return the function that writes the modules, with edits, imports them anew and returns those with kernels and records."""
    monkeypatch.setattr(games.jit, "kernel_cache", lambda: tmp_path / "kernels")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def load(**edits):
        for name in PARTS:
            sys.modules.pop(name, None)
        kernel_cache._digest.cache_clear()
        sources._memo.cache_clear()
        for name, text in PARTS.items():
            for old, new in edits.get(name.removeprefix("gameplan_kc_"), {}).items():
                assert old in text
                text = text.replace(old, new)
            (tmp_path / f"{name}.py").write_text(text)
        import_module("gameplan_kc_implementation")
        return import_module("gameplan_kc_kernels"), import_module("gameplan_kc_records")

    yield load
    for name in PARTS:
        sys.modules.pop(name, None)


def compiled(kernel, *args):
    """Return the kernel's answer and whether it had to be compiled."""
    answer = kernel(*args)
    return answer, not sum(kernel.stats.cache_hits.values())


def test_an_edit_recompiles_what_it_touches_and_no_more(parts):
    assert compiled(parts()[0].total, 3.0) == (7.0, True)
    assert compiled(parts()[0].total, 3.0) == (7.0, False)
    comments = {
        "base": {"FACTOR = 2.0": "# a factor\nFACTOR = 2.0  # two"},
        "kernels": {"def total(x):": 'def total(x):\n    """Doc."""'},
    }
    assert compiled(parts(**comments)[0].total, 3.0) == (7.0, False)
    assert compiled(parts(other={"5.0": "6.0"})[0].total, 3.0) == (7.0, False)
    assert compiled(parts(base={"2.0": "4.0"})[0].total, 3.0) == (13.0, True)  # not stale
    assert compiled(parts()[0].total, 3.0) == (7.0, False)  # and the first one is still there


def test_an_operation_counts_where_its_record_is_an_argument(parts):
    kernels, records = parts()
    assert compiled(kernels.valued, records.KcModel(2.0), 3.0) == (6.0, True)
    edit = {"implementation": {"model.kc_weight * x": "model.kc_weight + x"}}
    kernels, records = parts(**edit)
    assert compiled(kernels.valued, records.KcModel(2.0), 3.0) == (5.0, True)
    assert compiled(kernels.total, 3.0) == (7.0, True)  # of no concern to it, but this is its first call
    kernels, records = parts(**edit)
    assert compiled(kernels.valued, records.KcModel(2.0), 3.0) == (5.0, False)


def test_a_damaged_or_unwritable_cache_only_costs_compiling(parts, tmp_path):
    parts()[0].total(3.0)
    files = [path for path in (tmp_path / "kernels").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".nbi", ".nbc", ".json"}
    for path in files:
        path.write_bytes(path.read_bytes()[:40])
    assert compiled(parts()[0].total, 3.0) == (7.0, True)
    for path in sorted((tmp_path / "kernels").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (tmp_path / "kernels").rmdir()
    (tmp_path / "kernels").write_text("a file where the directory should be")
    assert compiled(parts()[0].total, 3.0) == (7.0, True)


def test_what_has_changed_since_the_process_began_is_not_kept(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_NAMED_BY_CONTENT", "no such name")
    parts()[0].total(3.0)
    assert not list((tmp_path / "kernels").rglob("*.nb?"))


def test_digests_leave_out_comments_docstrings_and_layout():
    same = ["x = 1\n", '"""Doc."""\n# why\nx = (1)\n', "x = 1  # one"]
    assert len({code_digest(source) for source in same}) == 1
    assert code_digest("x = 2\n") != code_digest("x = 1\n") != code_digest("x = '1'\n")
    assert code_digest("def f():\n    'doc'\n") == code_digest("def f():\n    pass\n")
    assert code_digest("x = " + "-" * 3_000 + "1") != code_digest("x = " + "-" * 3_002 + "1")


def test_project_kernels_do_not_depend_on_where_the_project_lies(tmp_path):
    names = frozenset(["solvers.kernels", "planners.search.best_first_search"])
    digest = sources.closure_digest(names, tmp_path / "memo.json")
    assert str(sources._TOP) not in (tmp_path / "memo.json").read_text()
    assert digest == sources.closure_digest(names, tmp_path / "other.json")
    assert np.all(
        [sources._source_file(name) is None for name in ("numpy", "numba.core.types", "math", "solvers.kernels.gradient")]
    )
