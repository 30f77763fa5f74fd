"""Evaluators of trajectories: what the world says, exact values of small worlds, noise; and a wrapper that makes any of them worse.

An evaluator is named by a text, ``kind`` or ``kind:argument``, in every planner's parameters; `EVALUATORS` says who makes it. One
of one's own is the path of a file, or ``module:attribute``: a function ``worth(instance, state)``, or ``make(instance)``, which
returns a record or Python object with the operations of `planners.evaluator`.

Parameters
----------
evaluator : who values a trajectory: heuristic (the world), random, table, exact, learned, llm ..., as KIND or KIND:ARGUMENT
bias : what is added to every value, in units of value; any number
noise : standard deviation of a fixed error of every end state, in units of value; at least 0
visibility : distance of the goal, in steps, beyond which all ends look alike; at least 0, or less for no limit
"""

import importlib
import math
from typing import Any, NamedTuple

import numpy as np

from games.dispatch import operation
from games.errors import GameplanError, UnknownName, UsageError, did_you_mean
from games.jit import embedded
from games.makers import blamed
from games.modules import is_program, load_program
from games.params import Value
from games.plugins import EVALUATOR, expanded, known_names
from games.process import distance, key, outlook, potential
from games.random import mix, normal
from games.world import Instance
from planners.evaluator import evaluate, value
from planners.parts.exact import solve
from planners.parts.table import find, new_table

HEURISTIC, RANDOM, TABLE = range(3)

# Kind: the function, "module:name", that makes it from an instance and the text behind the colon.
EVALUATORS: dict[str, str] = {
    "heuristic": "planners.parts.evaluators:heuristic",
    "random": "planners.parts.evaluators:random",
    "exact": "planners.parts.evaluators:exact",
    "value": "planners.parts.learned:make_evaluator",
    "llm": "planners.language.parts:make_evaluator",
}

# What every planner that evaluates has among its PARAMS.
PARAMS: dict[str, Value] = {"evaluator": "heuristic", "bias": 0.0, "noise": 0.0, "visibility": -1.0}


class Standard(NamedTuple):
    """The evaluators that need nothing but the model.

    Attributes
    ----------
    kind : int
        HEURISTIC: the world's own `outlook`; RANDOM: a fixed random number in [0, 1) for every end state; TABLE: rewards so far and
        the value of the end state in a table.
    salt : int
        Names the random numbers.
    table_keys, table_slots, worths : arrays
        See `planners.parts.table`; the value of each entry (float64).
    """

    kind: int
    salt: int
    table_keys: np.ndarray
    table_slots: np.ndarray
    worths: np.ndarray


class Corrupt(NamedTuple):
    """Any compiled evaluator, made worse: for sweeps over its quality.

    Attributes
    ----------
    inner : record
    bias, noise : float
        Added to the value: a constant, and a normal error of this deviation that is fixed for every end state, so that asking again
        does not average it out. The sum is clipped to [0, 1].
    visibility : float
        If not negative, ends with the goal farther than this (`games.process.distance`) are all valued `blind`.
    blind : float
    seed : int
        Names the errors.
    """

    inner: Any
    bias: float
    noise: float
    visibility: float
    blind: float
    seed: int


@embedded
def _fixed(state_key, salt):
    """Return a random stream that is always the same for a state."""
    rng = np.empty(4, np.uint64)
    for k in range(4):
        rng[k] = mix(state_key ^ mix(np.uint64(4 * salt + k)))
    return rng


@embedded
def _hashed_unit(state_key, salt):
    return np.float64(mix(state_key ^ mix(np.uint64(salt))) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@evaluate.of(Standard)
def _evaluate(evaluator, model, trajectory, length, rng, cost):
    end = trajectory.states[length]
    if evaluator.kind == HEURISTIC:
        return outlook(model, trajectory, length)
    if evaluator.kind == RANDOM:
        return _hashed_unit(key(model, end), evaluator.salt)
    total = 0.0
    for t in range(length):
        total += trajectory.rewards[t]
    return total + evaluator.worths[evaluator.table_slots[find(evaluator.table_keys, evaluator.table_slots, key(model, end))]]


@value.of(Standard)
def _value(evaluator, model, state, rng, cost):
    if evaluator.kind == HEURISTIC:
        return potential(model, state, state)
    if evaluator.kind == RANDOM:
        return _hashed_unit(key(model, state), evaluator.salt)
    return evaluator.worths[evaluator.table_slots[find(evaluator.table_keys, evaluator.table_slots, key(model, state))]]


@evaluate.of(Corrupt)
def _evaluate_corrupt(evaluator, model, trajectory, length, rng, cost):
    return _corrupted(evaluator, model, trajectory.states[length], evaluate(evaluator.inner, model, trajectory, length, rng, cost))


@value.of(Corrupt)
def _value_corrupt(evaluator, model, state, rng, cost):
    return _corrupted(evaluator, model, state, value(evaluator.inner, model, state, rng, cost))


@operation
def _corrupted(evaluator, model, state, seen):
    """Return the value `seen` of `state` as the corrupt evaluator tells it."""
    if evaluator.visibility >= 0.0 and distance(model, state) > evaluator.visibility:
        seen = evaluator.blind
    error = evaluator.noise * normal(_fixed(key(model, state), evaluator.seed)) if evaluator.noise > 0.0 else 0.0
    return min(max(seen + evaluator.bias + error, 0.0), 1.0)


def heuristic(instance: Instance, argument: str = "") -> Standard:
    """Return the evaluator that says what the world itself expects."""
    return _standard(HEURISTIC, instance)


def random(instance: Instance, argument: str = "") -> Standard:
    """Return the evaluator that knows nothing."""
    return _standard(RANDOM, instance)


def exact(instance: Instance, argument: str = "") -> Standard:
    """Return the evaluator that knows the best return from the end (within the whole horizon), 1 % less for each step to a goal."""
    solution = solve(instance, argument or "rewards")
    v, d = solution.values(instance.horizon)
    worths = v * np.where(np.isfinite(d), 0.99 ** np.minimum(d, 1e6), 1.0)
    return Standard(TABLE, instance.seed, solution.keys, solution.slots, worths)


def _standard(kind: int, instance: Instance) -> Standard:
    return Standard(kind, instance.seed, *new_table(1), np.zeros(1))


def is_own(evaluator: str) -> bool:
    """Return whether a text names an evaluator that does not ship: a program, or a plug-in."""
    return (
        bool(evaluator) and evaluator.partition(":")[0] not in EVALUATORS and is_program(expanded(EVALUATOR, evaluator, EVALUATORS))
    )


class FunctionEvaluator:
    """An evaluator by a function of the user's own, which is asked about single states; it runs uncompiled."""

    def __init__(self, function: Any, instance: Instance) -> None:
        self._function, self._instance = function, instance

    def evaluate(self, model: Any, trajectory: Any, length: int, rng: np.ndarray, cost: np.ndarray) -> float:
        """See `planners.evaluator.evaluate`: the worth of the end."""
        return self.value(model, trajectory.states[length], rng, cost)

    def value(self, model: Any, state: np.ndarray, rng: np.ndarray, cost: np.ndarray) -> float:
        """See `planners.evaluator.value`.

        Raises
        ------
        GameplanError
            If it is not finite.
        """
        found = float(self._function(self._instance, state.copy()))
        if not math.isfinite(found):
            raise GameplanError(f"the evaluator's worth of a state is {found}; it must be finite, from 0 to 1")
        return found


def _own(instance: Instance, name: str) -> Any:
    program = load_program(name, "evaluator file")
    function, make = getattr(program.module, "worth", None), getattr(program.module, program.attribute, None)
    if callable(function) and (make is None or make is function):
        return FunctionEvaluator(function, instance)
    if not callable(make):
        raise UnknownName(name, EVALUATOR, f"{name} defines no evaluator: it has neither worth(instance, state) nor make(instance)")
    with blamed(program, f"{program.attribute}()"):
        made = make(instance)
    if not (evaluate.known(made) and value.known(made)):
        raise GameplanError(f"{name}: {program.attribute} makes no evaluator; planners/evaluator.py says what one does")
    return made


def make_evaluator(
    instance: Instance, evaluator: str = "heuristic", bias: float = 0.0, noise: float = 0.0, visibility: float = -1.0
) -> Any:
    """Return the evaluator called `evaluator` for an instance, corrupted if the other parameters say so (`Corrupt`).

    Raises
    ------
    UsageError
        For an unknown kind.
    """
    kind, _, argument = evaluator.partition(":")
    if is_own(evaluator):
        made = _own(instance, expanded(EVALUATOR, evaluator, EVALUATORS))
    elif kind in EVALUATORS:
        module, _, maker = EVALUATORS[kind].partition(":")
        made = getattr(importlib.import_module(module), maker)(instance, argument)
    else:
        known = known_names(EVALUATOR, EVALUATORS)
        raise UsageError(f"unknown evaluator {kind!r}{did_you_mean(kind, known)}; legal are {', '.join(known)} and files")
    if bias == 0.0 and noise == 0.0 and visibility < 0.0:
        return made
    if not isinstance(made, tuple):
        raise UsageError(f"evaluator {kind} cannot be corrupted by bias, noise or visibility; leave them out")
    return Corrupt(made, bias, noise, visibility, 0.15, instance.seed)
