"""The recipes of docs/extending.md, done to a copy of the tree: every suite that concerns what was added is green afterwards."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from games.jit import cache_root

TOP = Path(__file__).resolve().parent.parent
TEXT = (TOP / "docs/extending.md").read_text()
BLOCK = re.compile(
    r"(New file|In|A row of)\s+`([^`]+)`(?:,\s+in\s+`(\w+)`)?:\n\n```(?:python|bibtex|markdown)\n(.*?)```", re.DOTALL
)
COMMAND = re.compile(r"^    make regression ONLY=(\S+)$", re.MULTILINE)


class Recipe(NamedTuple):
    """A section's name in the docs, the tests that are run, those of them that concern what it adds, and commands that use it."""

    section: str
    files: tuple[str, ...]
    chosen: str
    used: tuple[str, ...]


RECIPES = (
    Recipe(
        "A rule",
        ("conformance", "twin", "regression"),
        "quadratic-cfr and not random or has_a or all_are",
        ("solve kuhn_2p --algo quadratic-cfr -n 20 --out one", "compare kuhn_2p --algos quadratic-cfr,cfr+ -n 20 --out two"),
    ),
    Recipe(
        "A meta-strategy solver",
        ("meta_solvers", "regression"),
        "rm-linear or has_a or all_are",
        ("solve kuhn_2p --train rm-linear -n 5 --out one", "compare kuhn_2p --algos psro-rm-linear,psro-rm -n 5 --out two"),
    ),
    Recipe(
        "A planner",
        ("planners_conformance",),
        "wanderer or list",
        (
            "plan kg-walk --planner wanderer --episodes 2 --out one",
            "compare kg-walk --planners wanderer,greedy --episodes 2 --out two",
        ),
    ),
    Recipe(
        "A world",
        ("worlds_conformance",),
        "fork",
        ("plan fork --planner greedy --episodes 1 --out one", "compare fork --planners greedy,random --episodes 2 --out two"),
    ),
    Recipe(
        "A method of learning",
        ("methods",),
        "cut-grpo or list",
        (
            "train 2048-2x2 --method cut-grpo --updates 2 --episodes 5 --out one",
            "compare 2048-2x2 --methods cut-grpo,reinforce -n 2 --out two",
        ),
    ),
)
REFERENCE = "Its reference"


def steps(section: str) -> tuple[list[tuple[str, str, str, str]], list[str]]:
    """Return the blocks (kind, path, table, text) and the commands' arguments of a section."""
    text = TEXT.split(f"\n## {section}\n")[1].split("\n## ")[0]
    blocks = BLOCK.findall(text)
    assert text.count("```") == 2 * len(blocks), (
        f"{section}: a block is not introduced by 'New file `PATH`:', 'In `PATH`, in `TABLE`:' or 'A row of `PATH`, in `COLUMN`:'"
    )
    return blocks, COMMAND.findall(text)


def follow(section: str, tree: Path) -> list[str]:
    """Do to `tree` what the section says; return what is to be recorded."""
    blocks, recorded = steps(section)
    assert blocks
    for kind, name, table, text in blocks:
        path = tree / name
        if kind == "New file":
            assert not path.exists()
            path.write_text(text)
            continue
        lines = path.read_text().splitlines(keepends=True)
        if kind == "A row of":  # below the head of the table whose first column is so called
            head = next(k for k, line in enumerate(lines) if line.startswith(f"| {table} |"))
            path.write_text("".join([*lines[: head + 2], text, *lines[head + 2 :]]))
            continue
        if not table:
            path.write_text(text + "\n" + path.read_text())
            continue
        opening = [
            k for k, line in enumerate(lines) if re.match(rf"{table}\b.*[\[{{(]$|{table}\b.*[\[{{(]\s+#.*$", line.rstrip("\n"))
        ]
        assert len(opening) == 1, f"{name} has no table {table}"
        lines.insert(opening[0] + 1, text)
        path.write_text("".join(lines))
    return recorded


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(tree), "GAMEPLAN_CACHE": str(cache_root()), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    return subprocess.run([sys.executable, *arguments], cwd=tree, env=environment, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES, ids=[r.section for r in RECIPES])
def test_recipe_leaves_the_suites_green(recipe, tmp_path):
    for name in ("games", "solvers", "planners", "workbench", "tests", "docs"):
        shutil.copytree(TOP / name, tmp_path / name, ignore=shutil.ignore_patterns("*.pyc", "cases"))
    for name in ("cli.py", "pyproject.toml", "README.md"):
        shutil.copy(TOP / name, tmp_path / name)
    follow(REFERENCE, tmp_path)
    for name in follow(recipe.section, tmp_path):
        written = run(tmp_path, "tests/regression.py", name)
        assert written.returncode == 0, written.stderr[-2000:]
    for check in (("check", "-q"), ("format", "--check", "-q")):
        clean = run(tmp_path, "-m", "ruff", *check, ".")
        assert clean.returncode == 0, clean.stdout + clean.stderr
    files = [f"tests/test_{name}.py" for name in (*recipe.files, "docs", "tables")]
    chosen = f"{recipe.chosen} or reference_has or what_ships or looking_up"
    quick = () if recipe.section == "A rule" else ("-m", "not slow")  # those of new rules are all slow
    tests = run(tmp_path, "-m", "pytest", "-x", "-n", "0", "-p", "no:cacheprovider", *quick, "-k", chosen, *files)
    assert tests.returncode == 0, tests.stdout[-4000:]
    assert int(re.search(r"(\d+) passed", tests.stdout)[1]) >= 8, tests.stdout
    for command in (*recipe.used, "report one two"):
        used = run(tmp_path, "-c", "from cli import main; main()", *command.split())
        assert used.returncode == 0, (command, used.stderr[-2000:])
    assert (tmp_path / "report.html").stat().st_size
