"""``gameplan report``: runs as one page for a browser."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from workbench.commands.options import SCHEMA, json_option, print_json
from workbench.commands.run_names import RunName
from workbench.terminal.printing import echo


@click.command()
@click.argument("runs", nargs=-1, required=True, type=RunName(), metavar="RUN|DIR...")
@click.option("--out", default="report.html", show_default=True, type=click.Path(path_type=Path, dir_okay=False), help="HTML file.")
@click.option("--title", default="", help="Its title.  [default: the names of the runs]")
@click.option(
    "--assets", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Put the plotting script into this directory, once for many pages, and not into the page.",
)  # fmt: skip
@click.option("--watch", is_flag=True, help="Write it again while runs go on; the page loads itself again.")
@json_option
def report(runs: tuple[Path, ...], out: Path, title: str, assets: Path | None, watch: bool, as_json: bool) -> int:
    """Write one HTML page about RUNs, and all runs below DIRs, that opens without a network.

    Runs, convergence, results, policies, populations, planner runs with replays, learning, discoveries; what cannot be shown is
    told on the page. Figures need the extra 'report' (plotly).
    """
    from workbench.pages.document import write_assets
    from workbench.pages.report import report as page
    from workbench.pages.report import runs_at
    from workbench.pages.watching import follow
    from workbench.terminal.progress import naming, say

    if out.suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"--out {out} does not end in .html, the only kind of page that is written")
    name = title or ", ".join(path.resolve().name for path in runs[:4]) + (" ..." if len(runs) > 4 else "")
    script = os.path.relpath(write_assets(assets), out.resolve().parent) if assets else ""

    def write(views: Sequence[Any], again: float = 0.0) -> None:
        from games.files import write_output

        with naming("reading", len(views), "runs") as tell:
            text = page(views, title=name, again=again, assets=script, tell=tell if say.moves() else lambda run: None)
        write_output(out, text)

    if watch:
        say(f"{out} is written again while runs go on; Ctrl-C ends it")
        follow(lambda: runs_at(runs), write)
    else:
        write(runs_at(runs))
    if as_json:
        print_json({"schema": SCHEMA, "command": "report", "runs": [str(path) for path in runs], "report": str(out)})
    else:
        echo(str(out))
    return 0
