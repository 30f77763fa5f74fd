"""The documentation: its pictures are those that the commands beside them made, its links lead somewhere, its commands exist."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from cli import COMMANDS

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = sorted([*DOCS.glob("*.md"), *DOCS.glob("results/*.md"), DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md"])


@pytest.fixture
def gallery(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_extensions"))
    import gallery

    yield gallery
    sys.modules.pop("gallery")


def test_pictures_are_those_of_their_commands(gallery):
    assert gallery.stale() == []


def test_a_picture_of_other_commands_is_noticed(gallery, tmp_path, monkeypatch):
    entry = gallery.entries()[0]
    monkeypatch.setattr(gallery, "entries", lambda: [{**entry, "commands": [*entry["commands"], "gameplan games"]}])
    assert f"{entry['name']}: the commands changed" in gallery.stale()
    monkeypatch.setattr(gallery, "FIGURES", tmp_path)
    assert f"{entry['name']}: the picture changed" in gallery.stale()


@pytest.mark.parametrize("path", sorted((DOCS / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_pages_with_all_that_is_in_them(path, monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_extensions"))
    import notebooks

    page = notebooks.as_markdown(path.read_text("utf-8"), path.name)
    assert page.startswith("# ") and f"{{download}}`{path.name}`" in page.split("\n\n")[1]
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        text = "".join(cell["source"])
        shown = f"```python\n{text}\n```" if cell["cell_type"] == "code" else text.partition("\n")[2]
        assert shown in page
    assert page.count("```") == 2 * page.count("```python")
    assert f"<notebooks/{path.stem}>\n" in (DOCS / "index.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if not re.match(r"[a-z]+:", link):
            path = link.partition("#")[0]
            assert not path or (page.parent / path).exists(), f"{page.name}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page):
    for line in re.findall(r"^    (gameplan .*)$", page.read_text("utf-8"), re.MULTILINE):
        name = next(
            (word for word in shlex.split(line.split("#")[0].rstrip("\\"), posix=False)[1:] if not word.startswith("-")), None
        )
        assert name is None or name.rstrip(";") in COMMANDS, f"{page.name}: {line}"


def test_every_reference_has_its_entry():
    from planners.catalogue import PLANNERS
    from planners.learning.names import METHODS
    from solvers.psro.catalogue import SOLVERS
    from workbench.catalogue.citations import bibtex
    from workbench.catalogue.descriptions import describe, describe_meta_solver, describe_method, describe_planner
    from workbench.catalogue.families import ALGORITHMS

    described = [*map(describe, ALGORITHMS), *map(describe_planner, PLANNERS), *map(describe_method, METHODS)]
    described += map(describe_meta_solver, SOLVERS)
    for reference in {record["reference"] for record in described}:
        pieces = [piece for piece in reference.split(";") if piece and "gameplan evolve" not in piece]
        found = bibtex(reference)
        assert found.count("@") == max(1, len(pieces)), reference
        assert not pieces or "{gameplan," not in found, reference
    assert "Ballard" in bibtex("Michie 1966; Ballard 1983") and "eprint = {2602.16928}" in bibtex(
        "Li et al. 2026, arXiv 2602.16928"
    )


def test_what_ships_is_told_of_on_a_page_somebody_has_written():
    from planners.catalogue import PLANNERS
    from planners.learning.names import METHODS
    from solvers.psro.catalogue import SOLVERS
    from workbench.catalogue.families import ALGORITHMS

    pages = [path for path in DOCS.rglob("*.md") if "_build" not in path.parts]
    told = {name for page in pages for name in re.findall(r"`([^`\s]+)`", page.read_text("utf-8"))}
    lost = sorted({*ALGORITHMS, *PLANNERS, *METHODS, *SOLVERS} - told)
    assert not lost, f"no page of docs/ has `{lost[0]}`: docs/extending.md says where its row belongs"


@pytest.fixture
def reference(monkeypatch):
    """Return what fills a page of the reference: its rows, by the name in their first column."""
    monkeypatch.syspath_prepend(str(DOCS / "_extensions"))
    import catalogue_pages

    yield lambda kind: re.findall(r"^\| `(\w+).*?` \|(.*)\|$", "\n".join(catalogue_pages.KINDS[kind]()), re.MULTILINE)
    sys.modules.pop("catalogue_pages")


@pytest.mark.parametrize("kind", ["algorithms", "planners", "methods", "worlds"])
def test_the_page_of_parameters_says_what_each_is(reference, kind):
    rows = reference(kind)
    assert len(rows) > 50
    bare = [name for name, said in rows if not said.partition("` | ")[2].strip()]
    assert not bare, f"docs/reference/parameters.md says nothing of {bare[0]}"


def test_the_page_of_words_has_all_that_a_rule_may_import(reference):
    from solvers import rule

    rows = dict(reference("words"))
    assert sorted(rows) == sorted(rule.__all__) and all(said.strip().endswith((".", ").")) for said in rows.values())
    assert "catalogue: words" in (DOCS / "reference/words.md").read_text("utf-8")
