"""The catalogue of methods of learning, and how one is found: by its name, or as a file of the user's own."""

import importlib
import math
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from games.errors import GameplanError, UnknownName, UsageError, did_you_mean
from games.makers import accepts, blamed
from games.modules import Program, is_program, load_program
from games.params import Value, check_bounds, check_table, resolve_params
from games.plugins import METHOD, expanded, known_names
from games.sentences import check_ranges
from planners.learning import method
from planners.learning.method import BOUNDS, CHOICES, MOST_ROWS, OPTIONS, SAMPLINGS, Method
from planners.learning.names import METHODS

HOOKS = {"advantage": 2, "rewards": 2, "mask": 2, "surrogate": 4, "needs": 1}  # of a method: how many arguments they take
LEARNER = {"learner": 4}  # the same of a module that has one
NEEDS = ("value", "success", "positive", "planner")


class Found(NamedTuple):
    """A method with the values of its parameters and of the trainer's options, and the text of its file if it is the user's own."""

    method: Method
    options: dict[str, Value]
    text: str | None


def find_method(name: str, given: Mapping[str, Value] | None = None, text: str | None = None) -> Found:
    """Return the method called `name`, of the catalogue or the path of a file, whose text may be given.

    `given` has values for its parameters and for the trainer's options.

    Raises
    ------
    UsageError
        For an unknown name, parameter or value.
    GameplanError
        For a file that is no method.
    """
    module = method_module(name, text)
    own = text if name not in METHODS else None
    given, choices = given or {}, getattr(module, "CHOICES", {})
    if hasattr(module, "learner"):
        params = resolve_params(name, module.PARAMS, choices, given)
        check_ranges(name, params, module.__doc__)
        return Found(Method(name, "moves", params, ("value",), _nothing, learner=module.learner), {}, own)
    resolved = resolve_params(name, {**OPTIONS, **module.PARAMS}, {**CHOICES, **choices}, {**module.OPTIONS, **given})
    params = {key: resolved[key] for key in module.PARAMS}
    options = {key: resolved[key] for key in OPTIONS}
    _check_options(name, options)
    check_bounds(params, getattr(module, "BOUNDS", {}), name)
    check_ranges(name, params, module.__doc__)
    needs = _needs(name, module, params)
    hooks = {hook: getattr(module, hook, None) for hook in ("rewards", "mask", "surrogate")}
    return Found(Method(name, module.SAMPLING, params, needs, module.advantage, **hooks), options, own)


def method_module(name: str, text: str | None = None) -> ModuleType:
    """Return the module of the method called `name`, which for a file, whose text may be given, is checked to be one.

    Raises
    ------
    UsageError
        For an unknown name.
    GameplanError
        For a file that is no method.
    """
    name = expanded(METHOD, name, METHODS)
    if name in METHODS:
        return importlib.import_module(METHODS[name])
    if not is_program(name):
        known = known_names(METHOD, METHODS)
        legal = f"{did_you_mean(name, known)}; legal are {', '.join(known)} and files"
        raise UnknownName(name, METHOD, f"unknown method {name!r}{legal}")
    module = load_program(name, "method file", text).module
    check_module(name, module)
    return module


def check_module(name: str, module: ModuleType) -> None:
    """Raise GameplanError if a module is no method, saying what is wrong."""
    learner = hasattr(module, "learner")  # it takes the trainer's place, and with it that of all hooks
    wanted = ("PARAMS",) if learner else ("PARAMS", "OPTIONS", "SAMPLING", "advantage")
    missing = [each for each in wanted if not hasattr(module, each)]
    if missing:
        raise UnknownName(name, "method", f"{name} is no method of learning: it has no {missing[0]}; see docs/learning.md")
    if not learner and module.SAMPLING not in SAMPLINGS:
        raise GameplanError(f"{name}: SAMPLING is {module.SAMPLING!r}; legal are {', '.join(SAMPLINGS)}")
    check_table(name, "PARAMS", module.PARAMS, getattr(module, "CHOICES", {}))
    if not learner:
        check_table(name, "OPTIONS", module.OPTIONS)
    for hook, count in LEARNER.items() if learner else HOOKS.items():
        function: Callable[..., Any] | None = getattr(module, hook, None)
        if (function is not None or hook in wanted) and not (callable(function) and accepts(function, ("",) * count, {})):
            raise GameplanError(f"{name}: {hook} must be a function of {count} argument{'s' * (count > 1)}")
    for text in ("__doc__", "TITLE", "REFERENCE"):
        if not isinstance(getattr(module, text, None), str | None):
            raise GameplanError(f"{name}: {text} must be a text")
    if learner:
        return
    unknown = [key for key in module.OPTIONS if key not in OPTIONS]
    if unknown:
        legal = f"{did_you_mean(unknown[0], list(OPTIONS))}; legal are {', '.join(OPTIONS)}"
        raise GameplanError(f"{name}: OPTIONS has {unknown[0]!r}, which is no option of the trainer{legal}")
    twice = [key for key in module.PARAMS if key in OPTIONS]
    if twice:
        raise GameplanError(f"{name}: {twice[0]!r} is an option of the trainer; give its default in OPTIONS, not in PARAMS")
    _check_known(name, getattr(module, "NEEDS", ()))
    bounds = getattr(module, "BOUNDS", {})
    if not isinstance(bounds, dict) or not all(
        isinstance(module.PARAMS.get(k), int | float) and _is_range(v) for k, v in bounds.items()
    ):
        raise GameplanError(f"{name}: BOUNDS must be a dictionary of names in PARAMS and pairs of numbers (least, most)")


def _is_range(found: Any) -> bool:
    return isinstance(found, tuple) and len(found) == 2 and all(isinstance(x, int | float) for x in found) and found[0] <= found[1]


def _needs(name: str, module: ModuleType, params: Mapping[str, Value]) -> tuple[str, ...]:
    """Return what a method with these parameters needs, which its module may say by a function."""
    needs = getattr(module, "NEEDS", ())
    if hasattr(module, "needs"):
        with blamed(Program(name, module, "needs", ""), "needs()"):
            needs = module.needs(dict(params))
    _check_known(name, needs)
    if "planner" in needs and not isinstance(params.get("planner"), str):
        raise GameplanError(f"{name} needs a planner, but its PARAMS do not name one: add planner")
    return tuple(needs)


def _check_known(name: str, needs: Any) -> None:
    if not isinstance(needs, (tuple, list)):  # a text is a sequence too, of letters
        raise GameplanError(f"{name}: NEEDS is {needs!r}; it must be a tuple of {', '.join(NEEDS)}, such as ('value',)")
    unknown = [need for need in needs if need not in NEEDS]
    if unknown:
        raise GameplanError(f"{name}: NEEDS has {unknown[0]!r}; legal are {', '.join(NEEDS)}")


def _check_options(name: str, options: Mapping[str, Value]) -> None:
    check_bounds(options, BOUNDS, name)
    check_ranges(name, options, method.__doc__)
    rows = int(options["environments"]) * int(options["turns"]) * max(1, int(options["group"]))
    if rows > MOST_ROWS:
        raise UsageError(
            f"{name}: environments x turns x group are {rows:,} rows of a batch; at most {MOST_ROWS:,} are possible: choose less"
        )
    for key in ("clip", "rate", "value_rate", "value_clip", "epsilon", "constant"):
        number = float(options[key])
        if not math.isfinite(number) or number < 0.0 or (key == "constant" and number == 0.0):
            raise UsageError(
                f"{name}: {key}={options[key]} is not possible; it must be {'above' if key == 'constant' else 'at least'} 0"
            )


def _nothing(batch: Any, params: dict) -> Any:
    raise NotImplementedError
