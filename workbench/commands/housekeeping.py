"""``gameplan runs`` and ``gameplan cache``."""

from pathlib import Path

import click

from workbench.commands.options import SCHEMA, json_option, print_json
from workbench.terminal.printing import echo


@click.group()
def runs() -> None:
    """Look at run directories."""


@runs.command("list")
@click.argument("root", default="runs", type=click.Path(path_type=Path))
@json_option
def runs_list(root: Path, as_json: bool) -> int:
    """List the runs below ROOT, with what became of them."""
    from workbench.runs.listing import list_runs
    from workbench.terminal.tables import print_runs

    records = list_runs(root)
    if as_json:
        print_json({"schema": SCHEMA, "runs": records})
    elif records:
        print_runs(records)
    else:
        echo(f"no runs below {root}; 'gameplan solve leduc_2p' makes one")
    return 0


@click.group("cache")
def cache_group() -> None:
    """The cache of compiled games and kernels, which can always be rebuilt."""


@cache_group.command("info")
@json_option
def cache_info(as_json: bool) -> int:
    """Show where the cache is and what it holds."""
    from workbench.cache_tools import describe_cache
    from workbench.terminal.tables import print_cache

    record = describe_cache()
    if as_json:
        print_json({"schema": SCHEMA, **record})
    else:
        print_cache(record)
    return 0


@cache_group.command("clear")
def cache_clear() -> int:
    """Remove compiled games and kernels."""
    from workbench.cache_tools import clear_cache

    echo(f"removed {clear_cache() / 1e6:.1f} MB")
    return 0
