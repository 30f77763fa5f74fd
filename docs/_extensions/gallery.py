"""The gallery: pictures in docs/figures, each made by commands in docs/gallery.toml, with digests in docs/gallery.json.

``python docs/_extensions/gallery.py [NAME ...]`` draws them anew (all, or those named) and writes the digests; `stale` says what
does not fit together, which a test asks.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1]
FIGURES, DIGESTS = DOCS / "figures", DOCS / "gallery.json"
COLUMNS = 100


def entries() -> list[dict[str, Any]]:
    """Return the entries of docs/gallery.toml: name, title, commands, the file that the last one writes or ``terminal``."""
    return tomllib.loads((DOCS / "gallery.toml").read_text("utf-8"))["picture"]


def picture(entry: dict[str, Any]) -> Path:
    """Return where an entry's picture is."""
    return FIGURES / (f"{entry['name']}.svg" if entry.get("terminal") else f"{entry['name']}{Path(entry['file']).suffix}")


def digests(entry: dict[str, Any]) -> dict[str, str]:
    """Return the digests of an entry's commands and of its picture."""
    said = json.dumps([entry["commands"], entry.get("file"), entry.get("terminal")])
    return {
        "commands": hashlib.sha256(said.encode()).hexdigest(),
        "picture": hashlib.sha256(picture(entry).read_bytes()).hexdigest() if picture(entry).exists() else "",
    }


def stale() -> list[str]:
    """Return what is wrong: pictures that are missing, were changed by hand, or belong to other commands than are shown."""
    kept = json.loads(DIGESTS.read_text("utf-8"))
    wrong = [f"{name}: is no picture of gallery.toml" for name in set(kept) - {entry["name"] for entry in entries()}]
    for entry in entries():
        found, known = digests(entry), kept.get(entry["name"], {})
        wrong += [f"{entry['name']}: the {part} changed" for part in found if found[part] != known.get(part)]
    return wrong


def draw(entry: dict[str, Any]) -> None:
    """Run an entry's commands in an empty folder and keep the picture."""
    environment = {
        **os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for command in entry["commands"]:
            sys.stderr.write(f"{entry['name']}: {command}\n")
            done = subprocess.run(shlex.split(command), cwd=folder, env=environment, capture_output=True, text=True)
            if done.returncode not in (0, 3):
                raise SystemExit(f"{command}: exit code {done.returncode}: {done.stderr[-2000:]}")
        if entry.get("terminal"):
            picture(entry).write_text(_terminal(entry["commands"][-1], done.stdout), "utf-8")
        else:
            shutil.copyfile(Path(folder) / entry["file"], picture(entry))


def _terminal(command: str, output: str) -> str:
    """Return a picture, as SVG, of a terminal in which `command` printed `output`."""
    import io

    from rich.console import Console  # noqa: TID251 (a picture, no terminal)
    from rich.text import Text

    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {command}\n", style="bold"), Text.from_ansi(output), sep="")
    drawn = console.export_svg(title="gameplan", unique_id="gameplan")
    while "@font-face" in drawn:  # fonts from elsewhere: the reader's own will do
        begin = drawn.index("@font-face")
        drawn = drawn[:begin] + drawn[drawn.index("}", begin) + 1 :]
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


def page() -> list[str]:
    """Return the gallery as lines of Markdown."""
    lines = []
    for entry in entries():
        commands = [f"    {command}" for command in entry["commands"]]
        lines += [f"## {entry['title']}", "", entry["says"], "", *commands, ""]
        lines += [f"![{entry['title']}](figures/{picture(entry).name})", ""]
    return lines


if __name__ == "__main__":
    known = json.loads(DIGESTS.read_text("utf-8")) if DIGESTS.exists() else {}
    for entry in entries():
        if not sys.argv[1:] or entry["name"] in sys.argv[1:]:
            draw(entry)
            known[entry["name"]] = digests(entry)
            DIGESTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
