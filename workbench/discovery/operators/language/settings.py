"""How models are asked for programs: one table of settings, from a configuration, options and the environment.

Parameters
----------
choice : how one of several models is chosen, by weights or by a bandit that learns what each is worth
exploration : of the bandit, in units of its gains; from 0 to 1,000,000
examples : best programs that a question shows; from 0 to 1000
diverse : other programs that it shows; from 0 to 1000
failures : children of the parent that were rejected, which it shows; from 0 to 1000
attempts : questions until a reply has a program, the reason for refusal in each; from 1 to 1000
and those of planners.language.settings
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from games.errors import UsageError, did_you_mean
from games.params import Value, check_bounds, resolve_params
from planners.language.settings import PARAMS as ENDPOINT
from planners.language.settings import Settings

OWNER = "operator llm"
PARAMS: dict[str, Value] = {
    **ENDPOINT,
    "temperature": 0.8,
    "timeout": 300.0,  # a program takes a model longer than a move
    "choice": "weights",
    "exploration": 0.5,
    "examples": 3,
    "diverse": 2,
    "failures": 3,
    "attempts": 1,
}
CHOICES = {"choice": ("weights", "bandit")}
TABLES = ("models", "prices")
_DEAREST = 1e9  # of a million tokens: sums stay finite
_BOUNDS = {"exploration": (0.0, 1e6), "examples": (0, 1000), "diverse": (0, 1000), "failures": (0, 1000), "attempts": (1, 1000)}


@dataclass(frozen=True)
class Model:
    """A model: its endpoint, its share of the questions, and its price per million tokens in and out, None if none has one."""

    name: str
    endpoint: Settings
    weight: float = 1.0
    price: tuple[float, float] | None = None

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """Return the price of an answer; 0 if none is known."""
        return 0.0 if self.price is None else (self.price[0] * tokens_in + self.price[1] * tokens_out) / 1e6


@dataclass(frozen=True)
class LanguageSettings:
    """Checked settings of the operator.

    `choice` among the `models` is by "weights" or by a "bandit" with this much `exploration`. A prompt shows `examples` best and
    `diverse` other programs, and `failures` of the parent's children; a reply without a program is answered with the reason until
    `attempts` were made.
    """

    models: tuple[Model, ...]
    choice: str
    exploration: float
    examples: int
    diverse: int
    failures: int
    attempts: int


def complete(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` in full, ready to be stored with a run: defaults filled in, texts converted, models from the environment.

    Models belong to the run. Addresses that `given` leaves out do not: they stay with the environment, where a server may move.

    Raises
    ------
    UsageError
        For an unknown name, a value of the wrong type, or if no model is named.
    """
    for name in given:
        if name not in PARAMS and name not in TABLES:
            legal = [*PARAMS, *TABLES]
            raise UsageError(f"{OWNER} has no setting {name!r}{did_you_mean(name, legal)}; legal are {', '.join(legal)}")
    made: dict[str, Any] = resolve_params(OWNER, PARAMS, CHOICES, {k: v for k, v in given.items() if k not in TABLES})
    check_bounds(made, _BOUNDS, OWNER)
    made["prices"] = _prices(given.get("prices") or {})
    made["models"] = _entries(given.get("models") or ())
    if not made["models"]:
        made["model"] = made["model"] or os.environ.get("GAMEPLAN_LLM_MODEL", "").strip()
    elif made["model"]:
        raise UsageError(
            f"{OWNER}: model={made['model']} and models={', '.join(e['model'] for e in made['models'])}; give one of them"
        )
    return made


def resolve(given: Mapping[str, Any]) -> LanguageSettings:
    """Return the checked settings for `given`; keys and addresses that it leaves out come from the environment.

    Raises
    ------
    UsageError
        As `complete`, and if no endpoint is named or a price is missing.
    """
    made = complete(given)
    shared = {name: made[name] for name in ENDPOINT}
    models = []
    for entry in made["models"] or [{"model": made["model"]}]:
        own = {name: value for name, value in entry.items() if name != "weight"}
        endpoint = Settings.resolve(**{**shared, **own})
        price = made["prices"].get(endpoint.model)
        models.append(Model(endpoint.model, endpoint, entry.get("weight", 1.0), None if price is None else (price[0], price[1])))
    if made["prices"]:
        missing = [model.name for model in models if model.price is None]
        if missing:
            raise UsageError(
                f"{OWNER}: prices has none for {', '.join(missing)}; give one for every model (0/0 if free), or none at all"
            )
        free = [model.name for model in models if not model.cost(1, 1)]
        if free and made["choice"] == "bandit":
            raise UsageError(f"{OWNER}: choice=bandit weighs gains by price, and {', '.join(free)} has none; give it one above 0")
    return LanguageSettings(
        tuple(models), *(made[n] for n in ("choice", "exploration", "examples", "diverse", "failures", "attempts"))
    )


def _entries(given: Any) -> list[dict[str, Any]]:
    """Return one table a model, of "a=3,b=1" or a list of tables with model, weight, and settings of the endpoint."""
    if isinstance(given, str):
        given = [{"model": name, "weight": weight or 1.0} for name, weight in _pairs("models", given, "big=3,small=1")]
    if not isinstance(given, Sequence) or not all(isinstance(entry, Mapping) and entry.get("model") for entry in given):
        raise UsageError(f"{OWNER}: models must be a list of tables with at least a model, or a text such as big=3,small=1")
    entries = []
    for entry in given:
        named = f"{OWNER}: model {entry['model']}"
        legal: dict[str, Value] = {**ENDPOINT, "weight": 1.0}
        values = resolve_params(named, legal, {}, entry)
        if not float(values["weight"]) > 0.0:
            raise UsageError(f"{named} has the weight {values['weight']}; it must be above 0")
        entries.append({name: values[name] for name in entry})
    names = [entry["model"] for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{OWNER}: the model {name} is listed twice; give it one weight")
    return entries


def _prices(given: Any) -> dict[str, list[float]]:
    """Return model -> price per million tokens in and out, of "a=2.5/10,b=0.1/0.4" or a table with lists of two numbers."""
    if isinstance(given, str):
        given = dict(_pairs("prices", given, "big=2.5/10,small=0.1/0.4"))
    if not isinstance(given, Mapping):
        raise UsageError(f"{OWNER}: prices must be a table from models to [in, out] per million tokens")
    prices = {}
    for model, price in given.items():
        try:
            numbers = [float(number) for number in (price.split("/") if isinstance(price, str) else price)]
        except (TypeError, ValueError):
            numbers = []
        if len(numbers) != 2 or not all(0.0 <= number <= _DEAREST for number in numbers):
            raise UsageError(
                f"{OWNER}: the price of {model} is {price!r}; it must be two numbers from 0 to {_DEAREST:g}, per million tokens in "
                "and out"
            )
        prices[str(model)] = numbers
    return prices


def _pairs(name: str, text: str, example: str) -> list[tuple[str, str]]:
    parts = [part.rpartition("=") if "=" in part else (part, "=", "") for part in text.split(",") if part.strip()]
    if not all(key.strip() for key, _, _ in parts):
        raise UsageError(f"{OWNER}: {name}={text} cannot be read; write it like {example}")
    return [(key.strip(), value.strip()) for key, _, value in parts]
