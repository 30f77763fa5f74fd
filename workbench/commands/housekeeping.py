"""``gameplan cache``."""

import click

from workbench.commands.options import json_option, print_json
from workbench.terminal.printing import echo


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
        print_json(record)
    else:
        print_cache(record)
    return 0


@cache_group.command("clear")
@json_option
def cache_clear(as_json: bool) -> int:
    """Remove compiled games and kernels."""
    from workbench.cache_tools import clear_cache

    removed = clear_cache()
    print_json({"removed_bytes": removed}) if as_json else echo(f"removed {removed / 1e6:.1f} MB")
    return 0
