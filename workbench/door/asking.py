"""What every function of the door begins with: its arguments are made exact, and an unknown name is told what it is instead."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from games.asked import asked as exactly
from games.errors import UnknownName

F = TypeVar("F", bound=Callable[..., Any])


def asked(function: F) -> F:
    """Return `function` as `games.asked.asked` does, its errors about names explained as at the terminal.

    A name that is of another kind than was wanted says which, and what takes it.
    """
    exact = exactly(function)

    @wraps(function)
    def explained(*args: Any, **kwargs: Any) -> Any:
        try:
            return exact(*args, **kwargs)
        except UnknownName as error:
            from workbench.catalogue.naming import explain

            raise UnknownName(error.name, error.wanted, explain(error)) from None

    return explained  # type: ignore[return-value]
