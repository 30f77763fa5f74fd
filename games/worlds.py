"""The catalogue of worlds for planning: what can be played, and how each is made."""

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from games.errors import UsageError, did_you_mean
from games.params import Value, resolve_params
from games.world import World


class Entry(NamedTuple):
    """A catalogued world: the function that makes it, values for its options, and one line about it.

    The function, "module:name", takes one keyword argument an option; its module declares their defaults in ``OPTIONS`` and, for
    texts with few legal values, those in ``CHOICES``.
    """

    maker: str
    given: Mapping[str, Value]
    about: str


WORLDS: dict[str, Entry] = {}


def load_world(name: str, given: Mapping[str, Value] | None = None) -> World:
    """Return the world called `name` with `given` values for its options.

    Raises
    ------
    UsageError
        For an unknown name, option or value.
    """
    module, maker = _module(name)
    world: World = getattr(module, maker)(name=name, **world_options(name, given))
    return world


def world_options(name: str, given: Mapping[str, Value] | None = None) -> dict[str, Value]:
    """Return a value for every option of the world called `name`: its defaults, overridden by `given`.

    Raises
    ------
    UsageError
        For an unknown name, option or value.
    """
    module, _ = _module(name)
    defaults = {**module.OPTIONS, **WORLDS[name].given}
    return resolve_params(name, defaults, getattr(module, "CHOICES", {}), given or {})


def world_choices(name: str) -> Mapping[str, tuple[str, ...]]:
    """Return the legal texts of the options of the world called `name` that have few."""
    choices: Mapping[str, tuple[str, ...]] = getattr(_module(name)[0], "CHOICES", {})
    return choices


def _module(name: str) -> tuple[Any, str]:
    if name not in WORLDS:
        raise UsageError(f"unknown world {name!r}{did_you_mean(name, list(WORLDS))}; legal are {', '.join(WORLDS)}")
    module, _, maker = WORLDS[name].maker.partition(":")
    return importlib.import_module(module), maker
