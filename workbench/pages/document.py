"""The page around its sections: template, style, scripts, and what a browser is allowed to do with it."""

import base64
import hashlib
import importlib.util
import string
from collections.abc import Mapping, Sequence
from pathlib import Path

from games.errors import GameplanError, UsageError
from games.files import read_file, write_output
from workbench.pages.parts import Section, embed, escape, listed

HERE = Path(__file__).parent
PLOTLY = "plotly"
SCRIPTS = ("page.js", "figures.js")  # before those of sections


def document(title: str, sections: Sequence[Section], problems: Mapping[str, str], *, again: float = 0.0, assets: str = "") -> str:
    """Return the page as HTML.

    Parameters
    ----------
    problems : mapping
        What could not be shown, and why.
    again : float
        Seconds after which the page loads itself again; 0: never.
    assets : str
        The address of the plotting script beside the page; empty: it is in the page.

    Raises
    ------
    UsageError
        If a section has figures, and the extra that has the plotting script is not installed.
    """
    figures = any(section.figures for section in sections)
    library = plotly() if figures and not assets else ""
    code = "\n".join((HERE / name).read_text() for name in (*SCRIPTS, *(f"{s.name}.js" for s in sections if s.data is not None)))
    names = [section.name for section in sections if section.data is not None]
    data = [embed(section.name, section.data) for section in sections if section.data is not None]
    data.append(embed("page", {"sections": names, "again": again, "assets": assets, "problems": len(problems)}))
    inside = "\n".join(data)
    nonce = digest(inside + code) if assets else ""
    if figures:
        data.append(_library(library, nonce))
    allowed = [
        f"'sha256-{digest(code)}'",
        *([f"'sha256-{digest(library)}'"] if library else []),
        *([f"'nonce-{nonce}'"] if nonce else []),
    ]
    template = string.Template((HERE / "page.html").read_text())
    return template.substitute(
        title=escape(title), style=(HERE / "page.css").read_text(), scripts=" ".join(allowed), code=code, data="\n".join(data),
        links="".join(f'<a href="#{section.name}">{escape(section.title)}</a>' for section in sections),
        sections="\n".join(map(_section, sections)), problems=_problems(problems),
    )  # fmt: skip


def plotly() -> str:
    """Return the plotting script.

    Raises
    ------
    UsageError
        If the extra is not installed.
    """
    found = importlib.util.find_spec(PLOTLY)
    if found is None or not found.submodule_search_locations:
        raise UsageError(
            "a report needs the extra 'report' (plotly), which is not installed: pip install 'gameplan[report]', "
            "or in a checkout: pip install -e '.[report]'"
        )
    text = read_file(Path(found.submodule_search_locations[0]) / "package_data" / "plotly.min.js").decode()
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # as a browser reads it, whose digest must be the same
    for ends in ("</script", "<!--"):
        if ends in text:
            raise GameplanError(f"this version of plotly has {ends!r} inside and cannot stand in a page; install another")
    return text


def write_assets(folder: Path) -> Path:
    """Write the plotting script into `folder`, unless it is there, and return its path.

    Raises
    ------
    UsageError, GameplanError
        If there is none, or it cannot be written.
    """
    text = plotly()
    path = folder / f"plotly-{hashlib.sha256(text.encode()).hexdigest()[:12]}.min.js"
    if not path.is_file() or path.stat().st_size != len(text.encode()):
        write_output(path, text, "--assets")
    return path


def digest(text: str) -> str:
    """Return the SHA-256 of `text` as content security policies have it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _library(text: str, nonce: str) -> str:
    """Return the element that holds the plotting script, as text that is run when a figure comes into sight."""
    return f'<script type="text/plain" id="plotly" data-nonce="{nonce}">{text}</script>'


def _section(section: Section) -> str:
    return f'<section id="{section.name}"><h2>{escape(section.title)}</h2>{section.html}</section>'


def _problems(problems: Mapping[str, str]) -> str:
    if not problems:
        return ""
    return (
        '<section id="problems"><h2>What could not be shown</h2>'
        + listed([f"{k}: {v}" for k, v in problems.items()])
        + "</section>"
    )
