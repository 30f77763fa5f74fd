"""Sphinx: the site of Gameplan's documentation, from the files in this folder and the code (`make docs`)."""

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project, author = "Gameplan", "the Gameplan developers"
release = version = importlib.metadata.version("gameplan")
copyright = "2026, the Gameplan developers"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_click",
    "catalogue_pages",
    "notebooks",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "discoveries/*.tar.xz", "methods"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
suppress_warnings = ["myst.header"]  # some pages begin where README stops
autodoc_typehints = "none"  # the docstrings say types, and shapes beside them
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "furo"
html_title = "Gameplan"
html_copy_source = False
