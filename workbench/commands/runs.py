"""``gameplan runs``: what there is, one run beside another, and away with it."""

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from workbench.commands.options import json_option, print_json
from workbench.commands.run_names import RunName
from workbench.commands.show import show
from workbench.terminal.printing import echo

SORTS = ("started", "name", "kind", "game", "algo", "status", "figure", "size", "seconds")
KINDS = ("solve", "psro", "plan", "train", "train-lm", "distill", "compare", "evolve")


def since(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Any:
    """Turn an option such as 2d or 2026-01-31 into a moment."""
    from workbench.views.filters import parse_since

    return None if value is None else parse_since(value)


@click.group()
def runs() -> None:
    """List, show, compare and remove run directories."""


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose among runs."""
    for option in (
        click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only runs of this kind; repeatable."),
        click.option("--game", default="", metavar="TEXT", help="Only where the game, world or task contains this; * is anything."),
        click.option("--algo", default="", metavar="TEXT", help="Only where the algorithm, planner or method contains this."),
        click.option("--status", default="", metavar="TEXT", help="Only where the status contains this, such as done or running."),
        click.option("--since", callback=since, metavar="TIME", help="Only what started since: 30m, 3h, 2d, 1w or 2026-01-31."),
    )[::-1]:
        command = option(command)
    return command


@runs.command("list")
@click.argument("root", default="runs", type=click.Path(path_type=Path))
@_filters
@click.option("--sort", type=click.Choice(SORTS), default="started", show_default=True, help="What the list is ordered by.")
@click.option("--reverse", is_flag=True, help="The largest or latest first.")
@click.option("--all", "inner", is_flag=True, help="Also the single runs of comparisons.")
@json_option
def runs_list(root: Path, sort: str, reverse: bool, inner: bool, as_json: bool, **wanted: Any) -> int:
    """List the runs below ROOT.

    What was run on what, what came of it, and in what runs of one kind differ. A comparison, training over several seeds and a
    discovery are one row each.
    """
    from workbench.terminal.runs import print_runs
    from workbench.views.filters import choose, differences, ordered
    from workbench.views.runs import find_runs

    found = find_runs(root, inner=inner)
    views = ordered(choose(found, **wanted), sort, reverse=reverse)
    differs = differences(views)
    if as_json:
        print_json({"runs": [{**view.record(), "differs": d} for view, d in zip(views, differs, strict=True)]})
    elif views:
        print_runs(views, differs)
    elif found:
        echo(f"none of the {len(found)} runs below {root} is meant; leave out a filter")
    else:
        echo(f"no runs below {root}; 'gameplan solve leduc_2p' makes one")
    return 0


@runs.command("diff")
@click.argument("paths", nargs=-1, required=True, type=RunName(), metavar="RUN RUN...")
@click.option("--all", "everything", is_flag=True, help="Also the settings that are the same.")
@json_option
def runs_diff(paths: tuple[Path, ...], everything: bool, as_json: bool) -> int:
    """Say in what runs differ: settings, and what came of them.

    RUN is a directory, a beginning of its name that no other run's has, or @last (@last~1: the one before), here and in every
    command.
    """
    from workbench.terminal.runs import print_diff
    from workbench.views.filters import differing
    from workbench.views.runs import look

    if len(paths) < 2:
        raise click.UsageError("name two runs or more; 'gameplan runs list' shows what there is")
    views = [look(path) for path in paths]
    settings = [{"kind": v.kind, "game": v.game, "algo": v.algo, "seed": v.seed, **v.settings} for v in views]
    keys = list(dict.fromkeys(key for own in settings for key in own)) if everything else differing(settings)
    table = {key: [own.get(key) for own in settings] for key in keys}
    if as_json:
        print_json({"runs": [view.record() for view in views], "settings": table})
    else:
        print_diff(views, table)
    return 0


@runs.command("rm")
@click.argument("paths", nargs=-1, required=True, type=RunName(), metavar="RUN...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_option
def runs_rm(paths: tuple[Path, ...], yes: bool, as_json: bool) -> int:
    """Remove runs, comparisons and discoveries.

    Nothing else is removed, and none that somebody is working on. It asks first.
    """
    from games.errors import UsageError
    from workbench.runs.removal import remove
    from workbench.views.removable import LAST, check_removable

    places = list(dict.fromkeys(paths))
    for path in places:  # all of them, before the first is gone
        check_removable(path)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"nobody is here to ask whether {', '.join(map(str, places))} may go; say --yes")
        echo("\n".join(map(str, places)), err=True)
        click.confirm("Remove?" if len(places) == 1 else f"Remove these {len(places)}?", abort=True, err=True)
    for path in places:
        remove(path, LAST)
    if as_json:
        print_json({"removed": [str(path) for path in places]})
    else:
        echo("\n".join(f"removed {path}" for path in places))
    return 0


runs.add_command(copy.copy(show))  # the same as `gameplan show`, with examples of its own
