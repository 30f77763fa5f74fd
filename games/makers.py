"""What programs of the user's own make, worlds and planners, checked before it is used; and their failures as one line."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from games.errors import GameplanError, UnknownName, line_in, one_line, with_article
from games.modules import Program, short_name
from games.params import check_table


class Maker(NamedTuple):
    """The function that makes a world or planner from its settings, with their defaults and legal texts."""

    make: Callable[..., Any]
    defaults: Mapping[str, Any]
    choices: Mapping[str, tuple[str, ...]]
    rollouts: Mapping[str, Mapping[str, str]] = {}
    doc: str | None = None  # has the ranges of the settings


FORMS = {"world": "OPTIONS", "planner": "PARAMS"}  # kind: the table that its files have


def find_maker(program: Program, kind: str) -> Maker:
    """Return the maker in `program`, which must be of `kind` (a key of `FORMS`).

    Raises
    ------
    GameplanError
        If it is not, saying what is wanted.
    """
    table = FORMS[kind]
    wanted = f"a {kind} has {table} = {{...}} and make(name, ...) with one argument for each of {table}"
    found = [name for name in FORMS.values() if hasattr(program.module, name)]
    make = getattr(program.module, program.attribute, None)
    if len(found) > 1:
        raise GameplanError(
            f"{program.name} has both OPTIONS (of a world) and PARAMS (of a planner); {wanted}, so keep one of them"
        )
    if found != [table] or make is None:
        missing = table if found != [table] else "make"
        other = next((other for other, name in FORMS.items() if found == [name] and name != table), None)
        is_other = f"it is a {other}, not a {kind}" if other and make is not None else f"it has no {missing}"
        raise UnknownName(program.name, kind, f"{program.name} defines no {kind}: {is_other}; {wanted}")
    defaults, choices = getattr(program.module, table), getattr(program.module, "CHOICES", {})
    check_table(program.name, table, defaults, choices)
    arguments = ", ".join(["name", *defaults])
    if not callable(make) or not accepts(make, ("name",), defaults):
        raise GameplanError(f"{program.name}: {program.attribute} must be a function that takes ({arguments}): {wanted}")
    rollouts = getattr(program.module, "ROLLOUTS", {})
    return Maker(make, defaults, choices, rollouts if isinstance(rollouts, dict) else {}, program.module.__doc__)


def accepts(function: Any, positional: tuple[str, ...], keywords: Mapping[str, Any]) -> bool:
    """Return whether `function` can be called with so many positional and these keyword arguments; True if it cannot be known."""
    try:
        inspect.signature(function).bind(*positional, **keywords)
    except TypeError:
        return False
    except ValueError:
        pass
    return True


def make_checked(program: Program, kind: str, maker: Maker, settings: Mapping[str, Any], methods: Mapping[str, int]) -> Any:
    """Return what the program makes of `settings`, once it has a name and `methods` (name: how many arguments they take).

    Raises
    ------
    GameplanError
        If making fails, or what is made is no such thing.
    """
    with blamed(program, f"{program.attribute}()"):
        made = maker.make(short_name(program.name), **settings)
    problems = [] if isinstance(getattr(made, "name", None), str) else ["a text called name"]
    for method, count in methods.items():
        function = getattr(made, method, None)
        if not callable(function) or not accepts(function, ("",) * count, {}):
            problems.append(f"{method}() with {count} argument{'s' if count != 1 else ''}" if count else f"{method}()")
    if problems:
        raise GameplanError(
            f"{program.name}: {program.attribute} makes {with_article(type(made).__name__)}, which is no {kind}; "
            f"it needs {', '.join(problems)}"
        )
    return made


@contextmanager
def blamed(program: Program, where: str = "") -> Iterator[None]:
    """Turn whatever the user's own program raises in this context into one line that names it and the place."""
    try:
        yield
    except (GameplanError, KeyboardInterrupt):
        raise
    except BaseException as error:  # also SystemExit: a program does not end ours, least of all as if all had gone well
        raise GameplanError(failure(program, error, where)) from error


def failure(program: Program, error: BaseException, where: str = "") -> str:
    """Return the line that says where in `program` something failed."""
    line = line_in(error, str(program.module.__file__))
    return f"{program.name}{line}: {where + ' failed: ' if where else ''}{type(error).__name__}: {one_line(error)}"
