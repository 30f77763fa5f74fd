"""The catalogue of kinds of policies and values.

A kind is a module with ``PARAMS`` (name: default), maybe ``CHOICES``, ``make(instance, **params)``, which returns the record,
``state`` and ``restore`` (its arrays by name, and back), ``shape(instance)``, what a stored one must agree with, maybe
``check(record)``, maybe ``in_units(role, unit, params, arrays)``, what a stored one is where all rewards are `unit` times as large
(its shape then has a "base" to which they are in proportion), and implementations of the operations of `planners.policies.policy`:
of a policy, of a value, or both.
"""

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple

from games.errors import UnknownName, UsageError, did_you_mean
from games.params import Value, resolve_params
from games.sentences import check_ranges
from games.world import Instance
from planners.policies.policy import prefer, worth

POLICY, VALUE = "policy", "value"


class Kind(NamedTuple):
    """A catalogued kind: its module and a title."""

    module: str
    title: str


KINDS: dict[str, Kind] = {
    "tabular": Kind("planners.policies.tabular", "a number for every state and action; small worlds"),
    "ntuple": Kind("planners.policies.ntuple", "sums of table look-ups, each of a few cells; the 2048 family"),
    "mlp": Kind("planners.policies.mlp", "a network with one or two hidden layers; 2048, Sokoban"),
    "conv": Kind("planners.policies.conv", "a convolutional network that is the same however a board is turned; Sokoban, 2048"),
}


class Learned(NamedTuple):
    """A policy or value with what it is: its role (POLICY or VALUE), kind, parameters and record."""

    role: str
    kind: str
    params: Mapping[str, Value]
    record: Any


def usual_kind(instance: Instance) -> tuple[str, dict[str, Value]]:
    """Return the kind, with what differs from its defaults, that is taken for the world of `instance` unless one is named.

    It is the first whose module has ``suits(instance)`` and returns parameters, else the first of all.
    """
    for name in KINDS:
        suits = getattr(kind_module(name), "suits", lambda instance: None)
        found = suits(instance)
        if found is not None:
            return name, found
    return next(iter(KINDS)), {}


def kind_module(name: str) -> ModuleType:
    """Return the module of the kind called `name`.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in KINDS:
        raise UnknownName(
            name,
            "kind of policy",
            f"unknown kind of policy {name!r}{did_you_mean(name, list(KINDS))}; legal are {', '.join(KINDS)}",
        )
    return importlib.import_module(KINDS[name].module)


def kind_params(name: str, given: Mapping[str, Value]) -> dict[str, Value]:
    """Return a value for every parameter of a kind.

    Raises
    ------
    UsageError
        For an unknown kind, parameter or value.
    """
    module = kind_module(name)
    params = resolve_params(name, module.PARAMS, getattr(module, "CHOICES", {}), given)
    check_ranges(name, params, module.__doc__)
    return params


def make_learned(role: str, kind: str, instance: Instance, given: Mapping[str, Value]) -> Learned:
    """Return a new policy or value of this kind for the world of `instance`.

    Raises
    ------
    UsageError
        For an unknown kind, parameter or value, or a kind that this world or role is not for.
    """
    params = kind_params(kind, given)
    record = kind_module(kind).make(instance, **params)
    if not {POLICY: prefer, VALUE: worth}[role].known(record):
        raise UsageError(f"{kind} is no {role}; see 'gameplan algos' for the kinds there are")
    return Learned(role, kind, params, record)
