"""Parameters with declared defaults: texts from the command line become values of the default's type, or one clear line."""

import math
from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

from games.errors import GameplanError, UsageError, did_you_mean
from games.reading import shown

PLANNED = "planned_iterations"  # a parameter of this name follows the run's length

Value = float | int | bool | str


def resolve_params(
    name: str,
    defaults: Mapping[str, Value],
    choices: Mapping[str, tuple[str, ...]],
    given: Mapping[str, Value],
    planned_iterations: int | None = None,
) -> dict[str, Value]:
    """Return `defaults` with the `given` values (texts are converted to the default's type).

    A parameter called ``planned_iterations`` that is 0 takes the value of the argument of that name.

    Raises
    ------
    UsageError
        For an unknown name or a value of the wrong type.
    """
    params = dict(defaults)
    for key, value in given.items():
        if key not in defaults:
            legal = f"legal are {', '.join(defaults)}" if defaults else "it has none"
            raise UsageError(f"{name} has no parameter {key!r}{did_you_mean(key, list(defaults))}; {legal}")
        params[key] = _convert(name, key, value, defaults[key], choices.get(key))
    if params.get(PLANNED) == 0 and planned_iterations is not None:
        params[PLANNED] = planned_iterations
    return params


def check_table(name: str, table: str, found: Any, choices: Any = None) -> None:
    """Check the parameters that a program of the user's own declares, and the texts that it says are legal for some.

    Parameters
    ----------
    name, table : str
        The program, and what it calls the table, such as "PARAMS".
    found, choices
        What it has there, and as CHOICES.

    Raises
    ------
    GameplanError
        If no command line could give these parameters, or no run could keep them.
    """
    if not isinstance(found, dict) or not all(isinstance(k, str) and isinstance(v, Value) for k, v in found.items()):
        raise GameplanError(f"{name}: {table} must be a dictionary of names and defaults: float, int, bool or str")
    for key, value in found.items():
        if not key.isidentifier() or iskeyword(key) or key.startswith("_"):
            raise GameplanError(f"{name}: {table} has the name {key!r}; names are words that do not begin with an underscore")
        if isinstance(value, float) and not math.isfinite(value):
            raise GameplanError(f"{name}: {table} has {key} = {value}, which is not finite")
        if isinstance(value, int) and abs(value) >= 2**63:
            raise GameplanError(f"{name}: {table} has {key} = {shown(value)}, which does not fit 64 bits")
    for key, legal in choices.items() if isinstance(choices, dict) else [("", choices or ())]:
        if not isinstance(legal, (tuple, list)) or (key and found.get(key) not in legal) or (not key and choices):
            raise GameplanError(f"{name}: CHOICES must list the default of every name in it, which is one of {table}")


def check_bounds(values: Mapping[str, Any], bounds: Mapping[str, tuple[float, float]], owner: str = "") -> None:
    """Check that each value is None or within its bounds, which are name -> (lowest, highest); an `owner` is named first.

    Raises
    ------
    UsageError
        For the first that is not.
    """
    for name, (lowest, highest) in bounds.items():
        value = values[name]
        if value is not None and not lowest <= value <= highest:
            raise UsageError(
                f"{owner and f'{owner}: '}{name} = {shown(value)} is out of range; legal are {lowest:,} to {highest:,}"
            )


def _convert(name: str, key: str, value: Value, default: Value, choices: tuple[str, ...] | None) -> Value:
    text = str(value).strip()
    if choices is not None:
        if text not in choices:
            raise UsageError(
                f"{name}: {key}={text} is not possible{did_you_mean(text, list(choices))}; legal: {', '.join(choices)}"
            )
        return text
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        if text.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise UsageError(f"{name}: {key}={text} is not a truth value; write {key}=true or {key}=false")
        return text.lower() in ("true", "1", "yes")
    try:
        number = int(text) if isinstance(default, int) else float(text)
    except ValueError:
        wanted = "a whole number" if isinstance(default, int) else "a number"
        raise UsageError(f"{name}: {key}={text} is not {wanted}; the default is {default}") from None
    if not math.isfinite(number):
        raise UsageError(f"{name}: {key}={text} is not finite; the default is {default}")
    if isinstance(number, int) and abs(number) >= 2**63:
        raise UsageError(f"{name}: {key}={text} does not fit 64 bits; the default is {default}")
    return number
