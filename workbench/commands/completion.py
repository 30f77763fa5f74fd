"""``gameplan completion``: the script that lets a shell complete names."""

import click

from workbench.terminal.printing import echo

VARIABLE = "_GAMEPLAN_COMPLETE"  # by which a shell asks; click's name for it
_INTO = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/completions/gameplan.fish"}


@click.command(short_help="Print what lets a shell complete names.")
@click.argument("shell", type=click.Choice(tuple(_INTO)))
def completion(shell: str) -> int:
    """Print the script that lets SHELL complete commands, options, games, algorithms, planners, worlds, runs and parameters.

    For the shell that is open: eval "$(gameplan completion bash)", in fish gameplan completion fish | source. For good: put that
    line into ~/.bashrc or ~/.zshrc, or the script into ~/.config/fish/completions/gameplan.fish.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None  # click has all three
    shown = found(click.Command("gameplan"), {}, "gameplan", VARIABLE)
    echo(shown.source_template % shown.source_vars())
    return 0
