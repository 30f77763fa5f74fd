"""Meta-strategy solvers: shipped ones, users' files in the same form, and programs in the published class form.

    TRAIN = {"steps": 1000}                   # hyper-parameters of train, set with --set train.steps=500; EVAL likewise
    STATE = {}                                # declares that nothing is remembered between calls
    @njit
    def train(meta, iteration, params): ...   # the joint vector of all players' probabilities
    @njit
    def evaluate(meta, iteration, params): ...

`meta` is the compiled meta-game (`solvers.psro.meta_game`); `solvers.rule` has what works on it. A function whose first argument
has another name gets `solvers.psro.payoffs.Payoffs`, which offers ``sizes``, ``vector(player, strategies)``, ``tensor(player)``
and ``least_exploitable(player)``; it returns one array a player, is plain Python, and may leave out `params`.

    def answers(payoffs, strategies, respond): ...

is for solvers that say what joins the populations: it is given the train strategies, and returns a list of new policies a player,
realisation plans. ``respond(player, strategies)`` is the oracle, the best response to the others' strategies. Solvers without it
get that of every player to the train strategies. The class form:
``TrainMetaStrategySolver`` and ``EvalMetaStrategySolver`` with ``get_meta_strategy(game, policy_sets, meta_games)``, which returns
non-negative weights a player; a file without STATE and programs in class form may remember things, so runs replay to resume.
"""

import hashlib
import importlib
import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from games.errors import GameplanError, one_line
from games.jit import njit
from games.params import Value, check_table, resolve_params
from games.sentences import check_ranges
from solvers.cfr.records import record_class
from solvers.cfr.rule_file import load_module
from solvers.plans import policy_of
from solvers.psro.dynamics import split
from solvers.psro.meta_game import MetaGame
from solvers.psro.payoffs import Payoffs

Respond = Callable[[int, Sequence[np.ndarray]], np.ndarray]
CLASSES = {"train": "TrainMetaStrategySolver", "eval": "EvalMetaStrategySolver"}
FUNCTIONS = {"train": "train", "eval": "evaluate"}
ANSWERS = "answers"
TOLERANCE = 1e-9  # by how much the masses of a plan may be wrong


@dataclass(frozen=True)
class MetaSolver:
    """One role, "train" or "eval", of a meta-strategy solver with its parameters."""

    name: str
    role: str
    call: Callable[[Payoffs, int], Any]
    params: dict[str, Value]
    replays: bool
    digest: str | None
    function: Callable[..., Any] | None = None
    doc: str = ""
    answers: Callable[[Payoffs, list[np.ndarray], Respond], Any] | None = None

    def repeats(self, other: "MetaSolver") -> bool:
        """Return whether this solver's answer is sure to be `other`'s: same function, same parameters, no memory."""
        return self.function is not None and self.function is other.function and self.params == other.params and not self.replays


def shipped_module(module: str) -> ModuleType:
    """Return the module of a shipped solver."""
    return importlib.import_module(module)


def is_meta_solver(module: ModuleType) -> bool:
    """Return whether `module` has a solver for any role, as a function or in the published class form."""
    return any(callable(getattr(module, name, None)) for name in (*CLASSES.values(), *FUNCTIONS.values()))


def make_meta_solver(name: str, role: str, module: ModuleType, given: Mapping[str, Value], source: str | None) -> MetaSolver:
    """Return the solver in `module` for `role`; `source` is the text of a user's file.

    Raises
    ------
    UsageError
        For an unknown parameter.
    GameplanError
        If the module has no function or class for the role.
    """
    digest = hashlib.sha256(source.encode()).hexdigest() if source is not None else None
    cls = getattr(module, CLASSES[role], None)
    if isinstance(cls, type):
        resolve_params(f"{name} ({role})", {}, {}, given)
        try:
            instance = cls()
        except (GameplanError, KeyboardInterrupt):
            raise
        except BaseException as error:
            said = f"{type(error).__name__}: {one_line(error)}"
            raise GameplanError(f"{name}: {CLASSES[role]}() failed: {said}; it must need no arguments") from error
        if not callable(getattr(instance, "get_meta_strategy", None)):
            raise GameplanError(f"{name}: {CLASSES[role]} has no method get_meta_strategy(game, policy_sets, meta_games)")
        return MetaSolver(name, role, lambda payoffs, _: _call_class(instance, payoffs), {}, True, digest)
    function = getattr(module, FUNCTIONS[role], None)
    if not callable(function):
        raise GameplanError(
            f"{name} cannot be the {role} solver: it has neither {FUNCTIONS[role]}(payoffs, iteration) nor a class {CLASSES[role]}"
        )
    defaults = getattr(module, role.upper(), {})
    check_table(name, role.upper(), defaults)
    params = resolve_params(f"{name} ({role})", defaults, {}, given)
    check_ranges(f"{name} ({role})", params, module.__doc__)
    call = bound(f"{name}: {FUNCTIONS[role]}", function, record_class(tuple(params))(**params))
    remembers = getattr(module, "STATE", None) != {}
    answers = getattr(module, ANSWERS, None) if role == "train" else None
    if answers is not None and len(inspect.signature(answers).parameters) != 3:
        raise GameplanError(f"{name}: {ANSWERS} must take (payoffs, strategies, respond)")
    return MetaSolver(name, role, call, params, remembers, digest, function, module.__doc__ or "", answers)


def bound(name: str, function: Callable[..., Any], params: Any) -> Callable[[Payoffs, int], Any]:
    """Return a solver's function with its `params` as a function of payoffs and iteration.

    Raises
    ------
    GameplanError
        If it takes other arguments.
    """
    arguments = list(inspect.signature(getattr(function, "py_func", function)).parameters)
    on_meta, wants = arguments[:1] == ["meta"], len(arguments)
    if wants != 3 and (wants != 2 or on_meta):
        raise GameplanError(
            f"{name} takes {wants} arguments; it must take (meta, iteration, params) or (payoffs, iteration[, params])"
        )
    if on_meta:
        made = entry(function)
        return lambda payoffs, n: _parts(made(payoffs.meta, n, params), payoffs.meta)
    return (lambda payoffs, n: function(payoffs, n, params)) if wants == 3 else function


@cache
def entry(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a solver's function as Python calls it: if compiled from a file, cached on disk, as a rule's ``@njit`` is not."""
    compiled = getattr(function, "py_func", None)
    return njit(compiled) if compiled and not compiled.__code__.co_filename.startswith("<") else function


def _parts(strategies: np.ndarray, meta: MetaGame) -> list[np.ndarray]:
    if np.shape(strategies) != (meta.start[-1],):
        raise ValueError(f"the answer has shape {np.shape(strategies)}; a joint vector has {meta.start[-1]} numbers here")
    return split(strategies, meta)


def load_meta_solver(path: Path, role: str, given: Mapping[str, Value]) -> MetaSolver:
    """Return the solver in the user's file `path` for `role`."""
    module, source = load_module(path)
    return make_meta_solver(path.name, role, module, given, source)


def checked_strategies(solver: MetaSolver, payoffs: Payoffs, iteration: int) -> list[np.ndarray]:
    """Return the solver's strategies, checked and normalised.

    Raises
    ------
    GameplanError
        If they have the wrong shape, are negative, NaN or all zero; or whatever the solver raises.
    """
    where = f"{solver.role} solver {solver.name}, iteration {iteration}"
    answer = _called(where, solver.call, payoffs, iteration)
    try:
        strategies = [np.array(part, np.float64) for part in answer]
    except (TypeError, ValueError) as error:
        raise GameplanError(f"{where}: no arrays of weights were returned: {error}") from error
    if len(strategies) != len(payoffs.sizes):
        raise GameplanError(f"{where}: {len(strategies)} strategies were returned; the game has {len(payoffs.sizes)} players")
    for player, (weights, size) in enumerate(zip(strategies, payoffs.sizes, strict=True)):
        if weights.shape != (size,):
            raise GameplanError(f"{where}, player {player}: weights of shape {weights.shape}; the population has {size} policies")
        total = weights.sum()
        if not (weights.min() >= 0.0 and 0.0 < total < np.inf):
            shown = np.array2string(weights, precision=4, threshold=8)
            raise GameplanError(f"{where}, player {player}: weights must be non-negative, finite and not all zero, not {shown}")
        strategies[player] = weights / total
    return strategies


def checked_answers(
    solver: MetaSolver, payoffs: Payoffs, strategies: list[np.ndarray], iteration: int, respond: Respond
) -> list[np.ndarray]:
    """Return the new policies (policies, sequences) of every player that a solver with `answers` names, checked.

    Raises
    ------
    GameplanError
        If they are no realisation plans; or whatever the solver raises.
    """
    where = f"{solver.role} solver {solver.name}, iteration {iteration}, {ANSWERS}"
    found = _called(where, solver.answers, payoffs, strategies, respond)
    game, made = payoffs.game, []
    try:
        made = [np.array(plans, np.float64).reshape(len(plans), n + 1) for plans, n in zip(found, game.actions, strict=True)]
    except (TypeError, ValueError) as error:
        shapes = " and ".join(str(n + 1) for n in game.actions)
        raise GameplanError(f"{where}: a list of plans for each player must be returned, of {shapes} sequences: {error}") from error
    for player, plans in enumerate(made):
        infosets, tree = game.player_infosets(player), game.tree
        kept = np.add.reduceat(plans[:, 1:], tree.first[infosets].astype(np.int64), axis=1) - plans[:, tree.parent[infosets]]
        good = np.isfinite(plans).all() and plans.min(initial=0.0) >= 0.0 and (np.abs(plans[:, 0] - 1.0) <= TOLERANCE).all()
        if not good or (np.abs(kept) > TOLERANCE).any():
            raise GameplanError(f"{where}, player {player}: no realisation plans were returned; respond(player, strategies) is one")
    return made


def _called(where: str, function: Callable[..., Any] | None, *arguments: Any) -> Any:
    """Return what a solver's `function` returns; what it raises becomes one line that says `where`."""
    assert function is not None
    try:
        return function(*arguments)
    except (GameplanError, KeyboardInterrupt):
        raise
    except BaseException as error:  # also SystemExit: a solver does not end the process, least of all as if all had gone well
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise GameplanError(
            f"{where}: {type(error).__name__}: {one_line(error)} (line {last.lineno} of {Path(last.filename).name})"
        ) from error


def _call_class(instance: Any, payoffs: Payoffs) -> Any:
    """Call the published interface: the policies as flat probability arrays, the meta-games as a list of tensors."""
    game = payoffs.game
    size = sum(x.nbytes for x in payoffs.populations)
    if size > payoffs.memory_limit:
        raise GameplanError(
            f"the policy sets need {size / 2**30:.1f} GiB, more than the limit of {payoffs.memory_limit / 2**30:.1f} GiB; "
            "write the solver as train(payoffs, iteration), which needs none"
        )
    policies = [[policy_of(game, p, plan) for plan in population] for p, population in enumerate(payoffs.populations)]
    return instance.get_meta_strategy(game, policies, [payoffs.tensor(p) for p in range(game.players)])
