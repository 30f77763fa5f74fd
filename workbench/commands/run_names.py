"""The one type of arguments and options that name a run."""

from collections.abc import Callable, Collection
from typing import Any

import click


class RunName(click.ParamType):
    """A run: its directory, a beginning of its name that no other's has, or ``@last`` (``@last~1``: the one before).

    Parameters
    ----------
    kinds : str
        Only such runs (`workbench.views.names.kind_at`) are meant by a beginning or ``@last``.
    known : callable, optional
        Returns names that are no runs; where they are legal too, what is given and returned is a text. A text that has a suffix
        may be a file and is no beginning.
    """

    def __init__(self, *kinds: str, known: Callable[[], Collection[str]] | None = None) -> None:
        self.kinds, self.known = kinds, known
        self.name = "path" if known is None else "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the directory, as a path or, if names are legal too, a text."""
        from workbench.views.names import find_run, run_or_file

        if not isinstance(value, str):
            return value
        return find_run(value, self.kinds) if self.known is None else run_or_file(value, self.kinds, self.known)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Return the names of the runs that begin so."""
        from workbench.commands.completing import complete_runs

        return complete_runs(incomplete, self.kinds)


def known_policies() -> Collection[str]:
    """Return the names of policies that need no file."""
    from workbench.solving.policies import UNIFORM

    return (UNIFORM,)
