"""Makes pages of the notebooks in docs/notebooks: their text and code as Markdown, without running anything, and the file to take.

A notebook is kept without outputs (a test says so, and runs them); what it shows is seen where it runs.
"""

import json
from typing import Any

SUFFIX = ".ipynb"


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx read notebooks as Markdown."""
    app.add_source_suffix(SUFFIX, "markdown")
    app.connect("source-read", read, priority=400)  # before what fills pages in
    return {"parallel_read_safe": True}


def read(app: Any, page: str, source: list[str]) -> None:
    """Turn ``source[0]`` into Markdown, in place, if the page is a notebook."""
    name = app.env.doc2path(page, base=False)
    if str(name).endswith(SUFFIX):
        source[0] = as_markdown(source[0], str(name).rpartition("/")[2])


def as_markdown(text: str, name: str) -> str:
    """Return the notebook `text` (JSON) as Markdown, with a line below its title that says where to take the file called `name`."""
    parts = []
    for cell in json.loads(text)["cells"]:
        said = "".join(cell["source"])
        parts.append(said if cell["cell_type"] == "markdown" else f"```python\n{said}\n```")
    title, _, rest = "\n\n".join(parts).partition("\n")
    take = f"This page is a notebook: {{download}}`{name}`. Its tables and figures are there when it has run."
    return f"{title}\n\n{take}\n{rest}\n"
