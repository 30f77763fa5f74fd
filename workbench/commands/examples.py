"""The end of a command's help: its examples."""

import click

from workbench.catalogue.examples import EXAMPLES


def with_examples(command: click.Command, path: str) -> click.Command:
    """Return the command called `path`, with those in it, whose help ends with its examples."""
    lines = EXAMPLES.get(path, ())
    command.epilog = "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)]) if lines else None
    for name, inner in getattr(command, "commands", {}).items():
        with_examples(inner, f"{path} {name}")
    return command
